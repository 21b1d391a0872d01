"""Where a result comes from: its records as boxes, from the sources on the left to the result on the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from kadi_battgen.plots.layered import Place, arrange
from kadi_battgen.plots.palette import BLUE, GREEN, GRID, INK, MUTED, PURPLE, VERMILION
from kadi_battgen.plots.style import LABEL_SIZE, cut, new_figure, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Colour of each state, which stands in words beside it.
STATE_COLOURS: Final = {
    "succeeded": GREEN,
    "running": BLUE,
    "failed": VERMILION,
    "interrupted": "#B26A00",
    "killed": PURPLE,
}

#: State of a record that others name and that is not there.
ABSENT: Final = "not here"

#: Inches: a box, the room between columns, between boxes, around everything, and for an arrow that passes a column.
_WIDTH, _HEIGHT, _BESIDE, _BETWEEN, _MARGIN, _BEND = 2.25, 0.98, 0.95, 0.22, 0.25, 0.12

#: Inches between two arrows that end at a box, and between two that go on in the band below.
_INPUT, _TURN = 0.17, 0.08

#: Inches for the title above, and for the line below that explains the arrows.
_TITLE, _FOOT = 0.35, 0.3

#: Columns that stand beside each other; longer chains go on in a band below.
_ACROSS: Final = 10

_SMALL = 7.0


@dataclass(frozen=True)
class ProvenanceRecord:
    """A record of a chain.

    Attributes
    ----------
    identifier
        Its identifier.
    record_type
        Its type, such as ``afm-campaign``.
    title
        What people call it.
    state
        How its run stands or ended: a key of :data:`STATE_COLOURS`.
    started
        When its run started, if that is known.
    links
        What it used: the role, such as ``dataset``, and the identifier of the record that generated it.
    """

    identifier: str
    record_type: str
    title: str = ""
    state: str = "succeeded"
    started: datetime | None = None
    links: Sequence[tuple[str, str]] = ()


def provenance_figure(records: Sequence[ProvenanceRecord], title: str = "") -> Figure:
    """Draw the records that a result goes back to, with an arrow from each one to those that used what it generated.

    Records that others name and that are missing are drawn too, with a dashed edge. Chains of more than ten steps go on
    below.

    Parameters
    ----------
    records
        The records, in any order.
    title
        Title of the figure.

    Raises
    ------
    ValueError
        If there is no record, one occurs twice, or the links form a circle.
    """
    known = {record.identifier: record for record in records}
    if not known or len(known) < len(records):
        raise ValueError("there is no record to draw, or one occurs twice.")
    named = dict.fromkeys(source for record in records for _, source in record.links)
    absent = [ProvenanceRecord(name, "record", state=ABSENT) for name in named if name not in known]
    drawn = {record.identifier: record for record in (*absent, *records)}
    sources = {name: tuple(dict.fromkeys(source for _, source in record.links)) for name, record in drawn.items()}
    heights = {name: max(_HEIGHT, _INPUT * (len(set(record.links)) + 1)) for name, record in drawn.items()}
    columns = arrange(sources, heights, _BETWEEN, _BEND)

    paper = _Paper.of(columns, _MARGIN + (_TITLE if title else 0.0))
    has_links = any(record.links for record in records)
    width, height = max(paper.width, 4.0 if title or has_links else 0.0), paper.height + (_FOOT if has_links else 0.0)
    figure = new_figure(width, height, title)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(0.0, width), ylim=(height, 0.0))
    axes.set_axis_off()
    for spot in paper.spots.values():
        if spot.place.is_bend:
            _draw_arrow(axes, paper, paper.spots[id(spot.place.sources[0])], spot, spot.y)
            axes.plot([spot.left, spot.left + _WIDTH], [spot.y, spot.y], color=MUTED, linewidth=1.1, zorder=1)
        else:
            _draw_inputs(axes, paper, spot, drawn[spot.place.name])
            _draw_box(axes, spot, drawn[spot.place.name])
    if has_links:
        text = (
            "An arrow leads from the record that generated something to the one that used it, as what stands beside it."
        )
        lines = wrapped(text, width - 2 * _MARGIN, _SMALL, 2)
        axes.text(_MARGIN, height - 0.12, "\n".join(lines), fontsize=_SMALL, color=MUTED, va="bottom")
    return figure


@dataclass(frozen=True)
class _Spot:
    """A place on the paper: its left edge and its middle, in inches from the upper left corner."""

    place: Place
    left: float
    y: float


@dataclass(frozen=True)
class _Turn:
    """How an arrow gets from the right end of a band to the left end of the next: three straight lines, in inches."""

    right: float
    y: float
    left: float


@dataclass(frozen=True)
class _Paper:
    """Where everything stands, by the ``id`` of its place."""

    spots: dict[int, _Spot]
    turns: dict[int, _Turn]
    width: float
    height: float

    @classmethod
    def of(cls, columns: Sequence[Sequence[Place]], top: float) -> _Paper:
        """Break columns into bands that stand below each other."""
        bands = [columns[start : start + _ACROSS] for start in range(0, len(columns), _ACROSS)]
        turning: list[list[Place]] = [[]]
        for band in bands[1:]:
            sources = {id(source): source for place in band[0] for source in place.sources}
            turning.append(sorted(sources.values(), key=lambda place: place.centre))
        # Each line that turns has its own height above the band, and its own way down on both sides.
        aside = _TURN * (max(len(places) for places in turning) + 1) if len(bands) > 1 else 0.0
        start, across = _MARGIN + aside, max(len(band) for band in bands)
        end = start + across * _WIDTH + (across - 1) * _BESIDE
        spots, turns = {}, {}
        for band, places in zip(bands, turning, strict=True):
            for number, place in enumerate(places):
                # The uppermost one goes furthest to the right and stays nearest on the left: none crosses another.
                right, left = end + _TURN * (len(places) - number), start - _TURN * (number + 1) - 0.1
                turns[id(place)] = _Turn(right, top + _TURN * (len(places) - number), left)
            top += _TURN * (len(places) + 1) if places else 0.0
            highest = min(place.centre - place.height / 2 for column in band for place in column)
            lowest = max(place.centre + place.height / 2 for column in band for place in column)
            for number, column in enumerate(band):
                for place in column:
                    left = start + number * (_WIDTH + _BESIDE)
                    spots[id(place)] = _Spot(place, left, top + place.centre - highest)
            top += lowest - highest + _MARGIN
        return cls(spots, turns, end + aside + _MARGIN, top)


def _draw_inputs(axes: Axes, paper: _Paper, spot: _Spot, record: ProvenanceRecord) -> None:
    """Draw the arrows that end at a box, each with what it brings."""
    starts = {source.name: paper.spots[id(source)] for source in spot.place.sources}
    arrows = [(role, starts[source]) for role, source in dict.fromkeys(record.links)]
    # From top to bottom as they come, so that they do not cross at the box.
    arrows.sort(key=lambda arrow: arrow[1].y)
    for number, (role, start) in enumerate(arrows):
        y = spot.y + (number - (len(arrows) - 1) / 2) * _INPUT
        _draw_arrow(axes, paper, start, spot, y, head=True)
        axes.text(
            spot.left - 0.13,
            y - 0.015,
            wrapped(role, _BESIDE - 0.3, _SMALL, 1)[0],
            fontsize=_SMALL,
            color=INK,
            ha="right",
            va="bottom",
            zorder=4,
            bbox={"boxstyle": "square,pad=0.05", "facecolor": "white", "edgecolor": "none", "alpha": 0.75},
        )


def _draw_arrow(axes: Axes, paper: _Paper, start: _Spot, end: _Spot, y: float, *, head: bool = False) -> None:
    """Draw a line from the right of one spot to the left of another, at `y`, or around into the band below."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    right = start.left + _WIDTH
    if end.left > right:
        half = (right + end.left) / 2
        path = Path([(right, start.y), (half, start.y), (half, y), (end.left, y)], [Path.MOVETO] + [Path.CURVE4] * 3)
    else:
        turn = paper.turns[id(start.place)]
        corners = [(turn.right, start.y), (turn.right, turn.y), (turn.left, turn.y), (turn.left, y)]
        path = Path(*_rounded([(right, start.y), *corners, (end.left, y)]))
    style = "-|>,head_length=4.5,head_width=2.4" if head else "-"
    axes.add_patch(
        FancyArrowPatch(
            path=path,
            arrowstyle=style,
            shrinkA=0,
            shrinkB=0,
            color=MUTED,
            linewidth=1.1,
            joinstyle="round",
            zorder=2,
        )
    )


