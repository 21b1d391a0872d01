"""Candidates for wanted properties: what is asked, what is drawn, how it is ranked and checked (thesis section 4.2.4).

The names below are loaded when first used, since each of them needs torch.
"""

from __future__ import annotations

from kadi_battgen.lazy import lazy_names

_HOME = {
    "ScreeningModel": "model",
    "Target": "targets",
    "rank_candidates": "ranking",
    "screen": "search",
    "verify_candidates": "verification",
}

__all__ = sorted(_HOME)
__getattr__ = lazy_names(__name__, _HOME)
