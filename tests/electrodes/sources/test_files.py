"""Electrodes from a folder of structures and a table: what loads, and what is refused with file and line."""

from __future__ import annotations

import csv

import pytest

from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES
from kadi_battgen.electrodes.sources import load_source
from kadi_battgen.electrodes.sources.files import electrodes_from_files, read_structure
from kadi_battgen.errors import UserError


@pytest.fixture
def folder(tmp_path, olivine):
    structures = tmp_path / "structures"
    structures.mkdir()
    olivine.to_pymatgen().to(str(structures / "olivine.cif"), fmt="cif")
    olivine.to_pymatgen().to(str(structures / "POSCAR"), fmt="poscar")
    (structures / "broken.cif").write_text("data_broken\n_cell_length_a 4.0\n")
    (tmp_path / "outside.cif").write_text((structures / "olivine.cif").read_text())
    return structures


@pytest.fixture
def table(tmp_path, document):
    """Return a function that writes a table of correct rows with changes to the second one."""

    def write(drop=(), encoding="utf-8", **changes):
        values = document()
        row = {name: values[name] for name in ("id", "working_ion", "formula_charge", "method")}
        row["structure"] = "olivine.cif"
        row |= {entry.column: values["properties"][entry.name] for entry in FUNCTIONAL_PROPERTIES.values()}
        rows = [row, row | {"id": "second", "structure": "POSCAR"} | changes]
        path = tmp_path / "properties.csv"
        with open(path, "w", encoding=encoding, newline="") as stream:
            writer = csv.DictWriter(stream, [name for name in row if name not in drop], extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_folder_and_a_table_give_electrodes(folder, table, electrode, encoding):
    collection = load_source("files", folder=folder, table=table(encoding=encoding))
    assert [e.id for e in collection.electrodes] == ["olivine", "second"]
    assert {e.formula_discharge for e in collection.electrodes} == {"LiFePO4"}
    for loaded in collection.electrodes:
        assert loaded.properties == electrode.properties
        assert loaded.structure.density == pytest.approx(electrode.structure.density, rel=1e-4)
        assert (loaded.source, loaded.method) == ("properties.csv", "experiment")


def test_a_method_is_optional(folder, table):
    collection = electrodes_from_files(folder, table(drop=("method",)))
    assert collection.electrodes[0].method == "as given in the table"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"structure": "broken.cif"}, r"broken\.cif does not parse as a crystal structure"),
        ({"structure": "nowhere.cif"}, r"nowhere\.cif does not exist"),
        ({"structure": ""}, "is a folder, not a file"),
        ({"structure": "../outside.cif"}, "'../outside.cif' lies outside"),
        ({"structure": "/etc/hostname"}, "'/etc/hostname' lies outside"),
        ({"average_voltage_V": "high"}, "average_voltage: .*valid number"),
        ({"average_voltage_V": ""}, "average_voltage: .*valid number"),
        ({"average_voltage_V": "nan"}, "average_voltage: .*finite number"),
        ({"average_voltage_V": "4.0"}, "gravimetric_energy is .* but .* follows from the other values"),
        ({"volume_change_fraction": "-1"}, "volume_change: .*greater than or equal to 0"),
        ({"working_ion": "Xe"}, "working_ion: 'Xe' is not a working ion"),
        ({"formula_charge": "CoO2"}, "do not share one host"),
        ({"formula_charge": "Qx"}, "'Qx' holds Qx, no element"),
        ({"id": "olivine"}, "id 'olivine' occurs more than once"),
    ],
)
def test_a_wrong_row_is_refused_with_file_and_line(folder, table, change, message):
    path = table(**change)
    with pytest.raises(UserError, match=rf"properties\.csv, line 3 .*{message}"):
        electrodes_from_files(folder, path)


@pytest.mark.parametrize("column", ["id", "structure", "average_voltage_V", "volumetric_energy_Wh_per_L"])
def test_a_missing_column_is_named(folder, table, column):
    with pytest.raises(UserError, match=rf"properties\.csv lacks the column '{column}'"):
        electrodes_from_files(folder, table(drop=(column,)))


def test_a_short_row_is_refused(folder, table):
    path = table()
    path.write_text("\n".join([*path.read_text().splitlines()[:2], "third,Li"]) + "\n")
    with pytest.raises(UserError, match=r"properties\.csv, line 3 \(third\)"):
        electrodes_from_files(folder, path)


def test_a_table_of_another_encoding_is_refused(folder, table):
    path = table()
    path.write_bytes(path.read_bytes() + b"\xff\xfe\xfa\n")
    with pytest.raises(UserError, match=r"properties\.csv"):
        electrodes_from_files(folder, path)


def test_an_empty_table_is_refused(folder, table):
    path = table()
    path.write_text(path.read_text().splitlines()[0] + "\n")
    with pytest.raises(UserError, match="has no rows"):
        electrodes_from_files(folder, path)


def test_a_missing_folder_or_table_is_refused(folder, table, tmp_path):
    with pytest.raises(UserError, match=r"nowhere is not a folder"):
        electrodes_from_files(tmp_path / "nowhere", table())
    with pytest.raises(UserError, match=r"nowhere\.csv does not exist"):
        electrodes_from_files(folder, tmp_path / "nowhere.csv")


def test_a_disordered_structure_is_refused(tmp_path):
    from pymatgen.core import Lattice, Structure

    path = tmp_path / "disordered.cif"
    Structure(Lattice.cubic(4.0), [{"Li": 0.5, "Na": 0.5}], [(0, 0, 0)]).to(str(path), fmt="cif")
    with pytest.raises(UserError, match=r"disordered\.cif: .*partially occupied"):
        read_structure(path)


@pytest.mark.parametrize(("source", "message"), [("files", "needs --folder"), ("oqmd", "choose from bundled, .*files")])
def test_a_source_that_cannot_be_read_is_refused(source, message):
    with pytest.raises(UserError, match=message):
        load_source(source)
