"""The data card of a training data set: every number on it is that of the file."""

from __future__ import annotations

from kadi_battgen.datasets.card import write_card
from kadi_battgen.datasets.splitting import PARTS
from kadi_battgen.datasets.store import TrainingDataset


def test_a_card_tells_what_the_data_set_holds(tiny_dataset, tmp_path):
    write_card(tmp_path / "card.md", tiny_dataset)
    text = (tmp_path / "card.md").read_text()
    with TrainingDataset.open(tiny_dataset) as dataset:
        for part in PARTS:
            indices = dataset.indices(part)
            owners = set(dataset.column("electrode_index")[indices].tolist())
            assert f"| {part} | {len(indices)} | {len(owners)} |" in text
        assert f"Stacks are divided by {dataset.stack_scale:.6g} Hz" in text
    assert "of 32 x 32 pixels" in text
    assert "conditions are scaled by the rule min-max" in text
