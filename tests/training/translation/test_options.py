"""Options of the translator's training: each takes part, is on the card, and survives an interruption."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import yaml

from kadi_battgen.datasets import TrainingDataset
from kadi_battgen.errors import UserError
from kadi_battgen.files import sha256_file
from kadi_battgen.networks.autoencoder import SPHERES
from kadi_battgen.training.checkpoints import CHECKPOINT, WEIGHTS, read_card
from kadi_battgen.training.history import read_history
from kadi_battgen.training.settings import load_settings
from kadi_battgen.training.translation import translator as translation
from kadi_battgen.training.translation.task import TranslationTask

#: Options by a name, and the column of the history that shows each at work.
OPTIONS = {
    "plain": ({"adversarial_weight": 0.0, "kl_weight": 0.0}, ("grey", "type_map")),
    "cross-entropies": (
        {"grey_loss": "binary-cross-entropy", "type_map": "classes", "type_map_weight": 0.0, "class_weight": 0.5},
        ("grey", "class"),
    ),
    "warm-up": ({"kl_weight": 0.1, "kl_schedule": "linear", "kl_rise": 1.0}, ("kl",)),
    "structure": ({"structure_weight": 0.5, "adversarial_weight": 0.0}, ("structure",)),
    "perceptual": ({"feature_weight": 0.5, "style_weight": 0.5, "adversarial_weight": 0.0}, ("perceptual",)),
    "least squares": ({"adversarial_loss": "least-squares", "adversarial_rise": 2}, ("fooling", "discriminator")),
    "adaptive": ({"adversarial_adaptive": True, "discriminator_branches": 1}, ("fooling", "discriminator")),
    "wasserstein": (
        {"adversarial_loss": "wasserstein", "discriminator_steps": 2, "loop": {"averaging": 0.9}},
        ("fooling", "discriminator"),
    ),
    "mixed precision": (
        {
            **{"adversarial_loss": "wasserstein", "adversarial_adaptive": True},
            "loop": {"precision": "bf16-mixed", "channels_last": True},
        },
        ("fooling", "discriminator"),
    ),
}


@pytest.fixture
def settings(tmp_path, configuration):
    """Return a function that makes settings of the tiny ones and changes."""

    def make(changes):
        document = yaml.safe_load(configuration.read_text())["translation"]
        loop = {**document["loop"], **changes.get("loop", {})}
        path = tmp_path / "options.yaml"
        path.write_text(yaml.safe_dump({**document, "baselines": [], **changes, "loop": loop}))
        return load_settings("translation", "demo", path)

    return make


def run(dataset, folder, settings):
    return translation.train_translation(dataset, folder, settings, progress=False)


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_takes_part_stands_on_the_card_and_resumes_to_the_same_bytes(
    tmp_path, tiny_dataset, settings, one_thread, monkeypatch, name
):
    changes, columns = OPTIONS[name]
    chosen = settings(changes)
    card = run(tiny_dataset, tmp_path / "whole", chosen)
    assert card["settings"] == chosen.model_dump(mode="json")
    history = read_history(tmp_path / "whole" / "translation" / "metrics.csv")
    assert all(np.isfinite(history[column][-1]) and history[column][-1] != 0 for column in columns)

    def interrupt(epoch):
        if epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(translation, "fit", functools.partial(translation.fit, on_epoch=interrupt))
        with pytest.raises(KeyboardInterrupt):
            run(tiny_dataset, tmp_path / "halved", chosen)
    assert (tmp_path / "halved" / "translation" / CHECKPOINT).is_file()
    run(tiny_dataset, tmp_path / "halved", chosen)
    whole, halved = (tmp_path / folder / "translation" for folder in ("whole", "halved"))
    assert (halved / "metrics.csv").read_text() == (whole / "metrics.csv").read_text()
    assert sha256_file(halved / WEIGHTS) == sha256_file(whole / WEIGHTS)


def test_a_true_type_map_is_the_spheres_in_the_colour_of_the_class(tiny_dataset):
    with TrainingDataset.open(tiny_dataset) as dataset:
        factor, offset = translation.spheres_to_type_map(dataset)
        images = np.stack([dataset.descriptors(n) for n in dataset.indices("training")]).astype(float)
    colours = images[:, 3:]
    np.testing.assert_allclose(colours.max(axis=1), factor * images[:, SPHERES] + offset, atol=2e-3)
    # Spheres of two classes overlap in few pixels; everywhere else a pixel shows one class.
    assert (np.sort(colours, axis=1)[:, 1] > 2e-3).mean() < 0.03


def test_the_rise_of_beta_shows_in_the_history(tmp_path, tiny_dataset, settings, one_thread):
    changes = {"kl_weight": 0.1, "kl_schedule": "linear", "kl_rise": 1.0, "adversarial_weight": 0.0}
    run(tiny_dataset, tmp_path, settings(changes))
    kl = read_history(tmp_path / "translation" / "metrics.csv")["kl"]
    assert kl[0] == 0.0
    assert kl[1] > 0


def test_the_average_of_the_weights_is_what_is_kept(tmp_path, tiny_dataset, settings, one_thread):
    for folder, averaging in (("last", 0.0), ("average", 0.95)):
        run(tiny_dataset, tmp_path / folder, settings({"adversarial_weight": 0.0, "loop": {"averaging": averaging}}))
    histories = [read_history(tmp_path / folder / "translation" / "metrics.csv") for folder in ("last", "average")]
    assert histories[0]["loss"] == histories[1]["loss"]  # the weights that are trained are the same
    assert histories[0]["validation_loss"] != histories[1]["validation_loss"]


def test_a_feature_network_of_one_s_own_is_read_from_its_file(tmp_path, tiny_dataset, settings, one_thread):
    with pytest.raises(UserError, match=r"nowhere\.safetensors does not exist"):
        run(
            tiny_dataset,
            tmp_path / "model",
            settings({"feature_weight": 1.0, "feature_network": str(tmp_path / "nowhere.safetensors")}),
        )


def test_baselines_are_trained_by_their_own_objectives(trained):
    cards = {name: read_card(trained / f"baseline_{name}", f"baseline_{name}") for name in ("unet_l1", "unet_pix2pix")}
    same = read_card(trained / "baseline_same_network_l1", "baseline_same_network_l1")
    translator = read_card(trained / "translation", "translation")
    # The same network; only what makes its classes sharper when it is used is the translator's own.
    assert same["architecture"] == {**translator["architecture"], "class_sharpness": 1.0}
    for card in (same, cards["unet_l1"]):
        assert (card["settings"]["type_map_loss"], card["settings"]["adversarial_weight"]) == ("l1", 0)
        assert card["settings"]["kl_weight"] == 0
    assert cards["unet_pix2pix"]["settings"]["discriminator_branches"] == 1
    assert cards["unet_pix2pix"]["settings"]["adversarial_weight"] == 0.01


def test_a_diverged_training_keeps_its_last_good_epoch_and_goes_on_more_slowly(
    tmp_path, tiny_dataset, settings, one_thread, monkeypatch
):
    folder = tmp_path / "translation"
    fine, original = settings({"adversarial_weight": 0.0}), TranslationTask.training_step

    def spoil(task, indices, epoch, generator):
        if epoch == 2:
            next(task.network.parameters()).data.fill_(float("nan"))
        return original(task, indices, epoch, generator)

    with monkeypatch.context() as patch:
        patch.setattr(TranslationTask, "training_step", spoil)
        with pytest.raises(
            UserError, match=r"diverged in epoch 3: lower .* epoch 2 is kept in .*checkpoint\.safetensors"
        ):
            run(tiny_dataset, tmp_path, fine)
    assert (folder / CHECKPOINT).is_file()
    assert read_history(folder / "metrics.csv")["epoch"] == [1, 2]
    with pytest.raises(UserError, match="diverged in epoch 3 and would again: lower the learning rate"):
        run(tiny_dataset, tmp_path, fine)
    with pytest.raises(UserError, match="belongs to an interrupted training with other settings"):
        run(tiny_dataset, tmp_path, settings({"adversarial_weight": 0.0, "grey_weight": 0.7}))
    before = read_history(folder / "metrics.csv")
    run(tiny_dataset, tmp_path, settings({"adversarial_weight": 0.0, "loop": {"learning_rate": 1e-4}}))
    after = read_history(folder / "metrics.csv")
    assert after["loss"][:2] == before["loss"]
    assert len(after["loss"]) == 3
    assert np.isfinite(after["loss"]).all()
    assert not (folder / CHECKPOINT).exists()
