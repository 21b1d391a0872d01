"""Take over what an earlier build of the set finished, so that only new candidates are computed.

Nothing is taken on trust that can be checked here: the earlier set must have been made with the same versions of the
potentials, and a row is taken over only where the candidate of its name still is the same one, labelled in the same way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kadi_battgen.electrodes.building.candidates import Candidate, element_counts
from kadi_battgen.electrodes.building.comparison import reduced
from kadi_battgen.electrodes.building.methods import METHODS
from kadi_battgen.electrodes.building.voltages import formula
from kadi_battgen.electrodes.collection import read_electrodes
from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.errors import UserError
from kadi_battgen.files import atomic_path, existing_file, sha256_file

#: Packages whose versions decide what a relaxation gives.
PACKAGES = ("ase", "chgnet", "sevenn", "torch")
EARLIER = "earlier.json.gz"


@dataclass(frozen=True)
class EarlierBuild:
    """What an earlier build finished.

    Attributes
    ----------
    electrodes
        Rows that stay as they are.
    removed_keys
        Names of the candidates that were computed and left out.
    removed
        For each kind of candidate the number left out for each reason.
    candidates
        Number of candidates that were computed, for each kind.
    differences
        What the label model gives less the DFT voltage for the pairs, V.
    digest
        SHA-256 of the earlier file.
    """

    electrodes: tuple[Electrode, ...] = ()
    removed_keys: frozenset[str] = frozenset()
    removed: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    candidates: Mapping[str, int] = field(default_factory=dict)
    differences: tuple[float, ...] = ()
    digest: str = ""

    @property
    def keys(self) -> set[str]:
        """Names of all candidates that need not be computed again."""
        return {electrode.id for electrode in self.electrodes} | self.removed_keys


def keep_earlier(path: Path | None, work_folder: Path) -> Path | None:
    """Copy an earlier set into the work folder, from where every later call with that folder uses it.

    So the same work folder gives the same set even after the earlier file has been replaced by it.

    Parameters
    ----------
    path
        The earlier set, or None to go on with the one that the work folder has.
    work_folder
        Folder of the build.

    Returns
    -------
    pathlib.Path or None
        The copy; None where there is none.

    Raises
    ------
    UserError
        If the file is missing, or the work folder has another earlier set.
    """
    copy = work_folder / EARLIER
    if path is None:
        return copy if copy.is_file() else None
    content = existing_file(path).read_bytes()
    if copy.is_file() and copy.read_bytes() != content:
        raise UserError(
            f"{work_folder} goes on from another set than {path}: leave --keep out, or take a fresh work folder."
        )
    if not copy.is_file():
        work_folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(copy) as temporary:
            temporary.write_bytes(content)
    return copy


def read_earlier(path: Path, candidates: list[Candidate], first: list[Candidate]) -> EarlierBuild:
    """Sort out which rows and rejections of an earlier set still hold.

    Parameters
    ----------
    path
        The earlier set.
    candidates
        All candidates of this build.
    first
        Those of the first selection. Sets written before the names of rejected candidates were recorded came from it;
        for them it must have the numbers of candidates that the set states.

    Raises
    ------
    UserError
        If the set was made with other versions of the packages.
    """
    collection = read_electrodes(path)
    metadata = collection.metadata
    installed = {package: version(package) for package in PACKAGES}
    for package, present in installed.items():
        earlier = dict(metadata.get("versions", {})).get(package)
        if earlier != present:
            raise UserError(
                f"{path} was made with {package} {earlier} but {present} is installed: install the earlier version, or "
                "build without --keep."
            )
    known = {candidate.key: candidate for candidate in candidates}
    kept = tuple(e for e in collection.electrodes if e.id in known and _same(e, known[e.id]))
    removed = _removed_keys(metadata, {e.id for e in collection.electrodes}, first)
    if removed is None or not removed <= known.keys():
        # The rejections cannot be assigned to candidates of this build: they are computed again, and counted then.
        return EarlierBuild(electrodes=kept, candidates=_count_kinds(kept), digest=sha256_file(path))
    return EarlierBuild(
        electrodes=kept,
        removed_keys=frozenset(removed),
        removed=metadata["removed"],
        candidates=dict(Counter(_count_kinds(kept)) + Counter(known[key].kind for key in removed)),
        differences=tuple(metadata["label_model_minus_dft_of_the_pairs_V"]),
        digest=sha256_file(path),
    )


def _same(electrode: Electrode, candidate: Candidate) -> bool:
    """Tell whether a row was made from this candidate with the present method."""
    return (
        electrode.working_ion == candidate.working_ion
        and electrode.source_id == candidate.source_id
        and electrode.framework == candidate.framework
        and electrode.method == METHODS[candidate.kind]
        and reduced(electrode.formula_discharge) == reduced(formula(element_counts(candidate.discharge)))
    )


def _removed_keys(metadata: Mapping[str, Any], rows: set[str], first: list[Candidate]) -> set[str] | None:
    if "removed_keys" in metadata:
        return set(metadata["removed_keys"])
    counts = dict(Counter(candidate.kind for candidate in first))
    keys = {candidate.key for candidate in first}
    if counts != metadata.get("candidates") or not rows <= keys:
        return None
    return keys - rows


def _count_kinds(electrodes: tuple[Electrode, ...]) -> dict[str, int]:
    kinds = {method: kind for kind, method in METHODS.items()}
    return dict(Counter(kinds[electrode.method] for electrode in electrodes))
