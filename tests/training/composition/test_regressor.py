"""The composition regressor's ways: inputs, losses, sets, ensemble, recognition, intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from kadi_battgen.datasets import TrainingDataset, build_dataset
from kadi_battgen.datasets.conditions import condition_vectors
from kadi_battgen.electrodes.composition import ELEMENT_INDEX
from kadi_battgen.electrodes.properties import WORKING_IONS
from kadi_battgen.metrics.conformal import ConformalIntervals
from kadi_battgen.networks.composition_ensemble import CompositionEnsemble
from kadi_battgen.training.composition.images import LatentImages
from kadi_battgen.training.composition.orientation_sets import OrientationSets, electrode_positions
from kadi_battgen.training.composition.reading import EmbeddedImages, embed_images, read_sets, single_sets
from kadi_battgen.training.composition.regressor import load_composition_regressor, train_composition
from kadi_battgen.training.composition.task import CompositionPart, CompositionTask
from kadi_battgen.training.loop import read_history
from kadi_battgen.training.samples import ImageSamples
from kadi_battgen.training.settings import CompositionSettings, load_settings

#: A small regressor that reads stacks; needs no translator.
STACKS: dict[str, Any] = {
    "input": "stack",
    "channels": (8, 8, 16),
    "dense": (16,),
    "dropout": 0.0,
    "loss": "presence-and-count",
    "loop": {"epochs": 2, "batch_size": 6, "learning_rate": 3e-3, "precision": "32-true"},
}


def settings(**changes: Any) -> CompositionSettings:
    return CompositionSettings.model_validate({**STACKS, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"loss": "poisson"},
        {"loss": "squared-error", "orientations": 2},
        {"orientations": 3, "element_weighting": 0.5, "balance": "oversample"},
        {"working_ion": True, "members": 2},
        {"recognition": 1.0, "orientations": 2, "balance": "sampling"},
        {"memory": True},
    ],
    ids=lambda changes: "-".join(changes) or "plain",
)
def test_each_way_trains_and_reads(tiny_dataset, tmp_path, one_thread, changes):
    card = train_composition(tiny_dataset, tmp_path, settings(**changes), progress=False)
    network, again = load_composition_regressor(tmp_path)
    assert card == again
    assert card["input"] == "stack"
    assert len(network.members) == card["architecture"]["members"] == changes.get("members", 1)
    with TrainingDataset.open(tiny_dataset) as dataset:
        samples = ImageSamples(dataset, "test")
        embedded = embed_images(network, samples.stacks, len(samples))
        groups = electrode_positions(samples.column("electrode_index"))
        single, pooled = (read_sets(network, embedded, sets) for sets in (single_sets(len(samples)), groups))
    assert single.counts.shape == (len(samples), 112)
    assert pooled.counts.shape == pooled.presence.shape == pooled.spread.shape == (len(groups), 112)
    assert (pooled.presence >= 0).all()
    assert (pooled.presence <= 1).all()
    assert (pooled.spread.max() > 0) == (changes.get("members", 1) > 1)
    for way, read in (("single", single), ("pooled", pooled)):
        low, high = ConformalIntervals.from_json(card["calibration"][way]).intervals(read.counts)
        assert (low <= high).all()


def test_the_same_seed_gives_the_same_weights_and_a_stopped_training_goes_on(tiny_dataset, tmp_path, one_thread):
    from kadi_battgen.training.composition import regressor as composition

    chosen = settings(orientations=2, recognition=0.5, working_ion=True)
    cards = [train_composition(tiny_dataset, tmp_path / name, chosen, progress=False) for name in "ab"]
    assert cards[0]["weights_sha256"] == cards[1]["weights_sha256"]

    class StoppedError(Exception):
        pass

    def stop(epoch: int) -> None:
        raise StoppedError

    with pytest.MonkeyPatch.context() as patch:
        whole = composition.fit
        patch.setattr(composition, "fit", lambda *a, **k: whole(*a, **k, on_epoch=stop))
        with pytest.raises(StoppedError):
            train_composition(tiny_dataset, tmp_path / "c", chosen, progress=False)
    card = train_composition(tiny_dataset, tmp_path / "c", chosen, progress=False)
    assert card["weights_sha256"] == cards[0]["weights_sha256"]


def test_recognition_is_learned_and_trusted_as_far_as_validation_says(tiny_campaign, tmp_path, one_thread):
    build_dataset(tiny_campaign, tmp_path / "dataset.h5", split_by="image", progress=False)
    loop = {"epochs": 60, "batch_size": 8, "learning_rate": 1e-2, "patience": 60, "precision": "32-true"}
    card = train_composition(tmp_path / "dataset.h5", tmp_path, settings(recognition=30.0, loop=loop), progress=False)
    losses = read_history(tmp_path / "composition" / "metrics.csv")["loss"]
    # Recognition is nearly all of this loss: crystals of the training part are told apart.
    assert np.mean(losses[-3:]) < 0.6 * losses[0]
    network, _ = load_composition_regressor(tmp_path)
    assert network.trust.item() == card["calibration"]["trust"]
    assert 0.0 <= network.trust.item() <= 1.0
    with TrainingDataset.open(tmp_path / "dataset.h5") as dataset:
        known = np.unique(ImageSamples(dataset, "training").column("composition"), axis=0)
    np.testing.assert_array_equal(network.known_compositions.numpy(), known)


def test_a_memory_recalls_the_crystal_of_a_training_image_however_it_was_turned(tiny_dataset, tmp_path, one_thread):
    card = train_composition(tiny_dataset, tmp_path, settings(memory=True), progress=False)
    network, _ = load_composition_regressor(tmp_path)
    for share in ("memory_share", "presence_share"):
        assert getattr(network, share).item() == pytest.approx(card["calibration"][share])
    with TrainingDataset.open(tiny_dataset) as dataset:
        training = ImageSamples(dataset, "training")
        stacks, truth = training.stacks(np.arange(len(training))), training.column("composition")
    recalled, sureness = network.memory.recall(stacks.flip(-1).rot90(1, (-2, -1)))
    np.testing.assert_allclose(recalled[:, 0].numpy(), truth, atol=1e-3)
    np.testing.assert_allclose(recalled[:, 1].numpy(), truth > 0, atol=1e-3)
    assert (sureness > 100 * network.memory.recall(stacks + 0.1 * torch.rand_like(stacks))[1]).all()


@pytest.mark.parametrize("change", [{"memory": True}, {"pooling": 4}])
def test_what_needs_stacks_does_not_go_with_latents(change):
    with pytest.raises(ValueError, match="stacks.*: set input: stack"):
        settings(**change, input="latent")


def test_what_the_working_ion_tells_is_used(tiny_dataset, tmp_path, one_thread):
    loop = {"epochs": 40, "batch_size": 8, "learning_rate": 1e-2, "patience": 60, "precision": "32-true"}
    train_composition(tiny_dataset, tmp_path, settings(working_ion=True, loop=loop), progress=False)
    network, _ = load_composition_regressor(tmp_path)
    features = EmbeddedImages(torch.zeros(1, 3, 16))
    ions = ("Li", "Na", "Mg")
    cells = condition_vectors(np.full((3, 6), np.nan), np.array([WORKING_IONS.index(ion) for ion in ions]))
    told = read_sets(network, features, single_sets(3), cells)
    # Each is most probable where it is told.
    columns = told.presence[:, [ELEMENT_INDEX[ion] for ion in ions]]
    np.testing.assert_array_equal(columns.argmax(axis=0), [0, 1, 2])


def test_what_the_properties_tell_is_used(tiny_dataset, one_thread):
    with TrainingDataset.open(tiny_dataset) as dataset:
        samples = ImageSamples(dataset, "training")
        scaled, truth = samples.column("conditions"), samples.column("composition")
        images = LatentImages(torch.zeros(len(truth), 10, 16, 16))
        part = CompositionPart(images, samples, np.unique(truth, axis=0))
    chosen = settings(properties=True, loop=STACKS["loop"] | {"learning_rate": 1e-2})
    torch.manual_seed(0)
    architecture = {"in_channels": 10, "stretch": 1.0, "channels": (8,), "dense": (16,), "dropout": 0.0}
    network = CompositionEnsemble(**architecture, head="presence-and-count", properties=True)
    task = CompositionTask(chosen, network, part, part, OrientationSets(part.owners, 1), torch.ones(len(truth)))
    generator = torch.Generator().manual_seed(0)
    for _ in range(150):
        task.training_step(np.arange(len(truth)), 0, generator)
    network.eval()
    features, sets = embed_images(network, images, len(truth)), single_sets(len(truth))
    columns = [ELEMENT_INDEX[ion] for ion in ("Li", "Na", "Mg")]
    right = {}
    for name, given in (("nothing", False), ("everything", True)):
        cells = condition_vectors(scaled, np.full(len(truth), -1), np.full(scaled.shape, given))
        told = read_sets(network, features, sets, cells)
        right[name] = (told.presence[:, columns].argmax(axis=1) == truth[:, columns].argmax(axis=1)).mean()
    # An image that shows nothing leaves the ion open; the properties of these few electrodes tell it.
    assert right["nothing"] < 0.5 < 0.9 < right["everything"]


@pytest.mark.parametrize("preset", ["demo", "small", "thesis"])
def test_presets_fill_the_settings(preset):
    assert isinstance(load_settings("composition", preset), CompositionSettings)
