"""What the members of a composition regressor and its remembered images say together."""

from __future__ import annotations

import pytest
import torch

from kadi_battgen.networks.composition_ensemble import CompositionEnsemble


def test_presence_stays_a_probability_where_everything_agrees() -> None:
    torch.manual_seed(0)
    network = CompositionEnsemble(
        in_channels=3,
        channels=[8],
        dense=[8],
        head="presence-and-count",
        members=3,
        memory={"images": 4, "compositions": 1, "gain": 1.0},
    ).eval()
    for member in network.members:
        torch.nn.init.constant_(member.presence.bias, 16.0)
    for share in torch.linspace(0.05, 0.95, 19):
        network.presence_share.fill_(share)
        # Rounded as a mean of weights that add up to one only nearly.
        recalled = torch.full((64, 2, 112), 1.0 + 2**-23)
        read = network.read(torch.randn(3, 64, 2, 8), recalled=recalled)
        assert read.presence.min() >= 0.0
        assert read.presence.max() <= 1.0


def test_memory_has_its_own_say_in_counts_and_in_presence() -> None:
    torch.manual_seed(0)
    network = CompositionEnsemble(
        in_channels=3,
        channels=[8],
        dense=[8],
        head="presence-and-count",
        memory={"images": 4, "compositions": 1, "gain": 1.0},
    ).eval()
    features, recalled = torch.randn(1, 5, 2, 8), torch.zeros(5, 2, 112)
    recalled[:, 0, 7], recalled[:, 1, 7] = 6.0, 1.0
    alone = network.read(features)
    network.memory_share.fill_(1.0)
    read = network.read(features, recalled=recalled)
    torch.testing.assert_close(read.counts, recalled[:, 0])
    torch.testing.assert_close(read.count_if_present[:, 7], torch.full((5,), 6.0))
    torch.testing.assert_close(read.presence, alone.presence)
    network.presence_share.fill_(0.5)
    mixed = network.read(features, recalled=recalled).presence
    torch.testing.assert_close(mixed, 0.5 * alone.presence + 0.5 * recalled[:, 1])


@pytest.mark.parametrize(("independence", "power"), [(0.0, 1 / 3), (0.5, 3**-0.5), (1.0, 1.0)])
def test_what_orientations_recognise_is_multiplied(independence: float, power: float) -> None:
    torch.manual_seed(0)
    network = CompositionEnsemble(in_channels=3, channels=[8], dense=[8], head="presence-and-count", known=5).eval()
    network.known_compositions.copy_(torch.rand(5, 112).mul(3).round())
    network.trust.fill_(1.0)
    network.sharpness.fill_(0.0)
    network.independence.fill_(independence)
    features = 5.0 * torch.randn(1, 4, 3, 8)
    alone = network.members[0].read(features[0].flatten(0, 1)[:, None]).known_logit.softmax(dim=1).unflatten(0, (4, 3))
    product = alone.prod(dim=1) ** power
    expected = product / product.sum(dim=1, keepdim=True) @ network.known_compositions
    torch.testing.assert_close(network.read(features).counts, expected, rtol=1e-4, atol=1e-4)
    # One orientation by itself is read as it is.
    single = network.read(features[:, :, :1]).counts
    torch.testing.assert_close(single, alone[:, 0] @ network.known_compositions, rtol=1e-4, atol=1e-4)
