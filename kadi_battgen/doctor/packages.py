"""The packages that kadi-battgen is built on, against the versions that it asks for."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from pathlib import Path

from kadi_battgen.doctor.finding import Finding

#: Packages that are named one by one: results and speed depend on their versions.
_NAMED = ("torch", "monai", "lightning", "ppafm", "pyopencl", "pymatgen", "numba", "h5py", "dask", "kadi-apy", "mp-api")

_DISTRIBUTION = "kadi-battgen"


def examine_packages() -> list[Finding]:
    """Return the versions of what is installed, and a problem for each requirement that is not met."""
    from packaging.requirements import Requirement

    import kadi_battgen
    from kadi_battgen._version import __version__

    place = Path(kadi_battgen.__file__).resolve().parent
    found = [
        Finding("packages", "kadi-battgen", "ok", f"{__version__} in {place}"),
        Finding("packages", "Python", "ok", f"{platform.python_version()} in {sys.prefix}"),
    ]
    try:
        declared = importlib.metadata.requires(_DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return [
            *found,
            Finding("packages", "requirements", "problem", "the package is not installed", "pip install --editable ."),
        ]
    others, broken = 0, []
    for text in declared:
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        version = _version(requirement.name)
        if version is None:
            broken.append(Finding("packages", requirement.name, "problem", "not installed", f"pip install '{text}'"))
        elif not requirement.specifier.contains(version, prereleases=True):
            wanted = f"{requirement.name}{requirement.specifier}"
            value = f"{version}, which is not {requirement.specifier}"
            broken.append(Finding("packages", requirement.name, "problem", value, f"pip install '{wanted}'"))
        elif requirement.name not in _NAMED:
            others += 1
    for name in _NAMED:
        version = _version(name)
        if version is not None and name not in {entry.name for entry in broken}:
            found.append(Finding("packages", name, "ok", version))
    return [*found, Finding("packages", "others", "ok", f"{others} as required"), *broken]


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
