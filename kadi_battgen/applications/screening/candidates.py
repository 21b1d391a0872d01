"""A candidate material: its formula, what was asked, what is to be expected of it, and the nearest known electrode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kadi_battgen.applications.screening.charges import charged_formula, is_charge_balanced, may_extract
from kadi_battgen.applications.screening.neighbours import KnownElectrodes
from kadi_battgen.applications.screening.targets import Target
from kadi_battgen.electrodes.composition import (
    ELEMENT_INDEX,
    ELEMENTS,
    composition_vector,
    formula_from_vector,
    theoretical_gravimetric_capacity,
)
from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES


@dataclass(frozen=True)
class GeneratedFormula:
    """What the model drew of one candidate, and how sure it is.

    Attributes
    ----------
    composition
        Atoms per formula unit of the discharged phase, whole numbers, (112,).
    working_ion
        Symbol of the ion that the model takes to move.
    extracted
        Share of these ions that leaves on charging, a fraction.
    low, high
        Ends of the interval of each element's atoms per formula unit, (112,).
    confidence
        Share of repeated drawings that give just the same formula.
    from_image
        Formula regressed from the generated image latent (the thesis's way), None if not asked for.
    """

    composition: np.ndarray
    working_ion: str
    extracted: float
    low: np.ndarray
    high: np.ndarray
    confidence: float
    from_image: str | None = None


@dataclass(frozen=True)
class Expectation:
    """Functional properties of one candidate with intervals, (6,) each, in the order of ``FUNCTIONAL_PROPERTIES``."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Candidate:
    """One generated candidate.

    Attributes
    ----------
    formula
        Formula of the discharged phase; empty if the model drew no element.
    formula_charge
        Formula of the charged phase over the same host; empty where the working ion is not present.
    generated
        What the model drew.
    composition
        Atoms per reduced formula, (112,).
    working_ion
        The asked working ion; with none asked, the one that the model generated. None if the formula does not hold it.
    working_ion_present
        Whether the formula holds it.
    charge_balanced
        Whether common oxidation states add up to zero, and those of the redox metals allow the extraction.
    asked
        Drawn condition of each functional property, (6,), NaN where left open.
    theoretical_capacity
        Gravimetric capacity in mAh/g if the extracted share of the ions leaves; 0 without the ion.
    expected
        What the property model expects of the formula.
    nearest, distance
        Nearest known electrode and the share of atoms that differ.
    novel
        Whether no known electrode has the formula.
    target
        What was asked.
    misses
        By asked property how far the candidate is expected to lie outside the target, as a fraction of the property's spread
        over the training electrodes: the gravimetric capacity by the formula, the others by the property model.
    seed
        Seed of the candidate's noise.
    position
        Its number in the order of generation.
    rank
        1 is best; 0 before ranking.
    repeats_rank
        Rank of a better candidate with the same formula, or None.
    """

    formula: str
    formula_charge: str
    generated: GeneratedFormula
    composition: np.ndarray
    working_ion: str | None
    working_ion_present: bool
    charge_balanced: bool
    asked: np.ndarray
    theoretical_capacity: float
    expected: Expectation
    nearest: Electrode
    distance: float
    novel: bool
    target: Target
    misses: Mapping[str, float]
    seed: int
    position: int
    rank: int = 0
    repeats_rank: int | None = None

    @classmethod
    def assess(
        cls,
        generated: GeneratedFormula,
        *,
        expected: Expectation,
        target: Target,
        asked: np.ndarray,
        known: KnownElectrodes,
        training_ranges: Mapping[str, Mapping[str, Any]],
        seed: int,
        position: int,
    ) -> Candidate:
        """Return the candidate of a generated formula with everything that follows from it."""
        formula = formula_from_vector(generated.composition)
        reduced = composition_vector(formula) if formula else generated.composition
        ion = target.working_ion or generated.working_ion
        present = bool(reduced[ELEMENT_INDEX[ion]] > 0)
        leaving = generated.extracted * float(reduced[ELEMENT_INDEX[ion]])
        capacity = theoretical_gravimetric_capacity(formula, ion, leaving) if present else 0.0
        nearest, distance = known.nearest(reduced, ion)
        values = dict(zip(FUNCTIONAL_PROPERTIES, expected.mean.tolist(), strict=True))
        return cls(
            formula=formula,
            formula_charge=charged_formula(reduced, ion, generated.extracted) if present else "",
            generated=generated,
            composition=reduced,
            working_ion=ion if present or target.working_ion else None,
            working_ion_present=present,
            charge_balanced=is_charge_balanced(formula) and present and may_extract(formula, ion, leaving),
            asked=asked,
            theoretical_capacity=capacity,
            expected=expected,
            nearest=nearest,
            distance=distance,
            novel=not known.holds(reduced),
            target=target,
            misses=target.misses({**values, "gravimetric_capacity": capacity}, training_ranges),
            seed=seed,
            position=position,
        )

    @property
    def target_miss(self) -> float:
        """Mean of :attr:`misses` over the asked properties; 0 where none is asked."""
        return float(np.mean(list(self.misses.values()))) if self.misses else 0.0

    def explanation(self) -> str:
        """Return in words what the rank follows from, in the order in which it counts."""
        ion = self.target.working_ion or self.working_ion
        words = [f"holds {ion}" if self.working_ion_present else f"holds no {ion or 'working ion'}"]
        words.append("charges balance" if self.charge_balanced else "charges do not balance")
        if self.repeats_rank is not None:
            words.append(f"same formula as rank {self.repeats_rank}")
        outside = [f"{name.replace('_', ' ')} by {miss:.2f}" for name, miss in self.misses.items() if miss > 0.005]
        if self.misses:
            words.append(f"misses {', '.join(outside)} of its spread" if outside else "meets the target")
        words.append("new" if self.novel else "known")
        return "; ".join(words)

    def row(self) -> dict[str, Any]:
        """Return the candidate as a table row; units are in the column names, and None stands where there is no value."""
        row: dict[str, Any] = {
            "rank": self.rank,
            "formula": self.formula,
            "formula_charge": self.formula_charge,
            "working_ion": self.working_ion,
            "working_ion_present": self.working_ion_present,
            "charge_balanced": self.charge_balanced,
            "repeats_rank": self.repeats_rank,
            "novel": self.novel,
            "target_miss_fraction": round(self.target_miss, 4),
            "explanation": self.explanation(),
            "extracted_fraction": round(self.generated.extracted, 4),
            "theoretical_gravimetric_capacity_mAh_per_g": round(self.theoretical_capacity, 2),
        }
        for position, entry in enumerate(FUNCTIONAL_PROPERTIES.values()):
            wanted, asked = self.target.ranges.get(entry.name), float(self.asked[position])
            row[f"target_{entry.column}"] = None if wanted is None else str(wanted)
            row[f"asked_{entry.column}"] = None if np.isnan(asked) else _significant(asked)
            for name in ("mean", "low", "high"):
                column = f"predicted_{entry.column}" + ("" if name == "mean" else f"_{name}")
                row[column] = _significant(getattr(self.expected, name)[position]) if self.formula else None
        row.update(
            {
                "nearest_known_id": self.nearest.id,
                "nearest_known_formula": self.nearest.formula_discharge,
                "nearest_known_distance_fraction": round(self.distance, 4),
            }
        )
        for entry in FUNCTIONAL_PROPERTIES.values():
            row[f"nearest_known_{entry.column}"] = _significant(getattr(self.nearest.properties, entry.name))
        row.update(
            {
                "nearest_known_method": self.nearest.method,
                "formula_confidence_fraction": round(self.generated.confidence, 4),
                "composition_interval": composition_interval(self.generated),
                "formula_from_image_latent": self.generated.from_image,
                "composition_vector": ";".join(f"{count:g}" for count in self.composition),
                "seed": self.seed,
            }
        )
        return row


def composition_interval(generated: GeneratedFormula) -> str:
    """Return the intervals of the elements that are present anywhere in them: ``Li 1; Mn 0-1; Fe 0-1; O 4``."""
    held = np.flatnonzero((generated.high > 0) | (generated.composition > 0))
    low = np.minimum(generated.low, generated.composition)
    high = np.maximum(generated.high, generated.composition)
    parts = []
    for index in held:
        ends = f"{low[index]:g}" if low[index] == high[index] else f"{low[index]:g}-{high[index]:g}"
        parts.append(f"{ELEMENTS[index]} {ends}")
    return "; ".join(parts)


def _significant(value: float) -> float:
    return float(f"{float(value):.5g}")
