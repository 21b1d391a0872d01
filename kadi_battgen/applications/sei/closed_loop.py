"""The closed loop of an inverse design: simulate the barriers that were proposed, and compare asked with obtained."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kadi_battgen.applications.sei.response import Proposals
from kadi_battgen.applications.sei.targets import SeiTarget, scale
from kadi_battgen.files import write_text
from kadi_battgen.parallel import ClusterSettings
from kadi_battgen.sei.campaign import run_campaign
from kadi_battgen.sei.chemistry import BARRIER_NAMES, SeiModel
from kadi_battgen.sei.properties import OBSERVABLES
from kadi_battgen.sei.store import SeiCampaign


@dataclass(frozen=True)
class Obtained:
    """What simulations of proposals gave.

    Attributes
    ----------
    observables
        All observables in their units, by name, (proposals, repeats).
    """

    observables: Mapping[str, np.ndarray]

    @property
    def repeats(self) -> int:
        """Simulations of each proposal."""
        return next(iter(self.observables.values())).shape[1]


def resimulate(
    proposals: Proposals,
    output_path: str | os.PathLike[str],
    model: SeiModel,
    *,
    repeats: int,
    seed: int = 0,
    cluster: ClusterSettings | None = None,
    progress: bool = True,
) -> Obtained:
    """Simulate each proposed set of barriers several times into a campaign file.

    Parameters
    ----------
    proposals
        The sets of barriers.
    output_path
        The campaign file; the runs of a set follow each other in it.
    model
        Chemistry and stop criteria.
    repeats
        Simulations of each set, with different seeds.
    seed
        Seed of the campaign.
    cluster
        Where the work runs; all cores of this machine if not given.

    Raises
    ------
    UserError
        If the file holds another campaign.
    """
    run_campaign(
        np.repeat(proposals.barriers, repeats, axis=0),
        output_path,
        model,
        seed=seed,
        cluster=cluster,
        progress=progress,
    )
    with SeiCampaign.open(output_path) as campaign:
        return Obtained({name: values.reshape(-1, repeats) for name, values in campaign.observables.items()})


def closed_loop_metrics(
    proposals: Proposals, obtained: Obtained, target: SeiTarget, quantiles: Mapping[str, list[float]]
) -> dict[str, Any]:
    """Return how obtained observables agree with those asked for.

    Parameters
    ----------
    proposals, obtained
        What was asked, and what simulations gave.
    target
        The ranges that were wanted.
    quantiles
        What was seen, by observable.

    Returns
    -------
    dict
        ``proposals``, ``repeats`` and, by wanted observable under ``observables``: the Spearman correlations of asked values
        with the mean over repeats (``spearman``) and with single runs (``spearman_of_single_runs``), and of two runs of the
        same barriers (``spearman_between_seeds``; what no proposal can exceed with single runs), each None where it is not
        defined; ``median_relative_error`` of the means and of the single runs, and ``within_range_fraction`` of the means.
    """
    entries = {}
    for name, asked in proposals.asked.items():
        runs, least = obtained.observables[name], scale(quantiles[name])
        means, wanted = runs.mean(axis=1), np.maximum(np.abs(asked), least)
        misses = (
            target.misses({**obtained.observables, name: means}, quantiles)[name] if name in target.ranges else None
        )
        entries[name] = {
            "spearman": spearman(asked, means),
            "spearman_of_single_runs": _mean([spearman(asked, column) for column in runs.T]),
            "spearman_between_seeds": _mean([spearman(runs[:, 0], column) for column in runs.T[1:]]),
            "median_relative_error": float(np.median(np.abs(means - asked) / wanted)),
            "median_relative_error_of_single_runs": float(np.median(np.abs(runs - asked[:, None]) / wanted[:, None])),
            "within_range_fraction": None if misses is None else float((misses == 0).mean()),
        }
    return {"proposals": len(proposals), "repeats": obtained.repeats, "observables": entries}


def spearman(one: np.ndarray, other: np.ndarray) -> float | None:
    """Return Spearman's rank correlation; None where one of them does not vary."""
    from scipy.stats import spearmanr

    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(spearmanr(one, other).statistic)


def write_proposals(path: str | os.PathLike[str], proposals: Proposals, obtained: Obtained | None = None) -> None:
    """Write proposals as CSV that ``battgen simulate-sei --barriers`` reads.

    Parameters
    ----------
    path
        The table: ``e1`` to ``e15`` in eV; by wanted observable what was asked, what is expected with its standard deviation
        over runs and, if simulated, mean and standard deviation of what was obtained.
    proposals, obtained
        The content.
    """
    columns: dict[str, np.ndarray] = dict(zip(BARRIER_NAMES, proposals.barriers.T, strict=True))
    for name, asked in proposals.asked.items():
        column = OBSERVABLES[name].column
        columns[f"asked_{column}"] = asked
        columns[f"expected_{column}"] = proposals.expected[name]
        columns[f"expected_deviation_{column}"] = proposals.deviation[name]
        if obtained is not None:
            runs = obtained.observables[name]
            columns[f"obtained_{column}"] = runs.mean(axis=1)
            columns[f"obtained_deviation_{column}"] = runs.std(axis=1)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(np.stack(list(columns.values()), axis=1).tolist())
    write_text(path, stream.getvalue())


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
