"""The section on the data set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES, WORKING_IONS
from kadi_battgen.plots.overview import data_pipeline
from kadi_battgen.plots.report import Column, ReportFigure, Section, Table
from kadi_battgen.plots.style import formula_label

if TYPE_CHECKING:
    from kadi_battgen.datasets.store import TrainingDataset


def pixel_edge(conventions: Mapping[str, Any]) -> float:
    """Return the edge of a pixel in Angstrom from the conventions that are stored with images."""
    return float(conventions["pixel_size"]["value"])


def dataset_section(dataset: TrainingDataset) -> Section:
    """Return the section on the data set: size, split, scales and the conventions of the simulation."""
    rows = [(part, *sizes) for part, sizes in part_sizes(dataset).items()]
    scaling = dataset.conditions_scaling
    ranges = [
        (FUNCTIONAL_PROPERTIES[name].label, unit, low, high)
        for name, unit, low, high in zip(scaling.names, scaling.units, scaling.minimum, scaling.maximum, strict=True)
    ]
    conventions = [(name.replace("_", " "), text) for name, text in _readable(dataset.conventions)]
    return Section(
        "Data set",
        [
            "No composition is in two parts of the split, so the test part holds materials that no training has seen.",
            f"Stacks are divided by one scale, {dataset.stack_scale:.4g} {dataset.stack_unit}, so that forces compare "
            "between slices and materials.",
        ],
        [pipeline_figure(dataset)],
        [
            Table(
                (Column("Part"), Column("Stacks", kind="number"), Column("Electrodes", kind="number")), rows, "Split."
            ),
            Table(
                (
                    Column("Property"),
                    Column("Unit"),
                    Column("0 means", kind="number"),
                    Column("1 means", kind="number"),
                ),
                ranges,
                "Scaling of the conditions, taken from the training part.",
            ),
            Table((Column("Convention"), Column("Value")), conventions, "Conventions of the AFM simulation."),
        ],
    )


def part_sizes(dataset: TrainingDataset) -> dict[str, tuple[int, int]]:
    """Return the number of stacks and of electrodes by part of a data set."""
    owners = dataset.column("electrode_index")
    indices = {part: dataset.indices(part) for part in ("training", "validation", "test")}
    return {part: (len(found), len(np.unique(owners[found]))) for part, found in indices.items()}


def pipeline_figure(dataset: TrainingDataset) -> ReportFigure:
    """Return the figure of the way from electrodes to samples, with the images of one of them."""
    ions = [electrode.working_ion for electrode in dataset.electrodes]
    index = int(dataset.indices("training")[0])
    shown = dataset.electrodes[int(dataset.column("electrode_index")[index])]
    figure = data_pipeline(
        {ion: ions.count(ion) for ion in WORKING_IONS if ion in ions},
        dataset.stack(index).astype(np.float32),
        dataset.descriptors(index).astype(np.float32),
        part_sizes(dataset),
        formula_label(shown.formula_discharge),
    )
    return ReportFigure(
        figure,
        "Electrodes by working ion, an AFM stack, its descriptors and the size of the parts of the data set.",
        f"From electrodes to samples; the images show {shown.formula_discharge}, the slices from far to near.",
    )


def _readable(conventions: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield those conventions that are a text, a number with its unit, or a range of heights."""
    for name, value in conventions.items():
        if isinstance(value, str | int | float):
            yield name, str(value)
        elif isinstance(value, Mapping) and "unit" in value and "value" in value:
            yield name, f"{value['value']:.4g} {value['unit']}"
        elif isinstance(value, Mapping) and "unit" in value and "values" in value:
            first, last = value["values"][0], value["values"][-1]
            yield name, f"{len(value['values'])} from {first:g} to {last:g} {value['unit']}"
        elif isinstance(value, Mapping) and "name" in value:
            yield name, str(value["name"])
