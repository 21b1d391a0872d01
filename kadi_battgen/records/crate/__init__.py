"""Records as RO-Crates in the layout of Kadi4Mat's own exports, as folders and as archives (.eln)."""

from kadi_battgen.records.crate.graph import METADATA_FILE
from kadi_battgen.records.crate.unpacking import unpack
from kadi_battgen.records.crate.writing import pack, write_crate

__all__ = ["METADATA_FILE", "pack", "unpack", "write_crate"]
