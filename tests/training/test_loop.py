"""Parts of the training loop: order of the samples, generators, histories."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kadi_battgen.training.loop import batches, read_history, seeded, write_history


@given(st.integers(1, 200), st.integers(1, 50), st.integers(0, 5))
def test_every_sample_is_in_one_batch_of_an_epoch(count, size, seed):
    parts = list(batches(count, size, seeded(seed)))
    assert sorted(np.concatenate(parts)) == list(range(count))
    assert {len(part) for part in parts[:-1]} <= {size}
    # A single sample left over, which batch normalisation could not take, joins the batch before it.
    alone = size > 1 and count > size and count % size == 1
    assert len(parts[-1]) == (size + 1 if alone else (count - 1) % size + 1)


def test_weights_set_how_often_a_sample_is_drawn():
    weights = torch.tensor([1.0, 3.0, 0.0, 4.0])
    drawn = Counter(
        np.concatenate([np.concatenate(list(batches(4, 2, seeded(n), weights))) for n in range(2000)]).tolist()
    )
    assert sum(drawn.values()) == 8000
    np.testing.assert_allclose([drawn[n] / 8000 for n in range(4)], [1 / 8, 3 / 8, 0, 4 / 8], atol=0.02)


def test_a_generator_follows_its_seed_and_its_purpose():
    draws = {
        parts: torch.rand(3, generator=seeded(*parts)).tolist() for parts in [(0, 1), (0, 2), (1, 0), (1, 2), (12,)]
    }
    assert len({tuple(values) for values in draws.values()}) == len(draws)
    assert draws[0, 1] == torch.rand(3, generator=seeded(0, 1)).tolist()


def test_a_history_comes_back_with_gaps(tmp_path):
    path = tmp_path / "metrics.csv"
    write_history(path, [{"epoch": 1.0, "loss": 0.5}, {"epoch": 2.0, "loss": 0.25, "fooling": 0.7}])
    assert path.read_text() == "epoch,loss,fooling\n1,0.5,\n2,0.25,0.7\n"
    history = read_history(path)
    assert (history["epoch"], history["loss"]) == ([1, 2], [0.5, 0.25])
    assert np.isnan(history["fooling"][0])
    assert history["fooling"][1] == pytest.approx(0.7)
