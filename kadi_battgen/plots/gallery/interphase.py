"""Figures 4.1 to 4.8: the interphase, its autoencoder and its latent space."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kadi_battgen.plots.gallery import interphase_captions as captions
from kadi_battgen.plots.gallery.entry import GalleryFigure
from kadi_battgen.plots.sei_latent import latent_maps
from kadi_battgen.plots.sei_overview import prvae_overview
from kadi_battgen.plots.sei_properties import correlation_heatmap, property_parity
from kadi_battgen.plots.sei_walks import walk_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kadi_battgen.applications.sei.characterization import Characterization, Configurations
    from kadi_battgen.applications.sei.model import PrvaeModel


@dataclass(frozen=True)
class InterphaseRuns:
    """Finished trainings on one data set of the interphase, and what they make of one of its parts.

    Attributes
    ----------
    dataset
        Data set that all were trained on.
    prvae, plain, conditional
        Folders of the autoencoder with a regressor, of the plain one and of the conditional one.
    samples
        Configurations that are characterised, at most; as many as in the thesis by default.
    part
        Part of the data set that they are of.
    """

    dataset: str | os.PathLike[str]
    prvae: str | os.PathLike[str]
    plain: str | os.PathLike[str]
    conditional: str | os.PathLike[str]
    samples: int = 7500
    part: str = "test"

    @cached_property
    def sample(self) -> Configurations:
        """The configurations that are characterised."""
        from kadi_battgen.applications.sei.characterization import Configurations

        return Configurations.of_part(self.dataset, self.part, self.samples)

    @cached_property
    def model(self) -> PrvaeModel:
        """The autoencoder with a regressor."""
        from kadi_battgen.applications.sei.model import PrvaeModel

        return PrvaeModel(self.prvae)

    @cached_property
    def found(self) -> Characterization:
        """What the autoencoder with a regressor says of them, the plain one beside it."""
        from kadi_battgen.applications.sei.characterization import characterize
        from kadi_battgen.applications.sei.model import PrvaeModel

        return characterize(self.model, self.sample, other=PrvaeModel(self.plain))

    @cached_property
    def walked(self) -> Characterization:
        """What the conditional autoencoder says of them."""
        from kadi_battgen.applications.sei.characterization import characterize
        from kadi_battgen.applications.sei.model import PrvaeModel

        return characterize(PrvaeModel(self.conditional), self.sample)

    @cached_property
    def example(self) -> tuple[np.ndarray, np.ndarray]:
        """A typical configuration of the regime named last, and its reconstruction, (rows, columns) each."""
        true = self.found.neighbourhoods[-1].query
        barriers = self.sample.barriers.mean(axis=0)[None] if self.model.conditional else None
        return true, self.model.decode_configurations(self.model.encode(true[None])[0], barriers, seed=0)[0]


def prvae(runs: InterphaseRuns) -> Figure:
    """Draw figure 4.1."""
    from kadi_battgen.training.history import read_history

    history = read_history(Path(runs.prvae) / "metrics.csv")
    return prvae_overview(runs.model.card, *runs.example, history)


def latent_spaces(runs: InterphaseRuns) -> Figure:
    """Draw figure 4.2."""
    latent = runs.found.metrics["latent"]
    properties = {name: runs.sample.observables[name] for name in latent["model"]["ordering"]}
    return latent_maps(runs.found.scores, properties, [latent[key]["ordering"] for key in ("model", "other")])


def predicted_properties(runs: InterphaseRuns) -> Figure:
    """Draw figure 4.3."""
    found = runs.found
    return property_parity(runs.sample.observables, found.predicted, found.low, found.high, found.metrics["properties"])


def correlated_properties(runs: InterphaseRuns) -> Figure:
    """Draw figure 4.4."""
    return correlation_heatmap(runs.found.metrics["correlations"])


def first_component(runs: InterphaseRuns) -> Figure:
    """Draw figure 4.5."""
    return walk_figure(runs.walked.walks[:1])


def second_component(runs: InterphaseRuns) -> Figure:
    """Draw figure 4.6."""
    return walk_figure(runs.walked.walks[1:2])


def third_component(runs: InterphaseRuns) -> Figure:
    """Draw figure 4.7."""
    return walk_figure(runs.walked.walks[2:3])


def barriers_and_latent(runs: InterphaseRuns) -> Figure:
    """Draw figure 4.8."""
    along = runs.walked.barrier_walks
    walks = [*along["fixed"][:2], runs.walked.walks[0], *along.get("following", [])[:1]]
    parts = ("a1", "a2", "b", "c")
    return walk_figure(
        [dataclasses.replace(walk, label=f"{part}  {walk.label}") for part, walk in zip(parts, walks, strict=False)]
    )


_WALK = (
    "Five lattices from the least to the greatest score along the {} principal component, the electrode at the bottom, the "
    "species in colours, and the thickness above each."
)

#: The figures in the order of the thesis.
INTERPHASE_FIGURES = (
    GalleryFigure(
        "4.1",
        "The autoencoder with a property regressor (prVAE)",
        prvae,
        captions.prvae,
        "Boxes from the configuration over encoder, latent and decoder to the probabilities of the species, with the "
        "regressor below; a simulated lattice beside its reconstruction; and losses that fall over the epochs.",
        ("sei_overview.prvae_overview",),
        "interphase",
    ),
    GalleryFigure(
        "4.2",
        "Latent spaces of prVAE and plain VAE",
        latent_spaces,
        captions.latent_spaces,
        "Eight clouds of points in the plane of two principal components, the prVAE's in the left column and the plain "
        "autoencoder's in the right one, a row for each of four properties whose value colours the points.",
        ("sei_latent.latent_maps",),
        "interphase",
    ),
    GalleryFigure(
        "4.3",
        "Properties read from the latent",
        predicted_properties,
        captions.predicted_properties,
        "Four panels of predicted against true values of one property each; the points lie along the dashed diagonal.",
        ("sei_properties.property_parity",),
        "interphase",
    ),
    GalleryFigure(
        "4.4",
        "Correlation of the properties",
        correlated_properties,
        captions.correlated_properties,
        "A square table of correlations between ten observables, orange for positive, blue for negative, white for none.",
        ("sei_properties.correlation_heatmap",),
        "interphase",
    ),
    *(
        GalleryFigure(
            f"4.{5 + number}",
            f"Along the {name} principal component",
            draw,
            captions.component(number),
            _WALK.format(name),
            ("sei_walks.walk_figure",),
            "conditional",
        )
        for number, (name, draw) in enumerate(
            (("first", first_component), ("second", second_component), ("third", third_component))
        )
    ),
    GalleryFigure(
        "4.8",
        "Along barriers and along the latent",
        barriers_and_latent,
        captions.barriers_and_latent,
        "Rows of five lattices each: two along single reaction barriers while the latent stays, one along the first principal "
        "component while the barriers stay, and one along a barrier that the latent follows.",
        ("sei_walks.walk_figure",),
        "conditional",
    ),
)
