import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadi_battgen.electrodes.building.candidates import ase_atoms, crystal, element_counts, without
from kadi_battgen.electrodes.building.prototypes import olivine
from kadi_battgen.electrodes.building.voltages import (
    average_voltage,
    common_ends,
    formula,
    functional_properties,
    structure_of,
    volume_change,
)


@pytest.mark.parametrize(
    ("charge", "discharge", "ion", "formulas"),
    [
        ({"Fe": 4, "P": 4, "O": 16}, {"Li": 4, "Fe": 4, "P": 4, "O": 16}, "Li", ("FePO4", "LiFePO4")),
        ({"Mn": 1, "O": 2}, {"Li": 2, "Mn": 4, "O": 8}, "Li", ("Mn2O4", "LiMn2O4")),
        ({"Li": 1, "Co": 2, "O": 4}, {"Li": 1, "Co": 1, "O": 2}, "Li", ("LiCo2O4", "Li2Co2O4")),
        ({"Y": 3, "Mn": 4, "O": 12}, {"Y": 4, "Mn": 4, "O": 12}, "Y", ("Y3Mn4O12", "Y4Mn4O12")),
    ],
)
def test_formulas_over_one_host(charge, discharge, ion, formulas):
    ends = common_ends(charge, discharge, ion)
    assert (formula(ends.charge), formula(ends.discharge)) == formulas
    assert {e: n * ends.discharge_cells for e, n in ends.discharge.items()} == discharge
    assert {e: n * ends.charge_cells for e, n in ends.charge.items()} == charge


def test_different_hosts_are_refused():
    with pytest.raises(ValueError, match="not two states of one host"):
        common_ends({"Fe": 1, "O": 2}, {"Li": 1, "Co": 1, "O": 2}, "Li")


@given(
    voltage=st.floats(0.1, 5.0),
    metal=st.floats(-8.0, -0.5),
    ions=st.integers(1, 4),
    ion=st.sampled_from(["Li", "Mg", "Al"]),
)
def test_average_voltage_inverts_the_energy_balance(voltage, metal, ions, ion):
    charge = {"Li": 1, "Mg": 2, "Al": 3}[ion]
    discharged = -50.0 + ions * metal - ions * charge * voltage
    assert average_voltage(discharged, -50.0, metal, ions, ion) == pytest.approx(voltage, abs=1e-9)


def test_volume_change_is_the_larger_over_the_smaller():
    assert volume_change(110.0, 100.0) == pytest.approx(0.1)
    assert volume_change(100.0, 110.0) == pytest.approx(0.1)


def test_properties_are_those_of_pymatgen():
    from pymatgen.apps.battery.insertion_battery import InsertionElectrode
    from pymatgen.core import Composition
    from pymatgen.entries.computed_entries import ComputedEntry, ComputedStructureEntry

    discharge = crystal(olivine("Li", "Fe", "P"))
    charge = without(discharge, [i for i, s in enumerate(discharge["species"]) if s == "Li"])
    charge["lattice"] = [[0.98 * x for x in row] for row in charge["lattice"]]
    structures = [structure_of(end).to_pymatgen() for end in (charge, discharge)]
    metal, voltage = -1.9, 3.45
    energies = [-160.0, -160.0 + 4 * metal - 4 * voltage]
    entries = [
        ComputedStructureEntry(s, e, data={"material_id": str(i)})
        for i, (s, e) in enumerate(zip(structures, energies, strict=True))
    ]
    reference = InsertionElectrode.from_entries(entries, ComputedEntry(Composition("Li"), metal))

    ends = common_ends(element_counts(charge), element_counts(discharge), "Li")
    volumes = [ase_atoms(end).get_volume() for end in (discharge, charge)]
    computed = average_voltage(energies[1] / 4, energies[0] / 4, metal, 1, "Li")
    ours = functional_properties(ends, "Li", computed, volume_change(*volumes), structure_of(discharge))
    assert ours.average_voltage == pytest.approx(reference.get_average_voltage(), abs=1e-5)
    assert ours.gravimetric_capacity == pytest.approx(float(reference.get_capacity_grav()), rel=1e-4)
    assert ours.volumetric_capacity == pytest.approx(float(reference.get_capacity_vol()), rel=1e-4)
    assert ours.gravimetric_energy == pytest.approx(float(reference.get_specific_energy()), rel=1e-4)
    assert ours.volumetric_energy == pytest.approx(float(reference.get_energy_density()), rel=1e-4)
    assert ours.volume_change == pytest.approx(reference.max_delta_volume, abs=1e-4)
