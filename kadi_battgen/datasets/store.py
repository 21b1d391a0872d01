"""The HDF5 file of training samples.

Layout (schema version 1); every image is one chunk, uncompressed, which reads a hundred times faster at random than
h5py's own choice:

====================  ==============  =======  ============================================================
data set              shape           type     content
====================  ==============  =======  ============================================================
stacks                (N, 10, H, W)   float16  AFM stack divided by one scale, in [-1, 1] on the training part
descriptors           (N, 6, H, W)    float16  descriptor channels, [0, 1] on the training part
conditions            (N, 6)          float32  functional properties scaled to [0, 1] (all of the training part, or its core)
working_ion           (N,)            int8     position in the attribute ``working_ions``
composition           (N, 112)        float32  atoms per reduced formula of the discharged phase
rotation              (N, 3, 3)       float64  orientation of the crystal under the tip
orientation_rank      (N,)            int32    0 is the orientation with the highest entropy of its depth profile
part                  (N,)            int8     position in the attribute ``parts``
weight                (N,)            float32  inverse frequency of the working ion in the sample's part
electrode_index       (N,)            int32    position in ``electrodes``
electrodes            (M,)            UTF-8    one JSON document per electrode
====================  ==============  =======  ============================================================

Attributes hold the scales with their units, the conventions of the simulation and the checksum of the campaign.
"""

from __future__ import annotations

import json
import os
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from kadi_battgen.datasets.reader import DatasetFile
from kadi_battgen.datasets.scaling import RangeScaling, condition_scaling_from_json
from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.hdf5 import open_schema

SCHEMA = "kadi-battgen/training-dataset"
SCHEMA_VERSION = 1
REQUIRED = (
    "stacks",
    "descriptors",
    "conditions",
    "working_ion",
    "composition",
    "rotation",
    "orientation_rank",
    "part",
    "weight",
    "electrode_index",
    "electrodes",
)


class TrainingDataset(DatasetFile):
    """A data set opened for reading; use it as a context manager."""

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """Open a data set.

        Raises
        ------
        UserError
            If the file is missing, empty, truncated or not a data set of this version.
        """
        return cls(Path(path), open_schema(path, SCHEMA, SCHEMA_VERSION, REQUIRED, "battgen build-dataset"))

    @property
    def split_rule(self) -> str:
        """What stays together in one part: ``image``, ``composition`` or ``chemical-system``."""
        return str(self.file.attrs.get("split_rule", "composition"))

    @property
    def image_shape(self) -> tuple[int, int]:
        """Height and width of the images in pixels."""
        height, width = self.file["stacks"].shape[-2:]
        return int(height), int(width)

    @property
    def slices(self) -> int:
        """Number of constant-height images in a stack."""
        return int(self.file["stacks"].shape[1])

    @cached_property
    def conditions_scaling(self) -> RangeScaling:
        """Scaling of the functional properties."""
        return condition_scaling_from_json(json.loads(self.file.attrs["conditions_scaling"]))

    @cached_property
    def descriptor_scaling(self) -> RangeScaling:
        """Scaling of the descriptor channels."""
        return condition_scaling_from_json(json.loads(self.file.attrs["descriptor_scaling"]))

    @property
    def stack_scale(self) -> float:
        """What the stacks were divided by, in :attr:`stack_unit`."""
        return float(self.file.attrs["stack_scale"])

    @property
    def stack_unit(self) -> str:
        """Unit of the stack scale."""
        return str(self.file.attrs["stack_unit"])

    @cached_property
    def conventions(self) -> dict[str, Any]:
        """Conventions of the AFM simulation: window, heights, tip, pixel size, device."""
        return dict(json.loads(self.file.attrs["conventions"]))

    @cached_property
    def electrodes_metadata(self) -> dict[str, Any]:
        """What is known of all electrodes: licence, database version, how they were cleaned (``cleaning``)."""
        return dict(json.loads(self.file.attrs.get("electrodes_metadata", "{}")))

    @cached_property
    def electrodes(self) -> tuple[Electrode, ...]:
        """The electrodes that the samples show."""
        return tuple(Electrode.model_validate_json(text) for text in self.file["electrodes"].asstr()[:])

    def stack(self, index: int) -> np.ndarray:
        """Return one scaled stack, float16, shape (slices, H, W)."""
        return self.file["stacks"][int(index)]

    def descriptors(self, index: int) -> np.ndarray:
        """Return one sample's scaled descriptors, float16, shape (6, H, W)."""
        return self.file["descriptors"][int(index)]
