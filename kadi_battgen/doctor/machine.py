"""Processor, memory and disk space."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from pathlib import Path

from kadi_battgen.doctor.finding import Finding
from kadi_battgen.terminal import readable_size

#: Instructions that decide how fast or how exact things are, by the flag that Linux lists.
_FEATURES = {"avx2": "AVX2", "avx512f": "AVX-512", "avx512_bf16": "AVX-512 bfloat16", "amx_bf16": "AMX bfloat16"}

#: Bytes that a demo takes; with less, a run may end in the middle.
_LEAST_DISK = 2_000_000_000

#: Bytes of memory below which trainings of the preset demo may fail.
_LEAST_MEMORY = 2_000_000_000


def examine_processor() -> list[Finding]:
    """Return the processor, its cores and its instructions, and the memory."""
    lines = _fields(Path("/proc/cpuinfo"))
    flags = set(lines.get("flags", "").split())
    features = ", ".join(name for flag, name in _FEATURES.items() if flag in flags) or "no vector extensions known"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    model = lines.get("model name") or platform.processor() or platform.machine()
    number = f"{cores} core{'s' * (cores != 1)}"
    found = [Finding("machine", "processor", "ok", f"{model}, {number} for this process, {features}")]
    memory = _fields(Path("/proc/meminfo"))
    if "MemAvailable" in memory:
        total, free = (int(memory[name].split()[0]) * 1024 for name in ("MemTotal", "MemAvailable"))
        value = f"{readable_size(free)} of {readable_size(total)} free"
        if free < _LEAST_MEMORY:
            way = "end other programs, or run with fewer --workers"
            found.append(Finding("machine", "memory", "problem", value, way))
        else:
            found.append(Finding("machine", "memory", "ok", value))
    return found


def examine_disk(records: Path) -> list[Finding]:
    """Return the free space where results, caches and temporary files go.

    Parameters
    ----------
    records
        Folder for records; it need not exist.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    places = {
        "current folder": Path.cwd(),
        "records": records,
        "caches": cache,
        "temporary": Path(tempfile.gettempdir()),
    }
    return [_space(name, path) for name, path in places.items()]


def _space(name: str, path: Path) -> Finding:
    folder = path.absolute()
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    label = f"disk, {name}"
    if not os.access(folder, os.W_OK):
        way = f"choose another folder, or: chmod u+w {folder}"
        return Finding("machine", label, "problem", f"{path} cannot be written", way)
    free = shutil.disk_usage(folder).free
    value = f"{readable_size(free)} free in {path}"
    if free < _LEAST_DISK:
        return Finding("machine", label, "problem", value, f"free {readable_size(_LEAST_DISK)} there")
    return Finding("machine", label, "ok", value)


def _fields(path: Path) -> dict[str, str]:
    """Return the first value of each ``name: value`` field of a file of the system; empty where there is none."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    pairs = [line.split(":", 1) for line in text.splitlines() if ":" in line]
    return {name.strip(): value.strip() for name, value in reversed(pairs)}
