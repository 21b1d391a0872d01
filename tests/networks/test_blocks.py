"""Building blocks: shapes and properties."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kadi_battgen.networks.blocks import (
    AttentionBlock,
    DenseResidualBlock,
    ResidualBlock,
    StackStretch,
    TimestepEmbedding,
    normalisation,
)


@given(st.floats(0.1, 1e4), st.lists(st.floats(-1, 1, width=32), min_size=2, max_size=30, unique=True))
def test_the_stretch_is_odd_and_monotone_between_minus_one_and_one(gain, values):
    stretch = StackStretch(gain)
    ordered = torch.tensor(sorted(values))
    stretched = stretch(ordered)
    assert (stretched.diff() >= 0).all()
    torch.testing.assert_close(stretch(-ordered), -stretched)
    assert stretched.abs().max() <= 1 + 1e-6


def test_the_stretch_keeps_the_ends_and_lifts_small_signals():
    stretch = StackStretch(100.0)
    torch.testing.assert_close(stretch(torch.tensor([-1.0, 0.0, 1.0])), torch.tensor([-1.0, 0.0, 1.0]))
    assert stretch(torch.tensor(0.01)).item() == pytest.approx(0.1663, abs=1e-4)


@given(st.integers(1, 300))
def test_normalisation_divides_any_number_of_channels(channels):
    layer = normalisation(channels)
    assert channels % layer.num_groups == 0
    assert 1 <= layer.num_groups <= 32
    assert layer(torch.randn(2, channels, 4, 4)).shape == (2, channels, 4, 4)


@pytest.mark.parametrize(
    ("block", "inputs", "shape"),
    [
        (TimestepEmbedding(16), [torch.tensor([0, 5, 999])], (3, 16)),
        (ResidualBlock(8, 8), [torch.randn(2, 8, 6, 4)], (2, 8, 6, 4)),
        (ResidualBlock(9, 16), [torch.randn(2, 9, 6, 4)], (2, 16, 6, 4)),
        (ResidualBlock(9, 16, 5), [torch.randn(2, 9, 6, 4), torch.randn(2, 5)], (2, 16, 6, 4)),
        (AttentionBlock(8), [torch.randn(2, 8, 6, 4)], (2, 8, 6, 4)),
        (AttentionBlock(6, heads=2), [torch.randn(2, 6, 3, 3)], (2, 6, 3, 3)),
        (DenseResidualBlock(8, 3), [torch.randn(2, 8), torch.randn(2, 3)], (2, 8)),
    ],
)
def test_shapes(block, inputs, shape):
    assert block(*inputs).shape == shape


def test_timesteps_are_told_apart():
    embedded = TimestepEmbedding(32)(torch.arange(1000))
    distances = torch.cdist(embedded, embedded) + torch.eye(1000)
    assert distances.min() > 1e-5


def test_attention_sees_the_whole_image():
    block = AttentionBlock(8)
    image = torch.randn(1, 8, 5, 5)
    changed = image.clone()
    changed[..., 0, 0] += 1.0
    assert (block(changed) - block(image))[..., 4, 4].abs().max() > 0


def test_attention_is_scaled_dot_product_attention():
    """Against the formula softmax(Q K^T / sqrt(d)) V, head by head (Vaswani et al. 2017, equation 1)."""
    block = AttentionBlock(8, heads=2)
    image = torch.randn(3, 8, 2, 5)
    projected = block.query_key_value(block.norm(image)).flatten(2)
    query, key, value = projected.split(8, dim=1)
    heads = []
    for rows in (slice(0, 4), slice(4, 8)):
        q, k, v = (tensor[:, rows].transpose(1, 2) for tensor in (query, key, value))
        heads.append(torch.softmax(q @ k.transpose(1, 2) / 2.0, dim=-1) @ v)
    attended = torch.cat(heads, dim=-1).transpose(1, 2).reshape(3, 8, 2, 5)
    torch.testing.assert_close(block(image), image + block.out(attended))
