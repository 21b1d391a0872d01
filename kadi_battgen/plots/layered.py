"""Where the boxes of a directed graph stand: columns from sources to results, with few crossings and room for arrows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

#: Sweeps over the columns, each of which moves boxes nearer to those they are linked with.
_SWEEPS = 12

#: What a bend counts beside a box when places are moved to the middle of what they are linked with.
_BEND_WEIGHT = 0.2


@dataclass
class Place:
    """A box, or a bend of an arrow that passes a column.

    Attributes
    ----------
    name
        Of the box; of the box that the arrow starts from, for a bend.
    column
        0 for the first.
    height
        In the unit of the layout.
    is_bend
        Whether it is a bend.
    centre
        Vertical position, growing downwards.
    sources
        Where the arrows come from that end or pass here.
    """

    name: str
    column: int
    height: float
    is_bend: bool = False
    centre: float = 0.0
    sources: list[Place] = field(default_factory=list, repr=False)


def columns_of(sources: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return the column of each box: right of all its sources, and directly left of its first user if it has none.

    Parameters
    ----------
    sources
        The boxes that each box has arrows from; all are boxes themselves.

    Raises
    ------
    ValueError
        If the arrows form a circle.
    """
    columns: dict[str, int] = {}
    waiting = dict(sources)
    while waiting:
        ready = [name for name, before in waiting.items() if all(entry in columns for entry in before)]
        if not ready:
            raise ValueError(f"the links of {', '.join(sorted(waiting))} form a circle.")
        for name in ready:
            columns[name] = max((columns[entry] + 1 for entry in waiting.pop(name)), default=0)
    for name, before in sources.items():
        users = [columns[user] for user, entries in sources.items() if name in entries]
        if not before and users:
            columns[name] = min(users) - 1
    return columns


def arrange(
    sources: Mapping[str, Sequence[str]], heights: Mapping[str, float], gap: float, bend: float
) -> list[list[Place]]:
    """Return the places in each column, from top to bottom.

    An arrow over several columns has a bend in each one between, which all arrows from the same box share.

    Parameters
    ----------
    sources
        The boxes that each box has arrows from.
    heights
        Height of each box.
    gap
        Smallest distance between two places of a column.
    bend
        Height that a bend takes.

    Raises
    ------
    ValueError
        If the arrows form a circle.
    """
    numbers = columns_of(sources)
    columns: list[list[Place]] = [[] for _ in range(max(numbers.values(), default=-1) + 1)]
    boxes = {name: Place(name, column, heights[name]) for name, column in numbers.items()}
    for place in boxes.values():
        columns[place.column].append(place)
    bends: dict[tuple[str, int], Place] = {}
    for name, before in sources.items():
        for entry in dict.fromkeys(before):
            last = boxes[entry]
            for column in range(numbers[entry] + 1, numbers[name]):
                if (entry, column) not in bends:
                    bends[entry, column] = Place(entry, column, bend, is_bend=True, sources=[last])
                    columns[column].append(bends[entry, column])
                last = bends[entry, column]
            boxes[name].sources.append(last)
    _order(columns)
    _align(columns, gap)
    return columns


def _order(columns: list[list[Place]]) -> None:
    """Order each column by the middle of what its places are linked with."""
    users: dict[int, list[Place]] = {id(place): [] for column in columns for place in column}
    for column in columns:
        for place in column:
            for source in place.sources:
                users[id(source)].append(place)
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        for column in columns if forward else columns[::-1]:
            ranks = {id(place): rank for other in columns for rank, place in enumerate(other)}
            middles = {}
            for place in column:
                linked = place.sources if forward else users[id(place)]
                found = [ranks[id(other)] for other in linked]
                middles[id(place)] = sum(found) / len(found) if found else ranks[id(place)]
            column.sort(key=lambda place: middles[id(place)])


def _align(columns: list[list[Place]], gap: float) -> None:
    """Move the places of each column towards those they are linked with, without one on top of another."""
    users: dict[int, list[Place]] = {id(place): [] for column in columns for place in column}
    for column in columns:
        top = 0.0
        for place in column:
            place.centre = top + place.height / 2
            top += place.height + gap
            for source in place.sources:
                users[id(source)].append(place)
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        for column in columns if forward else columns[::-1]:
            wanted = []
            for place in column:
                linked = place.sources if forward else users[id(place)]
                weights = [_BEND_WEIGHT if other.is_bend else 1.0 for other in linked]
                total = sum(weight * other.centre for weight, other in zip(weights, linked, strict=True))
                wanted.append(total / sum(weights) if linked else place.centre)
            _settle(column, wanted, gap)
    highest = min((place.centre - place.height / 2 for column in columns for place in column), default=0.0)
    for column in columns:
        for place in column:
            place.centre -= highest


def _settle(column: list[Place], wanted: Sequence[float], gap: float) -> None:
    """Put places as near to where they want to be as their order and the gap between them allow.

    Neighbours that would overlap are moved together, to the middle of what they want.
    """
    blocks: list[tuple[float, float, list[tuple[Place, float]]]] = []  # wanted offset, weight, places and their offsets
    for place, want in zip(column, wanted, strict=True):
        block = (want, 1.0, [(place, 0.0)])
        while blocks:
            start, weight, members = blocks[-1]
            last, offset = members[-1]
            distance = offset + (last.height + block[2][0][0].height) / 2 + gap
            if start + distance <= block[0]:
                break
            blocks.pop()
            merged = members + [(entry, distance + shift) for entry, shift in block[2]]
            total = weight + block[1]
            block = ((start * weight + (block[0] - distance) * block[1]) / total, total, merged)
        blocks.append(block)
    for start, _, members in blocks:
        for place, offset in members:
            place.centre = start + offset
