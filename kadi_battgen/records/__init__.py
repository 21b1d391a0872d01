"""One record per run, so that every result can be traced to its source.

A step runs inside :class:`Run`, which writes a :class:`Record` to a :class:`Store`; :func:`read_chain` walks back from
a record to what it came from, and :func:`record_facts` tells of each what a provenance list shows.
"""

from kadi_battgen.records.chain import read_chain, record_facts
from kadi_battgen.records.model import Artifact, FileChecksum, Input, Link, Metric, Output, Record
from kadi_battgen.records.run import Run
from kadi_battgen.records.store import LocalStore, NoStore, Store

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
    "Run",
    "Store",
    "read_chain",
    "record_facts",
]
