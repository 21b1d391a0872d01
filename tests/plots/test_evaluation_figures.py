"""Figures of an evaluation: violins, histograms, pairs, calibration, reliability, overview."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from kadi_battgen.electrodes.composition import ELEMENT_INDEX, composition_vector
from kadi_battgen.metrics.calibration import calibration_table
from kadi_battgen.metrics.reliability import reliability_table
from kadi_battgen.plots.calibration import calibration_figure, reliability_figure
from kadi_battgen.plots.ion_counts import ion_count_violins, ion_error_histograms, kernel_density
from kadi_battgen.plots.overview import data_pipeline, model_overview
from kadi_battgen.plots.paired import paired_descriptors

RNG = np.random.default_rng(0)
TRUE = np.stack([composition_vector(f) for f in ("LiFePO4", "Li2MnSiO4", "LiCoO2", "Li3VO4", "NaCl", "NaFeO2")])
IONS = ["Li", "Li", "Li", "Li", "Na", "Na"]
MAPS = RNG.uniform(size=(2, 6, 8, 8))
LEVELS = [0.5, 0.9]
CALIBRATION = calibration_table(
    TRUE, np.stack([TRUE - 0.1] * 2), np.stack([TRUE + 0.1] * 2), LEVELS, minimum_occurrences=1
)
RELIABILITY = reliability_table(np.array([True, False, True]), np.array([0.9, 0.2, 0.8]))
CARDS: dict[str, dict[str, Any]] = {
    "translation": {
        "parameters": 1234567,
        "architecture": {"slices": 10, "channels": [8, 8, 8], "patch_size": 2, "latent_channels": 4},
        "image_shape": [128, 64],
    },
    "composition": {"parameters": 10},
    "screening": {"parameters": 20, "schedule": {"timesteps": 1000}},
}


def texts(figure: Figure) -> str:
    return "\n".join(
        text.get_text() for axes in figure.get_axes() for text in (*axes.texts, axes.title, axes._left_title)
    )


def test_the_density_is_one_and_follows_the_normal_distribution() -> None:
    places = np.linspace(-8, 8, 2001)
    density = kernel_density(RNG.normal(size=4000), places)
    assert np.trapezoid(density, places) == pytest.approx(1.0, abs=1e-3)
    assert density[1000] == pytest.approx(1 / np.sqrt(2 * np.pi), rel=0.1)
    assert np.trapezoid(kernel_density(np.ones(3), places), places) == pytest.approx(1.0, abs=1e-6)


def test_violins_show_the_ions_that_there_are_with_their_medians() -> None:
    figure = ion_count_violins(TRUE, TRUE + 0.5, IONS)
    (axes,) = figure.get_axes()
    assert [label.get_text() for label in axes.get_xticklabels()] == ["Li\n4", "Na\n2"]
    medians = [line.get_ydata()[0] for line in axes.lines if line.get_linewidth() == 1.8]
    # Lithium is there once, twice, once and three times.
    assert medians == pytest.approx([1.5, 2.0, 1.0, 1.5])


def test_histograms_tell_electrodes_with_the_element_from_those_without() -> None:
    predicted = TRUE.copy()
    predicted[:, ELEMENT_INDEX["Li"]] += 0.25
    figure = ion_error_histograms(TRUE, predicted, ["Li", "Cs"])
    lithium, caesium = figure.get_axes()
    assert "with: MAE 0.25, bias +0.25\nall: MAE 0.250" in texts(figure)
    heights = [patch.get_height() for patch in lithium.patches]
    assert sum(heights) == len(TRUE)
    assert sum(patch.get_height() for patch in caesium.patches) == len(TRUE)


def test_pairs_share_the_scale_of_a_descriptor() -> None:
    figure = paired_descriptors(MAPS, MAPS * 0.5, ["LiFePO₄", "LiCoO₂ (the worst)"], ("Truth", "Screened"), 0.3)
    axes = [entry for part in figure.subfigs for entry in part.get_axes()]
    assert len(axes) == 16
    for column in range(3):
        assert len({entry.images[0].get_clim() for entry in axes[column::4]}) == 1
    assert axes[0].get_ylabel() == "LiFePO₄"
    assert [part.get_suptitle() for part in figure.subfigs] == ["Truth", "Screened"]


def test_calibration_and_reliability_lie_on_their_tables() -> None:
    (axes,) = calibration_figure({"Regressor": CALIBRATION}).get_axes()
    assert axes.lines[1].get_ydata().tolist() == CALIBRATION["overall_present"] == [1.0, 1.0]
    (axes,) = reliability_figure({"Regressor": RELIABILITY}).get_axes()
    assert axes.containers[0].lines[0].get_ydata().tolist() == RELIABILITY["frequency"]
    assert "calibration error" in axes.get_legend().get_texts()[0].get_text()


def test_the_overview_tells_the_sizes() -> None:
    shown = texts(model_overview(CARDS))
    assert "Translation: 1,234,567 parameters" in shown
    assert "Latent\n4 x 16 x 8" in shown
    assert "Denoising U-Net,\n1000 timesteps" in shown


def test_the_pipeline_counts_electrodes_and_parts() -> None:
    figure = data_pipeline(
        {"Li": 3, "Na": 1}, RNG.normal(size=(4, 8, 8)), MAPS[0], {"training": (6, 3), "test": (2, 1)}
    )
    assert figure.subfigs[0].get_suptitle() == "1  4 electrodes"
    (bars,) = figure.subfigs[3].get_axes()
    assert [text.get_text() for text in bars.texts] == ["6 stacks", "2 stacks"]
    assert [label.get_text() for label in bars.get_yticklabels()] == ["training\n3 electrodes", "test\n1 electrodes"]


@pytest.mark.parametrize(
    "call",
    [
        lambda: ion_count_violins(TRUE, TRUE, IONS[:3]),
        lambda: ion_count_violins(TRUE, TRUE, IONS, ["Y"]),
        lambda: ion_count_violins(TRUE, TRUE[:, :5], IONS),
        lambda: ion_error_histograms(TRUE, TRUE, ["Xx"]),
        lambda: paired_descriptors(MAPS, MAPS[:1], ["a", "b"]),
        lambda: paired_descriptors(MAPS[:0], MAPS[:0], []),
        lambda: calibration_figure({}),
        lambda: reliability_figure({}),
        lambda: model_overview({"screening": CARDS["screening"]}),
        lambda: data_pipeline({}, MAPS[0], MAPS[0], {"test": (1, 1)}),
    ],
)
def test_wrong_arguments_are_refused(call: Callable[[], Figure]) -> None:
    with pytest.raises(ValueError):
        call()
