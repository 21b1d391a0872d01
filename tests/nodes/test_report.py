"""battgen report on runs of several kinds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Battgen = Callable[..., Result]


def headings(path: str) -> list[str]:
    return [
        text.strip() for text in re.findall(r"<h2 id=\"h-[^>]*>(.*?)</h2>", Path(path).read_text(), flags=re.DOTALL)
    ]


@pytest.mark.usefixtures("chain_copy")
@pytest.mark.parametrize(
    ("runs", "sections"),
    [
        (["electrodes.json.gz"], ["Electrodes"]),
        (["afm.h5"], ["AFM campaign", "Electrodes"]),
        (
            ["candidates.csv"],
            ["Candidates", "Trainings", "Data set", "AFM campaign", "Electrodes"],
        ),
        (["dataset.h5,afm.h5"], ["Data set", "AFM campaign", "Electrodes"]),
    ],
)
def test_a_chain_is_shown_from_the_result_to_its_sources(
    run_battgen: Battgen, runs: list[str], sections: list[str]
) -> None:
    outcome = run_battgen("report", *runs, "--output", "report.html")
    assert outcome.exit_code == 0, outcome.output
    assert headings("report.html") == [*sections, "Provenance"]


@pytest.mark.usefixtures("chain_copy")
def test_without_a_record_of_its_own_it_finds_those_of_others(run_battgen: Battgen) -> None:
    before = sorted(Path("battgen-records").iterdir())
    outcome = run_battgen("report", "afm.h5", "--no-record", "--output", "report.html")
    assert outcome.exit_code == 0, outcome.output
    assert sorted(Path("battgen-records").iterdir()) == before


@pytest.mark.usefixtures("chain_copy")
def test_what_has_gone_since_is_told_of(run_battgen: Battgen) -> None:
    (path,) = Path("battgen-records").glob("simulate-afm-*/record.json")
    document = json.loads(path.read_text())
    for file in document["files"]:
        file["sha256"] = "0" * 64  # as if what lies there were something else now
    path.write_text(json.dumps(document))
    outcome = run_battgen("report", "dataset.h5", "--output", "report.html")
    assert outcome.exit_code == 0, outcome.output
    assert f"{path.parent.name} is not shown" in outcome.stderr
    assert "AFM campaign" not in headings("report.html")


@pytest.mark.usefixtures("chain_copy")
@pytest.mark.parametrize(
    ("runs", "sentence"),
    [
        ([" , "], "No run was named"),
        (["smallest.yaml"], "No record says that it made smallest.yaml"),
        (["nowhere.csv"], "nowhere.csv is neither a file nor a record"),
    ],
)
def test_what_no_run_made_is_refused(run_battgen: Battgen, runs: list[str], sentence: str) -> None:
    outcome = run_battgen("report", *runs, "--output", "report.html")
    assert outcome.exit_code == 2
    assert sentence in outcome.stderr
    assert not Path("report.html").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("chain_copy")
def test_a_report_can_be_reproduced(run_battgen: Battgen) -> None:
    assert run_battgen("report", "afm.h5", "electrodes.json.gz", "--output", "report.html").exit_code == 0
    outcome = run_battgen("reproduce", "report.html", "--output", "again", "--json")
    assert outcome.exit_code in (0, 1), outcome.output
    assert headings("again/report.html") == headings("report.html")


def test_a_campaign_of_the_interphase(run_battgen: Battgen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    simulate = "simulate-sei --runs 6 --max-events 2000 --seed 1 --workers 1 --output sei.h5"
    assert run_battgen(*simulate.split()).exit_code == 0
    outcome = run_battgen("report", "sei.h5", "--output", "report.html")
    assert outcome.exit_code == 0, outcome.output
    assert headings("report.html") == ["SEI campaign", "Provenance"]
