"""Measuring what the models of a folder are worth: one module for each of the three, one for what they give together.

The names below are loaded when first used, since each of them needs torch.
"""

from __future__ import annotations

from kadi_battgen.lazy import lazy_names

_HOME = {"Evaluation": "result", "evaluate": "measuring"}

__all__ = sorted(_HOME)
__getattr__ = lazy_names(__name__, _HOME)
