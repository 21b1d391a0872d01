"""Real tiny trainings of all three models: files, bytes, resuming, refusals."""

from __future__ import annotations

import csv
import functools
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES
from kadi_battgen.errors import UserError
from kadi_battgen.files import sha256_file
from kadi_battgen.training.checkpoints import CARD, CHECKPOINT, WEIGHTS, read_card
from kadi_battgen.training.composition import regressor as composition
from kadi_battgen.training.loop import read_history
from kadi_battgen.training.model_card import MODEL_CARD
from kadi_battgen.training.resources import RESOURCES
from kadi_battgen.training.screening import composition_branch
from kadi_battgen.training.screening import model as screening
from kadi_battgen.training.screening.composition_branch import BRANCH_FOLDER, BRANCH_METRICS
from kadi_battgen.training.translation import translator as translation
from kadi_battgen.training.translation.networks import load_translating_network, trained_translators

KINDS = ("translation", "composition", "screening")
MODULES = {"translation": translation, "composition": composition, "screening": screening}
BASELINES = ("baseline_same_network_l1", "baseline_unet_l1", "baseline_unet_pix2pix")
FOLDERS = (*KINDS, *BASELINES)


#: What a training took, which no seed decides.
COSTS = ("resources.json", "card.md")


def results(folder):
    """Return checksum of the weights and text of the history."""
    return sha256_file(folder / WEIGHTS), (folder / "metrics.csv").read_text()


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_model_is_weights_a_card_and_a_history(trained, kind):
    names = {path.name for path in (trained / kind).iterdir()}
    extra = {screening.KNOWN_ELECTRODES, BRANCH_METRICS}
    assert names - extra == {WEIGHTS, CARD, MODEL_CARD, RESOURCES, "metrics.csv"}
    card = read_card(trained / kind, kind)
    assert card["weights_sha256"] == sha256_file(trained / kind / WEIGHTS)
    history = read_history(trained / kind / "metrics.csv")
    epochs = 2 if kind in BASELINES else 3
    assert history["epoch"] == list(range(1, epochs + 1))
    assert np.isfinite(history["loss"]).all()
    assert card["best"]["validation_loss"] == pytest.approx(min(history["validation_loss"]), rel=1e-5)


def test_no_file_is_a_pickle(trained):
    files = [path for path in trained.rglob("*") if path.is_file()]
    assert {path.name.split(".", 1)[1] for path in files} == {"safetensors", "json", "csv", "json.gz", "md"}
    for path in files:
        assert path.read_bytes()[:2] not in (b"\x80\x02", b"\x80\x04", b"PK")


def test_the_discriminators_join_at_their_epoch(trained):
    history = read_history(trained / "translation" / "metrics.csv")
    assert np.isnan(history["discriminator"]).tolist() == [True, False, False]
    assert np.isnan(history["fooling"]).tolist() == [True, False, False]


def test_cards_hold_what_the_models_need(trained, tiny_dataset):
    from kadi_battgen.datasets import TrainingDataset

    translator = read_card(trained / "translation", "translation")
    model = read_card(trained / "screening", "screening")
    with TrainingDataset.open(tiny_dataset) as dataset:
        assert translator["normalisation"]["stack_scale"] == dataset.stack_scale
        assert translator["normalisation"]["descriptors"] == dataset.descriptor_scaling.to_json()
        assert translator["conventions"] == dataset.conventions
        assert model["normalisation"]["conditions"] == dataset.conditions_scaling.to_json()
        electrodes = [
            dataset.electrodes[i] for i in np.unique(dataset.column("electrode_index")[dataset.indices("training")])
        ]
    values = np.stack([electrode.properties.as_vector() for electrode in electrodes])
    for column, name in enumerate(FUNCTIONAL_PROPERTIES):
        ranges = model["training_ranges"]["any"][name]
        assert (ranges[0], ranges[-1]) == (values[:, column].min(), values[:, column].max())
        assert ranges == sorted(ranges)
    assert model["training_ranges"]["any"]["electrodes"] == len(electrodes)
    assert set(model["training_ranges"]) == {"any"} | {electrode.working_ion for electrode in electrodes}
    assert translator["dataset_sha256"] == sha256_file(tiny_dataset)
    assert model["translation_sha256"] == sha256_file(trained / "translation" / WEIGHTS)


