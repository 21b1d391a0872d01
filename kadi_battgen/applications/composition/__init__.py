"""Reading the composition of electrodes from their AFM stacks (thesis section 4.2.5).

The names below are loaded when first used, since each of them needs torch.
"""

from __future__ import annotations

from kadi_battgen.lazy import lazy_names

_HOME = {"CompositionModel": "model", "predict_composition": "prediction", "write_compositions": "prediction"}

__all__ = sorted(_HOME)
__getattr__ = lazy_names(__name__, _HOME)
