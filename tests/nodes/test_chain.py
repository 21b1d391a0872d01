"""The whole chain on a handful of electrodes, as a user types it."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import h5py
import pytest
from battgen_nodes.main import battgen
from click.testing import CliRunner, Result

from kadi_battgen.electrodes.composition import COMPOSITION_LENGTH
from kadi_battgen.records import LocalStore, read_chain

#: The smallest networks that still have every part.
CONFIG = """
translation:
  loop: {epochs: 2, batch_size: 8, precision: 32-true}
  patch_size: 1
  channels: [8, 16]
  attention_levels: [false, true]
  adversarial_start: 1
  discriminator_channels: 4
  baseline_features: [4, 4, 8, 8, 8, 4]
  baseline_epochs: 1
composition:
  loop: {epochs: 3}
  input: latent
  pooling: 1
  memory: false
  working_ion: false
  properties: false
  recognition: 0.0
  channels: [8]
  dense: [16]
screening:
  loop: {epochs: 3, batch_size: 8}
  channels: [8, 16]
  embedding_size: 16
  composition_size: 8
  composition_width: 32
  composition_blocks: 1
  composition_steps: 12
  formula_batch: 8
  formula_copies: 2
  property_members: 2
  property_steps: 5
  composition_autoencoder_steps: 50
  timesteps: 100
