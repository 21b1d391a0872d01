"""A user of a real Kadi4Mat server, a second one, a proxy that fails on request, and stores of their own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kadi_battgen.records import LocalStore, Record, Run
from kadi_battgen.records.kadi.cache import RecordCache
from kadi_battgen.records.kadi.client import KadiClient
from kadi_battgen.records.kadi.instance import Instance
from kadi_battgen.records.kadi.session import Patience
from kadi_battgen.records.kadi.store import KadiStore

from .proxy import Proxy

#: Enough for a busy machine, and no wait where failure is what is tested.
SHORT = Patience(seconds=0.5, first_delay=0.02, longest_delay=0.1)

_NUMBERS = itertools.count()


@pytest.fixture(autouse=True)
def own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the configuration and the caches of whoever runs the tests out of them."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for variable in ("BATTGEN_INSTANCE", "BATTGEN_SANDBOX", "KADI_HOST", "KADI_PAT", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def instance(kadi_sandbox: Any) -> Instance:
    return Instance("sandbox", kadi_sandbox.connection.host, kadi_sandbox.connection.token, timeout=20)


@pytest.fixture
def client(instance: Instance) -> Iterator[KadiClient]:
    client = KadiClient(instance, SHORT)
    yield client
    client.close()


@pytest.fixture(scope="session")
def other_user(kadi_sandbox: Any) -> Instance:
    connection = kadi_sandbox.sandbox.create_user("grace")
    return Instance("other", connection.host, connection.token, timeout=20)


@pytest.fixture
def other_client(other_user: Instance) -> Iterator[KadiClient]:
    client = KadiClient(other_user, SHORT)
    yield client
    client.close()


@pytest.fixture
def proxy(kadi_sandbox: Any) -> Iterator[Proxy]:
    proxy = Proxy(kadi_sandbox.connection.host)
    yield proxy
    proxy.stop()


@pytest.fixture
def proxied(proxy: Proxy, instance: Instance) -> Iterator[KadiClient]:
    """Return a client whose requests pass the proxy."""
    client = KadiClient(Instance("proxied", proxy.host, instance.token, timeout=20), SHORT)
    yield client
    client.close()


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "records")


@pytest.fixture
def make_store(tmp_path: Path) -> Callable[..., KadiStore]:
    """Return a function that opens the store of a machine that has only its own records and cache."""

    def make(client: KadiClient, machine: str = "here") -> KadiStore:
        folder = tmp_path / machine
        return KadiStore(LocalStore(folder / "records"), RecordCache(folder / "cache"), client, "tests of records")

    return make


@pytest.fixture
def step(tmp_path: Path) -> Callable[..., Record]:
    """Return a function that runs a step, which writes one file from those that it is given."""

    def run_step(store: Any, name: str = "screen", inputs: dict[str, Any] | None = None, **options: Any) -> Record:
        number = next(_NUMBERS)
        path = tmp_path / "work" / f"{name}-{number}.txt"
        path.parent.mkdir(exist_ok=True)
        with Run(store, step=name, **options) as run:
            read = [run.input(role, reference).read_text() for role, reference in (inputs or {}).items()]
            path.write_text(f"{name} {number}\n" + "".join(read))
            run.add_file(path, description=f"What {name} made")
        return run.record

    return run_step
