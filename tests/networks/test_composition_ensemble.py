"""What the members of a composition regressor and its remembered images say together."""

from __future__ import annotations

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
        network.memory_share.fill_(share)
        # Rounded as a mean of weights that add up to one only nearly.
        recalled = torch.full((64, 2, 112), 1.0 + 2**-23)
        read = network.read(torch.randn(3, 64, 2, 8), recalled=recalled)
        assert read.presence.min() >= 0.0 and read.presence.max() <= 1.0
