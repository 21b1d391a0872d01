"""What barriers are expected to lead to, in physical units, and barriers that are expected to lead to what is wanted."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kadi_battgen.applications.sei.targets import SeiTarget, scale
from kadi_battgen.datasets.scaling import RangeScaling, StandardScaling
from kadi_battgen.errors import UserError
from kadi_battgen.networks.property_regressor import combined
from kadi_battgen.sei.chemistry import BARRIERS, SeiModel
from kadi_battgen.sei.observables import OBSERVABLES
from kadi_battgen.training.checkpoints import CARD
from kadi_battgen.training.sei.barrier_response import KIND, load_barrier_response, response_inputs

#: Runs of the training that a search starts at for each proposal, chosen at random from so many more.
_STARTS, _AMONG = 4, 20

#: Steps of the search, their size, and how far it may go from its start, as fractions of a barrier's range.
_STEPS, _STEP, _FARTHEST = 40, 0.005, 0.06


class BarrierResponse:
    """The trained networks of a folder.

    Parameters
    ----------
    folder
        Folder of an autoencoder that ``battgen train-prvae`` wrote.

    Attributes
    ----------
    card
        Scalings, campaigns with their stop criteria, measured results.
    runs
        Runs of the training: scaled ``barriers`` (R, 15), ``campaign`` (R,) and ``observables`` (R, 10) in their units.

    Raises
    ------
    UserError
        If the folder holds no response, or it is broken.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        place = Path(folder) / KIND
        if not (place / CARD).is_file():
            raise UserError(f"{folder} does not know what barriers lead to: train it again with battgen train-prvae.")
        self.network, self.card, self.runs = load_barrier_response(place)
        self.observables = StandardScaling.from_json(self.card["normalisation"]["observables"])
        self.barriers = RangeScaling.from_json(self.card["normalisation"]["barriers"])

    def campaign(self, number: int) -> dict[str, Any]:
        """Return what is known of a campaign of the training: stop criteria, ranges of barriers, quantiles of observables.

        Raises
        ------
        UserError
            If there is no such campaign.
        """
        campaigns = self.card["campaigns"]
        if not 0 <= number < len(campaigns) or campaigns[number]["lowest_barriers_eV"] is None:
            raise UserError(f"Campaign {number} is not one of the training: give 0 to {len(campaigns) - 1}.")
        return campaigns[number]

    def model(self, number: int) -> SeiModel:
        """Return the chemistry with the stop criteria of a campaign."""
        entry = self.campaign(number)
        stops = {"max_events": entry["max_events"], "max_time": entry["max_time_s"]}
        return SeiModel.create(f"{KIND}/{CARD}", **{**self.card["chemistry"], **stops})

    @torch.no_grad()
    def predict(self, barriers: np.ndarray, campaign: int = 0) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Return mean and standard deviation over runs of each observable in its unit, (N,) each.

        Parameters
        ----------
        barriers
            In eV, (N, 15).
        campaign
            Number of the campaign whose stop criteria hold.
        """
        scaled = torch.from_numpy(self.barriers.transform(np.atleast_2d(barriers)).astype(np.float32))
        mean, deviation = (values.double().numpy() for values in self._expected(scaled, campaign))
        tables = self.observables.inverse(mean), deviation * self.observables.span
        means, deviations = (dict(zip(OBSERVABLES, table.T, strict=True)) for table in tables)
        return means, deviations

    def propose(self, target: SeiTarget, count: int, *, seed: int = 0, campaign: int = 0) -> Proposals:
        """Return sets of barriers that are expected to lead to a target.

        Each is asked for values drawn from the target's ranges, and minimises the expected squared error of a run,
        (mean - asked)^2 + variance over runs: barriers whose runs differ much are avoided. The search starts at barriers of
        the training whose own run also came out as asked, and stays near them: far from them the networks may be wrong.

        Parameters
        ----------
        target
            What is wanted, at least one observable.
        count
            Number of sets.
        seed
            Seed of the draws.
        campaign
            Number of the campaign whose stop criteria hold and in whose ranges the barriers lie.

        Raises
        ------
        UserError
            If nothing is wanted, or there is no such campaign.
        """
        if not target.ranges:
            raise UserError("No observable is wanted: give at least one, for example a thickness of 8:10 nm.")
        entry = self.campaign(campaign)
        quantiles = entry["observable_quantiles"]
        generator = np.random.default_rng(seed)
        low, high = (
            torch.from_numpy(self.barriers.transform(np.array(entry[name]))).float()
            for name in ("lowest_barriers_eV", "highest_barriers_eV")
        )
        asked = target.draw(count, quantiles, generator)
        columns = [list(OBSERVABLES).index(name) for name in asked]
        values = np.stack(list(asked.values()), axis=1)
        least = np.array([scale(quantiles[name]) for name in asked])
        span, centre = self.observables.span[columns], self.observables.transform(np.zeros(len(OBSERVABLES)))[columns]
        aims = torch.from_numpy(values / span + centre).float()
        weights = torch.from_numpy(np.square(span / np.maximum(np.abs(values), least))).float()
        own = self.runs["campaign"] == campaign
        pool = torch.from_numpy(self.runs["barriers"][own])
        came_out = torch.from_numpy(self.observables.transform(self.runs["observables"][own])[:, columns]).float()
        certain = torch.zeros_like(came_out)
        with torch.no_grad():
            expected = [part[:, columns] for part in self._expected(pool, campaign)]
            scores = [
                _error(expected, aim, weight) + _error([came_out, certain], aim, weight)
                for aim, weight in zip(aims, weights, strict=True)
            ]
        near = [score.topk(min(_STARTS + _AMONG, len(pool)), largest=False).indices for score in scores]
        starts = min(_STARTS, len(pool))
        chosen = [row[generator.permutation(len(row))[:starts]] for row in near]
        origin = torch.stack([pool[row] for row in chosen]).flatten(0, 1)
        low, high = torch.maximum(low, origin - _FARTHEST), torch.minimum(high, origin + _FARTHEST)
        points = origin.clone().requires_grad_(True)
        aims, weights = aims.repeat_interleave(starts, dim=0), weights.repeat_interleave(starts, dim=0)
        optimizer = torch.optim.Adam([points], lr=_STEP)
        for _ in range(_STEPS):
            optimizer.zero_grad()
            self._loss(points, columns, aims, weights, campaign).sum().backward()
            optimizer.step()
            with torch.no_grad():
                points.copy_(torch.minimum(torch.maximum(points, low), high))
        with torch.no_grad():
            best = self._loss(points, columns, aims, weights, campaign).view(count, starts).argmin(dim=1)
            kept = points.view(count, starts, BARRIERS)[torch.arange(count), best]
        # Ten decimals, as in campaigns: so they are the same once written to a table.
        barriers = np.round(self.barriers.inverse(kept.double().numpy()), 10)
        barriers = np.clip(barriers, entry["lowest_barriers_eV"], entry["highest_barriers_eV"])
        mean, deviation = self.predict(barriers, campaign)
        return Proposals(
            barriers, asked, {name: mean[name] for name in asked}, {name: deviation[name] for name in asked}
        )

    def _expected(self, scaled: Tensor, campaign: int) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of the standardised observables, (N, 10) each, of scaled barriers (N, 15)."""
        which = response_inputs(np.zeros((1, 0), np.float32), np.array([campaign]), len(self.card["campaigns"]))
        inputs = torch.cat([scaled, torch.from_numpy(which).expand(len(scaled), -1)], dim=1)
        return combined(*self.network(inputs))

    def _loss(self, points: Tensor, columns: list[int], aims: Tensor, weights: Tensor, campaign: int) -> Tensor:
        return _error([part[:, columns] for part in self._expected(points, campaign)], aims, weights)


@dataclass(frozen=True)
class Proposals:
    """Sets of barriers with what they are expected to lead to.

    Attributes
    ----------
    barriers
        In eV, (N, 15).
    asked, expected, deviation
        By wanted observable in its unit, (N,) each: the value asked for, and mean and standard deviation over runs that the
        response expects.
    """

    barriers: np.ndarray
    asked: Mapping[str, np.ndarray]
    expected: Mapping[str, np.ndarray]
    deviation: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.barriers)


def _error(expected: list[Tensor], aims: Tensor, weights: Tensor) -> Tensor:
    """Return the expected squared relative error of a run, (N,), from mean and standard deviation (N, wanted)."""
    mean, deviation = expected
    return (((mean - aims).square() + deviation.square()) * weights).sum(dim=1)
