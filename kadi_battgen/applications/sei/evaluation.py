"""What a trained autoencoder of SEI configurations is worth on a part of a data set that it has not seen."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from kadi_battgen.applications.sei.model import PrvaeModel
from kadi_battgen.datasets.sei import SeiDataset, from_one_hot
from kadi_battgen.errors import UserError
from kadi_battgen.metrics.calibration import coverage, interval_score
from kadi_battgen.metrics.intervals import bootstrap_interval
from kadi_battgen.metrics.lattices import observable_agreement, site_accuracies, site_metrics
from kadi_battgen.metrics.regression import regression_metrics
from kadi_battgen.sei.observables import OBSERVABLES, observables

#: Nominal coverages of the intervals that are checked.
LEVELS = (0.5, 0.68, 0.9, 0.95)


def evaluate_prvae(
    model: PrvaeModel, dataset_path: str | os.PathLike[str], part: str = "test", *, resamples: int = 300
) -> dict[str, Any]:
    """Return the results of a model on a part of a data set.

    Parameters
    ----------
    model
        The trained model.
    dataset_path
        A data set written by ``battgen build-sei-dataset``, best the one of the training.
    part
        ``training``, ``validation`` or ``test``.
    resamples
        Draws of the bootstrap intervals.

    Returns
    -------
    dict
        ``samples``; ``properties``, by name the regression metrics with an interval of R2 and the coverage of the calibrated
        intervals; of configurations encoded and decoded again ``argmax_site_accuracy`` (with the likeliest species of each
        site by itself), ``sites`` (:func:`kadi_battgen.metrics.lattices.site_metrics`) and ``reconstructed_observables``
        (:func:`kadi_battgen.metrics.lattices.observable_agreement`).

    Raises
    ------
    UserError
        If the data set is broken, its lattices or species are not the model's, or the part is empty.
    """
    with SeiDataset.open(dataset_path) as dataset:
        positions = dataset.indices(part)
        if not len(positions):
            raise UserError(f"{dataset_path} has no configuration in its {part} part: simulate more runs.")
        if tuple(dataset.categories) != model.species:
            raise UserError(f"{dataset_path} has species {', '.join(dataset.categories)}: train a model on it.")
        configurations = dataset.configurations(positions)
        truth = dataset.observables_scaling.inverse(dataset.column("observables")[positions])
        barriers = dataset.barriers_scaling.inverse(dataset.column("barriers")[positions])
    latent, _ = model.encode(configurations)
    result: dict[str, Any] = {"part": part, "samples": len(positions), "properties": {}}
    if model.properties:
        true = truth[:, [list(OBSERVABLES).index(name) for name in model.properties]]
        predicted, _ = model.predict(latent)
        intervals = {level: model.interval(latent, level) for level in LEVELS}
        for column, name in enumerate(model.properties):
            result["properties"][name] = _property(
                true[:, column],
                predicted[:, column],
                {level: (low[:, column], high[:, column]) for level, (low, high) in intervals.items()},
                resamples,
            )
    likeliest = from_one_hot(model.decode(latent, barriers))
    result["argmax_site_accuracy"] = bootstrap_interval(
        [site_accuracies(configurations, likeliest)], resamples=resamples
    ).to_json()
    shown = model.decode_configurations(latent, barriers)
    result["sites"] = site_metrics(configurations, shown, model.species, resamples=resamples)
    result["reconstructed_observables"] = observable_agreement(
        observables(configurations), observables(shown), resamples=resamples
    )
    return result


def _property(
    true: np.ndarray, predicted: np.ndarray, intervals: dict[float, tuple[np.ndarray, np.ndarray]], resamples: int
) -> dict[str, Any]:
    row: dict[str, Any] = dict(regression_metrics(true, predicted))
    if row["r2"] is not None:
        row["r2_interval"] = bootstrap_interval([true, predicted], _r2, resamples=resamples).to_json()
    row["coverage"] = {str(level): coverage(true, low, high) for level, (low, high) in intervals.items()}
    low, high = intervals[0.9]
    row["interval_width_90"] = float(np.mean(high - low))
    row["interval_score_90"] = interval_score(true, low, high, 0.9)
    return row


def _r2(true: np.ndarray, predicted: np.ndarray) -> float | None:
    return regression_metrics(true, predicted)["r2"]
