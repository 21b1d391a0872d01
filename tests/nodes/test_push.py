"""The commands battgen push and battgen kadi install-templates."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from battgen_nodes.main import battgen
from click.testing import CliRunner, Result

from kadi_battgen.records import LocalStore, Run


def run(*arguments: object) -> Result:
    return CliRunner().invoke(battgen, list(map(str, arguments)))


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in (
        "BATTGEN_INSTANCE",
        "BATTGEN_RECORDS",
        "BATTGEN_PROJECT",
        "KADI_HOST",
        "KADI_PAT",
        "XDG_DATA_HOME",
    ):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def connected(kadi_sandbox: Any) -> None:
    """Have a real Kadi4Mat as default instance, as kadi-apy configures it."""
    (Path.home() / ".kadiconfig").write_text(kadi_sandbox.connection.kadiconfig())


@pytest.fixture
def identifiers() -> list[str]:
    """Leave a chain of two records, and one by itself."""
    store = LocalStore("battgen-records")
    made = []
    for name, source in (("fetch-electrodes", None), ("simulate-afm", "fetch-electrodes.txt"), ("report", None)):
        with Run(store, step=name) as step:
            if source:
                step.add_input("electrodes", source)
            Path(f"{name}.txt").write_text(f"{name} {step.identifier}")
            step.add_file(f"{name}.txt")
        made.append(step.identifier)
    return made


@pytest.mark.usefixtures("connected")
def test_push_prints_what_is_there(identifiers: list[str]) -> None:
    first, second, third = identifiers
    outcome = run("push", f"run:{second}")
    assert outcome.exit_code == 0, outcome.output
    assert outcome.stdout.splitlines() == [f"kadi:{first}", f"kadi:{second}"]
    assert f"{second}: created, 2 files sent" in outcome.stderr
    # Without names: what is not there yet.
    outcome = run("push")
    assert outcome.stdout.splitlines() == [f"kadi:{third}"]
    assert run("push").stdout == ""
    outcome = run("push", "--all")
    assert sorted(outcome.stdout.splitlines()) == sorted(f"kadi:{name}" for name in identifiers)
    assert outcome.stderr.count("unchanged") == 3


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("form", ["{0}", "kadi:{0}", "battgen-records/{0}", "report.txt", "{1},{0}", "{1} {0}"])
def test_a_record_is_named_in_any_way(identifiers: list[str], form: str) -> None:
    outcome = run("push", form.format(identifiers[2], identifiers[0]))
    assert outcome.exit_code == 0, outcome.output
    assert outcome.stdout.splitlines()[-1] == f"kadi:{identifiers[2]}"


@pytest.mark.usefixtures("connected")
def test_a_failure_says_what_was_pushed(identifiers: list[str]) -> None:
    next(Path("battgen-records").glob(f"{identifiers[0]}/*/files/fetch-electrodes.txt")).unlink()
    outcome = run("push", "--all")
    assert outcome.exit_code == 2
    assert sorted(outcome.stdout.splitlines()) == sorted(f"kadi:{name}" for name in identifiers[1:])
    (sentence,) = [line for line in outcome.stderr.splitlines() if line.startswith("Error: ")]
    assert "2 records were pushed to http://localhost:" in sentence
    assert "1 could not be pushed" in sentence
    assert f"of the record {identifiers[0]} is gone" in sentence


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("push", "No Kadi4Mat instance is chosen: give --instance NAME"),
        ("push --instance local", "No Kadi4Mat instance is chosen"),
        ("push --instance absent", "has no Kadi4Mat instance 'absent'"),
        ("push --instance dead", "0 records were pushed to http://localhost:1, then the push has ended early"),
        ("push --instance dead --records absent", "There is no folder of records at"),
        ("push --instance dead screen-1", "There is no record screen-1"),
        ("push --instance dead elsewhere", "is not among the records in"),
        ("kadi install-templates", "No Kadi4Mat instance is chosen"),
        ("kadi install-templates --instance dead", "cannot be reached (connection refused)"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    identifiers: list[str], monkeypatch: pytest.MonkeyPatch, words: str, sentence: str
) -> None:
    from kadi_battgen.records.kadi import client
    from kadi_battgen.records.kadi.session import Patience

    monkeypatch.setattr(client, "Patience", lambda: Patience(seconds=0.1))
    configuration = "[global]\nverify = True\n[dead]\nhost = http://localhost:1\npat = pat_of_nobody\n"
    (Path.home() / ".kadiconfig").write_text(configuration)
    shutil.copytree(f"battgen-records/{identifiers[0]}", f"other/{identifiers[0]}")
    outcome = run(*words.replace("elsewhere", f"other/{identifiers[0]}").split())
    assert outcome.exit_code == 2, outcome.output
    assert outcome.stdout == ""
    assert sentence in outcome.stderr.splitlines()[-1]
    assert "Traceback" not in outcome.output
    assert "pat_of_nobody" not in outcome.output


@pytest.mark.usefixtures("connected")
def test_templates_are_installed_by_one_command() -> None:
    outcome = run("kadi", "install-templates")
    assert outcome.exit_code == 0, outcome.output
    assert "kadi-battgen-screening" in outcome.stdout.splitlines()
    again = run("kadi", "install-templates")
    assert again.stdout == outcome.stdout
    assert ", 0 of them created or updated." in again.stderr
