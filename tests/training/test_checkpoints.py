"""Models on disk: what comes back, and what is refused."""

from __future__ import annotations

import pytest
import torch

from kadi_battgen.errors import UserError
from kadi_battgen.networks.composition_regressor import CompositionRegressor
from kadi_battgen.training.checkpoints import (
    CARD,
    WEIGHTS,
    fingerprint,
    is_trained,
    load_training_state,
    load_weights,
    optimizer_tensors,
    read_card,
    restore_optimizer,
    save_model,
    save_training_state,
)

ARCHITECTURE = {"channels": [8], "dense": [8]}
CONFIGURATION = {"seed": 0, "settings": ARCHITECTURE}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "model" / "composition"
    save_model(
        folder, "composition", CompositionRegressor(**ARCHITECTURE), {"architecture": ARCHITECTURE}, CONFIGURATION
    )
    return folder


def test_weights_and_card_come_back(folder):
    original, loaded = CompositionRegressor(**ARCHITECTURE), CompositionRegressor(**ARCHITECTURE)
    save_model(folder, "composition", original, {"architecture": ARCHITECTURE}, CONFIGURATION)
    load_weights(folder, loaded)
    for name, tensor in original.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], tensor, rtol=0, atol=0)
    card = read_card(folder, "composition")
    assert card["architecture"] == ARCHITECTURE
    assert card["parameters"] == sum(p.numel() for p in original.parameters())
    assert card["configuration_sha256"] == fingerprint(CONFIGURATION)


def test_the_fingerprint_sees_every_value_but_not_the_order():
    assert fingerprint({"a": 1, "b": {"c": 2}}) == fingerprint({"b": {"c": 2}, "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})
    assert fingerprint({"a": 1}) != fingerprint({"a": "1"})


@pytest.mark.parametrize(
    ("change", "trained"),
    [
        (lambda folder: None, True),
        (lambda folder: (folder / CARD).unlink(), False),
        (lambda folder: (folder / WEIGHTS).unlink(), False),
        (lambda folder: (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-1]), False),
        (lambda folder: (folder / CARD).write_text("{"), False),
    ],
)
def test_a_model_is_trained_if_all_of_it_is_there(folder, change, trained):
    change(folder)
    assert is_trained(folder, "composition", CONFIGURATION) is trained


def test_a_model_of_another_configuration_or_kind_is_not_trained(folder):
    assert not is_trained(folder, "composition", CONFIGURATION | {"seed": 1})
    assert not is_trained(folder, "translation", CONFIGURATION)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: path.unlink(), "weights.safetensors does not exist: train the model again"),
        (lambda path: path.write_bytes(b""), "empty, truncated or not safetensors"),
        (lambda path: path.write_bytes(path.read_bytes()[:4]), "empty, truncated or not safetensors"),
        (lambda path: path.write_bytes(path.read_bytes()[:200]), "empty, truncated or not safetensors"),
        (lambda path: path.write_bytes(path.read_bytes()[:-10]), "empty, truncated or not safetensors"),
        (lambda path: path.write_bytes(b"\x80\x04K\x01."), "empty, truncated or not safetensors"),
        (lambda path: path.write_bytes(b"\xff" * 500), "empty, truncated or not safetensors"),
    ],
)
def test_broken_weights_are_refused(folder, change, message):
    change(folder / WEIGHTS)
    with pytest.raises(UserError, match=message):
        load_weights(folder, CompositionRegressor(**ARCHITECTURE))


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        ({"channels": [16], "dense": [8]}, r"first difference: convolutions\.0\.weight"),
        ({"channels": [8, 8], "dense": [8]}, r"first difference: convolutions\."),
        ({"channels": [8], "dense": []}, r"first difference: features\.0\.weight"),
    ],
)
def test_weights_of_another_architecture_are_refused(folder, other, difference):
    network = CompositionRegressor(**other)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(UserError, match=rf"belongs to another architecture than .*card\.json says \({difference}"):
        load_weights(folder, network)
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "holds no trained composition model: train one with battgen train-composition"),
        ("{", "is not a JSON document"),
        ("[]", "describes a None model, not 'composition'"),
        ('{"schema": "other"}', "describes a None model"),
        ('{"schema": "kadi-battgen/model", "kind": "screening"}', "describes a 'screening' model, not 'composition'"),
        (
            '{"schema": "kadi-battgen/model", "kind": "composition", "schema_version": 9}',
            "schema version 9, but version 1",
        ),
    ],
)
def test_a_wrong_card_is_refused(folder, content, message):
    (folder / CARD).unlink()
    if content is not None:
        (folder / CARD).write_text(content)
    with pytest.raises(UserError, match=message):
        read_card(folder, "composition")


def test_a_training_state_comes_back(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    tensors = {"a/b": torch.randn(3, 2), "step": torch.tensor(7.0)}
    history = [{"epoch": 1.0, "loss": 0.1 + 0.2}]
    save_training_state(path, tensors, {"history": history})
    loaded, state = load_training_state(path)
    assert state == {"history": history}
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        torch.testing.assert_close(loaded[name], tensor, rtol=0, atol=0)


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, None])
def test_a_broken_training_state_is_refused(tmp_path, content):
    path = tmp_path / "checkpoint.safetensors"
    save_training_state(path, {"a": torch.zeros(50)}, {})
    path.write_bytes(path.read_bytes()[:150] if content is None else content)
    with pytest.raises(UserError, match="not a checkpoint: delete it to train from the start"):
        load_training_state(path)


def test_weights_are_no_training_state(folder):
    with pytest.raises(UserError, match="not a checkpoint"):
        load_training_state(folder / WEIGHTS)


def test_an_optimizer_continues_where_it_stopped():
    def start():
        torch.manual_seed(0)
        network = CompositionRegressor(**ARCHITECTURE)
        return network, torch.optim.AdamW(network.parameters(), lr=0.1)

    def step(network, optimizer):
        optimizer.zero_grad()
        network(torch.ones(1, 4, 8, 8)).sum().backward()
        optimizer.step()

    network, optimizer = start()
    network.eval()
    for _ in range(3):
        step(network, optimizer)
    again, resumed = start()
    again.eval()
    again.load_state_dict(network.state_dict())
    saved = {name: tensor.clone() for name, tensor in optimizer_tensors(optimizer, "adam").items()}
    restore_optimizer(resumed, saved | {"other/0/step": torch.tensor(9.0)}, "adam")
    step(network, optimizer)
    step(again, resumed)
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], tensor, rtol=0, atol=0)
