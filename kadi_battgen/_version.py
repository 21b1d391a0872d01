"""The version of kadi-battgen, in one place."""

__version__ = "0.1.0"
