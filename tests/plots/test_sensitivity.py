from __future__ import annotations

from typing import Any

import pytest

from kadi_battgen.plots.sensitivity import condition_label, sensitivity_figure


def row(output: str, condition: str, change: float) -> dict[str, Any]:
    """Return a row of a study; the working ion has no direction."""
    directed: dict[str, Any] = {}
    for name, factor in (("increase", 1.1), ("decrease", 0.9)):
        known = None if condition == "working_ion" else change * factor
        directed |= {f"l2_{name}": known, f"{name}_low": known, f"{name}_high": known}
    ends = {"change_low": 0.8 * change, "change_high": 1.5 * change}
    return {"output": output, "condition": condition, "l2_change": change, **ends, **directed}


ROWS = [
    row("descriptors", "working_ion", 0.1),
    row("descriptors", "average_voltage", 0.3),
    row("composition", "average_voltage", 0.2),
]


def test_the_most_influential_condition_stands_on_top_with_its_interval() -> None:
    figure = sensitivity_figure(ROWS, 0.1, "Sensitivity")
    left, right = figure.get_axes()
    assert [label.get_text() for label in left.get_yticklabels()] == ["Average voltage", "Working ion"]
    assert [bar.get_width() for bar in left.patches] == [0.3, 0.1]
    assert left.yaxis_inverted()
    ends = left.collections[0].get_segments()[0][:, 0]
    assert ends.tolist() == pytest.approx([0.24, 0.45])
    assert [label.get_text() for label in right.get_yticklabels()] == ["Average voltage"]
    assert "0.1 of its normalised range" in figure.legends[0].get_texts()[1].get_text()


def test_seeds_are_compared_where_there_are_several() -> None:
    figure = sensitivity_figure([{**ROWS[0], "change_between_seeds": 0.25}])
    assert figure.get_axes()[0].texts[0].get_text() == "two noise seeds: 0.25"


def test_conditions_have_the_names_of_the_axes() -> None:
    assert [condition_label(name) for name in ("volume_change", "working_ion")] == ["Volume change", "Working ion"]


@pytest.mark.parametrize("rows", [[], [{"output": "descriptors"}], [{**ROWS[0], "change_low": None}]])
def test_nothing_to_show_is_refused(rows: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match="no sensitivity"):
        sensitivity_figure(rows)
