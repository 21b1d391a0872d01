"""The node doctor: what it prints, and what it answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from battgen_nodes.main import battgen
from click.testing import CliRunner


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_people_read_a_list():
    outcome = CliRunner().invoke(battgen, ["doctor"])
    assert outcome.exit_code == 0, outcome.output
    lines = outcome.stdout.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == ["Packages", "Machine", "Devices", "Services"]
    assert any(line.startswith("  ok  OpenCL: ") for line in lines)
    assert "everything that is needed is there" in outcome.stderr
    assert not any(Path().iterdir()), "it leaves nothing behind"


def test_programs_read_json_and_the_exit_status(monkeypatch):
    monkeypatch.setenv("BATTGEN_INSTANCE", "not-there")
    outcome = CliRunner().invoke(battgen, ["doctor", "--json"])
    document = json.loads(outcome.stdout)
    assert (outcome.exit_code, document["healthy"]) == (1, False)
    (problem,) = [finding for finding in document["findings"] if finding["state"] == "problem"]
    assert problem["name"] == "Kadi4Mat instance"
    assert problem["remedy"]


def test_an_option_chooses_the_instance():
    outcome = CliRunner().invoke(battgen, ["doctor", "--instance", "elsewhere", "-q"])
    assert outcome.exit_code == 1
    assert "!!  Kadi4Mat instance: " in outcome.stdout
    assert outcome.stderr == ""
