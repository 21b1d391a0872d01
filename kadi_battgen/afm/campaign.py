"""AFM campaigns over many electrodes: all cores, resumable, the same bytes every time."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kadi_battgen.afm.opencl import OpenCLDevice
from kadi_battgen.afm.settings import DESCRIPTOR_CHANNELS, DESCRIPTOR_UNITS, STACK_UNIT, ScanSettings
from kadi_battgen.afm.store import SCHEMA_VERSION, AfmCampaign, write_campaign
from kadi_battgen.afm.tasks import ElectrodeTask, describe_engine, simulate_electrode
from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.errors import UserError
from kadi_battgen.files import atomic_path
from kadi_battgen.parallel import ClusterSettings, open_cluster
from kadi_battgen.progress import progress_bar

#: Part of every shard's key; raised when a change of this package changes the images.
SIMULATION_VERSION = 1

#: Stored stack values are in units of this many Hz.
STACK_SCALE = 1.0


@dataclass(frozen=True)
class CampaignSummary:
    """What a campaign produced.

    Attributes
    ----------
    output
        The campaign file.
    electrodes, stacks
        Simulated electrodes and the number of their stacks.
    invalid_stacks
        Stacks whose brightest pixel lies on the edge of the window.
    failures
        id and reason of each electrode that could not be simulated.
    reused_electrodes
        Electrodes taken over from an earlier, interrupted or identical campaign.
    device
        What the images were simulated on.
    seconds
        Wall time of this call.
    """

    output: Path
    electrodes: int
    stacks: int
    invalid_stacks: int
    failures: list[dict[str, str]] = field(default_factory=list)
    reused_electrodes: int = 0
    device: OpenCLDevice | None = None
    seconds: float = 0.0

    @property
    def stacks_per_second(self) -> float:
        """Stacks in the file per second of this call; meaningful if nothing was reused."""
        return self.stacks / self.seconds if self.seconds else 0.0


def run_campaign(
    electrodes: Iterable[Electrode],
    output_path: str | os.PathLike[str],
    settings: ScanSettings | None = None,
    *,
    orientations: int = 30,
    pool: int | None = None,
    cluster: ClusterSettings | None = None,
    skip_too_large: bool = False,
    metadata: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> CampaignSummary:
    """Simulate AFM stacks and descriptors of many electrodes into one HDF5 file.

    Each finished electrode is kept in the folder ``<output>.partial`` until the file is complete; a campaign that was
    killed continues there when it is called again. Only electrodes with the same structure, settings, orientations,
    device and program version are taken over. The file does not depend on the number of workers, nor on where they run.

    Parameters
    ----------
    electrodes
        The electrodes, in the order in which they appear in the file.
    output_path
        The campaign file (``.h5``), written under a temporary name and renamed.
    settings
        The scan.
    orientations
        Orientations kept for each electrode, those of highest depth entropy.
    pool
        Directions on the Fibonacci sphere that they are chosen from; ten times `orientations` if not given, at most
        1000 and at least `orientations`.
    cluster
        Where the electrodes are simulated: on all cores of this machine if not given.
    skip_too_large
        Record electrodes larger than the scan window as failures instead of stopping.
    metadata
        What is known of all electrodes, such as how they were cleaned: plain JSON values that the file keeps.
    progress
        Show a progress bar on standard error.

    Returns
    -------
    CampaignSummary
        Counts, failures, device and time.

    Raises
    ------
    UserError
        If there is no electrode, an id occurs twice, an electrode is larger than the scan window (without
        `skip_too_large`), no electrode could be simulated, no OpenCL device works, the workers differ in theirs, or
        the cluster cannot be reached.
    """
    started = time.perf_counter()
    settings = settings or ScanSettings()
    electrodes = list(electrodes)
    pool = max(orientations, min(10 * orientations, 1000)) if pool is None else pool
    _check_request(electrodes, orientations, pool)
    if not skip_too_large:
        _check_sizes(electrodes, settings)
    output = Path(output_path)
    folder = output.with_name(output.name + ".partial")
    if output.is_dir():
        raise UserError(f"{output} is a folder: name a file to write to.")
    request = {"settings": settings.to_json(), "orientations": orientations, "pool": pool}
    # A driver that fails ends a worker, not the caller; and its libraries stay out of the caller's process.
    with open_cluster(cluster, isolated=True) as workers:
        # The first worker fills the cache of compiled programs for the others.
        [(_, engine)] = workers.run(describe_engine, [settings])
        conventions = settings.conventions(engine.device, engine.ppafm)
        keys = [_shard_key(electrode, request, conventions) for electrode in electrodes]
        campaign_key = _digest(keys)
        if _holds(output, campaign_key):
            return _summary_of(output, engine.device, started)
        _make(folder)
        shards = [folder / f"{key}.npz" for key in keys]
        open_tasks = [i for i, shard in enumerate(shards) if not _is_complete(shard, orientations)]
        reasons: dict[int, str] = {}
        with progress_bar(
            total=len(electrodes) * orientations,
            description="AFM stacks",
            unit="stack",
            initial=(len(electrodes) - len(open_tasks)) * orientations,
            enabled=progress,
        ) as bar:
            tasks = [ElectrodeTask(settings, orientations, pool, engine, _document(electrodes[i])) for i in open_tasks]
            for number, answer in workers.run(simulate_electrode, tasks, name=_name):
                if isinstance(answer, str):
                    reasons[open_tasks[number]] = answer
                else:
                    _save_shard(shards[open_tasks[number]], answer)
                bar.update(orientations)
    done = [i for i in range(len(electrodes)) if i not in reasons]
    failures = [{"id": electrodes[i].id, "reason": reasons[i]} for i in sorted(reasons)]
    if not done:
        raise UserError(
            f"None of the {len(electrodes)} electrodes could be simulated; the first: {failures[0]['reason']}"
        )
    with atomic_path(output) as temporary:
        write_campaign(
            temporary,
            blocks=_blocks([shards[i] for i in done]),
            samples=len(done) * orientations,
            image_shape=(settings.slices, len(DESCRIPTOR_CHANNELS), settings.pixels, settings.pixels),
            electrodes=[electrodes[i].model_dump_json() for i in done],
            failures=failures,
            metadata=_canonical(dict(metadata or {})),
            attributes={
                "conventions": _canonical(conventions),
                "settings": _canonical(request),
                "heights": settings.slice_distances,
                "campaign_key": campaign_key,
            },
            stack_attributes={"unit": STACK_UNIT, "scale": STACK_SCALE},
            descriptor_attributes={
                "channels": json.dumps(DESCRIPTOR_CHANNELS),
                "units": json.dumps(DESCRIPTOR_UNITS),
            },
        )
    shutil.rmtree(folder, ignore_errors=True)
    reused = len(electrodes) - len(open_tasks)
    return _summary_of(output, engine.device, started, reused=reused)


def _check_request(electrodes: Sequence[Electrode], orientations: int, pool: int) -> None:
    if not electrodes:
        raise UserError("There is no electrode to simulate: choose a collection or a filter that holds some.")
    if orientations < 1:
        raise UserError(f"{orientations} orientations were asked for: give 1 or more.")
    if pool < orientations:
        raise UserError(f"{orientations} orientations cannot be kept of a pool of {pool}: give {orientations} or more.")
    seen: set[str] = set()
    for electrode in electrodes:
        if electrode.id in seen:
            raise UserError(f"The electrode id {electrode.id} occurs twice: give each electrode once.")
        seen.add(electrode.id)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"The folder {folder} cannot be created ({error.strerror}): choose another output.") from error


def _check_sizes(electrodes: Sequence[Electrode], settings: ScanSettings) -> None:
    from kadi_battgen.afm.geometry import cluster_from_structure, require_fit

    for electrode in electrodes:
        require_fit(cluster_from_structure(electrode.structure), settings.window, settings.margin, electrode.id)


def _document(electrode: Electrode) -> dict[str, Any]:
    return electrode.model_dump(mode="json", include={"id", "working_ion", "structure"})


def _name(task: ElectrodeTask) -> str:
    return f"Electrode {task.electrode['id']}"


def _save_shard(path: Path, arrays: dict[str, np.ndarray]) -> None:
    try:
        with atomic_path(path) as temporary, open(temporary, "wb") as stream:
            np.savez(stream, **arrays)  # type: ignore[arg-type]
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}): make room or choose another output.") from error


def _canonical(document: Any) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _digest(document: Any) -> str:
    return hashlib.sha256(_canonical(document).encode()).hexdigest()


def _shard_key(electrode: Electrode, request: dict[str, Any], conventions: dict[str, Any]) -> str:
    versions = [SCHEMA_VERSION, SIMULATION_VERSION]
    return _digest([electrode.model_dump(mode="json"), request, conventions, versions])


def _is_complete(shard: Path, orientations: int) -> bool:
    if not shard.is_file():
        return False
    try:
        with np.load(shard, allow_pickle=False) as arrays:
            complete = len(arrays["edge_distance"]) == orientations and "stacks" in arrays and "descriptors" in arrays
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        complete = False
    if not complete:
        shard.unlink(missing_ok=True)
    return complete


def _blocks(shards: list[Path]) -> Iterator[dict[str, np.ndarray]]:
    for shard in shards:
        with np.load(shard, allow_pickle=False) as arrays:
            yield {name: arrays[name] for name in arrays.files}


def _holds(output: Path, campaign_key: str) -> bool:
    try:
        with AfmCampaign.open(output) as campaign:
            return campaign.key == campaign_key
    except (UserError, KeyError):
        return False


def _summary_of(output: Path, device: OpenCLDevice, started: float, reused: int | None = None) -> CampaignSummary:
    with AfmCampaign.open(output) as campaign:
        simulated = len(campaign.electrodes)
        return CampaignSummary(
            output=output,
            electrodes=simulated,
            stacks=len(campaign),
            invalid_stacks=int((~campaign.valid).sum()),
            failures=campaign.failures,
            reused_electrodes=simulated if reused is None else reused,
            device=device,
            seconds=time.perf_counter() - started,
        )