"""

TARGET = ["--working-ion", "Li", "--average-voltage", "3.5:4.0", "--samples", "6", "--steps", "10", "--seed", "1"]


def run(arguments: Sequence[str]) -> Result:
    """Run a battgen command in this process and return what it printed."""
    return CliRunner().invoke(battgen, list(arguments))


def succeed(arguments: Sequence[str]) -> Result:
    outcome = run(arguments)
    assert outcome.exit_code == 0, f"battgen {' '.join(arguments)}\n{outcome.output}\n{outcome.exception!r}"
    return outcome


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder in which the whole chain has run."""
    folder = tmp_path_factory.mktemp("chain")
    (folder / "small.yaml").write_text(CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        succeed("fetch-electrodes --source bundled --limit 30 --output electrodes.json.gz".split())
        simulate = "simulate-afm --electrodes electrodes.json.gz --orientations 1 --pixels 32 --skip-too-large"
        succeed([*simulate.split(), "--output", "afm.h5"])
        succeed("build-dataset --afm afm.h5 --seed 3 --output dataset.h5".split())
        for kind in ("translation", "composition", "screening"):
            succeed([f"train-{kind}", *"--dataset dataset.h5 --config small.yaml --seed 1 --output model/".split()])
        succeed("predict-composition --model model/ --afm afm.h5 --output composition.csv".split())
        succeed("translate --model model/ --afm afm.h5 --output descriptors.h5".split())
        succeed(["screen", "--model", "model/", *TARGET, "--images", "candidates.h5", "--output", "candidates.csv"])
        succeed("evaluate --model model/ --dataset dataset.h5 --output evaluation/".split())
        succeed("report candidates.csv evaluation --output report.html".split())
    return folder


def test_candidates_hold_what_a_user_needs(chain: Path) -> None:
    with open(chain / "candidates.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [int(row["rank"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    assert len({row["seed"] for row in rows}) == 6
    for row in rows:
        assert row["target_average_voltage_V"] == "3.5:4"
        assert 3.5 <= float(row["asked_average_voltage_V"]) <= 4.0
        assert len(row["composition_vector"].split(";")) == COMPOSITION_LENGTH
        assert 0 <= float(row["nearest_known_distance_fraction"]) <= 1
        assert row["nearest_known_id"]
        assert row["nearest_known_method"]


def test_same_seed_gives_the_same_candidates(chain: Path, tmp_path: Path) -> None:
    base = ["screen", "--model", str(chain / "model"), "--no-record"]
    for name in ("first.csv", "second.csv"):
        succeed([*base, *TARGET, "--output", str(tmp_path / name)])
    assert (tmp_path / "first.csv").read_bytes() == (tmp_path / "second.csv").read_bytes()
    assert (tmp_path / "first.csv").read_bytes() == (chain / "candidates.csv").read_bytes()
    succeed([*base, *TARGET[:-1], "2", "--output", str(tmp_path / "other.csv")])
    assert (tmp_path / "other.csv").read_bytes() != (tmp_path / "first.csv").read_bytes()


def test_predicted_compositions_name_every_electrode(chain: Path) -> None:
    with open(chain / "composition.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    with h5py.File(chain / "afm.h5") as campaign:
        assert len(rows) == len(campaign["electrodes"])
    assert sum(name.endswith("_atoms_per_formula") for name in rows[0]) == COMPOSITION_LENGTH
    assert all(float(row["O_atoms_per_formula"]) >= 0 for row in rows)


def test_translated_descriptors_lie_beside_the_stacks(chain: Path) -> None:
    with h5py.File(chain / "descriptors.h5") as translated, h5py.File(chain / "afm.h5") as campaign:
        assert translated["descriptors"].shape == campaign["descriptors"].shape


def test_evaluation_compares_with_baselines(chain: Path) -> None:
    metrics = json.loads((chain / "evaluation" / "metrics.json").read_text())
    assert set(metrics["translation"]) == {"translator", "unet_l1", "training_mean"}
    assert set(metrics["composition"]) == {
        *("training_mean", "nearest_training_image", "nearest_training_image_pooled"),
        *("regressor_per_stack", "regressor_pooled"),
    }
    conditional = {"conditional", "conditional_single_draw", "conditional_from_image_latent"}
    ways = conditional | {"unconditional", "unconditional_best_of_draws", "retrieval", "training_mean"}
    assert set(metrics["screening"]) == ways


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.images = 0
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag == "h2"
        if tag == "img":
            self.images += 1
            assert str(dict(attrs)["src"]).startswith("data:")

    def handle_data(self, data: str) -> None:
        if self._inside and data.strip():
            self.headings.append(data.strip())
            self._inside = False


def test_report_shows_the_whole_chain(chain: Path) -> None:
    page = _Page()
    page.feed((chain / "report.html").read_text())
    for heading in ("Candidates", "Electrodes", "Data set", "Trainings", "Translation of AFM stacks", "Provenance"):
        assert heading in page.headings
    assert page.images >= 8


def test_every_step_left_a_record_that_leads_back_to_the_electrodes(chain: Path) -> None:
    store = LocalStore(chain / "battgen-records")
    records = [store.load(identifier) for identifier in store.identifiers()]
    assert {record.state for record in records} == {"succeeded"}
    screening = next(record for record in records if record.step == "screen")
    walked = {record.step for record in read_chain(store, screening.identifier)}
    trainings = {"train-translation", "train-composition", "train-screening"}
    assert walked == {"screen", *trainings, "build-dataset", "simulate-afm", "fetch-electrodes"}
    assert screening.seed == 1
    assert all(len(entry.sha256) == 64 for entry in screening.files)


def test_target_outside_the_training_range_is_answered_with_a_warning(chain: Path, tmp_path: Path) -> None:
    arguments = ["screen", "--model", str(chain / "model"), "--working-ion", "Li", "--average-voltage", "9:9.5"]
    outcome = succeed(
        [*arguments, "--samples", "2", "--steps", "5", "--no-record", "--output", str(tmp_path / "c.csv")]
    )
    assert "Warning: average_voltage 9:9.5 V reaches" in outcome.output
    assert "beyond the training range" in outcome.output


def test_a_training_with_the_same_configuration_is_not_repeated(chain: Path) -> None:
    weights = chain / "model" / "translation" / "weights.safetensors"
    before = weights.stat().st_mtime_ns
    arguments = ["train-translation", "--dataset", str(chain / "dataset.h5"), "--config", str(chain / "small.yaml")]
    succeed([*arguments, "--seed", "1", "--no-record", "--output", str(chain / "model")])
    assert weights.stat().st_mtime_ns == before


@pytest.mark.slow
def test_demo_reuses_what_is_there(tmp_path: Path) -> None:
    arguments = ["demo", "--electrodes", "20", "--orientations", "1", "--output", str(tmp_path / "demo")]
    first = succeed(arguments)
    assert "already there" not in first.output
    candidates = (tmp_path / "demo" / "candidates.csv").read_bytes()
    second = succeed(arguments)
    assert second.output.count("already there") == 10
    (tmp_path / "demo" / "candidates.csv").write_text("tampered")
    third = succeed(arguments)
    # Only the screening runs again; since it gives the same candidates, the report is still up to date.
    assert third.output.count("already there") == 9
    assert (tmp_path / "demo" / "candidates.csv").read_bytes() == candidates


def refuse(arguments: Sequence[str]) -> str:
    """Run a command that must end with status 2 and return its one sentence."""
    outcome = run(arguments)
    assert outcome.exit_code == 2, outcome.output
    (sentence,) = [line for line in outcome.stderr.splitlines() if line.startswith("Error: ")]
    return sentence


def test_checkpoint_of_another_architecture(chain: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(chain / "model", model)
    card = json.loads((model / "translation" / "card.json").read_text())
    card["architecture"]["channels"] = [8, 24]
    (model / "translation" / "card.json").write_text(json.dumps(card))
    sentence = refuse(["screen", "--model", str(model), "--output", str(tmp_path / "c.csv"), "--no-record"])
    assert "belongs to another architecture" in sentence
    assert not (tmp_path / "c.csv").exists()


@pytest.mark.parametrize("name", ["weights.safetensors", "card.json"])
def test_truncated_checkpoint(chain: Path, tmp_path: Path, name: str) -> None:
    model = tmp_path / "model"
    shutil.copytree(chain / "model", model)
    content = (model / "screening" / name).read_bytes()
    (model / "screening" / name).write_bytes(content[: len(content) // 2])
    sentence = refuse(["screen", "--model", str(model), "--output", str(tmp_path / "c.csv"), "--no-record"])
    assert str(model / "screening" / name) in sentence


@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("afm.h5", "build-dataset --afm {} --output out"),
        ("dataset.h5", "train-translation --dataset {} --output out"),
        ("candidates.h5", "predict-composition --model {model} --afm {} --output out"),
    ],
)
def test_truncated_or_foreign_hdf5(
    chain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    content = (chain / file).read_bytes()
    Path("cut.h5").write_bytes(content[: len(content) // 2] if "predict" not in command else content)
    assert "cut.h5" in refuse([*command.format("cut.h5", model=chain / "model").split(), "--no-record"])
    assert not Path("out").exists()


def test_screening_trained_on_another_translator(chain: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(chain / "model", model)
    arguments = ["train-translation", "--dataset", str(chain / "dataset.h5"), "--config", str(chain / "small.yaml")]
    succeed([*arguments, "--epochs", "1", "--seed", "9", "--no-record", "--output", str(model)])
    sentence = refuse(["screen", "--model", str(model), "--output", str(tmp_path / "c.csv"), "--no-record"])
    assert "was trained on another translator" in sentence


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"working_ion": "Mg"}, "holds no Mg"),
        ({"working_ion": "Xx"}, "'Xx' is not a working ion"),
        ({"formula_discharge": "not a formula"}, "does not parse"),
    ],
)
def test_wrong_electrode(chain: Path, tmp_path: Path, change: dict[str, str], words: str) -> None:
    document = json.loads(gzip.decompress((chain / "electrodes.json.gz").read_bytes()))
    lithium = next(row for row in document["electrodes"] if row["working_ion"] == "Li")
    lithium.update(change)
    (tmp_path / "wrong.json").write_text(json.dumps(document))
    arguments = ["simulate-afm", "--electrodes", str(tmp_path / "wrong.json"), "--no-record"]
    sentence = refuse([*arguments, "--output", str(tmp_path / "afm.h5")])
    assert lithium["id"] in sentence
    assert words in sentence


def test_structure_larger_than_the_scan_window(chain: Path, tmp_path: Path) -> None:
    arguments = ["simulate-afm", "--electrodes", str(chain / "electrodes.json.gz"), "--window", "5", "--no-record"]
    sentence = refuse([*arguments, "--orientations", "1", "--output", str(tmp_path / "afm.h5")])
    assert "window" in sentence
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--window", "30"], "was simulated with pixel_size = "),
        (
            ["--charges", "oxidation-states"],
            "holds stacks of a charged tip, but the model was trained with a neutral tip",
        ),
        (["--charges", "both"], "holds stacks of a neutral and a charged tip, but"),
    ],
)
def test_stacks_of_another_window_or_tip_are_refused(
    chain: Path, tmp_path: Path, change: Sequence[str], words: str
) -> None:
    electrodes = ["--electrodes", str(chain / "electrodes.json.gz"), "--orientations", "1", "--pixels", "32"]
    other = str(tmp_path / "other.h5")
    succeed(["simulate-afm", *electrodes, "--skip-too-large", *change, "--no-record", "--output", other])
    arguments = ["predict-composition", "--model", str(chain / "model"), "--afm", other, "--no-record"]
    sentence = refuse([*arguments, "--output", str(tmp_path / "c.csv")])
    assert words in sentence
    assert "simulate with the settings of the training" in sentence


def test_stacks_of_two_tips_go_the_whole_way(chain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = "composition: {loop: {epochs: 1}, channels: [8], dense: [16], augmentation: {operations: [{name: tilt}]}}"
    (tmp_path / "config.yaml").write_text(config)
    simulate = f"simulate-afm --electrodes {chain / 'electrodes.json.gz'} --orientations 1 --pixels 16 --skip-too-large"
    succeed([*simulate.split(), "--charges", "both", "--output", "afm.h5"])
    assert "constant heights with a neutral and a charged tip" in (tmp_path / "afm.card.md").read_text()
    succeed("build-dataset --afm afm.h5 --seed 3 --output dataset.h5".split())
    succeed("train-composition --dataset dataset.h5 --config config.yaml --output model/".split())
    succeed("predict-composition --model model/ --afm afm.h5 --tell-properties --output composition.csv".split())
    with open(tmp_path / "composition.csv", newline="") as stream:
        assert {row["properties_told"] for row in csv.DictReader(stream)} == {"True"}