@torch.no_grad()
def test_trained_models_load_and_compute(trained, tiny_dataset):
    from kadi_battgen.datasets import TrainingDataset

    translator, card = translation.load_translator(trained)
    baselines = [load_translating_network(trained, entry)[0] for entry in trained_translators(trained)[1:]]
    regressor, _ = composition.load_composition_regressor(trained)
    network, _, known = screening.load_screening(trained)
    assert not any(module.training for module in (translator, *baselines, regressor, network))
    with TrainingDataset.open(tiny_dataset) as dataset:
        stack = torch.from_numpy(dataset.stack(0)).float()[None]
        assert known.electrodes == dataset.electrodes
    assert len(baselines) == len(BASELINES)
    for translating in (translator, *baselines):
        assert translating(stack).descriptors.shape == (1, 6, 32, 32)
    assert regressor(translator.encode(stack)[0]).shape == (1, 112)
    noise = network(torch.zeros(1, network.size), torch.tensor([3]), torch.zeros(1, 23))
    assert torch.isfinite(noise).all()
    assert card["image_shape"] == [32, 32]


def test_the_screening_model_carries_the_scale_of_the_latents(trained, tiny_dataset):
    from kadi_battgen.datasets import TrainingDataset
    from kadi_battgen.training.latents import encode_samples
    from kadi_battgen.training.samples import ImageSamples
    from kadi_battgen.training.screening.formulas import electrode_samples

    translator, _ = translation.load_translator(trained)
    network, _, _ = screening.load_screening(trained)
    with TrainingDataset.open(tiny_dataset) as dataset, torch.no_grad():
        samples = ImageSamples(dataset, "training")
        mean, _ = encode_samples(translator, samples, progress=False)
        owners = np.unique(samples.column("electrode_index"))
        formulas = electrode_samples([dataset.electrodes[owner] for owner in owners]).tensors()
        latent = network.composition_autoencoder.encode(formulas)
        image, _ = network.split(network.normalise(mean, latent[:1].expand(len(mean), -1)))
    formula = network.normalise_composition(latent)
    torch.testing.assert_close(image.mean(dim=(0, 2, 3)), torch.zeros(4), atol=1e-4, rtol=0)
    torch.testing.assert_close(image.std(dim=(0, 2, 3)), torch.ones(4), atol=1e-3, rtol=0)
    torch.testing.assert_close(formula.mean(dim=0), torch.zeros(8), atol=1e-4, rtol=0)
    torch.testing.assert_close(formula.std(dim=0), torch.ones(8), atol=1e-3, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_bytes_and_another_others(train, trained, model, tmp_path, kind):
    for name in (kind, *BASELINES) if kind == "translation" else (kind,):
        for path in (model / name).iterdir():
            path.unlink()
    train(kind, model)
    for path in sorted((model / kind).iterdir()):
        if path.name not in COSTS:
            assert path.read_bytes() == (trained / kind / path.name).read_bytes(), path.name
    train(kind, model, seed=1)
    assert results(model / kind)[0] != results(trained / kind)[0]
    assert read_card(model / kind, kind)["seed"] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_finished_training_is_not_repeated(train, model, kind):
    before = {path: path.stat().st_mtime_ns for path in model.rglob("*")}
    card = train(kind, model)
    assert {path: path.stat().st_mtime_ns for path in model.rglob("*")} == before
    assert card == read_card(model / kind, kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_an_interrupted_training_resumes_as_if_nothing_had_happened(train, trained, model, monkeypatch, kind, epoch):
    module = MODULES[kind]
    for name in (kind, *BASELINES) if kind == "translation" else (kind,):
        for path in (model / name).iterdir():
            path.unlink()

    def interrupt(finished):
        if finished == epoch:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "fit", functools.partial(module.fit, on_epoch=interrupt))
        with pytest.raises(KeyboardInterrupt):
            train(kind, model)
    assert (model / kind / CHECKPOINT).is_file()
    assert not (model / kind / CARD).exists()
    train(kind, model)
    assert results(model / kind) == results(trained / kind)
    assert (model / kind / CARD).read_bytes() == (trained / kind / CARD).read_bytes()
    assert not (model / kind / CHECKPOINT).exists()


def test_a_screening_interrupted_in_its_composition_branch_resumes_there(train, trained, model, monkeypatch):
    for path in (model / "screening").iterdir():
        path.unlink()

    def interrupt(finished):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(composition_branch, "_STEPS_PER_EPOCH", 4)
        patch.setattr(composition_branch, "fit", functools.partial(composition_branch.fit, on_epoch=interrupt))
        with pytest.raises(KeyboardInterrupt):
            train("screening", model)
    branch = model / "screening" / BRANCH_FOLDER
    assert len(read_history(branch / "metrics.csv")["epoch"]) == 1
    assert (branch / CHECKPOINT).is_file()
    monkeypatch.setattr(composition_branch, "_STEPS_PER_EPOCH", 4)
    train("screening", model)
    assert not branch.exists()
    assert len(read_history(model / "screening" / BRANCH_METRICS)["epoch"]) == 3
    resumed = results(model / "screening")
    for path in (model / "screening").iterdir():
        path.unlink()
    train("screening", model)
    assert results(model / "screening") == resumed


KILLED = """
import sys
import torch
from kadi_battgen.training.settings import load_settings
from kadi_battgen.training.composition.regressor import train_composition
torch.set_num_threads(1)
dataset, model, configuration = sys.argv[1:]
settings = load_settings("composition", "demo", configuration, {"epochs": 40, "patience": 40})
train_composition(dataset, model, settings, progress=False)
"""


def test_a_killed_training_resumes_as_if_nothing_had_happened(train, model, tiny_dataset, configuration, tmp_path):
    folder = model / "composition"
    for path in folder.iterdir():
        path.unlink()
    arguments = [sys.executable, "-c", KILLED, str(tiny_dataset), str(model), str(configuration)]
    process = subprocess.Popen(arguments, env=os.environ)
    deadline = time.monotonic() + 120
    while not (folder / "metrics.csv").is_file() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    done = len(list(csv.reader((folder / "metrics.csv").read_text().splitlines()))) - 1
    assert 0 < done < 40
    train("composition", model, epochs=40, patience=40)
    resumed = results(folder)
    for path in folder.iterdir():
        path.unlink()
    train("composition", model, epochs=40, patience=40)
    assert results(folder) == resumed
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("change", "retry"), [({"learning_rate": 1e-4}, {}), ({"batch_size": 3}, {}), ({}, {"seed": 1})]
)
def test_a_checkpoint_of_another_training_is_refused(train, model, monkeypatch, change, retry):
    def interrupt(finished):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(composition, "fit", functools.partial(composition.fit, on_epoch=interrupt))
        with pytest.raises(KeyboardInterrupt):
            train("composition", model, epochs=5, **change)
    before = results(model / "composition")
    with pytest.raises(UserError, match=r"checkpoint\.safetensors belongs to an interrupted training with other"):
        train("composition", model, epochs=5, **({"seed": 0} | retry))
    assert results(model / "composition") == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_that_diverges_says_so_and_leaves_no_checkpoint(train, model, kind):
    with pytest.raises(UserError, match=r"diverged in epoch 1: lower the learning rate \(--learning-rate\)"):
        train(kind, model, learning_rate=1e30)
    assert not (model / kind / CHECKPOINT).exists()


