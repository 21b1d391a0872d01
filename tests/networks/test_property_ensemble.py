"""The ensemble of the property model: its inputs, and that its members do not see one another."""

from __future__ import annotations

import numpy as np
import torch

from kadi_battgen.electrodes.composition import composition_vector
from kadi_battgen.networks.composition_autoencoder import EXTRACTED_SHARES, FormulaTensors
from kadi_battgen.networks.property_ensemble import QUANTITIES, PropertyEnsemble

#: Position of the share of ions that leaves where all do.
ALL = len(EXTRACTED_SHARES) - 1


def tensors(formulas, ion=0, share=ALL):
    counts = torch.from_numpy(np.stack([composition_vector(formula) for formula in formulas]))
    return FormulaTensors(counts, torch.full((len(counts),), ion), torch.full((len(counts),), share))


def ensemble():
    torch.manual_seed(0)
    network = PropertyEnsemble(members=3, hidden=8)
    network.elemental.normal_()
    return network


def test_each_member_predicts_every_quantity():
    network = ensemble()
    assert network(tensors(["LiCoO2", "LiFePO4"])).shape == (3, 2, len(QUANTITIES))


def test_statistics_are_those_of_the_atoms():
    network = ensemble()
    features = network.features(tensors(["LiCoO2"]))[0]
    atoms = network.elemental[[2, 26, 7, 7]]
    torch.testing.assert_close(features[112:119], atoms.mean(dim=0))
    torch.testing.assert_close(features[119:126], atoms.std(dim=0, unbiased=False))
    assert features[-3:].tolist() == [1.0, 0.25, float(np.float32(np.log(5)))]


def test_fractions_do_not_depend_on_the_size_of_the_formula_but_it_is_known():
    first, second = ensemble().features(tensors(["LiCoO2", "Li2Co2O4"]))
    torch.testing.assert_close(first[:-1], second[:-1])
    assert first[-1] < second[-1]


def test_ion_and_share_count():
    network = ensemble()
    reference = network(tensors(["LiNaCoO2"]))
    for other in (tensors(["LiNaCoO2"], ion=1), tensors(["LiNaCoO2"], share=0)):
        assert (network(other) - reference).abs().max() > 1e-4


def test_members_are_separate():
    network = ensemble()
    reference = network(tensors(["LiCoO2"]))
    with torch.no_grad():
        network.weights[1][2] += 1.0
    changed = network(tensors(["LiCoO2"]))
    torch.testing.assert_close(changed[:2], reference[:2])
    assert (changed[2] - reference[2]).abs().max() > 1e-4
