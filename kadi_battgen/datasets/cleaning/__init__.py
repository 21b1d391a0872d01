"""Cleaning of electrodes before they are simulated or learnt from: one pipeline whose every decision is kept.

A pipeline is a list of steps in a YAML file. It is fitted on training rows, applied to all, and written as JSON with the
data, so that new rows can be cleaned in the same way. The names below are loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kadi_battgen.lazy import lazy_names

if TYPE_CHECKING:
    from kadi_battgen.datasets.cleaning.audit import Decision, StepSummary, write_audit
    from kadi_battgen.datasets.cleaning.pipeline import Cleaned, FittedPipeline, fit_transform
    from kadi_battgen.datasets.cleaning.reading import cleaned_collection, read_rows, write_table
    from kadi_battgen.datasets.cleaning.settings import PRESETS, load_steps, parse_steps, preset_steps
    from kadi_battgen.datasets.cleaning.table import Table

__all__ = [
    "PRESETS",
    "Cleaned",
    "Decision",
    "FittedPipeline",
    "StepSummary",
    "Table",
    "cleaned_collection",
    "fit_transform",
    "load_steps",
    "parse_steps",
    "preset_steps",
    "read_rows",
    "write_audit",
    "write_table",
]

__getattr__ = lazy_names(
    __name__,
    {
        "PRESETS": "settings",
        "Cleaned": "pipeline",
        "Decision": "audit",
        "FittedPipeline": "pipeline",
        "StepSummary": "audit",
        "Table": "table",
        "cleaned_collection": "reading",
        "fit_transform": "pipeline",
        "load_steps": "settings",
        "parse_steps": "settings",
        "preset_steps": "settings",
        "read_rows": "reading",
        "write_audit": "audit",
        "write_table": "reading",
    },
)
