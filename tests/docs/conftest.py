"""Running pages, each once and in the folder that the page before it left."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .pages import ROOT, script, settings


@pytest.fixture(scope="session")
def run_page(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return what runs a page, after those that go before it, and returns its folder."""
    folders: dict[str, Path] = {}

    def run(page: str, **environment: str) -> Path:
        if page in folders:
            return folders[page]
        rules = settings()["pages"].get(page) or {}
        folder = tmp_path_factory.mktemp("page") / "work"
        if rules.get("after"):
            shutil.copytree(run(rules["after"]), folder, symlinks=True)
        else:
            folder.mkdir()
        for name, text in settings()["files"].items():
            (folder / name).write_text(text, encoding="utf-8")
        outcome = subprocess.run(
            ["bash", "-c", script(page)],
            cwd=folder,
            env=_environment(folder.parent, environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert outcome.returncode == 0, f"{page}\n{outcome.stdout[-3000:]}\n{outcome.stderr[-6000:]}"
        folders[page] = folder
        return folder

    return run


def _environment(home: Path, more: dict[str, str]) -> dict[str, str]:
    """Return what a person's shell would have: our commands on the path, and a home of its own."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BATTGEN_", "KADI_", "COLUMNS")) or name == "BATTGEN_OCL_ICD_VENDORS"
    }
    return {
        **kept,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "HOME": str(home),
        "XDG_CACHE_HOME": cache,
        "BATTGEN_PROGRESS": "0",
        "CHECKOUT": str(ROOT),
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"),
        **more,
    }
