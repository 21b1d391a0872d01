"""The sections of the BattGen report, one module each: inputs, data set, learning curves, results, candidates."""

from kadi_battgen.plots.chain_report.candidates import candidates_section
from kadi_battgen.plots.chain_report.dataset import dataset_section, pixel_edge
from kadi_battgen.plots.chain_report.electrodes import electrode_section
from kadi_battgen.plots.chain_report.evaluation import evaluation_sections, headline
from kadi_battgen.plots.chain_report.metrics import flat_metrics
from kadi_battgen.plots.chain_report.trainings import models_section, training_section

__all__ = [
    "candidates_section",
    "dataset_section",
    "electrode_section",
    "evaluation_sections",
    "flat_metrics",
    "headline",
    "models_section",
    "pixel_edge",
    "training_section",
]
