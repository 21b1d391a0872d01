"""Figures 4.1 to 4.15 of the thesis from finished runs of ours, and the page that shows them."""

from kadi_battgen.plots.gallery.electrodes import ELECTRODE_FIGURES, ElectrodeRuns
from kadi_battgen.plots.gallery.entry import GalleryFigure, write_figure
from kadi_battgen.plots.gallery.interphase import INTERPHASE_FIGURES, InterphaseRuns
from kadi_battgen.plots.gallery.page import gallery_page

__all__ = [
    "ELECTRODE_FIGURES",
    "INTERPHASE_FIGURES",
    "ElectrodeRuns",
    "GalleryFigure",
    "InterphaseRuns",
    "gallery_page",
    "write_figure",
]
