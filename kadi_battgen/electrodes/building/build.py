"""The build: relax the candidates in parallel and keep every finished one on disk."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from kadi_battgen.electrodes.building import relaxation
from kadi_battgen.electrodes.building.candidates import Candidate
from kadi_battgen.electrodes.building.checks import hopeless
from kadi_battgen.files import read_json, write_json
from kadi_battgen.progress import progress_bar

RESULTS = "results.jsonl"
METALS = "metals.json"


def read_results(work_folder: Path, candidates: Iterable[Candidate] | None = None) -> list[dict[str, Any]]:
    """Read the records that earlier runs finished; a last line cut short by a kill is dropped from the file.

    Parameters
    ----------
    work_folder
        Folder of the build.
    candidates
        If given, only their records are returned, with the candidates' present descriptions.
    """
    path = work_folder / RESULTS
    if not path.is_file():
        return []
    records = []
    whole = 0
    with path.open("rb") as stream:
        for line in stream:
            if not line.endswith(b"\n"):
                break
            records.append(json.loads(line))
            whole += len(line)
    if whole != path.stat().st_size:
        os.truncate(path, whole)
    if candidates is None:
        return records
    wanted = {candidate.key: candidate.as_dict() for candidate in candidates}
    return [{**record, "candidate": wanted[record["key"]]} for record in records if record["key"] in wanted]


def metal_energies(work_folder: Path) -> dict[str, dict[str, float]]:
    """Energies of the working-ion metals with both models (eV/atom), computed once a work folder."""
    path = work_folder / METALS
    if path.is_file():
        return dict(read_json(path))
    energies = {model: relaxation.metal_energies(model) for model in (relaxation.SECOND_MODEL, relaxation.LABEL_MODEL)}
    write_json(path, energies)
    return energies


def run_candidates(
    candidates: list[Candidate], work_folder: Path, metals: dict[str, dict[str, float]], workers: int = 1
) -> int:
    """Relax the candidates that have no record yet; each finished one is appended to ``results.jsonl``.

    Parameters
    ----------
    candidates
        What to relax.
    work_folder
        Folder of the build. A run that is stopped continues where it was.
    metals
        Energies of the metals for each model, eV/atom.
    workers
        Processes, each on one core.

    Returns
    -------
    int
        How many were computed now.
    """
    work_folder.mkdir(parents=True, exist_ok=True)
    finished = {record["key"] for record in read_results(work_folder)}
    pending = [candidate for candidate in candidates if candidate.key not in finished]
    if not pending:
        return 0
    relaxation.use_one_thread()
    with (work_folder / RESULTS).open("a", encoding="utf-8") as stream:
        bar = progress_bar(total=len(pending), description="Relaxing", unit="electrode")
        for record in _computed(pending, metals, workers):
            stream.write(json.dumps(record, separators=(",", ":")) + "\n")
            stream.flush()
            bar.update()
        bar.close()
    return len(pending)


def _computed(pending: list[Candidate], metals: dict[str, dict[str, float]], workers: int) -> Iterator[dict[str, Any]]:
    compute = partial(relaxation.compute, hopeless=partial(hopeless, metals=metals))
    if workers <= 1:
        yield from map(compute, pending)
        return
    with multiprocessing.get_context("spawn").Pool(workers, initializer=relaxation.use_one_thread) as pool:
        yield from pool.imap_unordered(compute, pending)