def test_patience_ends_a_training_that_does_not_improve(train, model):
    card = train("composition", model, epochs=400, patience=2, learning_rate=0.5)
    losses = read_history(model / "composition" / "metrics.csv")["validation_loss"]
    assert len(losses) < 400
    assert len(losses) - 1 - int(np.argmin(losses)) == 2
    assert card["best"]["epoch"] == int(np.argmin(losses)) + 1


def test_the_best_weights_are_kept_and_not_the_last(train, model, tiny_dataset):
    card = train("composition", model, epochs=400, patience=2, learning_rate=0.5)
    from kadi_battgen.datasets import TrainingDataset
    from kadi_battgen.training.latents import LatentScale, encode_samples
    from kadi_battgen.training.losses import count_loss
    from kadi_battgen.training.samples import ImageSamples

    translator, _ = translation.load_translator(model)
    regressor, _ = composition.load_composition_regressor(model)
    with TrainingDataset.open(tiny_dataset) as dataset, torch.no_grad():
        samples = ImageSamples(dataset, "validation")
        mean, _ = encode_samples(translator, samples, progress=False)
        predicted = regressor(LatentScale.from_json(card["normalisation"]["latent"]).normalise(mean))
        counts, weight = (torch.from_numpy(samples.column(name)) for name in ("composition", "weight"))
        loss = count_loss(predicted, counts, "poisson", weight)
    assert loss.item() == pytest.approx(card["best"]["validation_loss"], rel=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda card: card.pop("architecture"), "describes no translation network of this version"),
        (lambda card: card["architecture"].update(depth=3), "describes no translation network of this version"),
        (lambda card: card["architecture"].update(channels=[8]), "describes no translation network of this version"),
        (lambda card: card["architecture"].update(latent_channels=2), "belongs to another architecture"),
        (lambda card: card.update(kind="composition"), "describes a 'composition' model, not 'translation'"),
    ],
)
def test_a_card_that_is_not_the_network_s_is_refused(model, change, message):
    path = model / "translation" / CARD
    card = json.loads(path.read_text())
    change(card)
    path.write_text(json.dumps(card))
    with pytest.raises(UserError, match=message):
        translation.load_translator(model)


