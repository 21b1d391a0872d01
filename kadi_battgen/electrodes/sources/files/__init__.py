"""Electrodes from one's own files: a folder of structures, or a JSON file of CIF texts, and a table of properties."""

from kadi_battgen.electrodes.sources.files.reading import electrodes_from_files, read_structure

__all__ = ["electrodes_from_files", "read_structure"]
