"""Training of the translator and of the networks that it is compared with: their task and what they minimise.

The names below are loaded when first used, since each of them needs torch.
"""

from __future__ import annotations

from kadi_battgen.lazy import lazy_names

_HOME = {"load_translator": "translator", "train_translation": "translator"}

__all__ = sorted(_HOME)
__getattr__ = lazy_names(__name__, _HOME)
