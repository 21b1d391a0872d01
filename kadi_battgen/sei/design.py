"""Which reaction barriers a campaign simulates: Latin hypercube designs, ranges of one's own, or a table."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from kadi_battgen.errors import UserError
from kadi_battgen.files import existing_file
from kadi_battgen.sei.chemistry import BARRIER_NAMES, PUBLISHED_SPAN, published_minimum

#: Range in eV of the three barriers that decide whether an SEI forms at all, in the wide design.
WIDE_RANGE: Final = (0.28, 0.70)

#: Longest time in s that a run of the wide design simulates.
WIDE_MAX_TIME: Final = 1e-3

#: Designs by name, with what they are for.
DESIGNS: Final[Mapping[str, str]] = {
    "published": "the ranges of the published data set, in which an SEI always forms",
    "wide": "barriers 1 to 3 uniform in 0.28 to 0.70 eV and at most 1e-3 s, which reaches bare electrodes",
}

#: Decimals that sampled barriers in eV are rounded to, so that they are the same whatever the processor's powers are.
_DECIMALS: Final = 10


@dataclass(frozen=True)
class BarrierRange:
    """The values that one barrier takes in a design.

    Attributes
    ----------
    low, high
        Its ends in eV.
    law
        How a number u, uniform in [0, 1], becomes a barrier: ``uniform``, low + (high - low) u; or ``published``,
        low (high / low)^(u^2), which prefers low barriers: E = E_min 10^(u^2 / 4) in the published data set.
    """

    low: float
    high: float
    law: Literal["uniform", "published"] = "uniform"

    def values(self, uniform: np.ndarray) -> np.ndarray:
        """Return the barriers in eV that numbers in [0, 1] stand for."""
        if self.law == "published":
            return self.low * (self.high / self.low) ** (uniform**2)
        return self.low + (self.high - self.low) * uniform

    def to_json(self) -> dict[str, Any]:
        """Return the range as plain JSON values."""
        return {"low_eV": self.low, "high_eV": self.high, "law": self.law}


@dataclass(frozen=True)
class Design:
    """Ranges of all barriers, sampled by Latin hypercube.

    Attributes
    ----------
    name
        ``published``, ``wide``, or one of these with `` with own ranges`` behind it.
    ranges
        One range a barrier, in the order of ``BARRIER_NAMES``.
    max_time
        Longest simulated time in s that belongs to the design; None where it has none.
    """

    name: str
    ranges: tuple[BarrierRange, ...]
    max_time: float | None = None

    def sample(self, runs: int, seed: int) -> np.ndarray:
        """Return barriers in eV, shape (runs, barriers), one in each of `runs` equal strata of u in every column.

        Raises
        ------
        UserError
            If no run is asked for.
        """
        from scipy.stats import qmc

        if runs < 1:
            raise UserError(f"{runs} runs were asked for: give 1 or more.")
        uniform = qmc.LatinHypercube(d=len(self.ranges), rng=np.random.default_rng(seed)).random(runs)
        columns = [entry.values(uniform[:, index]) for index, entry in enumerate(self.ranges)]
        return np.round(np.stack(columns, axis=1), _DECIMALS)

    def to_json(self) -> dict[str, Any]:
        """Return the design as plain JSON values."""
        ranges = {name: entry.to_json() for name, entry in zip(BARRIER_NAMES, self.ranges, strict=True)}
        return {"name": self.name, "sampling": "Latin hypercube", "ranges": ranges, "max_time_s": self.max_time}


def named_design(name: str, ranges: str | os.PathLike[str] | None = None) -> Design:
    """Return a design.

    Parameters
    ----------
    name
        One of ``DESIGNS``.
    ranges
        File with ranges that replace those of some barriers, see :func:`read_ranges`.

    Raises
    ------
    UserError
        If there is no such design, or the file does not hold ranges.
    """
    if name not in DESIGNS:
        raise UserError(f"The design {name!r} is not known: choose from {', '.join(DESIGNS)}.")
    lowest = [published_minimum(barrier) for barrier in BARRIER_NAMES]
    entries = [BarrierRange(low, low * PUBLISHED_SPAN, "published") for low in lowest]
    if name == "wide":
        entries[:3] = [BarrierRange(*WIDE_RANGE)] * 3
    if ranges is not None:
        own = read_ranges(ranges)
        entries = [own.get(barrier, entry) for barrier, entry in zip(BARRIER_NAMES, entries, strict=True)]
    return Design(
        name if ranges is None else f"{name} with own ranges", tuple(entries), WIDE_MAX_TIME if name == "wide" else None
    )


def read_ranges(path: str | os.PathLike[str]) -> dict[str, BarrierRange]:
    """Read uniform ranges of some barriers.

    Parameters
    ----------
    path
        YAML with lines such as ``e1: [0.28, 0.70]``, or CSV with the columns barrier, low_eV and high_eV.

    Returns
    -------
    dict
        Range by the name of the barrier.

    Raises
    ------
    UserError
        If the file is missing, is neither, or a range is none.
    """
    source = existing_file(path)
    rows = _csv_ranges(source) if source.suffix.lower() == ".csv" else _yaml_ranges(source)
    if not rows:
        raise UserError(f"{source} holds no range: write lines such as e1: [0.28, 0.70].")
    found: dict[str, BarrierRange] = {}
    for name, ends in rows:
        if name not in BARRIER_NAMES:
            raise UserError(
                f"{source}: {name} is no barrier; they are called {BARRIER_NAMES[0]} to {BARRIER_NAMES[-1]}."
            )
        if name in found:
            raise UserError(f"{source}: {name} occurs twice; give each range once.")
        if len(ends) != 2:
            raise UserError(f"{source}: {name} has {len(ends)} values; give the two ends of its range in eV.")
        low, high = (_number(value, f"{source}: {name}") for value in ends)
        if not 0 < low <= high:
            raise UserError(f"{source}: {name} has the range {low} to {high} eV; give 0 < low <= high.")
        found[name] = BarrierRange(low, high)
    return found


def read_barriers(path: str | os.PathLike[str]) -> np.ndarray:
    """Read a table of barriers.

    Parameters
    ----------
    path
        CSV with the columns e1 to e15 in eV, one row a run; further columns are ignored.

    Returns
    -------
    numpy.ndarray
        float64, shape (rows, barriers).

    Raises
    ------
    UserError
        If the file is missing, lacks a column or a row, or a value is no positive number.
    """
    source = existing_file(path)
    lines = _csv_rows(source, BARRIER_NAMES)
    if not lines:
        raise UserError(f"{source} holds no row: give at least one set of barriers.")
    table = [[_number(row[name], f"{source}, line {line}: {name}") for name in BARRIER_NAMES] for line, row in lines]
    return np.array(table, dtype=np.float64)


def _csv_rows(source: Path, needed: Sequence[str]) -> list[tuple[int, dict[str, Any]]]:
    """Return the rows of a CSV file with their line numbers."""
    try:
        with source.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, skipinitialspace=True)
            missing = [name for name in needed if name not in (reader.fieldnames or ())]
            if missing:
                raise UserError(f"{source} lacks the column {missing[0]}: give the columns {', '.join(needed)}.")
            return [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{source} is not a CSV table ({error}): save it as UTF-8 text with commas.") from error


def _csv_ranges(source: Path) -> list[tuple[str, list[Any]]]:
    rows = _csv_rows(source, ("barrier", "low_eV", "high_eV"))
    return [(str(row["barrier"]), [row["low_eV"], row["high_eV"]]) for _, row in rows]


def _yaml_ranges(source: Path) -> list[tuple[str, list[Any]]]:
    import yaml

    try:
        document = yaml.safe_load(source.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{source} is not YAML ({str(error).splitlines()[0]}): mend the file.") from error
    if not isinstance(document, dict):
        raise UserError(f"{source} holds no ranges: write lines such as e1: [0.28, 0.70].")
    return [(str(name), ends if isinstance(ends, list) else [ends]) for name, ends in document.items()]


def _number(value: Any, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise UserError(f"{where} is {value!r}: give a positive number in eV.")
    return number
