"""Inception score of tables with a known one, and against torchmetrics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torchmetrics.image.inception import InceptionScore

from kadi_battgen.metrics.inception_score import inception_score


@pytest.mark.parametrize(
    ("table", "score"),
    [
        (np.full((5, 4), 0.25), 1.0),  # never sure
        (np.tile(np.eye(4)[0], (6, 1)), 1.0),  # always the same
        (np.tile(np.eye(4), (3, 1)), 4.0),  # sure and varied
        (np.eye(4)[[0, 0, 1, 1]], 2.0),  # two of four modes
        (np.array([[0.9, 0.1], [0.1, 0.9]]), np.exp(0.9 * np.log(1.8) + 0.1 * np.log(0.2))),
    ],
)
def test_tables_with_a_known_score(table, score):
    assert inception_score(table) == pytest.approx(score)


@pytest.mark.filterwarnings("ignore:Metric `InceptionScore`")
def test_it_is_that_of_torchmetrics():
    logits = np.random.default_rng(0).normal(0, 2, size=(50, 7))

    class Identity(nn.Module):
        num_features = 7

        def forward(self, x):
            return x[:, 0, 0]

    peer = InceptionScore(feature=Identity(), splits=1)
    peer.update(torch.from_numpy(logits)[:, None, None])
    probabilities = torch.from_numpy(logits).softmax(dim=1).numpy()
    assert inception_score(probabilities) == pytest.approx(peer.compute()[0].item(), rel=1e-5)


@pytest.mark.parametrize("table", [np.zeros((0, 3)), np.ones((2, 3)), np.array([[1.5, -0.5]]), np.array([0.5, 0.5])])
def test_what_is_no_probability(table):
    with pytest.raises(ValueError, match="no class probabilities"):
        inception_score(table)
