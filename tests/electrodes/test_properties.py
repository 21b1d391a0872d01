"""Names, units and order of the functional properties and the working ions."""

from __future__ import annotations

import pytest

from kadi_battgen.electrodes.properties import (
    FUNCTIONAL_PROPERTIES,
    WORKING_ION_CHARGES,
    WORKING_IONS,
    check_property,
    check_working_ion,
)
from kadi_battgen.errors import UserError


@pytest.mark.parametrize(
    ("name", "column", "axis_label"),
    [
        ("average_voltage", "average_voltage_V", "Average voltage / V"),
        ("gravimetric_capacity", "gravimetric_capacity_mAh_per_g", "Gravimetric capacity / mAh/g"),
        ("volumetric_capacity", "volumetric_capacity_mAh_per_cm3", "Volumetric capacity / mAh/cm^3"),
        ("gravimetric_energy", "gravimetric_energy_Wh_per_kg", "Gravimetric energy / Wh/kg"),
        ("volumetric_energy", "volumetric_energy_Wh_per_L", "Volumetric energy / Wh/L"),
        ("volume_change", "volume_change_fraction", "Volume change (fraction)"),
    ],
)
def test_columns_and_axes_carry_units(name, column, axis_label):
    assert FUNCTIONAL_PROPERTIES[name].column == column
    assert FUNCTIONAL_PROPERTIES[name].axis_label == axis_label
    assert check_property(name) is FUNCTIONAL_PROPERTIES[name]


def test_six_properties_and_ten_ions():
    assert len(FUNCTIONAL_PROPERTIES) == 6
    assert WORKING_IONS == ("Li", "Na", "K", "Rb", "Cs", "Mg", "Ca", "Zn", "Al", "Y")


@pytest.mark.parametrize(("ion", "charge"), [("Li", 1), ("Cs", 1), ("Mg", 2), ("Zn", 2), ("Al", 3), ("Y", 3)])
def test_charge_numbers(ion, charge):
    assert WORKING_ION_CHARGES[ion] == charge
    assert check_working_ion(ion) == ion


@pytest.mark.parametrize(
    ("check", "name"),
    [
        (check_working_ion, "Fe"),
        (check_working_ion, "li"),
        (check_working_ion, ""),
        (check_property, "voltage"),
        (check_property, "Average_Voltage"),
    ],
)
def test_what_is_unknown_is_refused_with_the_choices(check, name):
    with pytest.raises(UserError, match=rf"'{name}' is not known: choose from (Li, Na|average_voltage)"):
        check(name)
