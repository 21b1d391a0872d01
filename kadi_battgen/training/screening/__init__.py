"""Training of the screening model: formulas, the networks that learn from them alone, and the diffusion of both latents.

The names below are loaded when first used, since each of them needs torch.
"""

from __future__ import annotations

from kadi_battgen.lazy import lazy_names

_HOME = {"load_screening": "model", "train_screening": "model"}

__all__ = sorted(_HOME)
__getattr__ = lazy_names(__name__, _HOME)
