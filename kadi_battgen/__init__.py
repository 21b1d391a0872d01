"""Generative-discriminative deep learning for battery materials with FAIR provenance in Kadi4Mat.

The sub-packages are floors of one house, and imports only point downwards: ``applications`` on ``training`` on
``networks``, ``diffusion`` and ``metrics`` on ``datasets`` on ``afm`` on ``electrodes``. Importing this package loads
neither torch nor pymatgen nor ppafm.
"""

from kadi_battgen._version import __version__

__all__ = ["__version__"]
