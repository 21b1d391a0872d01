"""Documents that are wrong cost only themselves."""

from __future__ import annotations

from typing import Any

import pytest

from kadi_battgen.electrodes.composition import theoretical_gravimetric_capacity
from kadi_battgen.electrodes.sources.materials_project.convert import (
    Batch,
    convert_batch,
    discharge_id,
    distinct_ids,
    structures_by_id,
)
from kadi_battgen.electrodes.sources.materials_project.duplicates import without_duplicates

VOLTAGE, CAPACITY = 3.9, theoretical_gravimetric_capacity("LiCoO2", "Li")


def _structure(*species: Any) -> dict[str, Any]:
    from pymatgen.core import Lattice, Structure

    return Structure(
        Lattice.hexagonal(2.8, 14.0), species, [(0, 0, z / len(species)) for z in range(len(species))]
    ).as_dict()


def _material(identifier: str = "mp-aaaaabmo", structure: Any = None) -> dict[str, Any]:
    return {"material_id": identifier, "structure": structure or _structure("Li", "O", "Co", "O")}


def _document(**changes: Any) -> dict[str, Any]:
    from pymatgen.core import Structure

    from kadi_battgen.electrodes.electrode import CrystalStructure

    density = CrystalStructure.from_pymatgen(Structure.from_dict(_material()["structure"])).density
    return {
        "material_ids": ["mp-aaaaabmo", "mp-aaaaabmn"],
        "working_ion": "Li",
        "thermo_type": "GGA_GGA+U",
        "formula_charge": "CoO2",
        "formula_discharge": "LiCoO2",
        "id_charge": "mp-aaaaabmn",
        "id_discharge": "mp-aaaaabmo",
        "average_voltage": VOLTAGE,
        "capacity_grav": CAPACITY,
        "capacity_vol": CAPACITY * density,
        "energy_grav": VOLTAGE * CAPACITY,
        "energy_vol": VOLTAGE * CAPACITY * density,
        "max_delta_volume": 0.03,
        "stability_charge": 0.02,
        "stability_discharge": 0.0,
        **changes,
    }


def _convert(*documents: dict[str, Any], materials: Any = None) -> Any:
    return convert_batch(Batch(documents, structures_by_id([_material()] if materials is None else materials)))


def test_a_document_becomes_an_electrode():
    (candidate,), refused = _convert(_document())
    electrode = candidate.electrode
    assert refused == []
    assert electrode.id == "mp-1001_Li"
    assert electrode.source_id == "mp-1001_Li (discharged mp-1002)"
    assert electrode.method == "DFT, Materials Project (GGA_GGA+U)"
    assert electrode.properties.volume_change == 0.03
    assert electrode.structure.amounts == {"Li": 1, "O": 2, "Co": 1}


def test_the_discharged_end_is_named_in_either_notation():
    (candidate,), _ = _convert(_document(id_discharge="mp-1002"))
    assert candidate.id_discharge == discharge_id({"id_discharge": "mp-aaaaabmo"}) == "mp-1002"


def test_oxidation_states_do_not_matter():
    (candidate,), _ = _convert(_document(), materials=[_material(structure=_structure("Li+", "O2-", "Co3+", "O2-"))])
    assert candidate.electrode.structure.species == ("Li", "O", "Co", "O")


