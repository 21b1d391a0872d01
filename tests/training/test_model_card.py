from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kadi_battgen.files import write_json
from kadi_battgen.training.model_card import MODEL_CARD, model_card, write_model_card
from kadi_battgen.training.resources import RESOURCES, ResourceLog, peak_memory, read_resources

CARD: dict[str, Any] = {
    "kind": "screening",
    "parameters": 1234567,
    "architecture": {"unet": {"channels": [8, 16], "embedding_size": 16}},
    "settings": {"loop": {"epochs": 3}, "timesteps": 1000},
    "dataset_sha256": "ab" * 32,
    "preset": "demo",
    "seed": 7,
    "device": "cpu",
    "best": {"epoch": 2.0, "validation_loss": 0.123456789},
    "training_ranges": {
        "Li": {
            "electrodes": 4,
            "average_voltage": [1.0, 2.0, 3.0, 4.0, 4.5],
            **{
                name: [0.0, 0.1, 0.2, 0.3, 0.4]
                for name in (
                    "gravimetric_capacity",
                    "volumetric_capacity",
                    "gravimetric_energy",
                    "volumetric_energy",
                    "volume_change",
                )
            },
        }
    },
}
TOOK = {
    "seconds": 65.4,
    "peak_memory_bytes": 3 * 2**29,
    "memory_of": "process",
    "device": "cpu",
    "threads": 1,
    "interruptions": 0,
}


@pytest.mark.parametrize(
    "words",
    [
        "# Model card: screening",
        "- parameters: 1,234,567",
        "- unet channels: 8, 16",
        "- loop epochs: 3",
        "- seed: 7",
        "- validation loss: 0.123457",
        "- training time: 65 s",
        "- peak memory: 1.50 GiB of the process",
        "| Li | 4 | 1 to 4.5 | 0 to 0.4 |",
        "not predictions of stability",
    ],
)
def test_the_card_tells_people_what_the_model_is(words: str) -> None:
    assert words in model_card(CARD, TOOK)


def test_what_is_not_known_is_not_made_up() -> None:
    text = model_card({"kind": "baseline_unet_l1", "parameters": 3}, {})
    assert "Not recorded." in text
    assert "None" not in text
    assert "as a baseline" in text


def test_the_card_lies_beside_its_json(tmp_path: Path) -> None:
    write_json(tmp_path / RESOURCES, TOOK)
    write_model_card(tmp_path, CARD)
    assert (tmp_path / MODEL_CARD).read_text() == model_card(CARD, TOOK)


def test_interrupted_trainings_add_up(tmp_path: Path) -> None:
    write_json(tmp_path / RESOURCES, TOOK)
    log = ResourceLog(tmp_path, "cpu", resumed=True)
    log.write()
    took = read_resources(tmp_path)
    assert took["seconds"] >= 65.4
    assert took["interruptions"] == 1
    assert took["peak_memory_bytes"] >= TOOK["peak_memory_bytes"]
    ResourceLog(tmp_path, "cpu").write()
    assert read_resources(tmp_path)["seconds"] < 60
    assert read_resources(tmp_path)["interruptions"] == 0


def test_the_peak_holds_what_was_taken() -> None:
    before = peak_memory("cpu")
    block = bytearray(64 * 2**20)
    block[:: 2**12] = b"x" * (len(block) // 2**12)
    assert 2**20 < before <= peak_memory("cpu")
    assert peak_memory("cpu") > 64 * 2**20


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_a_training_whose_costs_are_not_known(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / RESOURCES).write_text(content)
    assert read_resources(tmp_path) == {}


def test_the_ranges_of_an_sei_are_told_by_observable() -> None:
    card = {"kind": "prvae", "training_ranges": {"thickness": [0.0, 0.1, 9.0, 12.5], "porosity": [0.2, 0.3, 0.9, 1.0]}}
    text = model_card(card, {})
    assert "| thickness | nm | 0 to 12.5 |" in text
    assert "| porosity | fraction | 0.2 to 1 |" in text
