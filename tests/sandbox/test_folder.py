"""What a sandbox remembers, where it lies, and who else works on it."""

from __future__ import annotations

import configparser
import json
import os
import platform
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadi_battgen.errors import UserError
from kadi_battgen.processes import ProcessIdentity
from kadi_battgen.sandbox.connection import Connection
from kadi_battgen.sandbox.folder import Account, Folder, Memory, default_folder
from kadi_battgen.sandbox.locking import locked


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"BATTGEN_SANDBOX": "/mine"}, "/mine"),
        ({"BATTGEN_SANDBOX": "/mine", "XDG_DATA_HOME": "/data"}, "/mine"),
        ({"XDG_DATA_HOME": "/data"}, "/data/kadi-battgen/sandbox"),
        ({"XDG_DATA_HOME": "relative"}, "/home/me/.local/share/kadi-battgen/sandbox"),
        ({"XDG_DATA_HOME": ""}, "/home/me/.local/share/kadi-battgen/sandbox"),
        ({"BATTGEN_SANDBOX": ""}, "/home/me/.local/share/kadi-battgen/sandbox"),
    ],
)
def test_the_default_folder(monkeypatch, variables, expected):
    monkeypatch.delenv("BATTGEN_SANDBOX", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/me")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert default_folder() == Path(expected)


texts = st.text(min_size=1, max_size=20)


@given(
    memory=st.builds(
        Memory,
        environment=texts,
        port=st.none() | st.integers(1, 65535),
        accounts=st.dictionaries(texts, st.builds(Account, password=texts, token=texts)).map(
            lambda others: {"battgen": Account.new(), **others}
        ),
    )
)
def test_what_is_remembered_comes_back(tmp_path_factory, memory):
    folder = Folder(tmp_path_factory.mktemp("sandbox"))
    folder.save(memory)
    assert folder.load() == memory
    assert stat.S_IMODE(folder.memory_file.stat().st_mode) == 0o600
    assert folder.kadiconfig.exists() == (memory.port is not None)


def test_secrets_are_not_shown_and_not_repeated():
    first, second = Memory("environment"), Memory("environment")
    shown = [getattr(first, name) for name in ("secret_key", "database_password", "queue_password")]
    shown += [value for account in first.accounts.values() for value in (account.password, account.token)]
    assert not any(secret in repr(first) for secret in shown)
    assert not any(secret in json.dumps(second.accounts, default=vars) for secret in shown)
    assert first.secret_key != second.secret_key


@given(token=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_the_configuration_file_of_kadi_apy(token):
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(Connection("http://localhost:5000", "user", "password", token).kadiconfig())
    assert parser["global"]["default"] == "sandbox"
    assert dict(parser["sandbox"]) == {"host": "http://localhost:5000", "pat": token}


def test_processes_of_another_machine_are_nobodys_to_end(tmp_path):
    folder = Folder(tmp_path)
    identity = ProcessIdentity.of(os.getpid())
    folder.save_processes({"web": identity})
    assert folder.load_processes() == {"web": identity}
    text = folder.processes_file.read_text()
    folder.processes_file.write_text(text.replace(json.dumps(platform.node()), '"login2"'))
    with pytest.raises(UserError, match=r"started on the machine 'login2': take it down there, or, .*processes\.json"):
        folder.load_processes()


def test_one_command_at_a_time(tmp_path):
    folder = tmp_path / "sandbox"
    order: list[str] = []
    waiting = threading.Event()

    def second():
        with locked(folder, lambda line: waiting.set()):
            order.append("second")

    thread = threading.Thread(target=second)
    with locked(folder, order.append):
        thread.start()
        assert waiting.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_a_folder_that_was_removed_meanwhile_is_made_anew(tmp_path):
    folder = tmp_path / "sandbox"
    waiting, done = threading.Event(), threading.Event()

    def second():
        with locked(folder, lambda line: waiting.set()):
            (folder / "mine").touch()
        done.set()

    with locked(folder, print):
        threading.Thread(target=second).start()
        assert waiting.wait(10)
        (folder / ".lock").unlink()
        folder.rmdir()
    assert done.wait(10)
    assert {path.name for path in folder.iterdir()} == {".lock", "mine"}