@pytest.mark.parametrize("kind", ["composition", "screening"])
def test_a_folder_without_translator_is_refused(train, tmp_path, kind):
    with pytest.raises(UserError, match="holds no trained translation model: train one with battgen train-translation"):
        train(kind, tmp_path / "empty")


@pytest.mark.parametrize("kind", ["composition", "screening"])
def test_a_data_set_of_another_scale_is_refused(train, model, kind):
    card = json.loads((model / "translation" / CARD).read_text())
    card["normalisation"]["stack_scale"] *= 2
    (model / "translation" / CARD).write_text(json.dumps(card))
    with pytest.raises(UserError, match="scales its stacks by .* but the translator was trained with"):
        train(kind, model)
    card["image_shape"] = [64, 64]
    (model / "translation" / CARD).write_text(json.dumps(card))
    with pytest.raises(UserError, match="holds images of 32 x 32 pixels, but the translator was trained on 64 x 64"):
        train(kind, model)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("patch_size: 2", "the U-Net needs sides of at least 64 pixels .* lower patch_size or take the U-Nets off"),
        ("{patch_size: 3, baselines: []}", "the translator needs sides of .* divisible by 6"),
    ],
)
def test_images_too_small_for_a_network_are_refused(train, tmp_path, tiny_dataset, configuration, section, message):
    import yaml

    from kadi_battgen.training.settings import load_settings

    document = yaml.safe_load(configuration.read_text())
    document["translation"].update(yaml.safe_load(section))
    changed = tmp_path / "changed.yaml"
    changed.write_text(yaml.safe_dump(document))
    with pytest.raises(UserError, match=message):
        translation.train_translation(
            tiny_dataset, tmp_path / "model", load_settings("translation", "demo", changed), progress=False
        )
    assert not (tmp_path / "model").exists()


def test_latents_too_small_for_the_unet_are_refused(model, tmp_path, tiny_dataset, configuration):
    import yaml

    from kadi_battgen.training.settings import load_settings

    document = yaml.safe_load(configuration.read_text())
    document["screening"].update(channels=[8] * 6, attention_levels=[False] * 6)
    changed = tmp_path / "changed.yaml"
    changed.write_text(yaml.safe_dump(document))
    with pytest.raises(UserError, match=r"the U-Net needs sides of .* divisible by 64: lower its number of levels"):
        screening.train_screening(tiny_dataset, model, load_settings("screening", "demo", changed), progress=False)


def test_a_data_set_that_is_none_is_refused(train, tmp_path, tiny_campaign):
    with pytest.raises(UserError, match=r"nowhere\.h5 does not exist"):
        train("translation", tmp_path / "model", dataset=tmp_path / "nowhere.h5")
    with pytest.raises(UserError, match="has schema 'kadi-battgen/afm-campaign'"):
        train("translation", tmp_path / "model", dataset=tiny_campaign)
