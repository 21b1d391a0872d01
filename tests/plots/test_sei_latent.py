"""Figures of a characterised latent space and of generated configurations: every panel with its units, and refusals."""

from __future__ import annotations

import numpy as np
import pytest

from kadi_battgen.applications.sei.characterization import Neighbourhood
from kadi_battgen.applications.sei.walks import Walk
from kadi_battgen.plots.sei_generation import asked_and_obtained, generated_montage
from kadi_battgen.plots.sei_latent import component_trends, latent_maps, latent_usage
from kadi_battgen.plots.sei_properties import correlation_heatmap, property_parity
from kadi_battgen.plots.sei_walks import neighbour_figure, walk_figure
from kadi_battgen.sei.chemistry import BOUNDARY, ELECTRODE, INORGANIC

RNG = np.random.default_rng(0)
THICKNESS, POROSITY = RNG.uniform(0, 9, 40), RNG.uniform(0.2, 1, 40)
ORDERING = {name: {"linear_r2_in_plane": 0.91, "smoothness_in_plane": None} for name in ("thickness", "porosity")}


def _stack(count):
    stack = np.zeros((count, 8, 8), np.uint8)
    stack[:, 0], stack[:, -1] = ELECTRODE, BOUNDARY
    for number in range(count):
        stack[number, 1, :number] = INORGANIC
    return stack


def _texts(figure):
    figure.draw_without_rendering()
    found = [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]
    return "\n".join(found)


def _walk():
    return Walk("Barrier e1 / eV", np.linspace(-0.3, 0.6, 3), _stack(3), {"thickness": np.array([0.0, 0.125, 0.25])})


FIGURES = {
    "latent maps": (
        lambda: latent_maps(
            {"prVAE": RNG.normal(size=(40, 3)), "Plain VAE": RNG.normal(size=(40, 1))},
            {"thickness": THICKNESS, "porosity": POROSITY},
            [ORDERING, ORDERING],
        ),
        ("prVAE", "Plain VAE", "Thickness / nm", "Porosity / fraction", "linear R² 0.91", "smoothness –"),
    ),
    "usage": (
        lambda: latent_usage(
            {"prVAE": {"divergence_nat": [2.0, 0.0], "active_units": 1, "units": 2, "effective_dimensions": 1.2}}
        ),
        ("prVAE: 1 of 2 units active, 1.2 effective dimensions", "/ nat"),
    ),
    "trends": (
        lambda: component_trends(RNG.normal(size=(40, 2)), THICKNESS, "thickness"),
        ("Thickness / nm", "Principal component 2 / dimensionless"),
    ),
    "parity": (
        lambda: property_parity(
            {"thickness": THICKNESS},
            {"thickness": THICKNESS + 0.1},
            {"thickness": THICKNESS + 0.2},
            {"thickness": THICKNESS + 0.3},
            {"thickness": {"r2": None, "mean_absolute_error": 0.1, "coverage_90": 0.0}},
        ),
        ("True thickness / nm", "Predicted / nm", "R² undefined", "90 % intervals hold 0.0%"),
    ),
    "correlations": (
        lambda: correlation_heatmap(
            {"flux": {"flux": 1.0, "porosity": -0.5}, "porosity": {"flux": -0.5, "porosity": None}}
        ),
        ("−0.50", "–", "Volume fraction (flux)"),
    ),
    "walks": (lambda: walk_figure([_walk(), _walk()]), ("at −0.3: 0.00 nm", "at 0.6: 0.25 nm", "Barrier e1\n/ eV")),
    "neighbours": (
        lambda: neighbour_figure(
            [Neighbourhood("mixed, run 4", _stack(2)[1], np.array([7]), np.array([0.3]), _stack(3)[2:])]
        ),
        ("asked: 0.12 nm", "run 7: 0.25 nm", "mixed\nrun 4"),
    ),
    "montage": (
        lambda: generated_montage(_stack(7), {"thickness": np.arange(7.0)}, {"thickness": np.arange(7.0) / 8}),
        ("asked 6, has 0.75 nm", "Distance / nm"),
    ),
    "montage of anything": (lambda: generated_montage(_stack(1), {}, {"thickness": np.zeros(1)}), ("has 0 nm",)),
    "asked and obtained": (
        lambda: asked_and_obtained(
            {"thickness": THICKNESS},
            {"thickness": THICKNESS},
            {"thickness": "Spearman 0.9"},
            what="Simulated",
            spread={"thickness": THICKNESS / 9},
        ),
        ("Asked thickness / nm", "Simulated / nm", "Spearman 0.9"),
    ),
}


@pytest.mark.parametrize(("draw", "words"), FIGURES.values(), ids=FIGURES)
def test_figures_tell_units_and_numbers(draw, words):
    texts = _texts(draw())
    for word in words:
        assert word in texts


@pytest.mark.parametrize(
    "draw",
    [
        lambda: latent_maps({}, {"thickness": THICKNESS}, []),
        lambda: latent_maps({"prVAE": np.zeros((3, 2))}, {"thickness": THICKNESS}, [ORDERING]),
        lambda: latent_usage({}),
        lambda: property_parity({}, {}, {}, {}, {}),
        lambda: correlation_heatmap({}),
        lambda: walk_figure([]),
        lambda: neighbour_figure([]),
        lambda: generated_montage(_stack(0), {}, {}),
        lambda: asked_and_obtained({}, {}, {}),
    ],
)
def test_nothing_to_show_is_refused(draw):
    with pytest.raises(ValueError):
        draw()