@pytest.mark.parametrize(
    ("changes", "materials", "field", "reason"),
    [
        ({"capacity_vol": None}, None, "capacity_vol", "capacity_vol is missing in the document"),
        ({"formula_charge": None}, None, "formula_charge", "formula_charge is missing"),
        ({"max_delta_volume": -0.1}, None, "max_delta_volume", "greater than or equal to 0"),
        ({"average_voltage": "high"}, None, "average_voltage", "valid number"),
        ({"average_voltage": 2.0}, None, "", "gravimetric_energy is"),
        ({"working_ion": "Fe"}, None, "working_ion", "'Fe' is not a working ion"),
        ({"working_ion": "Na"}, None, "", "holds no Na"),
        ({"formula_discharge": "Li(CoO"}, None, "", "does not parse"),
        ({"formula_discharge": "Li2CoO2"}, None, "", "composition"),
        ({"id_discharge": "LiCoO2"}, None, "id_discharge", "no identifier such as mp-1002"),
        ({"id_discharge": "mp-aaaaabmn"}, None, "id_discharge", "there is no structure of the discharged end mp-1001"),
        ({}, [], "id_discharge", "there is no structure of the discharged end mp-1002"),
        ({}, [{"structure": {}}], "id_discharge", "there is no structure"),
        ({}, [_material(structure={"lattice": 7})], "structure", "cannot be read"),
        ({}, [{"material_id": "mp-1002"}], "structure", "cannot be read"),
        (
            {},
            [_material(structure=_structure("Li", "O", {"Co": 0.5, "Ni": 0.5}, "O"))],
            "structure",
            "partially occupied",
        ),
        ({}, [_material(structure=_structure("Li", "O", "Ni", "O"))], "", "composition"),
        ({}, [_material(structure=_structure("Li", "O", "X", "O"))], "", "holds X, no element"),
    ],
)
def test_a_wrong_document_is_refused_alone(changes: Any, materials: Any, field: str, reason: str):
    good = _document(id_discharge="mp-5", material_ids=["mp-5"])
    given = [_material()] if materials is None else materials
    candidates, refused = _convert(_document(**changes), good, materials=[*given, _material("mp-5")])
    assert [candidate.electrode.id for candidate in candidates] == ["mp-5_Li"]
    assert [row.field for row in refused] == [field]
    assert reason in refused[0].reason
    assert refused[0].id.startswith("mp-100")


@pytest.mark.parametrize(
    "document", [{}, {"material_ids": 7}, {"material_ids": [None], "id_discharge": 3, "working_ion": []}]
)
def test_a_document_without_anything_is_refused(document: dict[str, Any]):
    candidates, refused = _convert(document)
    assert (candidates, len(refused)) == ([], 1)


def test_one_id_for_several_electrodes_is_told_apart():
    candidates, _ = _convert(_document(), _document(thermo_type="R2SCAN"), _document())
    kept, refused = distinct_ids(candidates)
    assert [each.electrode.id for each in kept] == ["mp-1001_Li_GGA_GGA+U_mp-1002", "mp-1001_Li_R2SCAN_mp-1002"]
    assert ["came before it" in row.reason for row in refused] == [True]


@pytest.mark.parametrize(
    ("first", "second", "kept", "stays"),
    [
        ({"stability_discharge": 0.02}, {"stability_discharge": 0.01}, "most-stable", "mp-20_Li"),
        ({"stability_discharge": None}, {"stability_discharge": 0.5}, "most-stable", "mp-20_Li"),
        ({"stability_charge": 0.01}, {"stability_charge": 0.02}, "most-stable", "mp-5_Li"),
        ({}, {}, "most-stable", "mp-5_Li"),
        ({}, {}, "highest-voltage", "mp-5_Li"),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_which_duplicate_stays(first: Any, second: Any, kept: Any, stays: str, turned: bool):
    documents = [
        _document(id_discharge="mp-5", material_ids=["mp-5"], **first),
        _document(id_discharge="mp-20", material_ids=["mp-20"], formula_discharge="Li2Co2O4", **second),
    ]
    candidates, _ = _convert(*documents[:: -1 if turned else 1], materials=[_material("mp-5"), _material("mp-20")])
    assert len(candidates) == 2
    (electrode,), (row,) = without_duplicates(candidates, "discharge-formula", kept)
    assert electrode.id == stays
    assert row.reason.startswith(f"duplicate of {stays} ")
    assert len(without_duplicates(candidates, "none", kept)[0]) == 2
