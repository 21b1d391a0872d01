"""KadiStudio's list of tools: what is there stays."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kadi_battgen.errors import UserError
from kadi_battgen.flows.kadistudio import add_tools, default_tool_list

OURS = ["battgen screen", "battgen report"]


@pytest.mark.parametrize(
    ("before", "after", "added"),
    [
        (None, b"battgen screen\nbattgen report\n", OURS),
        (b"", b"battgen screen\nbattgen report\n", OURS),
        (b"# mine\n\necho\n", b"# mine\n\necho\nbattgen screen\nbattgen report\n", OURS),
        (b"echo", b"echo\nbattgen screen\nbattgen report\n", OURS),
        (b"a\r\nb\r\n", b"a\r\nb\r\nbattgen screen\r\nbattgen report\r\n", OURS),
        (b"a\r\nb", b"a\r\nb\r\nbattgen screen\r\nbattgen report\r\n", OURS),
        (b"battgen report\necho\n", b"battgen report\necho\nbattgen screen\n", ["battgen screen"]),
        (b"  battgen   report \n", b"  battgen   report \nbattgen screen\n", ["battgen screen"]),
        (b"battgen screen\nbattgen report\n", b"battgen screen\nbattgen report\n", []),
        (
            b"# battgen screen\nbattgen reports\n",
            b"# battgen screen\nbattgen reports\nbattgen screen\nbattgen report\n",
            OURS,
        ),
        (b"caf\xe9 \xff\n", b"caf\xe9 \xff\nbattgen screen\nbattgen report\n", OURS),
    ],
)
def test_what_is_there_stays(tmp_path: Path, before, after, added):
    path = tmp_path / ".kadistudio" / "tools.txt"
    if before is not None:
        path.parent.mkdir()
        path.write_bytes(before)
    assert add_tools(path, OURS) == added
    assert path.read_bytes() == after
    assert add_tools(path, OURS) == []
    assert path.read_bytes() == after


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.binary())
def test_any_list_is_kept(tmp_path: Path, before: bytes):
    path = tmp_path / "tools.txt"
    path.write_bytes(before)
    add_tools(path, OURS)
    assert path.read_bytes().startswith(before)
    assert {b"battgen screen", b"battgen report"} <= {
        b" ".join(line.split()) for line in path.read_bytes().splitlines()
    }
    again = path.read_bytes()
    add_tools(path, OURS)
    assert path.read_bytes() == again


def test_a_list_that_needs_nothing_is_not_touched(tmp_path: Path):
    path = tmp_path / "tools.txt"
    path.write_text("battgen screen\n")
    before = path.stat()
    assert add_tools(path, ["battgen screen"]) == []
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_permissions_and_links_are_kept(tmp_path: Path):
    target = tmp_path / "dotfiles" / "tools.txt"
    target.parent.mkdir()
    target.write_text("echo\n")
    target.chmod(0o600)
    link = tmp_path / "tools.txt"
    link.symlink_to(target)
    add_tools(link, OURS)
    assert link.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert target.read_text() == "echo\nbattgen screen\nbattgen report\n"
    assert [path.name for path in target.parent.iterdir()] == ["tools.txt"]


@pytest.mark.parametrize("command", ["", " ", "# battgen", "battgen\nrm -rf /", "battgen \x1b[31m", "a\rb"])
def test_what_is_no_command(tmp_path: Path, command: str):
    with pytest.raises(UserError, match="no command line"):
        add_tools(tmp_path / "tools.txt", ["battgen screen", command])
    assert not (tmp_path / "tools.txt").exists()


def test_a_failure_leaves_the_list_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "tools.txt"
    path.write_text("echo\n")

    def fail(*_paths: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(UserError, match="No space left on device"):
        add_tools(path, OURS)
    assert path.read_text() == "echo\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["tools.txt"]


def test_a_folder_is_no_list(tmp_path: Path):
    with pytest.raises(UserError, match="cannot be read"):
        add_tools(tmp_path, OURS)


def test_where_kadistudio_looks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_tool_list() == tmp_path / ".kadistudio" / "tools.txt"
