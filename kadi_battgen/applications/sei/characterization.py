"""Characterise SEI configurations by a trained model: latent space, predictions, walks, neighbours (4.1.3 to 4.1.5)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kadi_battgen.applications.sei.familiarity import familiarity_metrics, nearest_configurations
from kadi_battgen.applications.sei.latent_space import LatentSpace, latent_metrics
from kadi_battgen.applications.sei.model import PrvaeModel
from kadi_battgen.applications.sei.walks import Walk, barrier_walks, component_walks
from kadi_battgen.datasets.sei import SeiDataset
from kadi_battgen.errors import UserError
from kadi_battgen.files import write_json
from kadi_battgen.metrics.calibration import coverage
from kadi_battgen.metrics.intervals import bootstrap_interval
from kadi_battgen.metrics.regression import regression_metrics
from kadi_battgen.sei.observables import MAIN_OBSERVABLES, observables
from kadi_battgen.sei.regimes import REGIMES
from kadi_battgen.sei.store import SeiCampaign

#: Configurations that are characterised, at most: those of the thesis.
DEFAULT_SAMPLES = 7500

#: Fewest configurations of which anything can be said.
FEWEST = 20

#: Level of the intervals, and neighbours that are shown.
LEVEL, NEIGHBOURS = 0.9, 5


@dataclass(frozen=True)
class Configurations:
    """Configurations that are characterised.

    Attributes
    ----------
    runs
        Row of each in its campaign, or in its data set, (N,).
    configurations
        uint8, (N, rows, columns).
    barriers
        In eV, (N, 15).
    observables
        Measured observables in their units, (N,) by name.
    regimes
        Name of the regime of each, (N,).
    """

    runs: np.ndarray
    configurations: np.ndarray
    barriers: np.ndarray
    observables: dict[str, np.ndarray]
    regimes: np.ndarray

    @classmethod
    def read(cls, path: str | os.PathLike[str], samples: int | None = None, seed: int = 0) -> Configurations:
        """Read the configurations of a campaign, at most `samples` of them, drawn at random.

        Raises
        ------
        UserError
            If it is no campaign.
        """
        with SeiCampaign.open(path) as campaign:
            runs = np.arange(len(campaign))
            if samples is not None and samples < len(runs):
                runs = np.sort(np.random.default_rng(seed).permutation(len(runs))[:samples])
            stack = campaign.configurations()[runs]
            return cls(runs, stack, campaign.barriers[runs], observables(stack), campaign.regimes[runs])

    @classmethod
    def of_part(
        cls, path: str | os.PathLike[str], part: str = "test", samples: int | None = None, seed: int = 0
    ) -> Configurations:
        """Read the configurations of one part of a data set, at most `samples` of them, drawn at random.

        Raises
        ------
        UserError
            If it is no data set or has no such part.
        """
        with SeiDataset.open(path) as dataset:
            rows = dataset.indices(part)
            if samples is not None and samples < len(rows):
                rows = np.sort(np.random.default_rng(seed).permutation(rows)[:samples])
            stack = dataset.configurations(rows)
            barriers = dataset.barriers_scaling.inverse(dataset.column("barriers")[rows])
            regimes = np.array(list(REGIMES))[dataset.column("regime")[rows]]
            return cls(rows, stack, barriers, observables(stack), regimes)

    def first(self, count: int) -> Configurations:
        """Return the first `count` configurations."""
        values = {name: column[:count] for name, column in self.observables.items()}
        return Configurations(
            self.runs[:count], self.configurations[:count], self.barriers[:count], values, self.regimes[:count]
        )

    def __len__(self) -> int:
        return len(self.runs)


@dataclass(frozen=True)
class Neighbourhood:
    """The configurations nearest to one.

    Attributes
    ----------
    label
        What is asked for.
    query
        The configuration, uint8, (rows, columns).
    runs, distances
        Rows of the neighbours in their campaign and their distances in the latent space, (neighbours,), nearest first.
    configurations
        The neighbours, uint8, (neighbours, rows, columns).
    """

    label: str
    query: np.ndarray
    runs: np.ndarray
    distances: np.ndarray
    configurations: np.ndarray


@dataclass(frozen=True)
class Characterization:
    """What was found: numbers, and what figures are drawn from.

    Attributes
    ----------
    metrics
        Plain JSON values.
    sample
        The configurations.
    scores
        Their coordinates along the first principal components by model, (N, up to 3), the characterised model first.
    predicted, low, high
        Predictions and ends of their intervals in the properties' units, (N,) by property; empty without a regressor.
    walks
        Along the principal components.
    barrier_walks
        Along the barriers, those that change most first, with the latent fixed (``fixed``) and following (``following``);
        empty for models that do not look at barriers.
    neighbourhoods
        Of a typical configuration of each regime, or of those that were asked for.
    """

    metrics: dict[str, Any]
    sample: Configurations
    scores: dict[str, np.ndarray]
    predicted: dict[str, np.ndarray] = field(default_factory=dict)
    low: dict[str, np.ndarray] = field(default_factory=dict)
    high: dict[str, np.ndarray] = field(default_factory=dict)
    walks: list[Walk] = field(default_factory=list)
    barrier_walks: dict[str, list[Walk]] = field(default_factory=dict)
    neighbourhoods: list[Neighbourhood] = field(default_factory=list)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write ``metrics.json`` into a folder and return its path."""
        path = Path(folder) / "metrics.json"
        write_json(path, self.metrics)
        return path


