"""Progress bars: on standard error only, and silent when asked."""

from __future__ import annotations

import pytest

from kadi_battgen.progress import progress_bar


@pytest.mark.parametrize(("variable", "enabled", "shown"), [("1", True, True), ("0", True, False), ("1", False, False)])
def test_bars_leave_standard_output_free(capsys, monkeypatch, variable, enabled, shown):
    monkeypatch.setenv("BATTGEN_PROGRESS", variable)
    items = list(progress_bar(range(3), description="Counting", unit="number", enabled=enabled))
    assert items == [0, 1, 2]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert ("Counting" in captured.err and "3/3" in captured.err) is shown


def test_a_bar_without_items_counts_what_it_is_told(capsys, monkeypatch):
    monkeypatch.setenv("BATTGEN_PROGRESS", "1")
    with progress_bar(total=5, description="Simulating", unit="stack") as bar:
        bar.update(5)
    assert "5/5" in capsys.readouterr().err
