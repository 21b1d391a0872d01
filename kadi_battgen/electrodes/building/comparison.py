"""Set the voltages of an electrode set against measurements and against the Materials Project."""

from __future__ import annotations

import csv
from pathlib import Path
from statistics import median
from typing import Any

from kadi_battgen.electrodes.building.literature import MEASURED, MeasuredVoltage
from kadi_battgen.electrodes.collection import ElectrodeCollection
from kadi_battgen.electrodes.composition import parse_formula
from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.errors import UserError
from kadi_battgen.files import existing_file


def reduced(formula: str) -> tuple[tuple[str, float], ...]:
    """Composition scaled to a sum of one, sorted, to compare formulas however they are written."""
    amounts = parse_formula(formula)
    total = sum(amounts.values())
    return tuple(sorted((element, round(amount / total, 6)) for element, amount in amounts.items()))


def literature_rows(electrodes: ElectrodeCollection) -> list[tuple[MeasuredVoltage, Electrode]]:
    """Pair each measured voltage with the electrode of the set that has its ion and discharged composition."""
    known = {(e.working_ion, reduced(e.formula_discharge)): e for e in electrodes.electrodes}
    rows = []
    for measured in MEASURED:
        found = known.get((measured.working_ion, reduced(measured.formula_discharge)))
        if found is not None:
            rows.append((measured, found))
    return rows


def table_differences(electrodes: ElectrodeCollection, table: Path) -> list[tuple[Electrode, float]]:
    """Differences (V) to a table of Materials Project electrodes where ion and both compositions coincide.

    Parameters
    ----------
    electrodes
        The set.
    table
        CSV with the columns ``working_ion``, ``formula_charge``, ``formula_discharge`` and ``average_voltage`` (spaces and
        capitals do not matter). Where it has several electrodes of the same compositions, the one nearest to their
        median voltage is taken.

    Raises
    ------
    UserError
        If the file is missing or lacks a column.
    """
    voltages: dict[tuple[Any, ...], list[float]] = {}
    needed = ("working_ion", "formula_charge", "formula_discharge", "average_voltage")
    with existing_file(table).open(newline="", encoding="utf-8") as stream:
        reader = csv.reader(stream)
        columns = [name.strip().lower().replace(" ", "_") for name in next(reader, [])]
        for name in needed:
            if name not in columns:
                raise UserError(f"{table} has no column {name}: give a table of insertion electrodes.")
        for cells in reader:
            ion, charge, discharge, voltage = (cells[columns.index(name)] for name in needed)
            if charge and discharge and voltage:
                voltages.setdefault((ion, reduced(charge), reduced(discharge)), []).append(float(voltage))
    differences = []
    for electrode in electrodes.electrodes:
        key = (electrode.working_ion, reduced(electrode.formula_charge), reduced(electrode.formula_discharge))
        if key in voltages:
            middle = median(voltages[key])
            reference = min(voltages[key], key=lambda v: abs(v - middle))
            differences.append((electrode, electrode.properties.average_voltage - reference))
    return differences
