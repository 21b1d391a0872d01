"""The bundled feature networks: shapes, invariances, files."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kadi_battgen.bundled import __file__ as bundled_init
from kadi_battgen.electrodes.properties import WORKING_IONS
from kadi_battgen.errors import UserError
from kadi_battgen.files import sha256_file
from kadi_battgen.networks.features import (
    BUNDLED_FEATURES,
    DESCRIPTOR_FEATURES,
    FEATURE_GROUPS,
    DescriptorFeatures,
    feature_network_name,
    load_feature_network,
    save_feature_networks,
)


@pytest.fixture
def images(one_thread):
    return torch.rand(3, 3, 128, 128, generator=torch.Generator().manual_seed(0))


def small(seed=0):
    torch.manual_seed(seed)
    return DescriptorFeatures(elements=("O", "F"), working_ions=("Li",), channels=(4, 6), side=32).eval()


@pytest.mark.parametrize("group", FEATURE_GROUPS)
class TestBundled:
    @pytest.mark.parametrize("shape", [(128, 128), (64, 64), (32, 48)])
    def test_shapes(self, group, shape, one_thread):
        network = load_feature_network(group)
        images = torch.rand(2, 3, *shape)
        assert network(images).shape == (2, 64)
        assert [tuple(x.shape[1:]) for x in network.maps(images)] == [
            (16, 64, 64),
            (32, 32, 32),
            (64, 16, 16),
            (64, 8, 8),
        ]
        presence, ion, damage = network.heads(images)
        assert (presence.shape, ion.shape, damage.shape) == ((2, len(network.elements)), (2, len(WORKING_IONS)), (2, 2))
        torch.testing.assert_close(network.probabilities(images).sum(dim=1), torch.ones(2))

    def test_it_does_not_train_along(self, group, images):
        network = load_feature_network(group)
        assert not network.training
        assert not any(parameter.requires_grad for parameter in network.parameters())
        images.requires_grad_(True)
        network(images).square().sum().backward()
        assert images.grad.abs().max() > 0

    def test_samples_do_not_depend_on_each_other(self, group, images):
        network = load_feature_network(group)
        torch.testing.assert_close(network(images)[1:2], network(images[1:2]), rtol=1e-4, atol=1e-4)


def test_the_groups_have_networks_of_their_own(images):
    first, second = (load_feature_network(group)(images) for group in FEATURE_GROUPS)
    assert not torch.allclose(first, second)


def test_the_bundled_file_is_small_and_its_card_names_it():
    from pathlib import Path

    weights = Path(bundled_init).with_name(BUNDLED_FEATURES)
    card = weights.with_name("descriptor_features.card.md").read_text(encoding="utf-8")
    assert weights.stat().st_size < 2e6
    assert sha256_file(weights) in card
    assert DESCRIPTOR_FEATURES in card


class TestFile:
    def test_round_trip_gives_the_same_bytes_and_features(self, tmp_path):
        networks = {group: small(seed) for seed, group in enumerate(FEATURE_GROUPS)}
        for name in ("a", "b"):
            save_feature_networks(tmp_path / f"{name}.safetensors", networks)
        assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
        images = torch.rand(2, 3, 32, 32)
        for group, network in networks.items():
            again = load_feature_network(group, tmp_path / "a.safetensors")
            assert (again.elements, again.working_ions) == (("O", "F"), ("Li",))
            assert torch.equal(again(images), network(images))

    @pytest.mark.parametrize(
        "content",
        [b"", b"no safetensors", b"\x02\x00\x00\x00\x00\x00\x00\x00{}"],
        ids=["empty", "text", "nothing in it"],
    )
    def test_broken_files(self, content, tmp_path):
        path = tmp_path / "broken.safetensors"
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"broken\.safetensors is broken or holds no feature network"):
            load_feature_network("grey", path)

    def test_a_truncated_file(self, tmp_path):
        path = tmp_path / "whole.safetensors"
        save_feature_networks(path, {group: small() for group in FEATURE_GROUPS})
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(UserError, match="is broken"):
            load_feature_network("grey", path)

    def test_missing_file_and_unknown_group(self, tmp_path):
        with pytest.raises(UserError, match="does not exist"):
            load_feature_network("grey", tmp_path / "none.safetensors")
        with pytest.raises(UserError, match="'red' has no feature network: choose from grey, type_map"):
            load_feature_network("red")


@pytest.mark.parametrize(
    ("path", "name"),
    [(None, "descriptor_features_v1"), ("models/My net-2.safetensors", "my_net_2"), ("+.safetensors", "unnamed")],
)
def test_names(path, name):
    assert feature_network_name(path) == name


def test_features_are_centred_by_the_stored_constants():
    network = small()
    images = torch.rand(40, 3, 32, 32)
    pooled = network.pooled(images)
    network.feature_mean.copy_(pooled.mean(dim=0))
    network.feature_deviation.copy_(pooled.var(dim=0).mean().sqrt())
    features = network(images).detach().numpy()
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-4)
    assert features.var(axis=0, ddof=1).mean() == pytest.approx(1.0, rel=1e-3)
