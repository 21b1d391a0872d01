from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np
import pytest
from battgen_nodes import previews
from matplotlib.figure import Figure
from PIL import Image

from kadi_battgen.applications.screening.candidate_files import write_candidates
from kadi_battgen.applications.screening.candidates import Candidate, Expectation, GeneratedFormula
from kadi_battgen.applications.screening.neighbours import KnownElectrodes
from kadi_battgen.applications.screening.ranking import rank_candidates
from kadi_battgen.applications.screening.targets import Target
from kadi_battgen.electrodes.collection import ElectrodeCollection
from kadi_battgen.electrodes.composition import composition_vector
from kadi_battgen.plots import ReportFigure, Section
from kadi_battgen.records import LocalStore, Run


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "records")


def shown(store: LocalStore, run: Run) -> dict[str, Path]:
    """Return the previews of a run by their name in the record, each of which is there and stated as a preview."""
    record = store.load(run.identifier)
    assert record.state == "succeeded"
    assert record.results == []
    assert all(entry.description for entry in record.files)
    folder = store.files_folder(run.identifier)
    found = {path: folder / path for path in record.stored_files()}
    for path in found.values():
        assert path.is_file()
        if path.suffix == ".png":
            with Image.open(path) as image:
                assert min(image.size) > 150
                assert len(set(image.convert("L").getdata())) > 5
    return found


def test_electrodes(store: LocalStore, bundled: ElectrodeCollection) -> None:
    with Run(store, step="fetch-electrodes") as run:
        previews.electrode_previews.__wrapped__(run, bundled)
    found = shown(store, run)
    structures = [name for name in found if name.endswith(".xyz")]
    assert len(structures) == previews.LARGEST_SAMPLE
    assert found.keys() - set(structures) == {"electrodes.png"}


def test_afm_campaign(store: LocalStore, tiny_campaign: Path) -> None:
    with Run(store, step="simulate-afm") as run:
        previews.campaign_previews.__wrapped__(run, tiny_campaign)
    assert shown(store, run).keys() == {"afm.png"}


def test_training(store: LocalStore, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("translation", "baseline")]
    for folder in folders:
        folder.mkdir()
        (folder / "metrics.csv").write_text("epoch,loss,validation_loss\n1,0.5,0.6\n2,0.4,\n3,0.3,0.5\n")
    with Run(store, step="train-translation", record_type="model-training") as run:
        run.add_metric("validation_loss", 0.5, part="validation")
        previews.training_previews.__wrapped__(run, folders)
    found = shown(store, run)
    assert found.keys() == {"learning-curves.png", "dashboard.json"}
    assert json.loads(found["dashboard.json"].read_text()).keys() == {"name", "layout", "layoutAssignments", "panels"}


def test_screening(store: LocalStore, tiny_electrodes: ElectrodeCollection, tmp_path: Path) -> None:
    target = Target.parse("Li", {"gravimetric_capacity": "100:"})
    known = KnownElectrodes(list(tiny_electrodes.electrodes))
    expected = Expectation(*(np.full(6, value) for value in (100.0, 90.0, 110.0)))
    ranges = {"any": {"gravimetric_capacity": [0.0, 0.0, 100.0, 200.0, 200.0]}}
    candidates = rank_candidates(
        [
            Candidate.assess(
                GeneratedFormula(counts, "Li", 1.0, counts, counts, 1.0),
                expected=expected,
                target=target,
                asked=np.full(6, np.nan),
                known=known,
                training_ranges=ranges,
                seed=0,
                position=position,
            )
            for position, counts in enumerate(map(composition_vector, ["LiFePO4", "LiCoO2", "MgO"]))
        ]
    )
    write_candidates(tmp_path / "candidates.csv", candidates)
    images = np.random.default_rng(0).uniform(size=(3, 6, 16, 16))
    conventions = {"pixel_size": {"value": 0.16, "unit": "A"}}
    with Run(store, step="screen") as run:
        previews.screening_previews.__wrapped__(run, tmp_path / "candidates.csv", candidates, images, conventions)
    found = shown(store, run)
    assert {"candidates-1.png", "candidates-2.png"} < found.keys()
    assert {name for name in found if name.endswith(".xyz")}


def test_evaluation(store: LocalStore) -> None:
    figure = Figure(figsize=(4, 3))
    figure.subplots().plot([0, 1], [0, 1])
    figures = [ReportFigure(figure, "A line"), ReportFigure(figure, "The same line")]
    with Run(store, step="evaluate") as run:
        previews.evaluation_previews.__wrapped__(
            run,
            [Section("Translation of AFM", figures=figures), Section("Other", figures=figures[:1]), Section("None")],
        )
    assert shown(store, run).keys() == {"translation-of-afm-1.png", "translation-of-afm-2.png", "other.png"}


def test_a_preview_that_fails_costs_nothing_but_itself(
    store: LocalStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Run(store, step="train-screening") as run:
        previews.training_previews(run, [tmp_path / "absent"])
    assert store.load(run.identifier).state == "succeeded"
    output = capsys.readouterr()
    assert output.out == ""
    assert len(output.err.splitlines()) == 1
    assert "no complete preview" in output.err
    assert "FileNotFoundError" in output.err


def test_interrupting_a_preview_interrupts_the_run(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    run = Run(store, step="evaluate")
    monkeypatch.setattr(run, "add_file", interrupt)
    figure = Figure(figsize=(4, 3))
    with pytest.raises(KeyboardInterrupt), run:
        previews.evaluation_previews(run, [Section("Figures", figures=[ReportFigure(figure, "Empty")])])
    assert store.load(run.identifier).state == "interrupted"


def test_without_a_record_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    context = click.Context(click.Command("screen"))
    context.params["no_record"] = True
    # Would fail with a line on standard error.
    with context, Run(None, step="train") as run:
        monkeypatch.setattr(previews, "warn", pytest.fail)
        previews.training_previews(run, ["absent"])
    assert run.record.files == []


@pytest.mark.parametrize(
    ("entries", "count", "chosen"),
    [
        (["a1", "a2", "b1", "c1", "b2"], 3, ["a1", "b1", "c1"]),
        (["a1", "a2", "b1"], 5, ["a1", "a2", "b1"]),
        (["a1", "a2", "a3"], 2, ["a1", "a2"]),
        (["a1", "a2", "b1", "b2", "a3"], 3, ["a1", "a2", "b1"]),
        ([], 2, []),
    ],
)
def test_a_sample_is_varied(entries: list[str], count: int, chosen: list[str]) -> None:
    assert previews.varied(entries, lambda entry: entry[0], count) == chosen