def characterize(
    model: PrvaeModel,
    sample: Configurations,
    *,
    other: PrvaeModel | None = None,
    queries: Configurations | None = None,
    seed: int = 0,
) -> Characterization:
    """Characterise configurations by a model.

    Parameters
    ----------
    model
        The trained model.
    sample
        Configurations, best of a campaign that the model was not trained on.
    other
        A second model whose latent space is shown beside, such as a plain autoencoder (figure 4.2).
    queries
        Configurations whose nearest neighbours are wanted; by default a typical one of each regime.
    seed
        Seed of bootstrap and spoilt configurations.

    Raises
    ------
    UserError
        If there are too few configurations, or a conditional model is given ones without barriers.
    """
    if len(sample) < FEWEST:
        raise UserError(
            f"{len(sample)} configurations are too few to characterise: give a campaign of {FEWEST} or more."
        )
    if model.conditional and np.isnan(sample.barriers).any():
        raise UserError(
            "The configurations have no reaction barriers, which a conditional model needs: give simulated ones."
        )
    barriers = sample.barriers if model.conditional else None
    shown = tuple(model.properties) or MAIN_OBSERVABLES
    truth = {name: sample.observables[name] for name in shown}
    mean, deviation = model.encode(sample.configurations)
    space = LatentSpace.of(mean)
    metrics: dict[str, Any] = {
        "configurations": len(sample),
        "variant": model.card["variant"],
        "weights_sha256": model.card["weights_sha256"],
    }
    predicted: dict[str, np.ndarray] = {}
    low, high = dict(predicted), dict(predicted)
    if model.properties:
        tables = (model.predict(mean)[0], *model.interval(mean, LEVEL))
        predicted, low, high = (dict(zip(model.properties, table.T, strict=True)) for table in tables)
        metrics["properties"] = {
            name: _prediction(truth[name], predicted[name], low[name], high[name], seed) for name in model.properties
        }
        metrics["r2"] = {name: entry["r2"] for name, entry in metrics["properties"].items()}
    metrics["latent"] = {"model": latent_metrics(mean, deviation, truth)}
    scores = {_title(model): space.scores}
    if other is not None:
        own, spread = other.encode(sample.configurations)
        metrics["latent"]["other"] = latent_metrics(own, spread, truth)
        metrics["latent"]["other"]["variant"] = other.card["variant"]
        scores[_title(other, beside=_title(model))] = LatentSpace.of(own).scores
    metrics["correlations"] = correlations(sample.observables)
    middle = sample.barriers.mean(axis=0) if model.conditional else None
    walks = component_walks(model, space, middle)
    guide = "thickness" if "thickness" in shown else shown[0]
    metrics["walks"] = {
        f"principal_component_{number}": {name: walk.change(name) for name in shown}
        for number, walk in enumerate(walks, start=1)
    }
    walked: dict[str, list[Walk]] = {}
    if model.conditional:
        walked["fixed"] = barrier_walks(model, sample.barriers, mean.mean(axis=0))
        if model.has_prior:
            walked["following"] = barrier_walks(model, sample.barriers, mean.mean(axis=0), follow=True)
        metrics["barrier_walks"] = {
            kind: {entry.label.split()[1]: entry.change(guide) for entry in entries} for kind, entries in walked.items()
        }
        walked = {kind: sorted(entries, key=lambda walk: -walk.change(guide)) for kind, entries in walked.items()}
    unfamiliarity = model.out_of_distribution_score(sample.configurations, barriers)
    metrics["out_of_distribution"] = familiarity_metrics(model, sample.configurations, barriers, unfamiliarity, seed)
    hoods = _neighbourhoods(model, sample, mean, queries)
    metrics["neighbours"] = [
        {"of": hood.label, "runs": hood.runs.tolist(), "distances": hood.distances.tolist()} for hood in hoods
    ]
    return Characterization(metrics, sample, scores, predicted, low, high, walks, walked, hoods)


