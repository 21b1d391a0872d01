from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadi_battgen.plots.layered import Place, arrange, columns_of

GAP, BEND = 0.2, 0.1


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    """Graphs without circles: each box has arrows from boxes of smaller numbers only, listed in any order."""
    count = draw(st.integers(1, 30))
    sources = {
        str(number): tuple(
            str(source) for source in draw(st.lists(st.integers(0, number - 1), max_size=4, unique=True)) if number
        )
        if number
        else ()
        for number in range(count)
    }
    return {name: sources[name] for name in draw(st.permutations(list(sources)))}


@pytest.mark.parametrize(
    ("sources", "columns"),
    [
        ({"a": ()}, {"a": 0}),
        ({"c": ("b",), "b": ("a",), "a": ()}, {"a": 0, "b": 1, "c": 2}),
        ({"a": (), "b": ("a",), "c": ("a", "b")}, {"a": 0, "b": 1, "c": 2}),
        # A source that is used late stands beside its user, not at the other end.
        ({"a": (), "b": ("a",), "late": (), "c": ("b", "late")}, {"a": 0, "b": 1, "late": 1, "c": 2}),
        ({"a": (), "alone": ()}, {"a": 0, "alone": 0}),
    ],
)
def test_columns(sources: dict[str, tuple[str, ...]], columns: dict[str, int]) -> None:
    assert columns_of(sources) == columns


@pytest.mark.parametrize(
    "sources", [{"a": ("a",)}, {"a": ("b",), "b": ("a",)}, {"x": (), "a": ("x", "b"), "b": ("a",)}]
)
def test_circles_are_refused(sources: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(ValueError, match="circle"):
        arrange(sources, dict.fromkeys(sources, 1.0), GAP, BEND)


@given(graphs())
def test_every_arrow_goes_one_column_at_a_time_and_nothing_overlaps(sources: dict[str, tuple[str, ...]]) -> None:
    heights = {name: 1.0 + 0.1 * len(before) for name, before in sources.items()}
    columns = arrange(sources, heights, GAP, BEND)
    places = [place for column in columns for place in column]
    boxes = {place.name: place for place in places if not place.is_bend}
    assert boxes.keys() == sources.keys()

    for number, column in enumerate(columns):
        assert all(place.column == number for place in column)
        for upper, lower in itertools.pairwise(column):
            distance = (lower.centre - lower.height / 2) - (upper.centre + upper.height / 2)
            assert distance >= GAP - 1e-9
    assert min(place.centre - place.height / 2 for place in places) == pytest.approx(0.0, abs=1e-9)

    def origin(place: Place) -> str:
        """Follow an arrow back to the box that it starts from."""
        while place.is_bend:
            (before,) = place.sources
            assert before.column == place.column - 1
            assert before.name == place.name
            place = before
        return place.name

    for name, box in boxes.items():
        assert all(source.column == box.column - 1 for source in box.sources)
        assert sorted(origin(source) for source in box.sources) == sorted(sources[name])


@given(graphs())
def test_the_same_graph_gives_the_same_layout(sources: dict[str, tuple[str, ...]]) -> None:
    heights = dict.fromkeys(sources, 1.0)
    first, second = (
        [
            [(place.name, place.is_bend, place.centre) for place in column]
            for column in arrange(sources, heights, GAP, BEND)
        ]
        for _ in range(2)
    )
    assert first == second


def test_a_chain_is_a_straight_line() -> None:
    names = [str(number) for number in range(6)]
    sources = {name: tuple(names[number - 1 : number]) for number, name in enumerate(names)}
    columns = arrange(sources, dict.fromkeys(names, 1.0), GAP, BEND)
    assert {place.centre for column in columns for place in column} == {0.5}


def test_arrows_from_one_box_share_their_bends() -> None:
    sources: dict[str, tuple[str, ...]] = {"a": (), "b": ("a",), "c": ("b",), "d": ("c", "a"), "e": ("c", "a")}
    columns = arrange(sources, dict.fromkeys(sources, 1.0), GAP, BEND)
    assert [sum(place.is_bend for place in column) for column in columns] == [0, 1, 1, 0]
