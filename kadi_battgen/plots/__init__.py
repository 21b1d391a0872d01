"""Figures and the HTML report; every function takes plain values and returns a Matplotlib figure."""

from kadi_battgen.plots.campaign import campaign_montage
from kadi_battgen.plots.candidates import candidates_figure
from kadi_battgen.plots.composition import composition_parity
from kadi_battgen.plots.images import candidate_images, translation_panel
from kadi_battgen.plots.learning import learning_curves
from kadi_battgen.plots.palette import ION_COLOURS, ion_colour
from kadi_battgen.plots.properties import property_distributions
from kadi_battgen.plots.provenance import ProvenanceRecord, provenance_figure
from kadi_battgen.plots.report import (
    Column,
    KeyFigure,
    ProvenanceStep,
    ReportFigure,
    Section,
    Table,
    write_report,
)
from kadi_battgen.plots.style import formula_label, image_bytes

__all__ = [
    "ION_COLOURS",
    "Column",
    "KeyFigure",
    "ProvenanceRecord",
    "ProvenanceStep",
    "ReportFigure",
    "Section",
    "Table",
    "campaign_montage",
    "candidate_images",
    "candidates_figure",
    "composition_parity",
    "formula_label",
    "image_bytes",
    "ion_colour",
    "learning_curves",
    "property_distributions",
    "provenance_figure",
    "translation_panel",
    "write_report",
]
