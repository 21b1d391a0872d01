"""Sensitivity of what is generated to each condition (thesis section 4.2.4, figure 4.13)."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kadi_battgen.applications.screening.generated import Generated
from kadi_battgen.applications.screening.model import ScreeningModel
from kadi_battgen.applications.seeds import candidate_seed
from kadi_battgen.datasets.store import TrainingDataset
from kadi_battgen.electrodes.collection import ElectrodeCollection
from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES, WORKING_IONS
from kadi_battgen.errors import UserError
from kadi_battgen.files import write_text
from kadi_battgen.metrics.candidates import atomic_fractions
from kadi_battgen.metrics.intervals import Interval, bootstrap_interval
from kadi_battgen.metrics.responses import (
    Response,
    directed_response,
    l2_change,
    root_mean_square_change,
    substitution_response,
)
from kadi_battgen.progress import progress_bar

#: What is watched, and how its change is measured.
OUTPUTS = {
    "descriptors": "root mean square over pixels and channels, descriptors scaled to [0, 1]",
    "composition": "L2 distance of the atomic fractions of the elements",
}

#: Name of the categorical condition.
WORKING_ION = "working_ion"

#: Samples that are generated at once.
_BATCH = 64


@dataclass(frozen=True)
class Sensitivity:
    """How far one output moves when one condition changes.

    Attributes
    ----------
    output
        ``descriptors`` or ``composition``.
    condition
        Name of a functional property, or ``working_ion``.
    step
        What was added to and subtracted from the property, in its unit; None for the working ion.
    response
        The changes with their intervals.
    """

    output: str
    condition: str
    step: float | None
    response: Response


@dataclass(frozen=True)
class SensitivityStudy:
    """A sensitivity analysis of one model.

    Attributes
    ----------
    sensitivities
        By output the conditions, the most influential first.
    seed_change
        By output how far two noise seeds lie apart under the same conditions, in the same measure; empty for one seed.
    electrodes, seeds
        Number of base electrodes, and of noise seeds for each.
    perturbation
        Step on the normalised scale, a fraction of the range that the conditions are scaled with.
    """

    sensitivities: dict[str, list[Sensitivity]]
    seed_change: dict[str, Interval]
    electrodes: int
    seeds: int
    perturbation: float

    def rows(self) -> list[dict[str, Any]]:
        """Return the study as table rows; intervals hold 95 % and None stands where there is no value."""
        rows = []
        for output, entries in self.sensitivities.items():
            largest = entries[0].response.change.estimate
            for rank, entry in enumerate(entries, start=1):
                response = entry.response
                unit = "" if entry.step is None else FUNCTIONAL_PROPERTIES[entry.condition].unit
                row: dict[str, Any] = {
                    "output": output,
                    "rank": rank,
                    "condition": entry.condition,
                    "step": entry.step,
                    "step_unit": unit,
                    "relative_change_fraction": response.change.estimate / largest if largest > 0 else None,
                }
                for name in ("change", "increase", "decrease", "asymmetry"):
                    value = getattr(response, name)
                    row[f"l2_{name}" if name != "asymmetry" else name] = None if value is None else value.estimate
                    row[f"{name}_low"] = None if value is None else value.low
                    row[f"{name}_high"] = None if value is None else value.high
                between = self.seed_change.get(output)
                row["change_between_seeds"] = None if between is None else between.estimate
                row["electrodes"], row["seeds"] = self.electrodes, self.seeds
                rows.append(row)
        return rows

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the table as CSV; the same study gives the same bytes."""
        rows = self.rows()
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(
                {name: f"{value:.6g}" if isinstance(value, float) else value for name, value in row.items()}
            )
        write_text(path, buffer.getvalue())


