"""A folder of LiFePO4 in several formats, and tables that name them."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES


@pytest.fixture
def folder(tmp_path, olivine) -> Path:
    structures = tmp_path / "structures"
    structures.mkdir()
    olivine.to_pymatgen().to(str(structures / "olivine.cif"), fmt="cif")
    olivine.to_pymatgen().to(str(structures / "POSCAR"), fmt="poscar")
    (structures / "broken.cif").write_text("data_broken\n_cell_length_a 4.0\n")
    (tmp_path / "outside.cif").write_text((structures / "olivine.cif").read_text())
    return structures


@pytest.fixture
def row(document) -> dict[str, Any]:
    """Return a correct row of a table, under the names that this package has for its columns."""
    values = document()
    row = {name: values[name] for name in ("id", "working_ion", "formula_charge", "method")}
    row["structure"] = "olivine.cif"
    return row | {entry.column: values["properties"][entry.name] for entry in FUNCTIONAL_PROPERTIES.values()}


@pytest.fixture
def write_rows(tmp_path) -> Callable[..., Path]:
    """Return a function that writes rows as a CSV table."""

    def write(rows, name="properties.csv", encoding="utf-8", delimiter=",") -> Path:
        path = tmp_path / name
        with open(path, "w", encoding=encoding, newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]), delimiter=delimiter, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write


@pytest.fixture
def table(row, write_rows) -> Callable[..., Path]:
    """Return a function that writes a table of correct rows with changes to the second one."""

    def write(drop=(), encoding="utf-8", **changes) -> Path:
        rows = [row, row | {"id": "second", "structure": "POSCAR"} | changes]
        return write_rows([{k: v for k, v in entry.items() if k not in drop} for entry in rows], encoding=encoding)

    return write
