"""The plugin for Kadi4Mat.

Kadi4Mat loads this module through the entry point ``kadi_plugins`` where its setting ``PLUGINS`` names ``battgen``. A
server has none of kadi-battgen's dependencies: modules in here import the standard library, Flask and h5py alone.
"""

from kadi_battgen._version import __version__

__all__ = ["__version__"]
