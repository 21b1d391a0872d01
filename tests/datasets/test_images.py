"""Blocks of images: the same data set whoever reads and scales them."""

from __future__ import annotations

import numpy as np
import pytest

from kadi_battgen.afm.store import AfmCampaign
from kadi_battgen.datasets import build as module
from kadi_battgen.datasets import build_dataset, images
from kadi_battgen.datasets.images import block_extremes, image_blocks
from kadi_battgen.errors import UserError
from kadi_battgen.parallel import ClusterSettings


def test_blocks_cover_the_samples_in_their_order(tiny_campaign, monkeypatch):
    monkeypatch.setattr(images, "BLOCK_SAMPLES", 5)
    with AfmCampaign.open(tiny_campaign) as campaign:
        blocks = image_blocks(campaign, np.arange(3, 24))
    assert [len(block.indices) for block in blocks] == [5, 5, 5, 5, 1]
    assert np.concatenate([block.indices for block in blocks]).tolist() == list(range(3, 24))


def test_the_bytes_do_not_depend_on_the_number_of_workers(tiny_campaign, tiny_dataset, tmp_path, monkeypatch):
    for place in (images, module):
        monkeypatch.setattr(place, "BLOCK_SAMPLES", 2)
    for workers in (1, 2):
        path = tmp_path / f"{workers}.h5"
        build_dataset(tiny_campaign, path, cluster=ClusterSettings(workers), progress=False)
        assert path.read_bytes() == tiny_dataset.read_bytes()


def test_another_campaign_at_the_path_is_refused(tiny_campaign):
    with AfmCampaign.open(tiny_campaign) as campaign:
        [block] = image_blocks(campaign, np.arange(2))
    with pytest.raises(UserError, match="is another campaign where the workers run"):
        block_extremes(images.ImageBlock(block.path, "another key", block.indices))
