"""Services: a real Kadi4Mat, a key, KadiStudio's list; no secret is shown."""

from __future__ import annotations

import socket

import pytest

from kadi_battgen.doctor.services import (
    examine_browser,
    examine_kadi,
    examine_kadistudio,
    examine_materials_project,
    examine_sandbox,
)

TOKEN = "pat_0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def _nobodys_configuration(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("BATTGEN_INSTANCE")
    for name in ("BATTGEN_SANDBOX", "XDG_DATA_HOME", "KADI_HOST", "KADI_PAT", "MP_API_KEY"):
        monkeypatch.delenv(name, raising=False)


class TestKadi:
    def test_none_is_no_problem(self):
        (finding,) = examine_kadi(None)
        assert (finding.state, finding.remedy) == ("absent", "kadi-apy config create, or battgen kadi up")

    def test_one_that_is_not_configured(self):
        (finding,) = examine_kadi("elsewhere")
        assert finding.state == "problem"
        assert "no Kadi4Mat instance 'elsewhere'" in finding.value

    def test_one_that_does_not_answer(self, monkeypatch):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            monkeypatch.setenv("KADI_HOST", f"http://127.0.0.1:{unused.getsockname()[1]}")
            monkeypatch.setenv("KADI_PAT", TOKEN)
            (finding,) = examine_kadi(None)
        assert finding.state == "problem"
        assert "kadi-apy config set-host" in (finding.remedy or "")
        assert TOKEN not in repr(finding)

    def test_one_that_answers(self, kadi_sandbox, monkeypatch):
        monkeypatch.setenv("KADI_HOST", kadi_sandbox.connection.host)
        monkeypatch.setenv("KADI_PAT", kadi_sandbox.connection.token)
        (finding,) = examine_kadi(None)
        assert finding.state == "ok", finding
        assert kadi_sandbox.connection.host in finding.value
        assert "version 1." in finding.value
        assert kadi_sandbox.connection.token not in repr(finding)

    def test_one_that_does_not_know_the_token(self, kadi_sandbox, monkeypatch):
        monkeypatch.setenv("KADI_HOST", kadi_sandbox.connection.host)
        monkeypatch.setenv("KADI_PAT", TOKEN)
        (finding,) = examine_kadi(None)
        assert finding.state == "problem"
        assert "401" in finding.value
        assert TOKEN not in repr(finding)

    def test_the_one_of_this_machine(self, kadi_sandbox, monkeypatch):
        (finding,) = examine_sandbox()
        assert (finding.state, finding.remedy) == ("absent", "battgen kadi up")
        monkeypatch.setenv("BATTGEN_SANDBOX", str(kadi_sandbox.sandbox.folder.path))
        (finding,) = examine_sandbox()
        assert finding.state == "ok"


@pytest.mark.parametrize(("key", "state"), [(None, "absent"), ("k3y" * 10 + "xy", "ok"), ("short-key", "problem")])
def test_the_key_of_the_materials_project_is_not_shown(monkeypatch, key, state):
    if key is not None:
        monkeypatch.setenv("MP_API_KEY", key)
    (finding,) = examine_materials_project()
    assert finding.state == state
    assert key is None or key not in repr(finding)


def test_kadistudio_knows_the_commands_that_its_list_has(tmp_path):
    commands = ["battgen screen", "battgen kadi up"]
    (finding,) = examine_kadistudio(commands)
    assert (finding.state, finding.remedy) == ("absent", "battgen init-kadistudio")
    (tmp_path / ".kadistudio").mkdir()
    (tmp_path / ".kadistudio" / "tools.txt").write_text("battgen screen\n")
    assert "1 of 2 commands are not in" in examine_kadistudio(commands)[0].value
    (tmp_path / ".kadistudio" / "tools.txt").write_text("other\nbattgen screen\nbattgen  kadi up\n")
    assert examine_kadistudio(commands)[0].state == "ok"


def test_without_a_browser_the_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert examine_browser()[0].remedy == "apt-get install chromium"
    (tmp_path / "chromium").touch(mode=0o755)
    assert examine_browser()[0].value == str(tmp_path / "chromium")
