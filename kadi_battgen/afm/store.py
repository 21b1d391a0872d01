"""The campaign file (HDF5): layout, writing and lazy reading.

Layout, schema version 1, for N samples of h heights and p x p pixels:

==================  ==================  ==========================================================================
dataset             shape, type         content
==================  ==================  ==========================================================================
stacks              (N, h, p, p) f2     frequency shift; physical value = stored * attrs["scale"] in attrs["unit"]
descriptors         (N, 6, p, p) f2     attrs["channels"] and attrs["units"] name them
electrode_index     (N,) i4             row of `electrodes` that a sample shows
rotation            (N, 3, 3) f8        rotation matrix of the sample
orientation_rank    (N,) i4             0 for the orientation of highest depth entropy
edge_distance       (N,) i4             distance of the brightest pixel from the edge in pixels
valid               (N,) bool           edge_distance > 0
electrodes          (M,) UTF-8          one JSON document per simulated electrode, complete
failures            (K,) UTF-8          JSON documents {"id", "reason"} of electrodes that could not be simulated
metadata            () UTF-8            JSON document of what is known of all electrodes; older files lack it
==================  ==================  ==========================================================================

Root attributes: schema, schema_version, conventions (JSON, see :meth:`ScanSettings.conventions`), settings (JSON),
heights (A) and campaign_key. Samples are chunks of their own, uncompressed: measured, this reads fastest at random.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np

from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.hdf5 import LazyFile, open_schema

SCHEMA = "kadi-battgen/afm-campaign"
SCHEMA_VERSION = 1

_DATASETS = (
    "stacks",
    "descriptors",
    "electrode_index",
    "rotation",
    "orientation_rank",
    "edge_distance",
    "valid",
    "electrodes",
    "failures",
)


def write_campaign(
    path: str | os.PathLike[str],
    *,
    blocks: Iterable[dict[str, np.ndarray]],
    samples: int,
    image_shape: tuple[int, int, int, int],
    electrodes: list[str],
    failures: list[dict[str, str]],
    metadata: str,
    attributes: dict[str, Any],
    stack_attributes: dict[str, Any],
    descriptor_attributes: dict[str, Any],
) -> None:
    """Write a campaign file; the same content gives the same bytes.

    Parameters
    ----------
    path
        File to write, not renamed here.
    blocks
        One block per simulated electrode, in the order of `electrodes`, with the arrays stacks, descriptors, rotation,
        orientation_rank and edge_distance over its samples.
    samples
        Number of samples of all blocks together.
    image_shape
        (heights, channels, rows, columns).
    electrodes
        JSON documents of the simulated electrodes.
    failures
        id and reason of each electrode that could not be simulated.
    metadata
        JSON document of what is known of all electrodes. It may be too large for an attribute.
    attributes
        Further root attributes.
    stack_attributes, descriptor_attributes
        Attributes of the two image datasets.
    """
    heights, channels, rows, columns = image_shape
    text = h5py.string_dtype("utf-8")
    with h5py.File(path, "w", track_order=False) as file:
        file.attrs["schema"] = SCHEMA
        file.attrs["schema_version"] = SCHEMA_VERSION
        for name, value in attributes.items():
            file.attrs[name] = value

        def create(name: str, shape: tuple[int, ...], dtype: Any, **options: Any) -> h5py.Dataset:
            return file.create_dataset(name, shape, dtype, track_times=False, **options)

        stacks = create("stacks", (samples, heights, rows, columns), "f2", chunks=(1, heights, rows, columns))
        descriptors = create(
            "descriptors", (samples, channels, rows, columns), "f2", chunks=(1, channels, rows, columns)
        )
        for dataset, values in ((stacks, stack_attributes), (descriptors, descriptor_attributes)):
            for name, value in values.items():
                dataset.attrs[name] = value
        index = create("electrode_index", (samples,), "i4")
        rotation = create("rotation", (samples, 3, 3), "f8")
        rank = create("orientation_rank", (samples,), "i4")
        edge = create("edge_distance", (samples,), "i4")
        valid = create("valid", (samples,), bool)
        start = 0
        for number, block in enumerate(blocks):
            stop = start + len(block["stacks"])
            for offset in range(stop - start):
                stacks[start + offset] = block["stacks"][offset]
                descriptors[start + offset] = block["descriptors"][offset]
            index[start:stop] = number
            rotation[start:stop] = block["rotation"]
            rank[start:stop] = block["orientation_rank"]
            edge[start:stop] = block["edge_distance"]
            valid[start:stop] = block["edge_distance"] > 0
            start = stop
        create("electrodes", (len(electrodes),), text)[:] = electrodes
        documents = [json.dumps(failure, ensure_ascii=False, sort_keys=True) for failure in failures]
        create("failures", (len(documents),), text)[:] = documents
        create("metadata", (), text)[()] = metadata


class AfmCampaign(LazyFile):
    """A campaign file opened for reading; images are read one sample at a time."""

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """Open a campaign file and check that it is one.

        Raises
        ------
        UserError
            If the file is missing, empty, truncated, of another kind or of a newer schema version.
        """
        open_schema(path, SCHEMA, SCHEMA_VERSION, _DATASETS, "battgen simulate-afm").close()
        return cls(Path(path))

    def __len__(self) -> int:
        return len(self._handle["stacks"])

    def stack(self, index: int) -> np.ndarray:
        """Return a stack in physical units (Hz), float32, shape (slices, pixels, pixels), farthest slice first."""
        dataset = self._handle["stacks"]
        return dataset[index].astype(np.float32) * np.float32(dataset.attrs["scale"])

    def descriptors(self, index: int) -> np.ndarray:
        """Return the descriptors of a sample, float32, shape (6, pixels, pixels), in the units of the channels."""
        return self._handle["descriptors"][index].astype(np.float32)

    @cached_property
    def electrodes(self) -> list[Electrode]:
        """The simulated electrodes; `electrode_index` counts in this list."""
        return [Electrode.model_validate_json(text) for text in self._handle["electrodes"].asstr()[:]]

    @cached_property
    def failures(self) -> list[dict[str, str]]:
        """Electrodes that could not be simulated: id and reason of each."""
        return [json.loads(text) for text in self._handle["failures"].asstr()[:]]

    @cached_property
    def conventions(self) -> dict[str, Any]:
        """Window, heights, tip, pixel size, axis order, units and device of the images."""
        return json.loads(self._handle.attrs["conventions"])

    @cached_property
    def heights(self) -> np.ndarray:
        """Tip-sample distance of each slice in Angstrom, float64, farthest first; those of a second tip follow."""
        return np.array(self._handle.attrs["heights"], dtype=float)

    @cached_property
    def electrodes_metadata(self) -> dict[str, Any]:
        """What is known of all electrodes, such as how they were cleaned; empty where the collection told nothing."""
        return json.loads(self._handle["metadata"].asstr()[()]) if "metadata" in self._handle else {}

    @property
    def unit(self) -> str:
        """Unit of the stacks."""
        return str(self._handle["stacks"].attrs["unit"])

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the descriptor channels."""
        return tuple(json.loads(self._handle["descriptors"].attrs["channels"]))

    @property
    def channel_units(self) -> tuple[str, ...]:
        """Units of the descriptor channels."""
        return tuple(json.loads(self._handle["descriptors"].attrs["units"]))

    @property
    def key(self) -> str:
        """Fingerprint of everything that was simulated: electrodes, settings, orientations, device and versions."""
        return str(self._handle.attrs["campaign_key"])

    @cached_property
    def electrode_index(self) -> np.ndarray:
        """Position in `electrodes` of each sample, int32, shape (N,)."""
        return self._handle["electrode_index"][:]

    @cached_property
    def rotation(self) -> np.ndarray:
        """Rotation matrix of each sample, float64, shape (N, 3, 3)."""
        return self._handle["rotation"][:]

    @cached_property
    def orientation_rank(self) -> np.ndarray:
        """Rank of each sample's orientation by depth entropy, int32, shape (N,), 0 is the highest."""
        return self._handle["orientation_rank"][:]

    @cached_property
    def edge_distance(self) -> np.ndarray:
        """Distance of the brightest pixel from the edge in pixels, int32, shape (N,)."""
        return self._handle["edge_distance"][:]

    @cached_property
    def valid(self) -> np.ndarray:
        """Whether the brightest pixel lies inside the window, bool, shape (N,)."""
        return self._handle["valid"][:]
