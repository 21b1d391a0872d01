"""Real tiny trainings of the SEI autoencoder: learning, bytes, resuming, refusals."""

from __future__ import annotations

import functools
import json

import numpy as np
import pytest

from kadi_battgen.applications.sei.evaluation import evaluate_prvae
from kadi_battgen.applications.sei.model import PrvaeModel
from kadi_battgen.datasets.sei import SeiDataset
from kadi_battgen.errors import UserError
from kadi_battgen.files import sha256_file
from kadi_battgen.sei.observables import MAIN_OBSERVABLES, OBSERVABLES
from kadi_battgen.training.checkpoints import CARD, CHECKPOINT, WEIGHTS
from kadi_battgen.training.loop import read_history
from kadi_battgen.training.model_card import MODEL_CARD
from kadi_battgen.training.resources import RESOURCES
from kadi_battgen.training.sei import prvae
from kadi_battgen.training.sei.references import LATENTS
from kadi_battgen.training.sei.settings import VARIANTS, load_prvae_settings
from kadi_battgen.training.settings import PRESETS

#: What the same seed gives the same bytes of.
FILES = (WEIGHTS, LATENTS, CARD, "metrics.csv")


def contents(folder):
    return {name: (folder / name).read_bytes() for name in FILES}


def test_a_model_learns_the_volume_fraction(tmp_path, train_tiny_prvae, tiny_sei_dataset):
    train_tiny_prvae(tmp_path, loop={"epochs": 60}, properties=("flux", "thickness"), regression_weight=1.0)
    outcome = evaluate_prvae(PrvaeModel(tmp_path), tiny_sei_dataset, "test", resamples=10)
    assert outcome["properties"]["flux"]["r2"] > 0.9
    assert outcome["properties"]["thickness"]["r2"] > 0.8
    history = read_history(tmp_path / "metrics.csv")
    assert history["reconstruction"][-1] < 0.8 * history["reconstruction"][0]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_model_is_weights_a_card_latents_and_a_history(tmp_path, train_tiny_prvae, tiny_sei_dataset, variant):
    card = train_tiny_prvae(tmp_path, variant=variant)
    assert {path.name for path in tmp_path.iterdir()} == {*FILES, RESOURCES, MODEL_CARD}
    assert card["variant"] == variant
    assert "| thickness | nm | " in (tmp_path / MODEL_CARD).read_text()
    assert card["properties"] == ([] if variant == "vae" else list(MAIN_OBSERVABLES))
    model = PrvaeModel(tmp_path)
    assert model.conditional == model.has_prior == (variant == "conditional-prvae")
    with SeiDataset.open(tiny_sei_dataset) as dataset:
        training = dataset.indices("training")
        values = dataset.observables_scaling.inverse(dataset.column("observables"))[training]
        latents, _ = model.encode(dataset.configurations(training))
    assert card["training_ranges"]["flux"][-1] == pytest.approx(values[:, list(OBSERVABLES).index("flux")].max())
    np.testing.assert_allclose(model.latents.mean, latents.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(model.latents.sample, latents, atol=1e-6)
    np.testing.assert_allclose(model.latents.observables, values)
    history = read_history(tmp_path / "metrics.csv")
    assert ("regression" in history) == (variant != "vae")
    assert card["best"]["validation_loss"] == pytest.approx(min(history["validation_loss"]), rel=1e-5)


def test_the_same_seed_gives_the_same_bytes_and_another_others(tmp_path, train_tiny_prvae):
    for name, seed in (("first", 0), ("again", 0), ("other", 1)):
        train_tiny_prvae(tmp_path / name, seed=seed)
    assert contents(tmp_path / "first") == contents(tmp_path / "again")
    assert sha256_file(tmp_path / "first" / WEIGHTS) != sha256_file(tmp_path / "other" / WEIGHTS)


@pytest.mark.parametrize("regression_loss", ["squared-error", "uncertainty"])
def test_an_interrupted_training_resumes_as_if_nothing_had_happened(
    tmp_path, train_tiny_prvae, monkeypatch, regression_loss
):
    train = functools.partial(train_tiny_prvae, regression_loss=regression_loss, loop={"epochs": 4})
    train(tmp_path / "whole")

    def interrupt(finished):
        if finished == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(prvae, "fit", functools.partial(prvae.fit, on_epoch=interrupt))
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "resumed")
    assert (tmp_path / "resumed" / CHECKPOINT).is_file()
    assert not (tmp_path / "resumed" / CARD).exists()
    with pytest.raises(UserError, match="belongs to an interrupted training with other settings"):
        train(tmp_path / "resumed", beta=0.9)
    train(tmp_path / "resumed")
    assert contents(tmp_path / "resumed") == contents(tmp_path / "whole")


def test_a_finished_training_is_not_repeated(tmp_path, train_tiny_prvae):
    card = train_tiny_prvae(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert train_tiny_prvae(tmp_path) == card
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def _of_another_kind(folder):
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps(card | {"kind": "screening"}))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / CARD).unlink(), "holds no trained prvae model"),
        (_of_another_kind, "describes a 'screening' model, not 'prvae'"),
        (lambda folder: (folder / WEIGHTS).write_bytes(b"not"), "empty, truncated or not safetensors"),
        (lambda folder: (folder / LATENTS).write_bytes(b"not"), "missing or belongs to another training"),
        (lambda folder: (folder / LATENTS).unlink(), "missing or belongs to another training"),
    ],
)
def test_a_foreign_or_broken_model_is_refused(tmp_path, train_tiny_prvae, spoil, message):
    train_tiny_prvae(tmp_path, loop={"epochs": 1})
    spoil(tmp_path)
    with pytest.raises(UserError, match=message):
        PrvaeModel(tmp_path)


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_complete_and_valid(preset):
    settings = load_prvae_settings(preset)
    assert type(settings).model_validate(settings.model_dump()) == settings
    assert settings.variant == "prvae"


def test_the_thesis_preset_has_the_thesis_s_architecture():
    settings = load_prvae_settings("thesis")
    assert (settings.channels, settings.dense, settings.latent_size) == ((32, 64, 128), 100, 50)
    assert (settings.regressor, settings.members, settings.loop.epochs) == ((200, 200), 1, 250)
    assert settings.profiles == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("properties: [mass]", "mass is no property: choose from flux, in_flux"),
        ("properties: [flux, flux]", "given twice"),
        ("strides: [2]", "differ in length"),
        ("property_weights: [1, 2]", "2 property_weights do not fit 4 properties"),
        ("property_weights: [1, 2, -1, 1]", "negative"),
        ("variant: gan", "variant"),
        ("depth: 3", "depth"),
    ],
)
def test_settings_that_do_not_fit_are_refused(tmp_path, text, message):
    (tmp_path / "settings.yaml").write_text(text)
    with pytest.raises(UserError, match=message):
        load_prvae_settings("demo", tmp_path / "settings.yaml")


def test_settings_come_from_the_preset_a_file_and_values_in_that_order(tmp_path):
    (tmp_path / "settings.yaml").write_text("prvae: {beta: 0.25, variant: vae, loop: {epochs: 7}}")
    settings = load_prvae_settings("demo", tmp_path / "settings.yaml", {"batch_size": 9}, variant="prvae")
    assert (settings.beta, settings.variant, settings.loop.epochs, settings.loop.batch_size) == (0.25, "prvae", 7, 9)
    with pytest.raises(UserError, match="Preset 'tiny' is not known: choose from demo, small, thesis"):
        load_prvae_settings("tiny")
