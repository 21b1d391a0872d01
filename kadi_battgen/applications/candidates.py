"""A candidate material: its formula, what was asked, what follows from the formula, and the nearest known electrode."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import h5py
import numpy as np

from kadi_battgen.applications.neighbours import KnownElectrodes
from kadi_battgen.applications.targets import Target
from kadi_battgen.electrodes.composition import (
    ELEMENT_INDEX,
    composition_vector,
    parse_formula,
    theoretical_gravimetric_capacity,
)
from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES, WORKING_IONS
from kadi_battgen.files import atomic_path, write_text
from kadi_battgen.hdf5 import FORMAT, open_schema

IMAGES_SCHEMA = "kadi-battgen/candidate-images"
IMAGES_SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Candidate:
    """One generated candidate.

    Attributes
    ----------
    formula
        Predicted formula of the discharged phase; empty if the model drew no element.
    composition
        Atoms per formula unit, (112,).
    formula_from_image
        Formula regressed from the generated image latent (the thesis's way), None if not asked for.
    working_ion
        The asked working ion; with none asked, the first of the ten that the formula holds.
    working_ion_present
        Whether the formula holds it.
    charge_balanced
        Whether common oxidation states add up to zero.
    asked
        Drawn condition of each functional property, (6,), NaN where left open.
    theoretical_capacity
        Gravimetric capacity in mAh/g if all working ions of the formula leave; 0 without one.
    nearest, distance
        Nearest known electrode and the share of atoms that differ.
    target
        What was asked.
    target_miss
        How far the candidate lies outside the target, as a fraction averaged over the asked properties: the gravimetric
        capacity by its own formula, the others by the nearest known electrode.
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
    composition: np.ndarray
    formula_from_image: str | None
    working_ion: str | None
    working_ion_present: bool
    charge_balanced: bool
    asked: np.ndarray
    theoretical_capacity: float
    nearest: Electrode
    distance: float
    target: Target
    target_miss: float
    seed: int
    position: int
    rank: int = 0
    repeats_rank: int | None = None

    @classmethod
    def assess(
        cls,
        composition: np.ndarray,
        *,
        formula: str,
        formula_from_image: str | None,
        target: Target,
        asked: np.ndarray,
        known: KnownElectrodes,
        seed: int,
        position: int,
    ) -> Candidate:
        """Return the candidate of a generated composition with everything that follows from it."""
        reduced = composition_vector(formula) if formula else composition
        ion = target.working_ion or next((i for i in WORKING_IONS if reduced[ELEMENT_INDEX[i]] > 0), None)
        present = ion is not None and bool(reduced[ELEMENT_INDEX[ion]] > 0)
        capacity = theoretical_gravimetric_capacity(formula, ion) if ion is not None and present else 0.0
        nearest, distance = known.nearest(reduced, ion)
        misses = [
            wanted.miss(capacity if name == "gravimetric_capacity" else getattr(nearest.properties, name))
            for name, wanted in target.ranges.items()
        ]
        return cls(
            formula=formula,
            composition=reduced,
            formula_from_image=formula_from_image,
            working_ion=ion,
            working_ion_present=present,
            charge_balanced=is_charge_balanced(formula),
            asked=asked,
            theoretical_capacity=capacity,
            nearest=nearest,
            distance=distance,
            target=target,
            target_miss=float(np.mean(misses)) if misses else 0.0,
            seed=seed,
            position=position,
        )

    def row(self) -> dict[str, Any]:
        """Return the candidate as a table row; units are in the column names."""
        row: dict[str, Any] = {
            "rank": self.rank,
            "formula": self.formula,
            "working_ion": self.working_ion or "",
            "working_ion_present": self.working_ion_present,
            "charge_balanced": self.charge_balanced,
            "repeats_rank": self.repeats_rank or "",
            "target_miss_fraction": round(self.target_miss, 4),
            "theoretical_gravimetric_capacity_mAh_per_g": round(self.theoretical_capacity, 2),
        }
        for entry, asked in zip(FUNCTIONAL_PROPERTIES.values(), self.asked, strict=True):
            wanted = self.target.ranges.get(entry.name)
            row[f"target_{entry.column}"] = "" if wanted is None else str(wanted)
            row[f"asked_{entry.column}"] = "" if np.isnan(asked) else f"{asked:.5g}"
        row.update(
            {
                "nearest_known_id": self.nearest.id,
                "nearest_known_formula": self.nearest.formula_discharge,
                "nearest_known_distance_fraction": round(self.distance, 4),
            }
        )
        for entry in FUNCTIONAL_PROPERTIES.values():
            row[f"nearest_known_{entry.column}"] = f"{getattr(self.nearest.properties, entry.name):.5g}"
        row.update(
            {
                "nearest_known_method": self.nearest.method,
                "formula_from_image_latent": self.formula_from_image or "",
                "composition_vector": ";".join(f"{count:g}" for count in self.composition),
                "seed": self.seed,
            }
        )
        return row


def rank_candidates(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return candidates best first, with their ranks.

    The order is one a user can explain: candidates that hold the working ion come first; among them those whose charges
    balance; then the smaller miss of the target; then the smaller distance to a known electrode, which is the better
    supported one. Repetitions of a formula come after all others of their group.
    """
    ordered = sorted(
        candidates,
        key=lambda c: (not c.working_ion_present, not c.charge_balanced, c.target_miss, c.distance, c.position),
    )
    seen: set[str] = set()
    repeated = []
    for candidate in ordered:
        repeated.append(candidate.formula in seen)
        seen.add(candidate.formula)
    pairs = sorted(
        zip(ordered, repeated, strict=True),
        key=lambda p: (not p[0].working_ion_present, not p[0].charge_balanced, p[1]),
    )
    rank_of: dict[str, int] = {}
    ranked = []
    for rank, (candidate, repeats) in enumerate(pairs, start=1):
        ranked.append(replace(candidate, rank=rank, repeats_rank=rank_of.get(candidate.formula) if repeats else None))
        rank_of.setdefault(candidate.formula, rank)
    return ranked


def write_candidates(path: str | os.PathLike[str], candidates: Sequence[Candidate]) -> None:
    """Write ranked candidates as CSV; the same candidates give the same bytes."""
    rows = [candidate.row() for candidate in candidates]
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, buffer.getvalue())


def write_candidate_images(
    path: str | os.PathLike[str],
    candidates: Sequence[Candidate],
    images: np.ndarray,
    translator_card: dict[str, Any],
    target: Target,
) -> None:
    """Write the generated descriptors of ranked candidates to HDF5.

    Parameters
    ----------
    path
        The file: ``descriptors`` (N, 6, H, W) float16, scaled to [0, 1] over the training part, and ``formulas`` (N,).
        The scaling back to physical units, the conventions of the simulation and the target are attributes.
    candidates
        In the order of `images`.
    images
        Scaled descriptors, (N, 6, H, W).
    translator_card
        Card of the translator that decoded them.
    target
        What was asked.
    """
    with atomic_path(path) as temporary, h5py.File(temporary, "w", libver=FORMAT) as file:
        file.attrs.update(
            {
                "schema": IMAGES_SCHEMA,
                "schema_version": IMAGES_SCHEMA_VERSION,
                "descriptor_scaling": json.dumps(translator_card["normalisation"]["descriptors"]),
                "conventions": json.dumps(translator_card["conventions"], sort_keys=True),
                "target": json.dumps(target.describe()),
            }
        )
        file.create_dataset("descriptors", data=images.astype(np.float16), track_times=False)
        formulas = [candidate.formula for candidate in candidates]
        file.create_dataset("formulas", data=formulas, dtype=h5py.string_dtype(), track_times=False)


def read_candidate_images(path: str | os.PathLike[str]) -> tuple[np.ndarray, dict[str, str], dict[str, Any]]:
    """Return the scaled descriptors, the target and the conventions of a file of :func:`write_candidate_images`.

    Raises
    ------
    UserError
        If the file is missing, broken or of another schema.
    """
    made_by = "battgen screen --images"
    with open_schema(path, IMAGES_SCHEMA, IMAGES_SCHEMA_VERSION, ("descriptors", "formulas"), made_by) as file:
        images = file["descriptors"][:].astype(np.float32)
        return images, json.loads(file.attrs["target"]), json.loads(file.attrs["conventions"])


@lru_cache(maxsize=4096)
def is_charge_balanced(formula: str) -> bool:
    """Return whether the elements' common oxidation states can add up to zero (pymatgen's guess).

    Formulas of more than 60 atoms, for which the number of combinations explodes, and elements alone count as not
    balanced.
    """
    if not formula:
        return False
    amounts = parse_formula(formula)
    if len(amounts) < 2 or sum(amounts.values()) > 60:
        return False
    from pymatgen.core import Composition

    return bool(Composition(amounts).oxi_state_guesses())
