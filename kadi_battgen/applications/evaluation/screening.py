"""How well generated candidates meet the properties of held-out electrodes, against baselines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kadi_battgen.applications.evaluation.retrieval import nearest_by_conditions
from kadi_battgen.applications.screening.charges import is_charge_balanced
from kadi_battgen.applications.screening.drawing import DEFAULT_DRAWS
from kadi_battgen.applications.screening.generated import Generated
from kadi_battgen.applications.screening.model import ScreeningModel
from kadi_battgen.applications.seeds import candidate_seed
from kadi_battgen.datasets.store import TrainingDataset
from kadi_battgen.electrodes.composition import formula_from_vector
from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.electrodes.properties import WORKING_IONS
from kadi_battgen.metrics.candidates import capacity_errors, target_metrics
from kadi_battgen.training.samples import ImageSamples
from kadi_battgen.training.screening.formulas import SHARES, electrode_samples

#: Held-out targets whose generated descriptors are shown beside those of the electrode.
_EXAMPLES = 4


def evaluate_screening(
    model: ScreeningModel,
    dataset: TrainingDataset,
    samples: ImageSamples,
    training: ImageSamples,
    seed: int,
    steps: int,
    progress: bool,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return how well candidates meet targets taken from the part's electrodes, and a few of them.

    Each electrode's working ion and six functional properties are a target, and one candidate is generated for each.

    Returns
    -------
    tuple
        :func:`~kadi_battgen.metrics.candidates.target_metrics` by way: ``conditional`` (formula from the composition latent,
        the best of several draws as in a screening), ``conditional_single_draw`` (the first of them),
        ``conditional_from_image_latent`` (the thesis's way, where there is a regressor), and the baselines
        ``unconditional`` (the same noise without conditions), ``unconditional_best_of_draws`` (the best of as many of
        them as the screening draws), ``retrieval`` (the training electrode nearest in the space of the conditions) and
        ``training_mean``.

        Examples from the best met target to the worst: ``truth`` and ``generated`` (n, 6, H, W), scaled, and ``titles``.
    """
    owners = np.unique(samples.column("electrode_index"))
    electrodes = [dataset.electrodes[owner] for owner in owners]
    properties = np.stack([electrode.properties.as_vector() for electrode in electrodes])
    ions = np.array([WORKING_IONS.index(electrode.working_ion) for electrode in electrodes])
    seeds = [candidate_seed(seed, int(owner)) for owner in owners]
    conditional = model.generate(properties, ions, seeds, steps=steps, draws=DEFAULT_DRAWS, progress=progress)
    single = model.draw_formulas(properties, ions, seeds, steps=steps)
    unconditional = model.draw_formulas(properties, ions, seeds, steps=steps, guidance=0.0)
    chosen = model.draw_formulas(properties, ions, seeds, steps=steps, guidance=0.0, draws=DEFAULT_DRAWS)
    known_owners = np.unique(training.column("electrode_index"))
    known = electrode_samples([dataset.electrodes[owner] for owner in known_owners])
    formulas = {formula_from_vector(vector) for vector in np.unique(known.compositions, axis=0)}
    nearest = nearest_by_conditions(known, properties, ions, model.conditions_scaling)
    mean = np.broadcast_to(training.column("composition").mean(axis=0), conditional.compositions.shape)
    ways = {
        "conditional": (conditional.compositions, conditional.extracted),
        "conditional_single_draw": (single.compositions, single.extracted),
        "conditional_from_image_latent": (conditional.regressed, None),
        "unconditional": (unconditional.compositions, unconditional.extracted),
        "unconditional_best_of_draws": (chosen.compositions, chosen.extracted),
        "retrieval": (known.compositions[nearest], SHARES[known.shares[nearest]]),
        "training_mean": (mean, None),
    }
    metrics = {
        name: meet_targets(electrodes, compositions, formulas, extracted)
        for name, (compositions, extracted) in ways.items()
        if compositions is not None
    }
    return metrics, _examples(electrodes, owners, conditional, samples)


def meet_targets(
    electrodes: Sequence[Electrode], compositions: np.ndarray, known: set[str], extracted: np.ndarray | None
) -> dict[str, Any]:
    """Return how well generated compositions meet the targets taken from electrodes.

    Parameters
    ----------
    electrodes
        The electrodes, one for each composition.
    compositions
        Generated atoms per formula, (electrodes, 112).
    known
        Formulas that do not count as new.
    extracted
        Share of the ions that leaves, (electrodes,); None for all of them.
    """
    return target_metrics(
        compositions,
        [electrode.working_ion for electrode in electrodes],
        np.array([electrode.properties.gravimetric_capacity for electrode in electrodes]),
        np.stack([electrode.composition for electrode in electrodes]),
        known,
        extracted=extracted,
        balanced=is_charge_balanced,
    )


def _examples(
    electrodes: Sequence[Electrode], owners: np.ndarray, generated: Generated, samples: ImageSamples
) -> dict[str, Any]:
    """Return descriptors of held-out electrodes and of their candidates, evenly from the best met target to the worst."""
    errors = capacity_errors(
        generated.compositions,
        [electrode.working_ion for electrode in electrodes],
        np.array([electrode.properties.gravimetric_capacity for electrode in electrodes]),
        generated.extracted,
    )
    order = np.argsort(errors, kind="stable")
    chosen = order[np.unique(np.linspace(0, len(order) - 1, min(_EXAMPLES, len(order))).round().astype(int))]
    index = samples.column("electrode_index")
    first = np.array([int(np.flatnonzero(index == owners[row])[0]) for row in chosen])
    titles = [
        f"{electrodes[row].formula_discharge} asked, "
        f"{formula_from_vector(generated.compositions[row]) or 'no element'} generated"
        for row in chosen
    ]
    return {"truth": samples.descriptors(first).numpy(), "generated": generated.images[chosen], "titles": titles}
