"""Names and units of columns as people write them: which property, which factor, and what is refused."""

from __future__ import annotations

import pytest

from kadi_battgen.electrodes.sources.files.columns import recognise
from kadi_battgen.electrodes.sources.files.units import ACCEPTED, parse_unit
from kadi_battgen.errors import UserError

HEADERS = [
    # Materials Project, 2019 and 2024
    ("average_voltage", "average_voltage", 1.0),
    ("capacity_grav", "gravimetric_capacity", 1.0),
    ("capacity_vol", "volumetric_capacity", 1.0),
    ("energy_grav", "gravimetric_energy", 1.0),
    ("energy_vol", "volumetric_energy", 1.0),
    ("max_delta_volume", "volume_change", 1.0),
    ("Average Voltage", "average_voltage", 1.0),
    ("Max Delta Volume", "volume_change", 1.0),
    # this package
    ("average_voltage_V", "average_voltage", 1.0),
    ("gravimetric_capacity_mAh_per_g", "gravimetric_capacity", 1.0),
    ("volumetric_capacity_mAh_per_cm3", "volumetric_capacity", 1.0),
    ("gravimetric_energy_Wh_per_kg", "gravimetric_energy", 1.0),
    ("volumetric_energy_Wh_per_L", "volumetric_energy", 1.0),
    ("volume_change_fraction", "volume_change", 1.0),
    # papers and spreadsheets
    ("Average Voltage (V)", "average_voltage", 1.0),
    ("voltage_V", "average_voltage", 1.0),
    ("Voltage / V", "average_voltage", 1.0),
    ("AVERAGE VOLTAGE [MV]", "average_voltage", 1e-3),
    ("averageVoltage (V vs. Li/Li+)", "average_voltage", 1.0),
    ("voltage in V", "average_voltage", 1.0),
    ("voltage (eV/ion)", "average_voltage", 1.0),
    ("gravimetric capacity [mAh/g]", "gravimetric_capacity", 1.0),
    ("Specific capacity (mAh g⁻¹)", "gravimetric_capacity", 1.0),
    ("Specific capacity, mA·h·g-1", "gravimetric_capacity", 1.0),
    ("capacity (Ah/kg)", "gravimetric_capacity", 1.0),
    ("capacity (C/g)", "gravimetric_capacity", 1 / 3.6),
    ("capacity [Ah/g]", "gravimetric_capacity", 1e3),
    ("capacity mAh/cm³", "volumetric_capacity", 1.0),
    ("capacity_vol (Ah/L)", "volumetric_capacity", 1.0),
    ("Volumetric capacity / mAh cm^-3", "volumetric_capacity", 1.0),
    ("volumetric capacity (mAh/L)", "volumetric_capacity", 1e-3),
    ("specific energy Wh/kg", "gravimetric_energy", 1.0),
    ("specific energy (kWh/kg)", "gravimetric_energy", 1e3),
    ("specific energy (J/g)", "gravimetric_energy", 1 / 3.6),
    ("specific energy (MJ/kg)", "gravimetric_energy", 1e3 / 3.6),
    ("energy density Wh/L", "volumetric_energy", 1.0),
    ("Energy Density (Wh/kg)", "gravimetric_energy", 1.0),
    ("energy density (mWh/cm3)", "volumetric_energy", 1.0),
    ("energy_density_kWh_per_L", "volumetric_energy", 1e3),
    ("energy_vol_Wh_L", "volumetric_energy", 1.0),
    ("volume change (%)", "volume_change", 0.01),
    ("% volume change", "volume_change", 0.01),
    ("volume_change_percent", "volume_change", 0.01),
    ("ΔV/V (%)", "volume_change", 0.01),
    ("Volume change (-)", "volume_change", 1.0),
    ("voltage_spread_V", "voltage_spread", 1.0),
]


