"""One record per run, so that every result can be traced to its source.

A step runs inside :class:`Run`, which writes a :class:`Record` to a :class:`Store`; :func:`read_chain` walks back from
a record to what it came from, and :func:`record_facts` tells of each what a provenance list shows.
"""

from kadi_battgen.records.artifacts import Artifact, FileChecksum, Input, Output
from kadi_battgen.records.chain import read_chain, record_facts
from kadi_battgen.records.local import LocalStore
from kadi_battgen.records.model import Link, Metric, Record
from kadi_battgen.records.references import Reference, find_record, resolve
from kadi_battgen.records.run import Run
from kadi_battgen.records.store import NoStore, Store
from kadi_battgen.records.stores import open_store

__all__ = [
    "Artifact",
    "FileChecksum",
    "Input",
    "Link",
    "LocalStore",
    "Metric",
    "NoStore",
    "Output",
    "Record",
    "Reference",
    "Run",
    "Store",
    "find_record",
    "open_store",
    "read_chain",
    "record_facts",
    "resolve",
]
