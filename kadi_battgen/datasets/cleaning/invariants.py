"""Step invariants: values that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from kadi_battgen.datasets.cleaning.audit import Decision
from kadi_battgen.datasets.cleaning.step import Finding, Outcome, Step, carry_out, number
from kadi_battgen.datasets.cleaning.table import Table
from kadi_battgen.electrodes.composition import parse_formula, theoretical_gravimetric_capacity
from kadi_battgen.electrodes.electrode import CAPACITY_TOLERANCE, ENERGY_TOLERANCE
from kadi_battgen.errors import UserError

#: Energies that are the product of the voltage and a capacity: V mAh/g = Wh/kg, V mAh/cm^3 = Wh/L.
PRODUCTS = (("gravimetric_energy", "gravimetric_capacity"), ("volumetric_energy", "volumetric_capacity"))

#: Below these the difference counts instead of the ratio: energies of zero are all alike.
_FLOOR = 1e-3


class Invariants(Step):
    """Checks what must hold between the columns of a row.

    The energies are voltage times capacity; the ratio of volumetric to gravimetric capacity is the density of the
    discharged phase; both ends share one host, the working ion leaves on charging, and the gravimetric capacity is
    Q = n z F / (3.6 M) of the discharge formula. A check whose columns or values are missing is passed over.
    """

    name: ClassVar[str] = "invariants"

    step: Literal["invariants"] = "invariants"
    action: Literal["drop", "flag", "repair"] = Field(
        default="drop",
        description="about a row that contradicts itself; repair recomputes energies from voltage and capacity and drops "
        "what it cannot mend",
    )
    energy_tolerance: float = Field(default=ENERGY_TOLERANCE, gt=0, description="relative, as a fraction")
    capacity_tolerance: float = Field(default=CAPACITY_TOLERANCE, gt=0, description="relative, as a fraction")
    density: tuple[float, float] = Field(
        default=(0.3, 23.0), description="plausible density of the discharged phase in g/cm^3, from and to"
    )
    formulas: bool = Field(default=True, description="whether host and capacity are checked against the formulas")

    @property
    def method_text(self) -> str:
        """What is checked."""
        return f"V Q = E, density, {'formulas, ' if self.formulas else ''}{self.action}"

    def apply(self, table: Table, constants: dict[str, Any], label: str) -> Outcome:
        """Check every row, and drop, flag or repair those that contradict themselves."""
        repaired: list[Decision] = []
        if self.action == "repair":
            table, repaired = self._repair(table, label)
        findings = [*self._energies(table), *self._densities(table)]
        if self.formulas and {"formula_charge", "formula_discharge", "working_ion"} <= set(table.text):
            findings += self._formulas(table)
        findings.sort(key=lambda finding: finding.row)
        outcome = carry_out(table, label, "flag" if self.action == "flag" else "drop", findings)
        return Outcome(outcome.table, (*repaired, *outcome.decisions))

    def _broken(self, table: Table) -> Iterator[tuple[str, str, np.ndarray, np.ndarray]]:
        """Yield energy column, capacity column, expected energy and the rows whose energy is another one."""
        for energy, capacity in PRODUCTS:
            if {"average_voltage", energy, capacity} <= set(table.numbers):
                expected = table.numbers["average_voltage"] * table.numbers[capacity]
                difference = np.abs(table.numbers[energy] - expected)
                yield (
                    energy,
                    capacity,
                    expected,
                    difference > self.energy_tolerance * np.maximum(np.abs(expected), _FLOOR),
                )

    def _repair(self, table: Table, label: str) -> tuple[Table, list[Decision]]:
        decisions = []
        for energy, capacity, expected, broken in self._broken(table):
            values = table.numbers[energy]
            for row in np.flatnonzero(broken):
                reason = f"average_voltage times {capacity} is {number(expected[row])}{table.unit(energy)}"
                decisions.append(
                    Decision(label, table.ids[row], energy, "recomputed", values[row], float(expected[row]), reason)
                )
            table = table.with_numbers({energy: np.where(broken, expected, values)})
        return table, decisions

    def _energies(self, table: Table) -> Iterator[Finding]:
        for energy, capacity, expected, broken in self._broken(table):
            for row in np.flatnonzero(broken):
                value = float(table.numbers[energy][row])
                reason = (
                    f"average_voltage times {capacity} is {number(expected[row])}{table.unit(energy)}, a relative "
                    f"difference of {number(abs(value - expected[row]) / max(abs(expected[row]), _FLOOR))} "
                    f"(tolerance {number(self.energy_tolerance)})"
                )
                yield Finding(int(row), energy, value, "", reason)

    def _densities(self, table: Table) -> Iterator[Finding]:
        if not {"gravimetric_capacity", "volumetric_capacity"} <= set(table.numbers):
            return
        with np.errstate(divide="ignore", invalid="ignore"):
            density = table.numbers["volumetric_capacity"] / table.numbers["gravimetric_capacity"]
        low, high = self.density
        for row in np.flatnonzero((density < low) | (density > high)):
            value = float(table.numbers["volumetric_capacity"][row])
            reason = (
                f"volumetric over gravimetric capacity is a density of {number(density[row])} g/cm^3, outside "
                f"{number(low)} to {number(high)} g/cm^3"
            )
            yield Finding(int(row), "volumetric_capacity", value, "", reason)

    def _formulas(self, table: Table) -> Iterator[Finding]:
        capacities = table.numbers.get("gravimetric_capacity")
        columns = (table.text[name] for name in ("formula_charge", "formula_discharge", "working_ion"))
        for row, (charge, discharge, ion) in enumerate(zip(*columns, strict=True)):
            if not charge or not discharge:
                continue
            try:
                capacity = capacity_of_formulas(charge, discharge, ion)
            except UserError as error:
                yield Finding(row, "formula_discharge", discharge, "", str(error).rstrip("."))
                continue
            value = np.nan if capacities is None else float(capacities[row])
            if abs(value - capacity) > self.capacity_tolerance * capacity:
                reason = (
                    f"{charge} and {discharge} give {number(capacity)} mAh/g, a relative difference of "
                    f"{number(abs(value - capacity) / capacity)} (tolerance {number(self.capacity_tolerance)})"
                )
                yield Finding(row, "gravimetric_capacity", value, "", reason)


def capacity_of_formulas(formula_charge: str, formula_discharge: str, working_ion: str) -> float:
    """Return the gravimetric capacity in mAh/g between two formulas that share a host, with the discharged mass.

    Raises
    ------
    UserError
        If a formula does not parse, the hosts differ, or no working ion leaves on charging.
    """
    charge, discharge = parse_formula(formula_charge), parse_formula(formula_discharge)
    hosts = [{symbol: n for symbol, n in amounts.items() if symbol != working_ion} for amounts in (charge, discharge)]
    ratios = [hosts[1][symbol] / hosts[0][symbol] for symbol in hosts[1] if symbol in hosts[0]]
    if not ratios or hosts[0].keys() != hosts[1].keys() or max(ratios) - min(ratios) > 1e-4 * max(ratios):
        raise UserError(f"{formula_charge} and {formula_discharge} do not share one host beside {working_ion}.")
    transferred = discharge.get(working_ion, 0.0) - charge.get(working_ion, 0.0) * ratios[0]
    if transferred <= 1e-6:
        raise UserError(f"No {working_ion} leaves between {formula_discharge} and {formula_charge}.")
    return theoretical_gravimetric_capacity(formula_discharge, working_ion, transferred)