@pytest.mark.parametrize(("header", "field", "factor"), HEADERS)
def test_a_property_is_recognised_with_its_unit(header, field, factor):
    (column,) = recognise([header], "t.csv").columns.values()
    assert column.field == field
    assert column.unit is not None
    assert column.unit.factor == pytest.approx(factor)
    assert column.convert(2.0, "Li") == pytest.approx(2.0 * factor)


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("battery_id", "id"),
        ("Battery ID", "id"),
        ("ID", "id"),
        ("id_discharge", "structure"),
        ("Structure file", "structure"),
        ("file-name", "structure"),
        ("id_charge", "structure_charge"),
        ("Working Ion", "working_ion"),
        ("workingIon", "working_ion"),
        ("Formula Charge", "formula_charge"),
        ("Formula (discharged)", "formula_discharge"),
        ("method", "method"),
    ],
)
def test_a_text_is_recognised(header, field):
    (column,) = recognise([header], "t.csv").columns.values()
    assert (column.field, column.unit) == (field, None)


@pytest.mark.parametrize(
    "header",
    [
        *("stability_charge", "n_sites", "Steps", "Max Voltage Step", "Atomic Fraction Charge", "Battery Formula"),
        *("voltage_pairs", "energy_above_hull", "capacity_retention", "density", "", "Unnamed: 0", "space group"),
    ],
)
def test_other_columns_are_left_alone(header):
    found = recognise(["average_voltage", header], "t.csv")
    assert set(found.columns) == {"average_voltage"}
    assert found.ignored == (header,)


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        (["voltage (kN)"], r"unit of column 'voltage \(kN\)' is not known: give average_voltage in V, mV"),
        (["voltage (V vs SHE)"], "is not known: give average_voltage in V"),
        (["average_voltage_kV"], "is not known: give average_voltage in V"),
        (["capacity_grav (mAh/cm3)"], "give gravimetric_capacity in mAh/g"),
        (["specific energy (mJ/kg)"], "give gravimetric_energy in Wh/kg"),
        (["volume change (ppm)"], "give volume_change in fraction, %"),
        (["energy density"], "may be gravimetric_energy or volumetric_energy: add the unit, Wh/kg or Wh/L"),
        (["capacity"], "may be gravimetric_capacity or volumetric_capacity: add the unit"),
        (
            ["average_voltage", "Voltage (V)"],
            r"columns 'average_voltage' and 'Voltage \(V\)' both hold average_voltage",
        ),
        (["id", "Battery ID"], "both hold id"),
    ],
)
def test_what_is_unclear_is_refused(headers, message):
    with pytest.raises(UserError, match=rf"t\.csv: .*{message}"):
        recognise(headers, "t.csv")


@pytest.mark.parametrize(
    ("header", "ion", "value"),
    [
        ("voltage (V vs Li/Li+)", "Li", 4.0),
        ("voltage (V vs Li/Li+)", "Na", None),
        ("voltage (eV/ion)", "Mg", 2.0),
        ("voltage (eV/ion)", "Al", 4 / 3),
        ("voltage (eV/Mg)", "Mg", 2.0),
        ("voltage (eV/Mg)", "Ca", None),
        ("voltage (eV/e)", "Mg", 4.0),
        ("voltage (eV)", "K", 4.0),
        ("voltage (eV)", "Mg", None),
    ],
)
def test_a_voltage_fits_its_ion(header, ion, value):
    column = recognise([header], "t.csv").columns["average_voltage"]
    if value is None:
        with pytest.raises(UserError, match=ion):
            column.convert(4.0, ion)
    else:
        assert column.convert(4.0, ion) == pytest.approx(value)


@pytest.mark.parametrize(("name", "units"), ACCEPTED.items())
def test_every_unit_that_an_error_offers_is_read(name, units):
    for unit in units.split(", "):
        assert parse_unit(unit).property == name


@pytest.mark.parametrize(
    "text", ["", "furlong", "mAh", "mAh/", "/g", "V/g", "mAh/V", "eV/atom", "Wh kg-3", "mAh cm-1", "%%"]
)
def test_other_units_are_not_known(text):
    assert parse_unit(text) is None
