"""Trainings in two real processes: the same losses as in one, one writer, errors told once."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from safetensors.torch import load_file

from kadi_battgen.errors import UserError
from kadi_battgen.training.checkpoints import CARD, WEIGHTS
from kadi_battgen.training.history import read_history
from kadi_battgen.training.processes import share
from kadi_battgen.training.settings import load_settings
from kadi_battgen.training.translation.translator import train_translation

#: A linear regression without random draws, so that one and two processes have to agree; batches of 7 leave one sample out.
REGRESSION = """
from pathlib import Path
import torch
from kadi_battgen.training.checkpoints import save_model
from kadi_battgen.training.loop import descend, finish, fit, make_fabric
from kadi_battgen.training.processes import on_all_devices, process_rank


class Task:
    name = "Regression"

    def __init__(self):
        torch.manual_seed(0)
        self.fabric = make_fabric("32-true")
        network, self.inputs = torch.nn.Linear(3, 1), torch.randn(12, 3)
        self.truth = self.inputs @ torch.tensor([[1.0], [-2.0], [0.5]])
        self.network, optimizer = self.fabric.setup(network, torch.optim.SGD(network.parameters(), lr=0.1))
        self.modules, self.optimizers = {"network": network}, {"network": optimizer}

    def training_step(self, indices, epoch, generator):
        chosen = torch.as_tensor(indices)
        loss = (self.network(self.inputs[chosen]) - self.truth[chosen]).square().mean()
        if self.name == "Diverging" and epoch == 1:
            loss = loss * (float("nan") if process_rank() == 1 else 1.0)
        descend(self.fabric, self.network, self.optimizers["network"], loss, 1.0)
        return {"loss": loss.item()}

    @torch.no_grad()
    def validate(self):
        return {"validation_loss": (self.network(self.inputs) - self.truth).square().mean().item()}


@on_all_devices
def train(dataset, folder, settings, *, name="Regression", progress=True):
    task, folder = Task(), Path(folder)
    task.name = name
    history = fit(task, 12, settings.loop, folder, seed=0, configuration={"name": name}, progress=progress)
    save_model(folder, "regression", task.modules["network"], {}, {})
    finish(folder)
    return {"history": history}
"""


@pytest.fixture
def settings(tmp_path, configuration):
    """Return a function that makes the tiny translator's settings with changes to its loop."""

    def make(**loop):
        document = yaml.safe_load(configuration.read_text())["translation"]
        path = tmp_path / "processes.yaml"
        path.write_text(yaml.safe_dump({**document, "baselines": [], "loop": {**document["loop"], **loop}}))
        return load_settings("translation", "demo", path)

    return make


def test_a_batch_is_shared_in_equal_parts(monkeypatch):
    batch = np.arange(8)
    assert share(batch) is batch
    monkeypatch.setenv("WORLD_SIZE", "3")
    parts = []
    for rank in range(3):
        monkeypatch.setenv("RANK", str(rank))
        parts.append(share(batch).tolist())
    assert parts == [[0, 3], [1, 4], [2, 5]]
    with pytest.raises(UserError, match="2 samples cannot be shared by 3 processes: raise --batch-size"):
        share(batch[:2])


def test_more_machines_than_one_are_torchrun_s_business(settings, tmp_path, tiny_dataset):
    with pytest.raises(UserError, match=r"loop\.num_nodes is 2, .* torchrun --nnodes 2 --nproc-per-node 1 on each"):
        train_translation(tiny_dataset, tmp_path / "model", settings(num_nodes=2), progress=False)


@pytest.mark.slow
def test_two_processes_descend_as_one(tmp_path, settings, monkeypatch):
    (tmp_path / "linear_regression_task.py").write_text(REGRESSION)
    monkeypatch.syspath_prepend(tmp_path)
    import linear_regression_task as regression

    loop = {"epochs": 4, "batch_size": 4}
    alone = regression.train("", tmp_path / "one", settings(**loop), progress=False)["history"]
    together = regression.train("", tmp_path / "two", settings(devices=2, **loop), progress=False)["history"]
    assert [row["epoch"] for row in together] == [1, 2, 3, 4]
    for name in ("loss", "validation_loss"):
        np.testing.assert_allclose([row[name] for row in together], [row[name] for row in alone], rtol=1e-5)
    one, two = (load_file(tmp_path / folder / WEIGHTS) for folder in ("one", "two"))
    for name, tensor in one.items():
        np.testing.assert_allclose(two[name], tensor, atol=1e-6)
    # What is not finite in one process ends both, with one sentence.
    with pytest.raises(UserError, match=r"^Diverging diverged in epoch 2: lower .* epoch 1 is kept in"):
        regression.train("", tmp_path / "three", settings(devices=2, **loop), name="Diverging", progress=False)


@pytest.mark.slow
def test_the_translator_trains_in_two_processes_that_write_one_model(tmp_path, settings, tiny_dataset, one_thread):
    card = train_translation(tiny_dataset, tmp_path / "two", settings(devices=2), progress=False)
    train_translation(tiny_dataset, tmp_path / "one", settings(), progress=False)
    folder = tmp_path / "two" / "translation"
    assert {path.name for path in folder.iterdir()} == {WEIGHTS, CARD, "card.md", "metrics.csv", "resources.json"}
    assert card["settings"]["loop"]["devices"] == 2
    histories = [read_history(tmp_path / name / "translation" / "metrics.csv") for name in ("one", "two")]
    # Noise and symmetries are drawn anew in each process, so the curves are alike and not the same.
    np.testing.assert_allclose(histories[1]["validation_loss"], histories[0]["validation_loss"], rtol=0.2)
    assert np.isfinite(histories[1]["discriminator"][-1])
