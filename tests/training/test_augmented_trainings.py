"""Trainings with augmentation and every balance: they run, repeat, resume, and touch the training part alone."""

from __future__ import annotations

import functools
import shutil

import numpy as np
import pytest
import torch
import yaml

from kadi_battgen.datasets import TrainingDataset
from kadi_battgen.datasets.augmentation.settings import AugmentationSettings
from kadi_battgen.errors import UserError
from kadi_battgen.files import sha256_file
from kadi_battgen.training.augmenting import BatchAugmenter
from kadi_battgen.training.checkpoints import WEIGHTS, read_card
from kadi_battgen.training.composition import regressor as composition
from kadi_battgen.training.samples import ImageSamples
from kadi_battgen.training.screening import model as screening
from kadi_battgen.training.settings import load_settings
from kadi_battgen.training.translation import translator as translation
from kadi_battgen.training.translation.task import augmented

MODULES = {"translation": translation, "composition": composition, "screening": screening}
MICROSCOPE = AugmentationSettings.model_validate("microscope")


@pytest.fixture
def run(tiny_dataset, configuration, trained, tmp_path, one_thread):
    """Return what trains one kind with further settings in a folder of its own and gives weights and history."""

    def start(kind, name, on_epoch=None, **changes):
        document = yaml.safe_load(configuration.read_text())
        document[kind].update(changes)
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(document))
        folder = tmp_path / name
        if kind != "translation" and not folder.exists():
            shutil.copytree(trained / "translation", folder / "translation")
        module = MODULES[kind]
        with pytest.MonkeyPatch.context() as patch:
            if on_epoch is not None:
                patch.setattr(module, "fit", functools.partial(module.fit, on_epoch=on_epoch))
            train = getattr(module, f"train_{kind}")
            train(tiny_dataset, folder, load_settings(kind, "demo", path), progress=False)
        return sha256_file(folder / kind / WEIGHTS), (folder / kind / "metrics.csv").read_text()

    return start


@pytest.mark.parametrize("kind", ["translation", "composition"])
def test_an_augmented_training_repeats_and_resumes_and_differs_from_a_plain_one(run, trained, kind):
    first = run(kind, "first", augmentation="microscope")
    assert first == run(kind, "again", augmentation="microscope")
    assert first[0] != sha256_file(trained / kind / WEIGHTS)

    def interrupt(epoch):
        if epoch == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(kind, "resumed", on_epoch=interrupt, augmentation="microscope")
    assert run(kind, "resumed", augmentation="microscope") == first


def test_the_card_names_the_operations(run, tmp_path):
    run("composition", "model", augmentation={"operations": [{"name": "gaussian_noise", "probability": 0.5}]})
    settings = read_card(tmp_path / "model" / "composition", "composition")["settings"]
    (operation,) = settings["augmentation"]["operations"]
    assert (operation["name"], operation["probability"], operation["unit"]) == ("gaussian_noise", 0.5, "relative")


@pytest.mark.parametrize(
    ("kind", "usual"), [("translation", "sampling"), ("composition", "weights"), ("screening", "sampling")]
)
def test_every_balance_trains_and_the_usual_one_is_that_of_before(run, trained, kind, usual):
    methods = ["none", "sampling", "oversample", "undersample"] + ["weights"] * (kind == "composition")
    results = {method: run(kind, f"{kind}-{method}", balance=method) for method in methods}
    assert results[usual][0] == sha256_file(trained / kind / WEIGHTS)
    assert len({history for _, history in results.values()}) >= len(methods) - 1


@pytest.mark.parametrize("kind", ["translation", "screening"])
def test_losses_that_are_means_over_pixels_take_no_weights(run, kind):
    with pytest.raises(UserError, match="balance: Input should be 'none', 'sampling', 'oversample' or 'undersample'"):
        run(kind, "model", balance="weights")


def test_a_tilt_that_leaves_the_stacks_is_refused_before_the_training(run, tmp_path):
    with pytest.raises(UserError, match="tilt moves the tip by up to .* lower it or simulate more heights"):
        run("translation", "model", augmentation={"operations": [{"name": "tilt", "angle": 30}]})
    assert not (tmp_path / "model" / "translation" / WEIGHTS).exists()


def test_only_the_training_part_is_resampled(tiny_dataset):
    with TrainingDataset.open(tiny_dataset) as dataset:
        parts = {part: ImageSamples(dataset, part) for part in ("training", "validation", "test")}
        held_out = {int(index) for part in ("validation", "test") for index in parts[part].indices}
        for method in ("none", "weights", "sampling", "oversample", "undersample"):
            balance = parts["training"].balanced(method, 0)
            assert not held_out & set(parts["training"].indices[balance.positions].tolist())
            assert set(balance.positions) <= set(range(len(parts["training"])))


class TestBatches:
    @pytest.fixture
    def samples(self, tiny_dataset):
        with TrainingDataset.open(tiny_dataset) as dataset:
            yield ImageSamples(dataset, "training")

    def batch(self, samples, positions, epoch=0, augmenter=None, seed=0):
        augmenter = augmenter or BatchAugmenter(MICROSCOPE, samples.dataset, seed)
        return augmenter(samples.stacks(positions), samples.descriptors(positions), positions, epoch)

    def test_a_sample_is_augmented_alike_in_any_batch_and_differently_in_another_epoch(self, samples):
        together = self.batch(samples, np.array([3, 1, 2]))
        alone = self.batch(samples, np.array([1]))
        for both, one in zip(together, alone, strict=True):
            torch.testing.assert_close(both[1], one[0], rtol=0, atol=0)
        assert not torch.equal(self.batch(samples, np.array([1]), epoch=1)[0], alone[0])
        assert not torch.equal(self.batch(samples, np.array([1]), seed=1)[0], alone[0])

    def test_a_sample_that_is_drawn_again_looks_different(self, samples):
        augmenter = BatchAugmenter(MICROSCOPE, samples.dataset, 0)
        stacks, _ = self.batch(samples, np.array([4, 4]), augmenter=augmenter)
        assert not torch.equal(stacks[0], stacks[1])
        again, _ = self.batch(samples, np.array([4]), augmenter=augmenter)
        assert not any(torch.equal(again[0], stack) for stack in stacks)

    def test_held_out_samples_are_read_as_they_are(self, samples):
        before = samples.stacks(np.arange(3)).clone()
        positions = np.arange(3)
        generator = torch.Generator().manual_seed(0)
        augmenter = BatchAugmenter(MICROSCOPE, samples.dataset, 0)
        stack, truth = augmented(samples, positions, generator, torch.device("cpu"), augmenter)
        assert stack.shape == before.shape
        assert truth.shape == samples.descriptors(positions).shape
        torch.testing.assert_close(samples.stacks(positions), before, rtol=0, atol=0)
