from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from kadi_battgen.plots import ProvenanceRecord, image_bytes, provenance_figure
from kadi_battgen.plots.palette import MUTED
from kadi_battgen.plots.provenance import STATE_COLOURS

START = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def record(number: int, *links: tuple[str, int], state: str = "succeeded", title: str = "") -> ProvenanceRecord:
    return ProvenanceRecord(
        f"step-{number:02d}-0123456789abcdef",
        "model-training",
        title or f"Training {number} of the screening model on many electrodes and with a long title",
        state,
        START + timedelta(hours=number),
        tuple((role, f"step-{source:02d}-0123456789abcdef") for role, source in links),
    )


def line(count: int) -> list[ProvenanceRecord]:
    return [record(number, *([("input", number - 1)] if number else [])) for number in range(count)]


def fan(count: int) -> list[ProvenanceRecord]:
    """Many records that all use the first two, and one that uses them all."""
    middle = [record(number, ("dataset", 0), ("translator", 1)) for number in range(2, count - 1)]
    last = record(count - 1, *(("model", number) for number in range(2, count - 1)), ("dataset", 0))
    return [record(0), record(1, ("dataset", 0)), *middle, last]


CHAINS = {
    "1": line(1),
    "5": line(5),
    "12": fan(12),
    "30, wide": fan(30),
    "30, long": line(30),
    "30, long with shortcuts": [
        record(number, *((f"{back} back", number - back) for back in (1, 4, 9) if back <= number))
        for number in range(30)
    ],
}


def boxes(figure: Figure) -> list[FancyBboxPatch]:
    (axes,) = figure.get_axes()
    return [patch for patch in axes.patches if isinstance(patch, FancyBboxPatch)]


def texts(figure: Figure) -> list[str]:
    (axes,) = figure.get_axes()
    return [text.get_text() for text in axes.texts]


@pytest.fixture(scope="module", params=list(CHAINS))
def drawn(request: pytest.FixtureRequest) -> tuple[list[ProvenanceRecord], Figure]:
    records = CHAINS[request.param]
    return records, provenance_figure(records, title="Provenance")


def test_every_record_has_a_box_on_the_paper(drawn: tuple[list[ProvenanceRecord], Figure]) -> None:
    records, figure = drawn
    found = boxes(figure)
    assert len(found) == len(records)
    width, height = figure.get_size_inches()
    extents = [
        (box.get_x(), box.get_y(), box.get_x() + box.get_width(), box.get_y() + box.get_height()) for box in found
    ]
    for left, top, right, bottom in extents:
        assert left >= 0.2
        assert top >= 0.2
        assert right <= width - 0.2
        assert bottom <= height - 0.2
    for number, first in enumerate(extents):
        for second in extents[number + 1 :]:
            apart = first[2] < second[0] or second[2] < first[0] or first[3] < second[1] or second[3] < first[1]
            assert apart


def test_every_text_stays_in_its_box(drawn: tuple[list[ProvenanceRecord], Figure]) -> None:
    records, figure = drawn
    figure.draw_without_rendering()
    (axes,) = figure.get_axes()
    frames = [box.get_window_extent() for box in boxes(figure)]
    inside = 0
    for text in axes.texts:
        extent = text.get_window_extent()
        for frame in frames:
            if frame.x0 < extent.x0 < frame.x1 and frame.y0 < (extent.y0 + extent.y1) / 2 < frame.y1:
                assert extent.x1 <= frame.x1
                assert frame.y0 <= extent.y0
                assert extent.y1 <= frame.y1
                inside += 1
    # Type, one or two lines of title, identifier, state.
    assert inside >= 4 * len(records)


def test_every_link_has_an_arrow_and_says_what_was_used(drawn: tuple[list[ProvenanceRecord], Figure]) -> None:
    records, figure = drawn
    (axes,) = figure.get_axes()
    links = [role for entry in records for role, _ in entry.links]
    heads = [
        patch
        for patch in axes.patches
        if isinstance(patch, FancyArrowPatch) and type(patch.get_arrowstyle()).__name__ == "CurveFilledB"
    ]
    assert len(heads) == len(links)
    shown = texts(figure)
    for role in set(links):
        assert shown.count(role) >= links.count(role)
    assert any("An arrow leads from" in text for text in shown) == bool(links)


def test_results_stand_right_of_their_sources_or_in_a_band_below() -> None:
    figure = provenance_figure(line(12))
    corners = [(box.get_y(), box.get_x()) for box in boxes(figure)]
    assert corners == sorted(corners)
    rows = {round(y, 3) for y, _ in corners}
    assert len(rows) == 2
    width, _ = figure.get_size_inches()
    assert width < 34


@pytest.mark.parametrize("state", [*STATE_COLOURS, "of an unknown kind"])
def test_states_are_told_by_colour_and_in_words(state: str) -> None:
    figure = provenance_figure([record(0, state=state, title="A")])
    (axes,) = figure.get_axes()
    (text,) = [text for text in axes.texts if state in text.get_text()]
    assert text.get_text() == f"{state}   2026-01-02 03:04"
    assert text.get_color() == STATE_COLOURS.get(state, MUTED)


def test_a_record_that_is_missing_is_drawn_as_such() -> None:
    figure = provenance_figure([record(3, ("model", 1)), record(4, ("model", 1))])
    assert len(boxes(figure)) == 3
    assert texts(figure).count("not here") == 1
    assert "step-01-0123456789abcdef" in texts(figure)


def test_the_end_of_a_long_identifier_is_kept() -> None:
    identifier = f"{'w' * 40}-0123456"
    (shown,) = [text for text in texts(provenance_figure([ProvenanceRecord(identifier, "type")])) if "-0123" in text]
    assert re.fullmatch(r"…w+-0123456", shown)


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_the_same_records_give_the_same_picture(kind: str) -> None:
    first, second = (image_bytes(provenance_figure(fan(7)), kind) for _ in range(2))  # type: ignore[arg-type]
    assert first == second
    assert first.startswith(b"\x89PNG" if kind == "png" else b"<?xml")


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([], "no record"),
        ([record(0), record(0)], "twice"),
        ([record(0, ("a", 1)), record(1, ("a", 0))], "circle"),
    ],
)
def test_what_is_no_chain_is_refused(records: list[ProvenanceRecord], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        provenance_figure(records)
