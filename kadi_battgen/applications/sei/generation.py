"""Guided generation of SEI configurations: search the latent space, decode, mend, measure, keep the best (thesis 4.1.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kadi_battgen.applications.seeds import candidate_seed
from kadi_battgen.applications.sei.growing import grown_configurations
from kadi_battgen.applications.sei.model import PrvaeModel
from kadi_battgen.applications.sei.quality import generation_metrics, layers
from kadi_battgen.applications.sei.search import LatentSearch
from kadi_battgen.applications.sei.targets import SeiTarget, observed_quantiles, scale
from kadi_battgen.errors import UserError
from kadi_battgen.metrics.latent_space import nearest
from kadi_battgen.progress import progress_bar
from kadi_battgen.sei.generated import GeneratedConfigurations
from kadi_battgen.sei.observables import OBSERVABLES, observables

#: Draws for each configuration that is kept.
DEFAULT_DRAWS = 4

#: Steps of the gradient search, and rounds in which it aims anew by what was measured.
DEFAULT_STEPS, DEFAULT_ROUNDS = 60, 6

#: Training configurations near a wanted value among which a search starts at random.
_NEIGHBOURS = 12

#: What a draw that is unlike the training data counts as worse by, a relative error.
_UNFAMILIAR = 0.02

#: Largest change of an aim in a round, as a fraction of the range that was seen.
_LARGEST_CORRECTION = 0.1


@dataclass(frozen=True)
class Generation:
    """What was generated, best first, and how good it is.

    Attributes
    ----------
    generated
        The configurations with what was asked and expected.
    metrics
        Plain JSON values, see :func:`kadi_battgen.applications.sei.quality.generation_metrics`.
    """

    generated: GeneratedConfigurations
    metrics: dict[str, Any]


def training_quantiles(model: PrvaeModel) -> dict[str, list[float]]:
    """Return the quantiles at 0, 5, 50, 95 and 100 % of each observable in the training part, in its unit."""
    sample = observed_quantiles(dict(zip(OBSERVABLES, model.latents.observables.T, strict=True)))
    # The middle from the sample that is kept, the ends from all.
    ends = model.card["training_ranges"]
    return {name: [ends[name][0], *middle[1:4], ends[name][-1]] for name, middle in sample.items()}


def generate(
    model: PrvaeModel,
    target: SeiTarget,
    *,
    samples: int,
    seed: int = 0,
    barriers: np.ndarray | None = None,
    draws: int = DEFAULT_DRAWS,
    steps: int = DEFAULT_STEPS,
    rounds: int = DEFAULT_ROUNDS,
    progress: bool = True,
) -> Generation:
    """Return configurations that have wanted observables.

    Each configuration is asked for values of its own, drawn from the target's ranges, and is the best of several draws. A draw
    starts at the latent of a training configuration near these values (or at one that the model expects for its barriers),
    goes down the gradient of the regressor's error, and is decoded, mended and measured. What was measured shifts the aim of
    the next round, since a decoder does not show just what a regressor expects. Of rounds and draws the one counts whose
    measured observables are nearest to the values.

    Parameters
    ----------
    model
        A trained model. A plain autoencoder has no regressor: its draws are only chosen from.
    target
        What is wanted; empty for configurations like those of the training.
    samples
        Number of configurations.
    seed
        Draw k has the seed ``seed * 1,000,003 + k``.
    barriers
        Reaction barriers in eV, (any, 15), which the configurations take in turn; for a conditional model, which by default
        takes those of the training configuration that a draw starts at.
    draws
        Draws for each configuration.
    steps
        Steps of the gradient search in the first round, half of them in the others; 0 for sampling alone.
    rounds
        Rounds.

    Raises
    ------
    UserError
        If a number is not positive, or barriers are given to a model that does not look at them.
    """
    for name, value, least in (
        ("samples", samples, 1),
        ("draws", draws, 1),
        ("steps", steps, 0),
        ("rounds", rounds, 1),
    ):
        if value < least:
            raise UserError(f"The number of {name} is {value}: give {least} or more.")
    if barriers is not None and not model.conditional:
        raise UserError(
            f"{model.folder} holds a {model.card['variant']} model, which does not look at barriers: leave them out, or train "
            "with --variant conditional-prvae."
        )
    quantiles = training_quantiles(model)
    count = samples * draws
    seeds = np.array([candidate_seed(seed, number) for number in range(count)], dtype=np.uint64)
    starts, asked, given = _starts(model, target, quantiles, seeds, samples, barriers)
    search = LatentSearch(model) if model.properties else None
    guided = search is not None and steps > 0 and any(search.guided(name) for name in asked)
    best = _Best(count, model)
    points, aims = starts, dict(asked)
    with progress_bar(
        total=rounds if guided else 1, description="Generating SEI configurations", unit="round", enabled=progress
    ) as bar:
        for number in range(rounds if guided else 1):
            if search is not None:
                points = search.run(points, aims, steps if number == 0 else -(-steps // 2))
            measured = best.take(points, given, asked, quantiles, seed)
            aims = {name: aims[name] + _correction(asked[name] - measured[name], quantiles[name]) for name in asked}
            bar.update(1)
    return _chosen(model, target, best, samples, seeds, asked, given, quantiles)


def _starts(
    model: PrvaeModel,
    target: SeiTarget,
    quantiles: Mapping[str, list[float]],
    seeds: np.ndarray,
    samples: int,
    barriers: np.ndarray | None,
) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray | None]:
    """Return where each draw starts, what it is asked for, and its barriers in eV; draw k is for configuration k % samples."""
    generators = [np.random.default_rng(int(entry)) for entry in seeds]
    turns = np.arange(len(seeds)) % samples
    asked = _asked(model, target, quantiles, generators[:samples])
    latents = model.latents
    if asked:
        near = _near(model, asked, quantiles)
        origin = np.array([generator.choice(near[turn]) for generator, turn in zip(generators, turns, strict=True)])
    else:
        origin = np.array([generator.integers(len(latents.sample)) for generator in generators])
    noise = np.stack([generator.standard_normal(model.latent_size) for generator in generators])
    centre, spread = latents.sample[origin], latents.standard_deviation
    given = None
    if model.conditional:
        given = model.barriers_scaling.inverse(latents.barriers[origin])
        if barriers is not None:
            table = np.atleast_2d(np.asarray(barriers, dtype=np.float64))
            given = table[turns % len(table)]
            if model.has_prior:
                centre, spread = model.expected_latent(given)
    return (centre + spread * noise).astype(np.float32), {name: values[turns] for name, values in asked.items()}, given


def _asked(
    model: PrvaeModel,
    target: SeiTarget,
    quantiles: Mapping[str, list[float]],
    generators: list[np.random.Generator],
) -> dict[str, np.ndarray]:
    """Return the values that each configuration is asked for, (samples,) by wanted observable."""
    drawn = [target.draw(1, quantiles, generator) for generator in generators]
    asked = {name: np.array([values[name][0] for values in drawn]) for name in target.ranges}
    if len(asked) < 2:
        return asked
    # Independent draws may contradict each other; what a configuration has, brought into the ranges, hardly does.
    near = _near(model, asked, quantiles)
    origin = np.array([generator.choice(row) for generator, row in zip(generators, near, strict=True)])
    return target.clipped(dict(zip(OBSERVABLES, model.latents.observables[origin].T, strict=True)))


def _near(model: PrvaeModel, asked: Mapping[str, np.ndarray], quantiles: Mapping[str, list[float]]) -> np.ndarray:
    """Return positions of training configurations that are nearly as asked, (samples, up to ``_NEIGHBOURS``)."""
    known = dict(zip(OBSERVABLES, model.latents.observables.T, strict=True))
    widths = {name: max(float(np.std(known[name])), scale(quantiles[name])) for name in asked}
    table = np.stack([known[name] / widths[name] for name in asked], axis=1)
    queries = np.stack([asked[name] / widths[name] for name in asked], axis=1)
    return nearest(table, queries, min(_NEIGHBOURS, len(table)))[0]


def _correction(missing: np.ndarray, quantiles: list[float]) -> np.ndarray:
    most = _LARGEST_CORRECTION * (quantiles[-1] - quantiles[0])
    return np.clip(missing, -most, most)


class _Best:
    """The best round of each draw.

    Parameters
    ----------
    count
        Number of draws.
    model
        What decodes.
    """

    def __init__(self, count: int, model: PrvaeModel) -> None:
        self.model = model
        self.error = np.full(count, np.inf)
        self.points = np.zeros((count, model.latent_size), dtype=np.float32)
        self.configurations = np.zeros((count, *model.lattice_shape), dtype=np.uint8)
        self.changed = np.zeros(count, dtype=np.int64)
        self.valid = np.zeros(count, dtype=bool)

    def take(
        self,
        points: np.ndarray,
        barriers: np.ndarray | None,
        asked: Mapping[str, np.ndarray],
        quantiles: Mapping[str, list[float]],
        seed: int,
    ) -> dict[str, np.ndarray]:
        """Decode, mend and measure points, keep those that are better than before, and return what was measured."""
        configurations, changed, valid = grown_configurations(self.model, points, barriers, seed=seed)
        measured = observables(configurations)
        errors = [
            np.abs(measured[name] - values) / np.maximum(np.abs(values), scale(quantiles[name]))
            for name, values in asked.items()
        ]
        error = np.max(errors, axis=0) if errors else np.zeros(len(points))
        better = error < self.error
        self.error[better], self.points[better], self.changed[better] = error[better], points[better], changed[better]
        self.configurations[better] = configurations[better]
        self.valid[better] = valid[better]
        return measured


def _chosen(
    model: PrvaeModel,
    target: SeiTarget,
    best: _Best,
    samples: int,
    seeds: np.ndarray,
    asked: Mapping[str, np.ndarray],
    given: np.ndarray | None,
    quantiles: Mapping[str, list[float]],
) -> Generation:
    """Return the best draw of each configuration, no layer twice while there are others; best configurations first."""
    measured = observables(best.configurations)
    misses = list(target.misses(measured, quantiles).values())
    miss = np.max(misses, axis=0) if misses else np.zeros(len(seeds))
    unfamiliarity = model.out_of_distribution_score(best.configurations, given)
    cost = best.error + _UNFAMILIAR * (unfamiliarity > 1)
    keys = [layer.tobytes() for layer in layers(best.configurations)]
    seen: set[bytes] = set()
    chosen = []
    for turn in range(samples):
        draws = np.arange(turn, len(seeds), samples)
        ordered = draws[np.argsort(cost[draws], kind="stable")]
        chosen.append(next((draw for draw in ordered if keys[draw] not in seen), ordered[0]))
        seen.add(keys[chosen[-1]])
    kept = np.array(chosen)
    kept = kept[np.lexsort((kept, cost[kept], miss[kept]))]
    predicted, deviation = model.predict(best.points[kept]) if model.properties else (np.empty((len(kept), 0)),) * 2
    generated = GeneratedConfigurations(
        configurations=best.configurations[kept],
        barriers=None if given is None else given[kept],
        seeds=seeds[kept],
        latent=best.points[kept],
        asked={name: values[kept] for name, values in asked.items()},
        predicted=dict(zip(model.properties, predicted.T, strict=True)),
        deviation=dict(zip(model.properties, deviation.T, strict=True)),
        miss=miss[kept],
        changed_sites=best.changed[kept],
        unfamiliarity=unfamiliarity[kept],
    )
    metrics = generation_metrics(generated, target, quantiles)
    metrics["draws"] = len(seeds)
    metrics["valid_fraction_as_decoded"] = float(best.valid.mean())
    metrics["unique_fraction_of_draws"] = len(set(keys)) / len(seeds)
    return Generation(generated, metrics)
