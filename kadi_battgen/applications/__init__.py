"""What the trained models are for: translate, compose, screen, and measure what they are worth.

The names below are loaded when first used, since each of them needs torch.
"""

from __future__ import annotations

from kadi_battgen.lazy import lazy_names

_HOME = {
    "ScreeningModel": "screening",
    "Target": "screening",
    "evaluate": "evaluation",
    "predict_composition": "composition",
    "screen": "screening",
    "sensitivity": "sensitivity_analysis",
    "translate": "translation",
}

__all__ = sorted(_HOME)
__getattr__ = lazy_names(__name__, _HOME)
