"""Substituted compositions and the autoencoder trained on them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kadi_battgen.electrodes.composition import ELEMENTS, composition_vector
from kadi_battgen.training.composition_autoencoder import (
    SUBSTITUTION_CLASSES,
    share_recovered,
    train_composition_autoencoder,
)
from kadi_battgen.training.formulas import substituted

FORMULAS = ("LiCoO2", "Na3V2P3O12", "MgMn2O4", "LiFePO4", "KMnO2", "ZnMn2O4", "CaV2O5", "Li4Ti5O12")
COUNTS = np.stack([composition_vector(formula) for formula in FORMULAS])


def test_the_classes_are_elements_and_do_not_overlap():
    members = [symbol for group in SUBSTITUTION_CLASSES for symbol in group]
    assert len(members) == len(set(members))
    assert set(members) <= set(ELEMENTS)


def test_an_element_is_exchanged_within_its_class_at_its_count():
    generator = np.random.default_rng(0)
    original = COUNTS.copy()
    changed = np.concatenate([substituted(COUNTS, generator) for _ in range(50)])
    np.testing.assert_array_equal(COUNTS, original)
    for group in SUBSTITUTION_CLASSES:
        columns = [ELEMENTS.index(symbol) for symbol in group]
        before, after = np.tile(COUNTS, (50, 1))[:, columns], changed[:, columns]
        np.testing.assert_array_equal(np.sort(after, axis=1), np.sort(before, axis=1))
    assert len(np.unique(changed, axis=0)) > 100


@pytest.mark.parametrize(("probability", "same"), [(0.0, True), (1.0, False)])
def test_the_probability_of_an_exchange(probability, same):
    changed = substituted(COUNTS, np.random.default_rng(0), probability)
    assert (changed == COUNTS).all() == same


def test_a_short_training_recovers_its_compositions(one_thread):
    network = train_composition_autoencoder(
        COUNTS, {"latent_size": 32, "hidden": 128}, steps=800, seed=0, progress=False
    )
    assert not network.training
    assert share_recovered(network, COUNTS) == 1.0


def test_the_same_seed_gives_the_same_network(one_thread):
    first, again, other = (
        train_composition_autoencoder(COUNTS, {"latent_size": 4, "hidden": 8}, steps=5, seed=seed, progress=False)
        for seed in (0, 0, 1)
    )
    for name, tensor in first.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], tensor, rtol=0, atol=0)
    assert (first.presence.weight != other.presence.weight).any()


def test_the_global_generator_is_left_alone(one_thread):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    train_composition_autoencoder(COUNTS, {"latent_size": 4, "hidden": 8}, steps=2, seed=0, progress=False)
    torch.testing.assert_close(torch.rand(2), expected, rtol=0, atol=0)
