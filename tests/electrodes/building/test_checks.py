"""The guards are tried on records of real crystals with energies and volumes set by hand."""

import copy

import pytest

from kadi_battgen.electrodes.building.candidates import Candidate, ase_atoms, crystal, without
from kadi_battgen.electrodes.building.checks import (
    bond_retention,
    hopeless,
    oxygen_dimers,
    rejection,
    shortest_distance,
    sort_out,
)
from kadi_battgen.electrodes.building.prototypes import layered_o1
from kadi_battgen.electrodes.building.relaxation import LABEL_MODEL, SECOND_MODEL

METALS = {LABEL_MODEL: {"Li": -1.9, "Na": -1.3}, SECOND_MODEL: {"Li": -1.9, "Na": -1.3}}


def stretched(description, factor):
    """Stretch the third lattice vector."""
    copied = copy.deepcopy(description)
    copied["lattice"][2] = [factor * x for x in copied["lattice"][2]]
    return copied


def end(description, energy):
    return {
        "crystal": description,
        "energy": energy,
        "converged": True,
        "steps": 5,
        "volume": ase_atoms(description).get_volume(),
    }


def make_record(
    key="host-1_Li", kind="host", voltage=2.0, second_voltage=2.05, stretch=1.05, energy=-20.0, error=None, dft=None
):
    """LiTiS2 with the voltages asked for and a charged cell stretched along the stacking axis."""
    discharge = crystal(layered_o1("Li", "Ti", "S"))
    removed = (discharge["species"].index("Li"),)
    charge = stretched(without(discharge, removed), stretch)
    candidate = Candidate(
        key=key,
        kind=kind,
        working_ion="Li",
        framework="O1",
        source_id=key,
        discharge=discharge,
        removed=removed,
        charge=charge if kind == "pair" else None,
        dft_voltage=dft,
        dft_energy=energy / 4,
    )
    models = {
        model: {"discharge": end(discharge, energy), "charge": end(charge, energy + 1.9 + volts)}
        for model, volts in ((LABEL_MODEL, voltage), (SECOND_MODEL, second_voltage))
    }
    return {"key": key, "candidate": candidate.as_dict(), "models": models, "error": error}


def unconverged():
    record = make_record()
    record["models"][LABEL_MODEL]["charge"]["converged"] = False
    return record


def crowded():
    record = make_record()
    sites = record["models"][LABEL_MODEL]["charge"]["crystal"]["fractional_coordinates"]
    sites[1] = [x + 0.01 for x in sites[0]]
    return record


def long():
    record = make_record()
    record["models"][LABEL_MODEL]["discharge"]["crystal"]["lattice"][2] = [0.0, 0.0, 23.5]
    return record


def broken():
    record = make_record()
    charge = record["models"][LABEL_MODEL]["charge"]
    # The titanium moves to a site between the layers where only three of its six sulfur atoms are near.
    charge["crystal"]["fractional_coordinates"][0] = [1 / 3, 2 / 3, 0.75]
    return record


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (make_record(), None),
        (make_record(error="calculation failed: LinAlgError"), "calculation failed"),
        (make_record(error="not converged"), "not converged"),
        (unconverged(), "not converged"),
        (crowded(), "atoms too close"),
        (long(), "cell too long"),
        (make_record(stretch=1.3), "volume change"),
        (make_record(stretch=0.75), "volume change"),
        (broken(), "host bonds broken"),
        (make_record(voltage=-0.2, second_voltage=-0.1), "voltage outside range"),
        (make_record(voltage=5.6, second_voltage=5.5), "voltage outside range"),
        (make_record(voltage=2.0, second_voltage=2.5), "potentials disagree"),
        (make_record(kind="pair", dft=2.0, second_voltage=2.5), None),
        (make_record(kind="pair", dft=-0.1), "voltage outside range"),
        (make_record(kind="pair", dft=2.0, stretch=1.3), None),
        (make_record(kind="pair", dft=2.0, stretch=1.6), "volume change"),
    ],
)
def test_reason(record, reason):
    assert rejection(record, METALS) == reason


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (make_record(second_voltage=2.0), None),
        (make_record(second_voltage=-0.3), None),
        (make_record(second_voltage=-0.4), "voltage outside range"),
        (make_record(second_voltage=5.9), "voltage outside range"),
        (make_record(stretch=1.3), None),
        (make_record(stretch=1.5), "volume change"),
        (make_record(kind="pair", dft=2.0, second_voltage=-0.4), None),
    ],
)
def test_the_second_potential_alone_rules_out(record, reason):
    assert hopeless(record, METALS) == reason
    if reason is not None:
        # Whatever the first potential gives, the record would be rejected.
        for voltage in (-0.1, 0.01, 5.49):
            models = record["models"]
            charge = models[LABEL_MODEL]["charge"]
            charge["energy"] = models[LABEL_MODEL]["discharge"]["energy"] + 1.9 + voltage
            assert rejection(record, METALS) is not None


def test_reasons_are_counted_for_each_kind():
    records = [
        make_record("host-1_Li", energy=-20.0),
        make_record("host-2_Li", energy=-21.0),
        make_record("host-3_Li", stretch=1.4),
        make_record("prototype-1_Li", kind="prototype", energy=-30.0),
        make_record("prototype-2_Li", kind="prototype", second_voltage=3.0),
    ]
    kept, counts = sort_out(records, METALS)
    # The crystal lowest in energy stays; a prototype never displaces a crystal.
    assert [record["key"] for record in kept] == ["host-2_Li"]
    assert counts == {
        "host": {"duplicate composition": 1, "volume change": 1},
        "prototype": {"duplicate composition": 1, "potentials disagree": 1},
    }


def test_a_pair_with_dft_energies_displaces_a_relaxed_crystal():
    kept, counts = sort_out([make_record(), make_record("pair-1-2_Li", kind="pair", dft=2.1)], METALS)
    assert [record["key"] for record in kept] == ["pair-1-2_Li"]
    assert counts == {"host": {"duplicate composition": 1}}


def test_an_intact_host_keeps_all_bonds():
    discharge = crystal(layered_o1("Li", "Ti", "S"))
    removed = (discharge["species"].index("Li"),)
    assert bond_retention(discharge, without(discharge, removed), removed) == 1.0


@pytest.mark.parametrize(("distance", "atoms"), [(1.3, 2), (1.5, 2), (2.6, 0)])
def test_oxygen_dimers_are_counted(distance, atoms):
    cell = {
        "lattice": [[10.0, 0, 0], [0, 10.0, 0], [0, 0, 10.0]],
        "species": ["Mn", "O", "O"],
        "fractional_coordinates": [[0.0, 0.0, 0.0], [0.3, 0.3, 0.3], [0.3, 0.3, 0.3 + distance / 10.0]],
    }
    assert oxygen_dimers(cell) == atoms


def test_shortest_distance_is_periodic():
    one_atom = {
        "lattice": [[2.0, 0, 0], [0, 5.0, 0], [0, 0, 5.0]],
        "species": ["Li"],
        "fractional_coordinates": [[0.0, 0.0, 0.0]],
    }
    assert shortest_distance(one_atom) == pytest.approx(2.0)
