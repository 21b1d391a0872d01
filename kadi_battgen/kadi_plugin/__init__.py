"""The plugin for Kadi4Mat: previews of our files in its file view, and the chain of provenance on a record's page.

Kadi4Mat loads :mod:`kadi_battgen.kadi_plugin.plugin` through the entry point ``kadi_plugins`` where its setting ``PLUGINS``
names ``battgen``. A server has none of kadi-battgen's dependencies: modules in here import the standard library, NumPy,
h5py and, in ``plugin``, ``routes`` and ``provenance``, Kadi4Mat itself; nothing else of kadi-battgen.

What a file holds was written by anyone who may upload. Every reader has limits (:mod:`~kadi_battgen.kadi_plugin.limits`);
HDF5, whose library was not written for hostile files, is read by a process of its own that may do nothing else.
"""

from kadi_battgen._version import __version__

__all__ = ["__version__"]
