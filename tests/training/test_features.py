"""The feature networks as extractors on real descriptors, and their training."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kadi_battgen.datasets.store import TrainingDataset
from kadi_battgen.errors import UserError
from kadi_battgen.metrics.distributions import descriptor_distribution_metrics, descriptor_perceptual_distances
from kadi_battgen.metrics.images import GROUPS
from kadi_battgen.networks.alexnet import AlexNetMaps
from kadi_battgen.networks.features import FEATURE_GROUPS, load_feature_network
from kadi_battgen.training.extractors import descriptor_extractors, lpips_extractor, scripted_extractor
from kadi_battgen.training.features import blurred, damaged, main, noisy
from kadi_battgen.training.features_card import halves, sensitivity

FID, KID = "fid_descriptor_features_v1", "kid_descriptor_features_v1"


@pytest.fixture(scope="module")
def descriptors(tiny_dataset, one_thread):
    """All real descriptors of the tiny campaign, (24, 6, 32, 32), and their electrodes."""
    with TrainingDataset.open(tiny_dataset) as dataset:
        images = np.stack([dataset.descriptors(index) for index in range(len(dataset))]).astype(np.float32)
        return images, dataset.column("electrode_index")


@pytest.fixture(scope="module")
def extractors():
    return descriptor_extractors()


@pytest.mark.parametrize("group", FEATURE_GROUPS)
@pytest.mark.parametrize("spoil", ["blur", "noise", "modes"])
def test_distances_of_real_descriptors_grow_with_what_is_wrong(group, spoil, descriptors, extractors):
    images, owners = descriptors
    first, second = halves(owners, np.random.default_rng(0))
    noise = torch.from_numpy(np.random.default_rng(1).standard_normal(images[second].shape).astype(np.float32))
    good = torch.from_numpy(images[second])

    def generated(strength):
        if strength == 0:
            return good
        if spoil == "blur":
            return blurred(good, strength)
        if spoil == "noise":
            return noisy(good, torch.full((len(good),), strength), noise)
        return good[np.arange(len(good)) % max(1, round(4 / 3**strength))]

    rows = [
        descriptor_distribution_metrics(images[first], generated(strength).numpy(), extractors)[group]
        for strength in (0.0, 0.4, 1.0, 2.0)
    ]
    for name in (FID, KID):
        values = [row[name] for row in rows]
        assert values == sorted(values), (name, values)
        assert values[-1] > values[0] + 1
    # The halves hold the same crystals: their distance is within its error of zero, and far below that of another group.
    assert abs(rows[0][KID]) < 3 * rows[0][f"{KID}_standard_error"]


def test_the_metrics_name_their_extractor_and_a_set_is_no_distance_from_itself(descriptors, extractors):
    images, _ = descriptors
    metrics = descriptor_distribution_metrics(images, images, extractors)
    assert set(metrics) == set(GROUPS)
    for row in metrics.values():
        assert all("descriptor_features_v1" in name for name in row)
        assert row[FID] == pytest.approx(0.0, abs=1e-6)
        score = row["inception_score_descriptor_features_v1"]
        assert 1.0 <= score <= 10.0
        assert score == row["inception_score_descriptor_features_v1_true"]


def test_values_out_of_range_are_cut_off(descriptors, extractors):
    images, _ = descriptors
    beyond = np.where(images >= 1.0, 1.7, np.where(images <= 0.0, -0.9, images))
    metrics = descriptor_distribution_metrics(images.clip(0, 1), beyond, extractors)
    assert all(row[FID] == pytest.approx(0.0, abs=1e-6) for row in metrics.values())


def test_perceptual_distance_is_for_pairs(descriptors, extractors):
    images, _ = descriptors
    spoiled = images.copy()
    spoiled[3] = images[5]
    distances = descriptor_perceptual_distances(images, spoiled, extractors)
    for group in GROUPS:
        (values,) = distances[group].values()
        assert list(distances[group]) == ["perceptual_descriptor_features_v1"]
        assert values.argmax() == 3
        assert values.sum() == pytest.approx(values[3], abs=1e-5)


def test_networks_by_path_are_named_after_their_file(tmp_path, descriptors):
    images, _ = descriptors
    network = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten())
    torch.jit.trace(network, torch.zeros(1, 3, 128, 128)).save(str(tmp_path / "My Net.pt"))
    extractor = scripted_extractor(tmp_path / "My Net.pt")
    metrics = descriptor_distribution_metrics(images, images * 0.5, dict.fromkeys(GROUPS, extractor))
    assert set(metrics["grey"]) == {
        f"{n}_torchscript_my_net{e}" for n, e in (("fid", ""), ("kid", ""), ("kid", "_standard_error"))
    }


def test_lpips_by_path(tmp_path):
    torch.manual_seed(0)
    torch.save(AlexNetMaps().state_dict(), tmp_path / "alexnet.pth")
    extractor = lpips_extractor(tmp_path / "alexnet.pth")
    assert extractor.name == "lpips_alex_v0_1"
    images = torch.rand(2, 3, 64, 64)
    assert extractor.perceptual(images, images).tolist() == [0.0, 0.0]
    near, far = (extractor.perceptual(images, (images + s * torch.randn_like(images)).clamp(0, 1)) for s in (0.02, 0.3))
    assert (near < far).all()


class TestDamage:
    def test_blur_keeps_a_constant_and_spreads_a_point_as_a_gaussian(self):
        assert torch.allclose(blurred(torch.full((1, 3, 16, 16), 0.4), 1.0), torch.tensor(0.4))
        point = torch.zeros(1, 1, 33, 33)
        point[0, 0, 16, 16] = 1.0
        spread = blurred(point, 1.0)[0, 0]
        distance = torch.arange(33.0) - 16
        variance = (spread.sum(dim=0) * distance.square()).sum() / spread.sum()
        assert variance.item() == pytest.approx(4.0, rel=0.05)  # strength 1 is two pixels

    def test_a_quarter_is_noisy_and_a_quarter_blurred(self):
        images = torch.rand(16, 3, 32, 32, generator=torch.Generator().manual_seed(0))
        result, strength = damaged(images, torch.Generator().manual_seed(1))
        changed = (result != images).flatten(1).any(dim=1)
        assert changed.tolist() == [True] * 8 + [False] * 8
        assert (strength[:4, 0] > 0).all()
        assert (strength[4:8, 1] > 0).all()
        assert int((strength > 0).sum()) == 8
        assert 0 <= result.min() <= result.max() <= 1


def test_halves_deal_out_the_images_of_each_owner():
    owners = np.array([0, 0, 1, 1, 1, 1, 2, 2])
    first, second = halves(owners, np.random.default_rng(0))
    assert sorted([*first, *second]) == list(range(8))
    assert sorted(owners[first]) == sorted(owners[second]) == [0, 1, 1, 2]


def test_training_writes_weights_and_card_and_the_same_seed_gives_the_same_bytes(
    tiny_dataset, tmp_path, monkeypatch, capsys
):
    # So few samples hold no common element: ask for all that are there and missing at least once.
    monkeypatch.setattr("kadi_battgen.training.features.MINIMUM_SAMPLES", 2)
    for name in ("a", "b"):
        output = tmp_path / f"{name}.safetensors"
        assert main(["--dataset", str(tiny_dataset), "--output", str(output), "--epochs", "2"]) == 0
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    card = (tmp_path / "a.card.md").read_text(encoding="utf-8")
    assert "--epochs 2 --seed 1" in card
    assert "| as it is |" in card
    assert str(tmp_path / "a.card.md") in capsys.readouterr().out
    assert load_feature_network("type_map", tmp_path / "a.safetensors").elements


def test_a_missing_data_set_is_one_sentence(tmp_path, capsys):
    assert main(["--dataset", str(tmp_path / "none.h5"), "--output", str(tmp_path / "f.safetensors")]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert not (tmp_path / "f.safetensors").exists()


def test_sensitivity_of_features_that_see_only_brightness():
    images = torch.rand(24, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    rows = sensitivity(lambda x: x.mean(dim=(2, 3)), images, np.arange(24) % 4, np.arange(24) // 2)
    assert rows[0][0] == "as it is"
    assert len(rows) == 1 + 4 + 4 + 5 + 5
    assert all(np.isfinite([frechet, kernel]).all() for _, frechet, kernel in rows)


def test_an_unknown_group_has_no_network():
    with pytest.raises(UserError, match="no feature network"):
        load_feature_network("phase")
