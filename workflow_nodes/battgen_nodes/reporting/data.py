"""Sections on electrodes, AFM campaigns and training data sets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from battgen_nodes.previews import shown_stacks
from kadi_battgen.plots.campaign import campaign_montage
from kadi_battgen.plots.chain_report import dataset_section, electrode_section, pixel_edge
from kadi_battgen.plots.interactive.stack_viewer import ShownStack, StackViewer
from kadi_battgen.plots.interactive.structure_viewer import StructureViewer
from kadi_battgen.plots.report import ReportFigure, Section
from kadi_battgen.plots.style import formula_label

if TYPE_CHECKING:
    from battgen_nodes.reporting.chain import Step

#: Stacks and structures that are shown of a set.
_STACKS, _STRUCTURES = 6, 2


def electrode_sections(step: Step) -> list[Section]:
    """Return the section on a collection of electrodes, with some structures to turn."""
    from kadi_battgen.electrodes.collection import read_electrodes

    sections = []
    for path in step.results(".json", ".json.gz"):
        collection = read_electrodes(path)
        widgets = [
            StructureViewer.of(electrode.structure, electrode.working_ion, electrode.formula_discharge)
            for electrode in collection.select(limit=_STRUCTURES).electrodes
        ]
        sections.append(replace(electrode_section(collection), widgets=widgets))
    return sections


def campaign_sections(step: Step) -> list[Section]:
    """Return the section on an AFM campaign: stacks to leaf through."""
    from kadi_battgen.afm.store import AfmCampaign

    sections = []
    for path in step.results(".h5"):
        with AfmCampaign.open(path) as campaign:
            shown = shown_stacks(campaign, _STACKS)
            stacks = np.stack([campaign.stack(index) for index in shown])
            descriptors = np.stack([campaign.descriptors(index) for index in shown])
            labels = [
                formula_label(campaign.electrodes[campaign.electrode_index[index]].formula_discharge) for index in shown
            ]
            edge = pixel_edge(campaign.conventions)
            still = campaign_montage(
                stacks, descriptors, labels, campaign.heights, edge, f"Frequency shift / {campaign.unit}"
            )
            viewer = StackViewer(
                "AFM stacks and the descriptors of what they show",
                ReportFigure(still, f"AFM slices and descriptors of {len(shown)} electrodes."),
                [ShownStack(*entry) for entry in zip(labels, stacks, _scaled(descriptors), strict=True)],
                campaign.heights,
                campaign.unit,
                edge * (stacks.shape[-1] - 1),
            )
            text = f"{len(campaign)} simulated stacks of {len(campaign.electrodes)} electrodes, {len(shown)} of them below."
            sections.append(Section("AFM campaign", [text], widgets=[viewer]))
    return sections


def dataset_sections(step: Step) -> list[Section]:
    """Return the section on a training data set."""
    from kadi_battgen.datasets.store import TrainingDataset

    sections = []
    for path in step.results(".h5"):
        with TrainingDataset.open(path) as dataset:
            sections.append(dataset_section(dataset))
    return sections


def _scaled(descriptors: np.ndarray) -> np.ndarray:
    """Return descriptors (N, 6, H, W) in [0, 1], one scale per channel over all of them; the type map has one scale."""
    low, high = descriptors.min(axis=(0, 2, 3)), descriptors.max(axis=(0, 2, 3))
    low[3:], high[3:] = low[3:].min(), high[3:].max()
    span = np.maximum(high - low, np.finfo(np.float32).tiny)
    return (descriptors - low[:, None, None]) / span[:, None, None]
