"""KadiStudio's users have PyPI's workflow-nodes: both command lines must work in one environment."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: What is installed beside ours: workflow-nodes with its own kadi-apy, and what the commands below need of our packages.
REQUIREMENTS = (
    "workflow-nodes==0.23.0",
    "numpy",
    "pydantic>=2.10",
    "pyyaml",
    "tqdm",
    "h5py",
    "pymatgen",
    "rocrate",
    "prov",
)


def run(*command: str | Path, **options: object) -> str:
    outcome = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    assert outcome.returncode == 0, f"{command}\n{outcome.stdout}\n{outcome.stderr}"
    return outcome.stdout


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the programs of an environment with both; all but our package is kept from one test run to the next."""
    digest = hashlib.sha256(" ".join((*REQUIREMENTS, sys.version)).encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    environment = cache / "kadi-battgen" / f"workflow-nodes-{digest}"
    pip = (environment / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    if not (environment / "complete").is_file():
        shutil.rmtree(environment, ignore_errors=True)
        run(sys.executable, "-m", "venv", environment)
        run(*pip, *REQUIREMENTS)
        (environment / "complete").touch()
    # A copy, since a build leaves its own files beside the sources.
    source = tmp_path_factory.mktemp("source")
    for name in ("kadi_battgen", "workflow_nodes"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    run(*pip, "--no-deps", "--force-reinstall", source)
    return environment / "bin"


@pytest.mark.slow
class TestBesideWorkflowNodes:
    def test_no_package_takes_the_other_ones_place(self, programs: Path) -> None:
        script = "import workflow_nodes, battgen_nodes; print(workflow_nodes.__file__); print(battgen_nodes.__file__)"
        theirs, ours = run(programs / "python", "-c", script, cwd="/").splitlines()
        assert Path(theirs).parent.name == "workflow_nodes"
        assert Path(ours).parent.name == "battgen_nodes"
        assert Path(theirs).parent.parent == Path(ours).parent.parent
        assert not (Path(ours).parent.parent / "workflow_nodes" / "battgen_nodes").exists()

    def test_both_list_their_commands(self, programs: Path) -> None:
        ours = run(programs / "battgen", "--commands").splitlines()
        theirs = run(programs / "workflow-nodes", "--commands").splitlines()
        assert "battgen screen" in ours
        assert len(theirs) > 20
        assert not set(ours) & set(theirs)

    def test_both_describe_their_commands(self, programs: Path) -> None:
        command = next(
            line for line in run(programs / "workflow-nodes", "--commands").splitlines() if "excel" in line.lower()
        )
        assert "<program" in run(programs / command.split()[0], *command.split()[1:], "--xmlhelp")
        assert '<program name="battgen screen"' in run(programs / "battgen", "screen", "--xmlhelp")

    def test_ours_run_with_the_kadi_apy_of_theirs(self, programs: Path, tmp_path: Path, kadi_sandbox) -> None:
        connection = kadi_sandbox.connection
        environment = {**os.environ, "KADI_HOST": connection.host, "KADI_PAT": connection.token, "HOME": str(tmp_path)}
        environment.pop("BATTGEN_INSTANCE")
        fetch = ("fetch-electrodes", "--limit", "3", "--output", "electrodes.json")
        printed = run(programs / "battgen", *fetch, cwd=tmp_path, env=environment)
        assert printed == "electrodes.json\n"
        (record,) = (tmp_path / "battgen-records").iterdir()
        assert run(programs / "battgen", "push", record.name, cwd=tmp_path, env=environment) == f"kadi:{record.name}\n"
