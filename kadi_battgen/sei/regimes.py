"""What kind of SEI a configuration shows, decided by its observables with fixed thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

#: Below this volume fraction in monolayers an electrode counts as bare.
BARE_FLUX: Final = 0.1

#: Thickness in nm below which an SEI is a monolayer, and from which on an organic one is thick.
MONOLAYER_THICKNESS: Final = 1.5
THICK_THICKNESS: Final = 4.0

#: Share of organic sites in the SEI below which it is inorganic, and from which on it is organic.
INORGANIC_SHARE: Final = 0.05
ORGANIC_SHARE: Final = 0.5

#: The regimes in the order in which they are tried, with their rules; a regime's number is its position.
REGIMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "bare": f"volume fraction below {BARE_FLUX} monolayers",
        "monolayer": f"thickness below {MONOLAYER_THICKNESS} nm",
        "inorganic": f"at most {INORGANIC_SHARE:.0%} of the SEI sites organic",
        "thick organic": (
            f"thickness at least {THICK_THICKNESS:g} nm and at least {ORGANIC_SHARE:.0%} of the SEI sites organic"
        ),
        "mixed": "everything else",
    }
)


def regimes(observables: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the regime of each configuration; the first rule of ``REGIMES`` that holds decides.

    Parameters
    ----------
    observables
        At least flux and or_flux (monolayers) and thickness (nm), each of shape (N,).

    Returns
    -------
    numpy.ndarray
        uint8, shape (N,), positions in ``REGIMES``.
    """
    flux, thickness = np.asarray(observables["flux"]), np.asarray(observables["thickness"])
    organic = np.divide(observables["or_flux"], flux, out=np.zeros(flux.shape), where=flux > 0)
    rules = {
        "bare": flux < BARE_FLUX,
        "monolayer": thickness < MONOLAYER_THICKNESS,
        "inorganic": organic <= INORGANIC_SHARE,
        "thick organic": (thickness >= THICK_THICKNESS) & (organic >= ORGANIC_SHARE),
        "mixed": np.ones(flux.shape, dtype=bool),
    }
    return np.select([rules[name] for name in REGIMES], np.arange(len(REGIMES), dtype=np.uint8)).astype(np.uint8)
