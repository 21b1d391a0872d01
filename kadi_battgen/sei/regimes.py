"""What kind of SEI a configuration shows, decided by its observables with fixed thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

#: Below this volume fraction in monolayers an electrode counts as bare.
BARE_FLUX: Final = 0.1

#: Thickness in nm below which an SEI is a monolayer.
MONOLAYER_THICKNESS: Final = 1.5

#: Organic volume fraction in monolayers, that is nm of compact organic SEI, from which on it is thick. The thickness would
#: also count a few clusters that drift far from the electrode.
THICK_ORGANIC_FLUX: Final = 4.0

#: Largest share of organic sites in an SEI that counts as inorganic.
INORGANIC_SHARE: Final = 0.25

#: The regimes in the order in which they are tried, with their rules; a regime's number is its position.
REGIMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "bare": f"volume fraction below {BARE_FLUX} monolayers",
        "monolayer": f"thickness below {MONOLAYER_THICKNESS} nm",
        "thick organic": f"organic volume fraction of at least {THICK_ORGANIC_FLUX:g} monolayers",
        "inorganic": f"at most {INORGANIC_SHARE:.0%} of the SEI sites organic",
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
        "thick organic": np.asarray(observables["or_flux"]) >= THICK_ORGANIC_FLUX,
        "inorganic": organic <= INORGANIC_SHARE,
        "mixed": np.ones(flux.shape, dtype=bool),
    }
    return np.select([rules[name] for name in REGIMES], np.arange(len(REGIMES), dtype=np.uint8)).astype(np.uint8)
