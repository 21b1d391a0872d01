"""From SEI campaigns to training samples: encoded configurations, scaled observables and barriers, and the split.

Layout of the file (HDF5, schema version 1), for N samples on lattices of `rows` x `columns` sites:

====================  ===================  =======  =====================================================================
data set              shape                type     content
====================  ===================  =======  =====================================================================
categories            (N, rows, columns)   uint8    categorical encoding: position in the attribute ``categories``
observables           (N, 10)              float32  scaled to [0, 1] on the training part
barriers              (N, 15)              float32  scaled to [0, 1] on the training part
regime                (N,)                 uint8    position in the attribute ``regimes``
part                  (N,)                 int8     position in the attribute ``parts``
campaign              (N,)                 int32    position in the attribute ``campaign_sha256``
run                   (N,)                 int64    row of the sample in its campaign
====================  ===================  =======  =====================================================================

The one-hot encoding is eight times as large and made when a sample is read. The attributes ``observables_scaling`` and
``barriers_scaling`` hold the constants that undo the scalings, with names and units (:mod:`kadi_battgen.datasets.scaling`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import h5py
import numpy as np

from kadi_battgen.datasets.reader import DatasetFile
from kadi_battgen.datasets.scaling import RangeScaling
from kadi_battgen.datasets.splitting import DEFAULT_SHARES, PARTS, split_by_composition
from kadi_battgen.errors import UserError
from kadi_battgen.files import atomic_path, sha256_file
from kadi_battgen.hdf5 import FORMAT, open_schema
from kadi_battgen.progress import progress_bar
from kadi_battgen.sei.chemistry import BARRIER_NAMES, SPECIES
from kadi_battgen.sei.observables import OBSERVABLES
from kadi_battgen.sei.regimes import REGIMES
from kadi_battgen.sei.store import SeiCampaign

SCHEMA: Final = "kadi-battgen/sei-dataset"
SCHEMA_VERSION: Final = 1
REQUIRED: Final = ("categories", "observables", "barriers", "regime", "part", "campaign", "run")

#: Fewest different sets of barriers that are split: a smaller test part says nothing.
_FEWEST: Final = 7

#: Configurations that are copied together.
_BLOCK: Final = 512


def build_sei_dataset(
    campaign_paths: Iterable[str | os.PathLike[str]],
    output_path: str | os.PathLike[str],
    *,
    seed: int = 0,
    shares: Sequence[float] = DEFAULT_SHARES,
    progress: bool = True,
) -> dict[str, dict[str, int]]:
    """Write the training data set of one or more SEI campaigns.

    Runs of the same barriers stay in one part, and each regime is spread over the parts by the shares. Scaling constants
    are those of the training part alone.

    Parameters
    ----------
    campaign_paths
        Campaigns written by ``battgen simulate-sei``; several are joined, whatever their barriers and stop criteria, if
        their chemistry and lattice are the same.
    output_path
        The HDF5 file to write.
    seed
        Seed of the split.
    shares
        Shares of the sets of barriers in training, validation and test.
    progress
        Show a progress bar on standard error.

    Returns
    -------
    dict
        Number of samples by part and regime.

    Raises
    ------
    UserError
        If a campaign is broken or given twice, campaigns do not fit together, or there are too few sets of barriers for
        the split.
    """
    paths = [Path(path) for path in campaign_paths]
    with ExitStack() as stack:
        campaigns = [stack.enter_context(SeiCampaign.open(path)) for path in paths]
        checksums = [sha256_file(path) for path in paths]
        _check_campaigns(campaigns, checksums)
        barriers = np.concatenate([campaign.barriers for campaign in campaigns])
        values = np.concatenate([_observable_table(campaign) for campaign in campaigns])
        kinds = np.concatenate([campaign.regimes for campaign in campaigns])
        part = _split(barriers, kinds, seed, shares)
        units = tuple(entry.unit for entry in OBSERVABLES.values())
        observables_scaling = RangeScaling.fit(values[part == 0], tuple(OBSERVABLES), units)
        barriers_scaling = RangeScaling.fit(barriers[part == 0], BARRIER_NAMES, ("eV",) * len(BARRIER_NAMES))
        with atomic_path(output_path) as temporary, h5py.File(temporary, "w", libver=FORMAT) as file:
            file.attrs.update(
                {
                    "schema": SCHEMA,
                    "schema_version": SCHEMA_VERSION,
                    "parts": list(PARTS),
                    "regimes": list(REGIMES),
                    "categories": [entry.symbol for entry in SPECIES],
                    "split_seed": seed,
                    "split_shares": list(shares),
                    "observables_scaling": json.dumps(observables_scaling.to_json()),
                    "barriers_scaling": json.dumps(barriers_scaling.to_json()),
                    "model": json.dumps(campaigns[0].model, sort_keys=True),
                    "designs": [json.dumps(campaign.design, sort_keys=True) for campaign in campaigns],
                    "campaign_settings": [json.dumps(campaign.settings, sort_keys=True) for campaign in campaigns],
                    "campaign_sha256": checksums,
                }
            )
            columns = {
                "observables": observables_scaling.transform(values).astype(np.float32),
                "barriers": barriers_scaling.transform(barriers).astype(np.float32),
                "regime": np.array([list(REGIMES).index(kind) for kind in kinds], dtype=np.uint8),
                "part": part,
                "campaign": np.repeat(np.arange(len(campaigns), dtype=np.int32), [len(entry) for entry in campaigns]),
                "run": np.concatenate([np.arange(len(entry), dtype=np.int64) for entry in campaigns]),
            }
            for name, column in columns.items():
                file.create_dataset(name, data=column, track_times=False)
            _copy_configurations(file, campaigns, progress)
    return {
        name: {kind: int(((part == number) & (kinds == kind)).sum()) for kind in REGIMES}
        for number, name in enumerate(PARTS)
    }


def _check_campaigns(campaigns: Sequence[SeiCampaign], checksums: Sequence[str]) -> None:
    if not campaigns:
        raise UserError("No SEI campaign was given: name at least one file of battgen simulate-sei.")
    first = campaigns[0]
    for campaign in campaigns:
        if not campaign.is_simulated:
            raise UserError(
                f"{campaign.path} holds generated configurations, which no model is to learn from: give campaigns of battgen "
                "simulate-sei."
            )
    for number, campaign in enumerate(campaigns[1:], start=1):
        if checksums[number] in checksums[:number]:
            raise UserError(f"{campaign.path} was given twice: give each campaign once.")
        if campaign.lattice_shape != first.lattice_shape:
            raise UserError(
                f"{campaign.path} has lattices of {' x '.join(map(str, campaign.lattice_shape))} sites and {first.path} of "
                f"{' x '.join(map(str, first.lattice_shape))}: join campaigns of one size."
            )
        for name, value in first.model.items():
            if campaign.model.get(name) != value:
                raise UserError(
                    f"{campaign.path} was simulated with {name} {campaign.model.get(name)} and {first.path} with {value}: "
                    "join campaigns of one chemistry."
                )


def _observable_table(campaign: SeiCampaign) -> np.ndarray:
    return np.stack([campaign.observables[name] for name in OBSERVABLES], axis=1)


def _split(barriers: np.ndarray, kinds: np.ndarray, seed: int, shares: Sequence[float]) -> np.ndarray:
    keys = [row.tobytes().hex() for row in barriers]
    distinct = len(set(keys))
    if distinct < _FEWEST:
        raise UserError(
            f"{distinct} different sets of barriers are too few for a split into {', '.join(PARTS)}: simulate at least "
            f"{_FEWEST}."
        )
    return split_by_composition(keys, kinds.tolist(), seed, shares)


def _copy_configurations(file: h5py.File, campaigns: Sequence[SeiCampaign], progress: bool) -> None:
    shape = campaigns[0].lattice_shape
    samples = sum(len(campaign) for campaign in campaigns)
    target = file.create_dataset(
        "categories",
        (samples, *shape),
        "u1",
        chunks=(1, *shape),
        compression="gzip",
        compression_opts=4,
        track_times=False,
    )
    position = 0
    with progress_bar(total=samples, description="Writing the samples", unit="sample", enabled=progress) as bar:
        for campaign in campaigns:
            for start in range(0, len(campaign), _BLOCK):
                block = campaign.configurations(start, start + _BLOCK)
                target[position : position + len(block)] = block
                position += len(block)
                bar.update(len(block))


class SeiDataset(DatasetFile):
    """A data set opened for reading; use it as a context manager."""

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """Open a data set.

        Raises
        ------
        UserError
            If the file is missing, empty, truncated or not a data set of this version.
        """
        return cls(Path(path), open_schema(path, SCHEMA, SCHEMA_VERSION, REQUIRED, "battgen build-sei-dataset"))

    @property
    def lattice_shape(self) -> tuple[int, int]:
        """Rows and columns of the lattices."""
        rows, columns = self.file["categories"].shape[1:]
        return int(rows), int(columns)

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Symbol of the species of each category, in the order of the codes."""
        return tuple(str(symbol) for symbol in self.file.attrs["categories"])

    @cached_property
    def observables_scaling(self) -> RangeScaling:
        """Scaling of the observables, with their names and units."""
        return RangeScaling.from_json(json.loads(self.file.attrs["observables_scaling"]))

    @cached_property
    def barriers_scaling(self) -> RangeScaling:
        """Scaling of the barriers, in eV."""
        return RangeScaling.from_json(json.loads(self.file.attrs["barriers_scaling"]))

    @cached_property
    def model(self) -> dict[str, Any]:
        """The chemistry that was simulated."""
        return dict(json.loads(self.file.attrs["model"]))

    @cached_property
    def campaign_settings(self) -> tuple[dict[str, Any], ...]:
        """Settings of each campaign, with the events (max_events) and the time in s (max_time) after which a run stopped.

        Raises
        ------
        UserError
            If the file is older than these settings.
        """
        if "campaign_settings" not in self.file.attrs:
            raise UserError(f"{self.path} does not say when its runs stopped: build it again with build-sei-dataset.")
        return tuple(json.loads(entry) for entry in self.file.attrs["campaign_settings"])

    def configuration(self, index: int) -> np.ndarray:
        """Return the categories of one sample, uint8, shape (rows, columns), row 0 the electrode."""
        return self.file["categories"][int(index)]

    def configurations(self, indices: Sequence[int] | np.ndarray | None = None) -> np.ndarray:
        """Return the categories of samples, of all if none are named, uint8, shape (samples, rows, columns)."""
        whole = self.file["categories"]
        return whole[:] if indices is None else np.stack([whole[int(index)] for index in indices])

    def one_hot(self, index: int) -> np.ndarray:
        """Return one sample one-hot encoded, float32, shape (categories, rows, columns)."""
        return one_hot(self.configuration(index), len(self.categories))


def one_hot(categories: np.ndarray, count: int = len(SPECIES)) -> np.ndarray:
    """Return categories (..., rows, columns) one-hot encoded, float32, shape (..., count, rows, columns)."""
    codes = np.asarray(categories)
    wanted = np.arange(count, dtype=codes.dtype)[:, None, None]
    return (codes[..., None, :, :] == wanted).astype(np.float32)


def from_one_hot(encoded: np.ndarray) -> np.ndarray:
    """Return the likeliest category of each site, uint8, shape (..., rows, columns).

    Parameters
    ----------
    encoded
        One-hot values, probabilities or logits, shape (..., categories, rows, columns).
    """
    return np.asarray(encoded).argmax(axis=-3).astype(np.uint8)
