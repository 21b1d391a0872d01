"""Any collection that is written as a table, in any units and any order of columns, is read back as it was."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kadi_battgen.electrodes.collection import ElectrodeCollection
from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES, WORKING_ION_CHARGES
from kadi_battgen.electrodes.sources.files import electrodes_from_files

#: Headers of each property, with what a value in our unit is multiplied by; None stands for the charge of the ion.
WRITTEN = {
    "average_voltage": [
        ("average_voltage", 1.0),
        ("Voltage (mV)", 1e3),
        ("voltage_V", 1.0),
        ("voltage [eV/ion]", None),
    ],
    "gravimetric_capacity": [("capacity_grav", 1.0), ("capacity [Ah/g]", 1e-3), ("specific capacity / C g-1", 3.6)],
    "volumetric_capacity": [("capacity_vol", 1.0), ("Capacity (mAh/L)", 1e3), ("capacity_density_Ah_per_L", 1.0)],
    "gravimetric_energy": [("energy_grav", 1.0), ("specific energy kWh/kg", 1e-3), ("Specific Energy (J/g)", 3.6)],
    "volumetric_energy": [("energy_vol", 1.0), ("energy density (MJ/L)", 3.6e-3), ("energy density Wh/L", 1.0)],
    "volume_change": [("max_delta_volume", 1.0), ("Volume change (%)", 100.0), ("volume_change_fraction", 1.0)],
}


@pytest.fixture(scope="module")
def structures(bundled: ElectrodeCollection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the crystals of a few electrodes of several ions, as POSCAR with all digits."""
    folder = tmp_path_factory.mktemp("structures")
    for electrode in bundled.select(limit=12).electrodes:
        (folder / f"{electrode.id}.vasp").write_text(_poscar(electrode))
    return folder


def _poscar(electrode: Electrode) -> str:
    """Return a POSCAR that keeps the order of the atoms, one line of symbols for each run of one element."""
    structure = electrode.structure
    rows = [electrode.id, "1.0", *(" ".join(map(repr, vector)) for vector in structure.lattice)]
    rows += [" ".join(structure.species), " ".join("1" for _ in structure.species), "direct"]
    return "\n".join([*rows, *(" ".join(map(repr, place)) for place in structure.fractional_coordinates)]) + "\n"


@settings(max_examples=25)
@given(data=st.data())
def test_a_collection_written_as_a_table_is_read_back(bundled, structures, tmp_path_factory, data):
    electrodes = bundled.select(limit=12).electrodes
    chosen = data.draw(st.permutations(electrodes))[: data.draw(st.integers(1, 12))]
    headers = {name: data.draw(st.sampled_from(written)) for name, written in WRITTEN.items()}
    delimiter = data.draw(st.sampled_from(",;\t|"))
    as_json = data.draw(st.booleans())
    rows = [_row(electrode, headers) for electrode in chosen]
    order = data.draw(st.permutations(list(rows[0])))
    path = tmp_path_factory.mktemp("table") / ("table.json" if as_json else "table.csv")
    if as_json:
        path.write_text(json.dumps([{name: row[name] for name in order} for row in rows]))
    else:
        with open(path, "w", newline="") as stream:
            writer = csv.DictWriter(stream, order, delimiter=delimiter)
            writer.writeheader()
            writer.writerows(rows)
    collection, refused = electrodes_from_files(structures, path)
    assert refused == []
    for found, expected in zip(collection.electrodes, chosen, strict=True):
        assert found.properties.as_vector() == pytest.approx(expected.properties.as_vector(), rel=1e-12)
        assert found.model_copy(update={"properties": expected.properties}) == expected


def _row(electrode: Electrode, headers: dict[str, tuple[str, float | None]]) -> dict[str, object]:
    """Return an electrode as a row of a table."""
    texts = ("id", "working_ion", "formula_charge", "formula_discharge", "method", "source", "source_id", "framework")
    row: dict[str, object] = {name: getattr(electrode, name) or "" for name in texts}
    row["voltage_spread (V)"] = "" if electrode.voltage_spread is None else electrode.voltage_spread
    for name in FUNCTIONAL_PROPERTIES:
        header, factor = headers[name]
        factor = float(WORKING_ION_CHARGES[electrode.working_ion]) if factor is None else factor
        row[header] = getattr(electrode.properties, name) * factor
    return row
