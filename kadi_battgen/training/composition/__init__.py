"""Training of the composition regressor: what it looks at, its task, what it remembers, how far it trusts itself.

The names below are loaded when first used, since each of them needs torch.
"""

from __future__ import annotations

from kadi_battgen.lazy import lazy_names

_HOME = {"load_composition_regressor": "regressor", "train_composition": "regressor"}

__all__ = sorted(_HOME)
__getattr__ = lazy_names(__name__, _HOME)
