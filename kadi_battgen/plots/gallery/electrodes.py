"""Figures 4.9 to 4.15: electrodes, the models of their AFM stacks, and what these are worth."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kadi_battgen.errors import UserError
from kadi_battgen.files import existing_file
from kadi_battgen.plots.chain_report.dataset import part_sizes, pipeline_figure, pixel_edge
from kadi_battgen.plots.chain_report.screening import screened_figure
from kadi_battgen.plots.chain_report.translation import translated_figure
from kadi_battgen.plots.gallery import electrode_captions as captions
from kadi_battgen.plots.gallery.entry import GalleryFigure
from kadi_battgen.plots.ion_counts import ion_count_violins, ion_error_histograms
from kadi_battgen.plots.overview import model_overview
from kadi_battgen.plots.sensitivity import sensitivity_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kadi_battgen.applications.evaluation.result import Evaluation


@dataclass(frozen=True)
class ElectrodeRuns:
    """A finished chain from electrodes to an evaluation.

    Attributes
    ----------
    dataset
        Training data set.
    model
        Folder with the models that were trained on it.
    evaluation
        Folder of their evaluation.
    sensitivity
        Table of their sensitivity to the conditions (CSV).
    compositions
        Held-out compositions of a better regressor, where there is one: a NumPy file (.npz) with ``true``, ``predicted``
        and ``working_ions``; by default those of the evaluation.
    """

    dataset: str | os.PathLike[str]
    model: str | os.PathLike[str]
    evaluation: str | os.PathLike[str]
    sensitivity: str | os.PathLike[str]
    compositions: str | os.PathLike[str] | None = None

    @cached_property
    def cards(self) -> dict[str, dict[str, Any]]:
        """Cards of the models by kind, in the order in which they are trained."""
        from kadi_battgen.training.checkpoints import CARD, read_card

        kinds = ("translation", "composition", "screening")
        return {
            kind: read_card(Path(self.model) / kind, kind)
            for kind in kinds
            if (Path(self.model) / kind / CARD).is_file()
        }

    @cached_property
    def found(self) -> Evaluation:
        """What the evaluation found."""
        from kadi_battgen.applications.evaluation.result import Evaluation

        return Evaluation.load(self.evaluation)

    @cached_property
    def pixel_size(self) -> float:
        """Edge of a pixel in angstrom."""
        from kadi_battgen.datasets.store import TrainingDataset

        with TrainingDataset.open(self.dataset) as dataset:
            return pixel_edge(dataset.conventions)

    @cached_property
    def part_sizes(self) -> dict[str, tuple[int, int]]:
        """Number of stacks and of electrodes by part of the data set."""
        from kadi_battgen.datasets.store import TrainingDataset

        with TrainingDataset.open(self.dataset) as dataset:
            return part_sizes(dataset)

    @cached_property
    def sensitivities(self) -> list[dict[str, str]]:
        """Rows of the table of sensitivities."""
        with existing_file(self.sensitivity).open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    @cached_property
    def held_out(self) -> Mapping[str, np.ndarray]:
        """``true`` and ``predicted`` atoms per reduced formula, (electrodes, 112), and ``working_ions`` of held-out ones."""
        if self.compositions is None:
            return self.found.compositions
        with np.load(existing_file(self.compositions), allow_pickle=False) as arrays:
            missing = [name for name in ("true", "predicted", "working_ions") if name not in arrays]
            if missing:
                raise UserError(
                    f"{self.compositions} lacks {', '.join(missing)}: name a file of predicted compositions."
                )
            return dict(arrays)


def training_data(runs: ElectrodeRuns) -> Figure:
    """Draw figure 4.9."""
    from kadi_battgen.datasets.store import TrainingDataset

    with TrainingDataset.open(runs.dataset) as dataset:
        return pipeline_figure(dataset).figure


def models(runs: ElectrodeRuns) -> Figure:
    """Draw figure 4.10."""
    return model_overview(runs.cards)


def translated(runs: ElectrodeRuns) -> Figure:
    """Draw figure 4.11."""
    return translated_figure(runs.found, runs.pixel_size).figure


def screened(runs: ElectrodeRuns) -> Figure:
    """Draw figure 4.12."""
    return screened_figure(runs.found, runs.pixel_size).figure


def sensitivity(runs: ElectrodeRuns) -> Figure:
    """Draw figure 4.13."""
    return sensitivity_figure(runs.sensitivities)


def ion_counts(runs: ElectrodeRuns) -> Figure:
    """Draw figure 4.14."""
    held_out = runs.held_out
    return ion_count_violins(held_out["true"], held_out["predicted"], [str(ion) for ion in held_out["working_ions"]])


def ion_errors(runs: ElectrodeRuns) -> Figure:
    """Draw figure 4.15."""
    return ion_error_histograms(runs.held_out["true"], runs.held_out["predicted"])


#: The figures in the order of the thesis.
ELECTRODE_FIGURES = (
    GalleryFigure(
        "4.9",
        "From electrodes to training data",
        training_data,
        captions.training_data,
        "Four steps from left to right: bars of the number of electrodes by working ion, three slices of an AFM stack from "
        "far to near, four material descriptors of the same surface, and bars of the size of training, validation and test "
        "part.",
        ("overview.data_pipeline",),
        "electrodes",
    ),
    GalleryFigure(
        "4.10",
        "The BattGen models",
        models,
        captions.models,
        "Boxes joined by arrows, a row for each model: the translator from stack to descriptors, the composition regressor "
        "from latent to atoms, and the screening model from properties and noise to descriptors and a formula.",
        ("overview.model_overview",),
        "electrodes",
    ),
    GalleryFigure(
        "4.11",
        "Descriptors translated from AFM stacks",
        translated,
        captions.translated,
        "Rows of four images of held-out electrodes, at the left the true height map, van der Waals spheres, atomic disks and "
        "type map, at the right the translated ones.",
        ("paired.paired_descriptors",),
        "electrodes",
    ),
    GalleryFigure(
        "4.12",
        "Screening for the properties of held-out electrodes",
        screened,
        captions.screened,
        "Rows of four images, at the left the descriptors of a held-out electrode, at the right those generated for its "
        "working ion and properties.",
        ("paired.paired_descriptors",),
        "electrodes",
    ),
    GalleryFigure(
        "4.13",
        "Sensitivity of the generation to its conditions",
        sensitivity,
        captions.sensitivity,
        "Two panels of horizontal bars with intervals, the most influential condition on top: how far generated descriptors "
        "and the generated composition move when one condition changes.",
        ("sensitivity.sensitivity_figure",),
        "electrodes",
    ),
    GalleryFigure(
        "4.14",
        "Numbers of atoms of the working ions",
        ion_counts,
        captions.ion_counts,
        "A violin for each working ion, its left half the true and its right half the predicted number of atoms in the "
        "electrodes that work with it.",
        ("ion_counts.ion_count_violins",),
        "compositions",
    ),
    GalleryFigure(
        "4.15",
        "Errors of the numbers of atoms",
        ion_errors,
        captions.ion_errors,
        "Ten histograms of predicted minus true number of atoms, one for each working ion, on a logarithmic vertical axis; "
        "most electrodes lie at the dashed line of no error.",
        ("ion_counts.ion_error_histograms",),
        "compositions",
    ),
)
