"""The commands that use a trained SEI autoencoder, as they are typed."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest

from kadi_battgen.sei.store import SeiCampaign

SMALLEST = """
loop: {epochs: 4, batch_size: 16, precision: 32-true}
channels: [8, 8]
strides: [2, 2]
dense: 16
latent_size: 5
profiles: [16]
regressor: [16]
members: 2
prior: [8]
"""


@pytest.fixture(scope="module")
def trained(tiny_sei_campaign, tiny_sei_dataset, tmp_path_factory):
    """Folder with a campaign, a data set, and a conditional and a plain autoencoder trained by the command."""
    from battgen_nodes.main import battgen
    from click.testing import CliRunner

    folder = tmp_path_factory.mktemp("trained")
    shutil.copyfile(tiny_sei_campaign, folder / "sei.h5")
    shutil.copyfile(tiny_sei_dataset, folder / "dataset.h5")
    (folder / "smallest.yaml").write_text(f"prvae:{SMALLEST.replace(chr(10), chr(10) + '  ').rstrip()}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for variant in ("conditional-prvae", "vae"):
            command = f"train-prvae --dataset dataset.h5 --config smallest.yaml --variant {variant} --output {variant}"
            outcome = CliRunner().invoke(battgen, [*command.split(), "--no-record"])
            assert outcome.exit_code == 0, f"{outcome.output}\n{outcome.exception!r}"
    return folder


@pytest.fixture
def here(trained, tmp_path, monkeypatch):
    """Copy of that folder, which is the current folder."""
    folder = shutil.copytree(trained, tmp_path / "here")
    monkeypatch.chdir(folder)
    return folder


def test_a_characterisation_writes_metrics_and_a_report(here, run_battgen):
    outcome = run_battgen(
        *"characterize-sei --model conditional-prvae --sei sei.h5 --compare vae --samples 40 --output found --json".split()
    )
    assert outcome.exit_code == 0, outcome.output
    answer = json.loads(outcome.stdout)
    assert answer["results"] == ["found/metrics.json", "found/report.html"]
    metrics = json.loads((here / "found/metrics.json").read_text())
    assert set(metrics["r2"]) == {"flux", "density", "thickness", "porosity"}
    assert {entry["name"] for entry in answer["metrics"]} >= {"r2_thickness", "coverage_90_flux", "active_units"}
    page = (here / "found/report.html").read_text()
    for title in ("Latent space", "Prediction of properties", "Walks over the barriers", "Nearest neighbours"):
        assert f">{title}<" in page
    previews = {path.name for path in here.glob("battgen-records/*/*/files/*.png")}
    assert {"latent-space.png", "prediction-of-properties.png", "correlation-of-properties.png"} <= previews
    generated = run_battgen(
        *"generate-sei --model conditional-prvae --thickness 1:5 --samples 3 --draws 1 --output generated.h5 --json".split()
    )
    assert generated.exit_code == 0, generated.output
    records = [answer["record"], json.loads(generated.stdout)["record"]]
    reported = run_battgen("report", ",".join(records), "--output", "all.html")
    assert reported.exit_code == 0, reported.output
    page = (here / "all.html").read_text()
    for words in ("Latent space of the SEI", "Generated SEI configurations", "1:5 nm"):
        assert words in page


def test_generation_proposes_simulates_and_reads_like_a_campaign(here, run_battgen):
    command = (
        "generate-sei --model conditional-prvae/ --thickness 1:5 --samples 6 --draws 2 --steps 5 --seed 1 --proposals 4 "
        "--propose-barriers barriers.csv --resimulate 2 --workers 1 --output generated.h5"
    )
    outcome = run_battgen(*command.split())
    assert outcome.exit_code == 0, outcome.output
    assert outcome.stdout == "generated.h5\nbarriers.csv\n"
    assert "6 of 12 draws kept, median relative error of the thickness" in outcome.stderr
    assert "4 sets of barriers simulated 2 times" in outcome.stderr
    with SeiCampaign.open("generated.h5") as generated, SeiCampaign.open("barriers.h5") as loop:
        assert len(generated) == 6
        assert not generated.is_simulated
        assert loop.is_simulated
        assert len(loop) == 8
        assert generated.design["target"] == {"thickness": "1:5 nm"}
        proposed = loop.barriers[::2]
        assert {tuple(row) for row in generated.barriers.tolist()} <= {tuple(row) for row in proposed.tolist()}
        thickness = generated.observables["thickness"]
    assert "Nothing was simulated" in (here / "generated.card.md").read_text()
    assert run_battgen(*"sei-observables --input generated.h5 --output table.csv".split()).exit_code == 0
    with (here / "table.csv").open(newline="") as stream:
        np.testing.assert_array_equal([float(row["thickness_nm"]) for row in csv.DictReader(stream)], thickness)
    previews = {path.name for path in here.glob("battgen-records/*/*/files/*.png")}
    assert {"generated.png", "asked-and-measured.png", "closed-loop.png"} <= previews
    again = run_battgen(*command.replace("generated.h5", "again.h5").split())
    assert again.exit_code == 0, again.output
    assert (here / "again.h5").read_bytes() == (here / "generated.h5").read_bytes()


def test_a_target_beyond_the_data_is_answered_with_a_warning_that_says_how_far(here, run_battgen):
    outcome = run_battgen(*"generate-sei --model conditional-prvae --thickness 90 --samples 2 --output far.h5".split())
    assert outcome.exit_code == 0, outcome.output
    assert "Warning: thickness 90 nm reaches " in outcome.stderr
    assert "beyond the training range 0" in outcome.stderr


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("generate-sei --model vae --thickness 5:1", "wrong order: write 1:5 nm"),
        ("generate-sei --model vae --porosity 40", "not per cent"),
        ("generate-sei --model vae --resimulate 2", "give --propose-barriers as well"),
        ("generate-sei --model vae --thickness 2 --propose-barriers b.csv", "does not know what barriers lead to"),
        ("generate-sei --model conditional-prvae --propose-barriers b.csv", "No observable is wanted"),
        ("generate-sei --model conditional-prvae --thickness 2 --propose-barriers b.csv --campaign 4", "give 0 to 0"),
        ("generate-sei --model absent", "absent"),
        ("characterize-sei --model absent --sei sei.h5", "absent"),
        ("characterize-sei --model vae --sei dataset.h5", "schema"),
    ],
)
def test_what_is_wrong_is_one_sentence(command, says, here, run_battgen):
    outcome = run_battgen(*command.split(), "--output", "output.h5")
    assert outcome.exit_code == 2, outcome.output
    assert says in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert not (here / "output.h5").exists()