def _rounded(
    points: Sequence[tuple[float, float]], radius: float = 0.06
) -> tuple[list[tuple[float, float]], list[int]]:
    """Return vertices and codes of a path along straight lines whose corners are rounded."""
    from matplotlib.path import Path

    vertices, codes = [points[0]], [int(Path.MOVETO)]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        near = []
        for other in (before, after):
            length = max(abs(other[0] - corner[0]), abs(other[1] - corner[1]))
            share = min(radius, length / 2) / length if length else 0.0
            near.append((corner[0] + share * (other[0] - corner[0]), corner[1] + share * (other[1] - corner[1])))
        vertices += [near[0], corner, near[1]]
        codes += [int(Path.LINETO), int(Path.CURVE3), int(Path.CURVE3)]
    return [*vertices, points[-1]], [*codes, int(Path.LINETO)]


def _draw_box(axes: Axes, spot: _Spot, record: ProvenanceRecord) -> None:
    from matplotlib.patches import FancyBboxPatch, Rectangle

    colour = STATE_COLOURS.get(record.state, MUTED)
    top = spot.y - spot.place.height / 2
    axes.add_patch(
        FancyBboxPatch(
            (spot.left, top),
            _WIDTH,
            spot.place.height,
            boxstyle="round,pad=0,rounding_size=0.05",
            facecolor="white",
            edgecolor=GRID if record.state != ABSENT else MUTED,
            linestyle="-" if record.state != ABSENT else (0, (4, 3)),
            linewidth=1.1,
            zorder=3,
        )
    )
    axes.add_patch(Rectangle((spot.left, top + 0.05), 0.06, spot.place.height - 0.1, color=colour, zorder=4))
    room = _WIDTH - 0.26
    texts: list[tuple[str, float, dict[str, Any]]] = [
        (wrapped(record.record_type, room, LABEL_SIZE, 1, bold=True)[0], LABEL_SIZE, {"fontweight": "bold"})
    ]
    for line in wrapped(record.title, room, _SMALL + 0.5, 2) if record.title else []:
        texts.append((line, _SMALL + 0.5, {}))
    # The end of an identifier tells it from others.
    identifier = cut(record.identifier[::-1], room, _SMALL - 0.6)[::-1]
    texts.append((identifier, _SMALL - 0.6, {"color": MUTED}))
    state = record.state if record.started is None else f"{record.state}   {record.started:%Y-%m-%d %H:%M}"
    texts.append((state, _SMALL, {"color": colour if record.state in STATE_COLOURS else MUTED, "fontweight": "bold"}))
    spread = sum(1.42 * size / 72 for _, size, _ in texts)
    y = spot.y - spread / 2
    for text, size, style in texts:
        step = 1.42 * size / 72
        axes.text(spot.left + 0.15, y + step / 2, text, fontsize=size, va="center", zorder=5, **{"color": INK, **style})
        y += step
