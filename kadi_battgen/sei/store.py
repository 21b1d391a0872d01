"""The SEI campaign file (HDF5): layout, writing and lazy reading.

Layout, schema version 1, for N runs on a lattice of `rows` x `columns` sites, row 0 at the electrode:

========================  ========================  ======================================================================
data set                  shape, type               content
========================  ========================  ======================================================================
configurations            (N, rows, columns) u1     codes of the species at the end, positions in attrs["species"]
barriers                  (N, 15) f8                reaction barriers in eV, attrs["names"]
observables/<name>        (N,) f8                   attrs["unit"], attrs["label"] and attrs["definition"] say what it is
events                    (N,) i8                   events that happened
time                      (N,) f8                   simulated time in s
seed                      (N,) u8                   seed of each run
stop_reason               (N,) u1                   position in attrs["names"]
regime                    (N,) u1                   position in attrs["names"]
process_counts            (N, 19) i8                how often each process happened, attrs["names"]
escaped                   (N, 4) i8                 sites that left through the absorbing boundary, attrs["species"]
snapshots/configurations  (N, S, rows, columns) u1  with snapshots only: configurations on the way, the last one the end
snapshots/time            (N, S) f8                 their times in s
========================  ========================  ======================================================================

Root attributes: schema, schema_version, campaign_key and request, a JSON document of all that decides what is in the file:
settings (runs, seed, stop criteria, snapshots), model, design, checksum of the barriers and versions.

Generated configurations (:mod:`kadi_battgen.sei.generated`) have the same layout, so that whatever reads configurations and
observables reads them too. What only a simulation has says that there was none: stop reason "not simulated", no events,
no processes, time NaN, and barriers NaN where no barriers were asked for.

A configuration is a chunk of its own, compressed: measured, this takes 340 bytes instead of 2,500 and reads at random in
14 microseconds; chunks of 64 would save an eighth of that and read fourteen times slower.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import h5py
import numpy as np

from kadi_battgen.errors import UserError
from kadi_battgen.hdf5 import FORMAT, LazyFile, open_schema
from kadi_battgen.sei.chemistry import BARRIER_NAMES, PROCESSES, SITE_SIZE, SPECIES
from kadi_battgen.sei.properties import OBSERVABLES
from kadi_battgen.sei.regimes import REGIMES
from kadi_battgen.sei.simulation import STOP_REASONS

SCHEMA: Final = "kadi-battgen/sei-campaign"
SCHEMA_VERSION: Final = 1

#: What stands for the reason why a run ended where there was no run, after ``STOP_REASONS``.
NOT_SIMULATED: Final = "not simulated"

#: Types of the data sets that are not observables.
_TYPES: Final[Mapping[str, str]] = {
    "configurations": "u1",
    "barriers": "f8",
    "events": "i8",
    "time": "f8",
    "seed": "u8",
    "stop_reason": "u1",
    "regime": "u1",
    "process_counts": "i8",
    "escaped": "i8",
}
#: The lattices, which are written run by run.
_LATTICES: Final = ("configurations", "snapshots/configurations")


def write_campaign(
    path: str | os.PathLike[str],
    *,
    blocks: Iterable[Mapping[str, np.ndarray]],
    runs: int,
    attributes: Mapping[str, Any],
    described: Mapping[str, Mapping[str, Any]],
) -> None:
    """Write a campaign file; the same content gives the same bytes, however it is divided into blocks.

    Parameters
    ----------
    path
        File to write, not renamed here.
    blocks
        Runs in their order: all data sets of the layout by name, each with an array over some runs.
    runs
        Number of runs of all blocks together.
    attributes
        Root attributes beside schema and version.
    described
        Attributes of the data sets by name, such as their units.
    """
    columns: dict[str, list[np.ndarray]] = {}
    with h5py.File(path, "w", track_order=False, libver=FORMAT) as file:
        file.attrs.update({"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **attributes})
        start = 0
        for block in blocks:
            lattices = {name: block[name] for name in _LATTICES if name in block}
            if start == 0:
                for name, values in lattices.items():
                    shape = values.shape[1:]
                    options = {"chunks": (1, *shape), "compression": "gzip", "compression_opts": 4}
                    file.create_dataset(name, (runs, *shape), "u1", track_times=False, **options)
            # One by one, so that the order of the chunks in the file does not depend on the blocks.
            for offset in range(len(block["events"])):
                for name, values in lattices.items():
                    file[name][start + offset] = values[offset]
            start += len(block["events"])
            for name in block.keys() - lattices.keys():
                columns.setdefault(name, []).append(block[name])
        for name in sorted(columns):
            file.create_dataset(name, data=np.concatenate(columns[name]), track_times=False)
        for name, entries in described.items():
            file[name].attrs.update(entries)


def described(snapshots: bool = False) -> dict[str, dict[str, Any]]:
    """Return what each data set of the layout holds, as its attributes: names and units.

    Parameters
    ----------
    snapshots
        Whether the file holds configurations on the way.
    """
    lattice = {
        "species": [entry.symbol for entry in SPECIES],
        "names": [entry.name for entry in SPECIES],
        "site_size_nm": SITE_SIZE,
    }
    entries: dict[str, dict[str, Any]] = {
        "configurations": lattice,
        "barriers": {"unit": "eV", "names": list(BARRIER_NAMES)},
        "time": {"unit": "s"},
        "stop_reason": {"names": list(STOP_REASONS)},
        "regime": {"names": list(REGIMES), "rules": list(REGIMES.values())},
        "process_counts": {"names": [entry.equation for entry in PROCESSES]},
        "escaped": {"unit": "sites", "species": [entry.symbol for entry in SPECIES if entry.mobile]},
    }
    for entry in OBSERVABLES.values():
        entries[f"observables/{entry.name}"] = {
            "unit": entry.unit,
            "label": entry.label,
            "definition": entry.definition,
        }
    if snapshots:
        entries |= {"snapshots/configurations": lattice, "snapshots/time": {"unit": "s"}}
    return entries


class SeiCampaign(LazyFile):
    """A campaign file opened for reading; configurations are read one at a time, everything else as a whole."""

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """Open a campaign file and check that it is one.

        Raises
        ------
        UserError
            If the file is missing, empty, truncated, of another kind or of another schema version.
        """
        required = (*_TYPES, *(f"observables/{name}" for name in OBSERVABLES))
        open_schema(path, SCHEMA, SCHEMA_VERSION, required, "battgen simulate-sei").close()
        return cls(Path(path))

    def __len__(self) -> int:
        return len(self._handle["events"])

    def configuration(self, index: int) -> np.ndarray:
        """Return the configuration at the end of a run: codes of the species, uint8, shape (rows, columns)."""
        return self._handle["configurations"][int(index)]

    def configurations(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Return the configurations of consecutive runs, uint8, shape (runs, rows, columns)."""
        return self._handle["configurations"][start:stop]

    @property
    def lattice_shape(self) -> tuple[int, int]:
        """Rows and columns of the lattice."""
        rows, columns = self._handle["configurations"].shape[1:]
        return int(rows), int(columns)

    @cached_property
    def barriers(self) -> np.ndarray:
        """Reaction barriers of each run in eV, float64, shape (N, 15)."""
        return self._handle["barriers"][:]

    @cached_property
    def observables(self) -> dict[str, np.ndarray]:
        """Each observable by name, float64, shape (N,), in the units of ``OBSERVABLES``."""
        return {name: self._handle["observables"][name][:] for name in OBSERVABLES}

    @cached_property
    def events(self) -> np.ndarray:
        """Events of each run, int64, shape (N,)."""
        return self._handle["events"][:]

    @cached_property
    def time(self) -> np.ndarray:
        """Simulated time of each run in s, float64, shape (N,)."""
        return self._handle["time"][:]

    @cached_property
    def seeds(self) -> np.ndarray:
        """Seed of each run, uint64, shape (N,)."""
        return self._handle["seed"][:]

    @cached_property
    def regimes(self) -> np.ndarray:
        """Name of each run's regime, shape (N,)."""
        return self._named("regime")

    @cached_property
    def stop_reasons(self) -> np.ndarray:
        """What ended each run, shape (N,)."""
        return self._named("stop_reason")

    @cached_property
    def process_counts(self) -> np.ndarray:
        """How often each process happened in each run, int64, shape (N, processes)."""
        return self._handle["process_counts"][:]

    @cached_property
    def escaped(self) -> np.ndarray:
        """Sites that left each run's lattice through the absorbing boundary by species, int64, shape (N, species)."""
        return self._handle["escaped"][:]

    @cached_property
    def is_simulated(self) -> bool:
        """Whether all configurations come from simulations; False where a model generated them."""
        return not (self.stop_reasons == NOT_SIMULATED).any()

    @property
    def snapshots(self) -> int:
        """Number of configurations on the way that are kept of each run."""
        return int(self._handle["snapshots/time"].shape[1]) if "snapshots" in self._handle else 0

    def growth(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a run's configurations on the way, uint8 (S, rows, columns), and their times in s, (S,).

        Raises
        ------
        UserError
            If the campaign was run without snapshots.
        """
        if not self.snapshots:
            raise UserError(f"{self.path} holds no snapshots: simulate with --snapshots, for example 30.")
        group = self._handle["snapshots"]
        return group["configurations"][int(index)], group["time"][int(index)]

    def generated(self, name: str) -> np.ndarray:
        """Return a column of the group ``generated``, such as ``miss`` or ``asked/thickness``, shape (N, ...).

        Raises
        ------
        UserError
            If there is no such column.
        """
        if f"generated/{name}" not in self._handle:
            raise UserError(f"{self.path} holds no generated/{name}: make it with battgen generate-sei.")
        return self._handle["generated"][name][:]

    @cached_property
    def request(self) -> dict[str, Any]:
        """Everything that decides what is in the file; its parts are model, design and settings."""
        return dict(json.loads(self._handle.attrs["request"]))

    @property
    def model(self) -> dict[str, Any]:
        """The chemistry that was simulated: fields of :class:`kadi_battgen.sei.chemistry.SeiModel`."""
        return dict(self.request["model"])

    @property
    def design(self) -> dict[str, Any]:
        """Where the barriers come from."""
        return dict(self.request["design"])

    @property
    def settings(self) -> dict[str, Any]:
        """Number of runs, seed, stop criteria and number of snapshots."""
        return dict(self.request["settings"])

    @property
    def key(self) -> str:
        """Fingerprint of everything that was simulated: model, barriers, seed, stop criteria and versions."""
        return str(self._handle.attrs["campaign_key"])

    def _named(self, name: str) -> np.ndarray:
        dataset = self._handle[name]
        return np.array(dataset.attrs["names"], dtype=object)[dataset[:]].astype(str)