def sensitivity(
    model: ScreeningModel | str | os.PathLike[str],
    dataset_path: str | os.PathLike[str],
    *,
    part: str = "test",
    electrodes: int = 16,
    seeds: int = 3,
    seed: int = 0,
    perturbation: float = 0.05,
    steps: int = 50,
    guidance: float = 1.0,
    progress: bool = True,
) -> SensitivityStudy:
    """Measure how far generated descriptors and compositions move when one condition changes and all else stays.

    Each functional property of a base electrode is raised and lowered by a fraction of its normalised range; the working
    ion is replaced with each other one that the model knows, and the distances are averaged. The noise that an electrode's
    candidates start from is the same under all changes, and the sampler is deterministic, so that nothing but the
    condition differs.

    The thesis changes one property alone, and so does this: what is asked then contradicts itself a little (an energy is a
    voltage times a capacity), and a shifted property may lie up to the step outside the training range.

    Parameters
    ----------
    model
        A loaded model or its folder.
    dataset_path
        Data set whose electrodes are the bases.
    part
        Part of the data set that they are taken from.
    electrodes
        Number of base electrodes, taken from the working ions in turn; all if the part holds fewer.
    seeds
        Noise seeds for each base electrode.
    seed
        Seed that these are derived from.
    perturbation
        Step on the normalised scale, a fraction of the range.
    steps
        Sampler steps.
    guidance
        Scale of classifier-free guidance; 1 is the model as trained.

    Raises
    ------
    UserError
        If the model or the data set is missing or broken, the part holds fewer than two electrodes, or a number is out
        of range.
    """
    if seeds < 1 or electrodes < 2 or not 0 < perturbation <= 1:
        raise UserError(
            f"{electrodes} electrodes, {seeds} seeds and a perturbation of {perturbation:g} make no study: take at least 2 "
            "electrodes, 1 seed and a fraction above 0 and up to 1."
        )
    loaded = model if isinstance(model, ScreeningModel) else ScreeningModel(model)
    with TrainingDataset.open(dataset_path) as dataset:
        owners = np.unique(dataset.column("electrode_index")[dataset.indices(part)])
        if len(owners) < 2:
            raise UserError(f"The {part} part of {dataset_path} holds {len(owners)} electrodes: take a larger part.")
        found = ElectrodeCollection(tuple(dataset.electrodes[owner] for owner in owners))
    bases = found.select(limit=electrodes).electrodes
    changes = _Changes(loaded, perturbation)
    per_electrode = len(changes) * seeds
    block = max(1, _BATCH // per_electrode)
    distances: dict[str, list[np.ndarray]] = {name: [] for name in OUTPUTS}
    apart: dict[str, list[float]] = {name: [] for name in OUTPUTS}
    starts = range(0, len(bases), block)
    for start in progress_bar(starts, description="Changing conditions", unit="batch", enabled=progress):
        some = bases[start : start + block]
        properties, ions = changes.of(some, seeds)
        noise = [candidate_seed(seed, (start + n) * seeds + k) for n in range(len(some)) for k in range(seeds)]
        repeated = [value for value in noise for _ in range(len(changes))]
        generated = loaded.generate(properties, ions, repeated, steps=steps, guidance=guidance, progress=False)
        for name, values in _outputs(generated).items():
            shaped = values.reshape(len(some), seeds, len(changes), *values.shape[1:])
            for one in shaped:
                distances[name].append(_distances(name, one))
                apart[name] += [_seed_distance(name, one[:, 0])] if seeds > 1 else []
    responses = {name: changes.responses(np.stack(values), bases) for name, values in distances.items()}
    return SensitivityStudy(
        {name: _ranked(name, entries, changes.steps) for name, entries in responses.items()},
        {name: bootstrap_interval([np.array(values)]) for name, values in apart.items() if values},
        len(bases),
        seeds,
        perturbation,
    )


class _Changes:
    """The changed conditions of a base electrode: none, each property up and down, each other ion."""

    def __init__(self, model: ScreeningModel, perturbation: float) -> None:
        self.scaling = model.conditions_scaling
        self.perturbation = perturbation
        self.steps = dict(zip(FUNCTIONAL_PROPERTIES, perturbation * self.scaling.span, strict=True))
        self.known = [number for number, ion in enumerate(WORKING_IONS) if ion in model.training_ranges]

    def __len__(self) -> int:
        return 1 + 2 * len(FUNCTIONAL_PROPERTIES) + len(self.known)

    def of(self, electrodes: Sequence[Electrode], seeds: int) -> tuple[np.ndarray, np.ndarray]:
        """Return properties (rows, 6) and ions (rows,): electrodes, in them seeds, in them changes."""
        properties, ions = [], []
        count = len(FUNCTIONAL_PROPERTIES)
        for electrode in electrodes:
            base = self.scaling.transform(electrode.properties.as_vector())
            changed = np.tile(base, (len(self), 1))
            for column in range(count):
                changed[1 + 2 * column, column] += self.perturbation
                changed[2 + 2 * column, column] -= self.perturbation
            ion = np.full(len(self), WORKING_IONS.index(electrode.working_ion))
            ion[1 + 2 * count :] = self.known
            properties += [self.scaling.inverse(changed)] * seeds
            ions += [ion] * seeds
        return np.concatenate(properties), np.concatenate(ions)

    def responses(self, distances: np.ndarray, electrodes: Sequence[Electrode]) -> dict[str, Response]:
        """Return the responses by condition, from distances (electrodes, seeds, changes)."""
        responses = {
            name: directed_response(distances[:, :, 1 + 2 * column], distances[:, :, 2 + 2 * column])
            for column, name in enumerate(FUNCTIONAL_PROPERTIES)
        }
        own = [WORKING_IONS.index(electrode.working_ion) for electrode in electrodes]
        substitutes = np.not_equal.outer(own, self.known)
        if substitutes.any(axis=1).all():
            replaced = distances[:, :, 1 + 2 * len(FUNCTIONAL_PROPERTIES) :]
            responses[WORKING_ION] = substitution_response(replaced, substitutes)
        return responses


def _outputs(generated: Generated) -> dict[str, np.ndarray]:
    return {"descriptors": generated.images, "composition": atomic_fractions(generated.compositions)}


def _distance(name: str, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return (root_mean_square_change if name == "descriptors" else l2_change)(first, second)


def _distances(name: str, outputs: np.ndarray) -> np.ndarray:
    """Return how far outputs (seeds, changes, ...) lie from the first change, (seeds, changes)."""
    return np.stack([_distance(name, np.broadcast_to(one[:1], one.shape), one) for one in outputs])


def _seed_distance(name: str, outputs: np.ndarray) -> float:
    """Return the mean distance of the pairs of outputs (seeds, ...)."""
    first, second = np.triu_indices(len(outputs), 1)
    return float(_distance(name, outputs[first], outputs[second]).mean())


def _ranked(output: str, responses: dict[str, Response], steps: dict[str, float]) -> list[Sensitivity]:
    ordered = sorted(responses.items(), key=lambda entry: -entry[1].change.estimate)
    return [
        Sensitivity(output, name, None if name == WORKING_ION else float(steps[name]), response)
        for name, response in ordered
    ]
