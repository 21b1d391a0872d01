"""What a run was computed with: versions, machine, device, and whether a process is still there."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from kadi_battgen._version import __version__
from kadi_battgen.processes import boot_digest, process_start
from kadi_battgen.records.model import Machine, Process, Software


@lru_cache(maxsize=1)
def current_software() -> Software:
    """Return the versions of kadi-battgen, of Python and of the installed dependencies."""
    commit, modified = git_state(Path(__file__).resolve().parents[2])
    return Software(
        version=__version__,
        git_commit=commit,
        git_modified=modified,
        python=platform.python_version(),
        packages=_package_versions(),
    )


@lru_cache(maxsize=1)
def current_machine() -> Machine:
    """Return what this process runs on."""
    return Machine(
        platform=f"{platform.system()} {platform.release()} {platform.machine()}",
        cpu=_cpu_model(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
    )


def current_process() -> Process:
    """Return what identifies this process on this machine."""
    return Process(pid=os.getpid(), started=process_start(os.getpid()), boot=boot_digest())


def process_is_gone(process: Process) -> bool:
    """Tell whether a process of this machine has ended.

    False also where this cannot be known: for a process of another machine, of another container, or from before the
    last boot, since a cluster's nodes may share every other identity.
    """
    if process.boot is None or process.boot != boot_digest():
        return False
    started = process_start(process.pid)
    return started is None or (process.started is not None and started != process.started)


def detect_device() -> str:
    """Return the device that computes: the GPU if torch is loaded and has used one, else the processor."""
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    if cuda is not None and cuda.is_available() and cuda.is_initialized():
        return f"cuda: {cuda.get_device_name()}"
    return f"cpu: {current_machine().cpu}"


def git_state(folder: Path) -> tuple[str | None, bool | None]:
    """Return the commit of the checkout at `folder` and whether tracked files differ from it.

    (None, None) where `folder` is not the root of a checkout (a package installed somewhere inside another project's
    checkout must not take that one's commit) or git is absent.
    """
    if not (folder / ".git").exists():
        return None, None
    try:
        commit = _git(folder, "rev-parse", "--verify", "HEAD").strip()
        modified = bool(_git(folder, "status", "--porcelain", "--untracked-files=no").strip())
    except (OSError, subprocess.SubprocessError):
        return None, None
    return commit, modified


def _git(folder: Path, *arguments: str) -> str:
    # Optional locks off: a run must not get in the way of a commit that is being made.
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10, env=environment).stdout


def _package_versions() -> dict[str, str]:
    """Return the versions of the dependencies that are installed, without the developers' tools."""
    try:
        requirements = importlib.metadata.requires("kadi-battgen") or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    versions = {}
    for requirement in requirements:
        name = re.match(r"[A-Za-z0-9._-]+", requirement)
        if name is None or re.search(r"""extra\s*==\s*['"]dev['"]""", requirement):
            continue
        try:
            versions[name.group()] = importlib.metadata.version(name.group())
        except importlib.metadata.PackageNotFoundError:
            continue
    return dict(sorted(versions.items()))


def _cpu_model() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return found.group(1).strip() if found else platform.processor() or platform.machine()
