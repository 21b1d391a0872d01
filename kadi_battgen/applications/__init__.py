"""What the trained models are for: translate, compose, screen, and measure what they are worth.

The names below are loaded when first used, since each of them needs torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "ScreeningModel": "screening",
    "Target": "targets",
    "evaluate": "evaluation",
    "predict_composition": "composition",
    "screen": "screening",
    "translate": "translation",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
