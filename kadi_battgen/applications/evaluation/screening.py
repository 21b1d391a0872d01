"""How well generated candidates meet the properties of held-out electrodes, against baselines."""

from __future__ import annotations

from typing import Any

import numpy as np

from kadi_battgen.applications.screening import Generated, ScreeningModel, candidate_seed
from kadi_battgen.datasets.store import TrainingDataset
from kadi_battgen.electrodes.composition import formula_from_vector
from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.electrodes.properties import WORKING_IONS
from kadi_battgen.metrics.candidates import target_metrics
from kadi_battgen.training.samples import ImageSamples


def evaluate_screening(
    model: ScreeningModel,
    dataset: TrainingDataset,
    samples: ImageSamples,
    training: ImageSamples,
    seed: int,
    steps: int,
    progress: bool,
) -> dict[str, Any]:
    """Return how well candidates meet targets taken from the part's electrodes, against sampling without conditions."""
    owners = np.unique(samples.column("electrode_index"))
    electrodes = [dataset.electrodes[owner] for owner in owners]
    properties = np.stack([electrode.properties.as_vector() for electrode in electrodes])
    ions = np.array([WORKING_IONS.index(electrode.working_ion) for electrode in electrodes])
    seeds = [candidate_seed(seed, int(owner)) for owner in owners]
    conditional = model.generate(properties, ions, seeds, steps=steps, progress=progress)
    nothing = np.full_like(properties, np.nan)
    unconditional = model.generate(nothing, np.full_like(ions, -1), seeds, steps=steps, progress=progress)
    known = {formula_from_vector(vector) for vector in np.unique(training.column("composition"), axis=0)}
    results = {
        "conditional": _meet_targets(electrodes, conditional.compositions, known),
        "unconditional": _meet_targets(electrodes, unconditional.compositions, known),
    }
    results.update(_thesis_way(electrodes, conditional, known))
    mean = np.broadcast_to(training.column("composition").mean(axis=0), conditional.compositions.shape)
    results["training_mean"] = _meet_targets(electrodes, mean, known)
    return results


def _thesis_way(electrodes: list[Electrode], generated: Generated, known: set[str]) -> dict[str, Any]:
    if generated.regressed is None:
        return {}
    return {"conditional_from_image_latent": _meet_targets(electrodes, generated.regressed, known)}


def _meet_targets(electrodes: list[Electrode], compositions: np.ndarray, known: set[str]) -> dict[str, Any]:
    """Return how well generated compositions meet the targets taken from held-out electrodes."""
    return target_metrics(
        compositions,
        [electrode.working_ion for electrode in electrodes],
        np.array([electrode.properties.gravimetric_capacity for electrode in electrodes]),
        np.stack([electrode.composition for electrode in electrodes]),
        known,
    )