def correlations(values: Mapping[str, np.ndarray]) -> dict[str, dict[str, float | None]]:
    """Return Pearson's correlation of each pair of observables; None where one of them does not vary."""
    names = [name for name, column in values.items()]
    return {
        one: {
            other: float(np.corrcoef(values[one], values[other])[0, 1])
            if np.ptp(values[one]) > 0 and np.ptp(values[other]) > 0
            else None
            for other in names
        }
        for one in names
    }


def _prediction(
    true: np.ndarray, predicted: np.ndarray, low: np.ndarray, high: np.ndarray, seed: int
) -> dict[str, Any]:
    entry: dict[str, Any] = dict(regression_metrics(true, predicted))
    if entry["r2"] is not None:
        entry["r2_interval"] = bootstrap_interval([true, predicted], _r2, resamples=300, seed=seed).to_json()
    entry["coverage_90"] = coverage(true, low, high)
    entry["interval_width_90"] = float(np.mean(high - low))
    return entry


def _r2(true: np.ndarray, predicted: np.ndarray) -> float | None:
    return regression_metrics(true, predicted)["r2"]


def _title(model: PrvaeModel, beside: str = "") -> str:
    titles = {"vae": "Plain VAE", "prvae": "prVAE", "conditional-prvae": "Conditional prVAE"}
    title = titles.get(model.card["variant"], model.card["variant"])
    return f"{title} (second)" if title == beside else title


def _neighbourhoods(
    model: PrvaeModel, sample: Configurations, mean: np.ndarray, queries: Configurations | None
) -> list[Neighbourhood]:
    if queries is not None:
        asked, labels, stack = model.encode(queries.configurations)[0], queries.runs, queries.configurations
        found, distances = nearest_configurations(mean, asked, NEIGHBOURS)
        names = [f"configuration {run}" for run in labels]
    else:
        typical = {name: _typical(mean, sample.regimes == name) for name in REGIMES if (sample.regimes == name).any()}
        positions = np.array(list(typical.values()))
        stack = sample.configurations[positions]
        # One more, since each is its own nearest neighbour.
        found, distances = nearest_configurations(mean, mean[positions], NEIGHBOURS + 1)
        own = found != positions[:, None]
        found, distances = (_without(table, own) for table in (found, distances))
        names = [f"{name}, run {sample.runs[position]}" for name, position in typical.items()]
    return [
        Neighbourhood(name, query, sample.runs[row], distance, sample.configurations[row])
        for name, query, row, distance in zip(names, stack, found, distances, strict=True)
    ]


def _typical(mean: np.ndarray, members: np.ndarray) -> int:
    """Return the position of the member whose latent is nearest to the members' mean."""
    positions = np.flatnonzero(members)
    shift = mean[positions] - mean[positions].mean(axis=0)
    return int(positions[np.square(shift).sum(axis=1).argmin()])


def _without(table: np.ndarray, kept: np.ndarray) -> np.ndarray:
    return np.stack([row[mask][: table.shape[1] - 1] for row, mask in zip(table, kept, strict=True)])
