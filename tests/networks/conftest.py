"""Small random networks on one thread."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _quick(one_thread):
    import torch

    torch.manual_seed(0)
