"""From a campaign to training samples: scaling, splitting, weighting and the HDF5 store."""

from kadi_battgen.datasets.build import build_dataset
from kadi_battgen.datasets.scaling import QuantileScaling, RangeScaling, scaling_from_json
from kadi_battgen.datasets.splitting import PARTS, inverse_frequency_weights, split_by_composition
from kadi_battgen.datasets.store import TrainingDataset

__all__ = [
    "PARTS",
    "QuantileScaling",
    "RangeScaling",
    "TrainingDataset",
    "build_dataset",
    "inverse_frequency_weights",
    "scaling_from_json",
    "split_by_composition",
]
