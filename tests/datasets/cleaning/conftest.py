"""Real electrodes, and tables on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kadi_battgen.datasets.cleaning.reading import Electrodes, read_rows


@pytest.fixture(scope="session")
def materials_project(shared: Path) -> Electrodes:
    """2,185 insertion electrodes of the Materials Project, as they are."""
    return read_rows(shared / "data" / "mp2024" / "insertion_electrodes.csv")


@pytest.fixture
def csv_file(tmp_path: Path) -> Callable[[str], Path]:
    """Return what writes a text to a table and gives its path."""

    def write(text: str) -> Path:
        path = tmp_path / "table.csv"
        path.write_text(text)
        return path

    return write
