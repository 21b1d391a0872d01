"""The build: select candidates, relax them in parallel, keep every finished one on disk, write the set."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from kadi_battgen.electrodes.building import relaxation
from kadi_battgen.electrodes.building.candidates import Candidate
from kadi_battgen.electrodes.building.hosts import formula_key, host_candidates
from kadi_battgen.electrodes.building.matching import pair_candidates
from kadi_battgen.electrodes.building.oqmd import read_entries
from kadi_battgen.electrodes.building.prototypes import prototype_candidates
from kadi_battgen.files import read_json, write_json
from kadi_battgen.progress import progress_bar

#: Candidates for each working ion. The crystals come first; prototypes fill up where crystals are few.
HOST_QUOTA = {
    "Li": 150, "Na": 140, "K": 100, "Rb": 65, "Cs": 65, "Mg": 60, "Ca": 90, "Zn": 60, "Al": 60, "Y": 60,
}  # fmt: skip
PROTOTYPE_QUOTA = {
    "Li": 60, "Na": 50, "K": 25, "Rb": 15, "Cs": 15, "Mg": 48, "Ca": 30, "Zn": 48, "Al": 44, "Y": 44,
}  # fmt: skip

RESULTS = "results.jsonl"
METALS = "metals.json"


def select_candidates(database: Path) -> list[Candidate]:
    """All candidates in the order in which they are computed.

    Pairs come first, then crystals and prototypes, smallest cells first and with the working ions taking turns, so that
    a build that is stopped early is balanced. A prototype whose composition an earlier candidate of the same ion has is
    left out.
    """
    entries = read_entries(database)
    pairs = pair_candidates(entries)
    others: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in [*host_candidates(entries, quota=HOST_QUOTA), *prototype_candidates(PROTOTYPE_QUOTA)]:
        others[candidate.working_ion].append(candidate)
    for queue in others.values():
        queue.sort(key=lambda candidate: len(candidate.discharge["species"]))
    return _unique([*pairs, *_take_turns(others)])


def _take_turns(queues: dict[str, list[Candidate]]) -> Iterator[Candidate]:
    """Merge the queues so that each is spent evenly from first to last."""
    placed = []
    for ion, queue in queues.items():
        placed += [((i + 0.5) / len(queue), ion, candidate) for i, candidate in enumerate(queue)]
    for _, _, candidate in sorted(placed, key=lambda item: item[:2]):
        yield candidate


def _unique(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Keep the first candidate of each discharged composition and ion; pairs stay, they differ in framework."""
    seen: set[tuple[str, str]] = set()
    kept = []
    for candidate in candidates:
        counts: dict[str, int] = {}
        for symbol in candidate.discharge["species"]:
            counts[symbol] = counts.get(symbol, 0) + 1
        identity = (candidate.working_ion, formula_key(counts))
        if candidate.kind == "prototype" and identity in seen:
            continue
        seen.add(identity)
        kept.append(candidate)
    return kept


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


def run_candidates(candidates: list[Candidate], work_folder: Path, workers: int = 1) -> int:
    """Relax the candidates that have no record yet; each finished one is appended to ``results.jsonl``.

    Parameters
    ----------
    candidates
        What to relax.
    work_folder
        Folder of the build. A run that is stopped continues where it was.
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
        for record in _computed(pending, workers):
            stream.write(json.dumps(record, separators=(",", ":")) + "\n")
            stream.flush()
            bar.update()
        bar.close()
    return len(pending)


def _computed(pending: list[Candidate], workers: int) -> Iterator[dict[str, Any]]:
    if workers <= 1:
        yield from map(relaxation.compute, pending)
        return
    with multiprocessing.get_context("spawn").Pool(workers, initializer=relaxation.use_one_thread) as pool:
        yield from pool.imap_unordered(relaxation.compute, pending)
