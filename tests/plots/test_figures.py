from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from kadi_battgen.electrodes.composition import composition_vector
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES, WORKING_IONS
from kadi_battgen.errors import UserError
from kadi_battgen.plots import (
    ION_COLOURS,
    campaign_montage,
    candidate_images,
    candidates_figure,
    composition_parity,
    formula_label,
    learning_curves,
    property_distributions,
    translation_panel,
)
from kadi_battgen.plots.candidates import describe_target
from kadi_battgen.plots.palette import ion_colour
from kadi_battgen.plots.style import mathematical

RNG = np.random.default_rng(0)
IONS = [WORKING_IONS[index % 10] for index in range(60)]
VALUES = {name: RNG.normal(3.0, 1.0, 60) for name in FUNCTIONAL_PROPERTIES}
HISTORY = {"epoch": [1.0, 2.0, 3.0], "train_loss": [3.0, 2.0, 1.0], "validation_loss": [3.0, 1.5, float("nan")]}
STACK = RNG.normal(0.0, 1.0, (10, 16, 16))
MAPS = RNG.uniform(0.0, 1.0, (6, 16, 16))
FORMULAS = ["LiFePO4", "Li2MnSiO4", "LiCoO2"]
COMPOSITIONS = np.stack([composition_vector(formula) for formula in FORMULAS])
ROWS = [
    {
        "formula": formula,
        "asked_gravimetric_capacity_mAh_per_g": str(160.0 + 10 * index),
        "theoretical_gravimetric_capacity_mAh_per_g": 170.0,
        "nearest_known_formula": "LiMnPO4",
        "nearest_known_distance_fraction": 0.5 * index,
    }
    for index, formula in enumerate(FORMULAS)
]
TARGET = {"working_ion": "Li", "average_voltage": (3.5, 4.0), "gravimetric_capacity": (150.0, 200.0)}

TWO_TIPS = np.tile(np.linspace(1, 0, 10), 2)
FIGURES: Mapping[str, Callable[[], Figure]] = {
    "properties": lambda: property_distributions(VALUES, IONS, title="Electrodes"),
    "one property of one ion": lambda: property_distributions({"volume_change": np.array([0.1])}, ["Y"]),
    "learning": lambda: learning_curves({"Translation": HISTORY, "Composition": HISTORY}),
    "one epoch": lambda: learning_curves({"Screening": {name: column[:1] for name, column in HISTORY.items()}}),
    "translation": lambda: translation_panel(STACK, MAPS, MAPS * 0.9, MAPS * 0.5, "LiFePO4", 0.16),
    "translation without baseline": lambda: translation_panel(STACK, MAPS, MAPS, heights=np.linspace(1, 0, 10)),
    "parity": lambda: composition_parity(COMPOSITIONS, COMPOSITIONS * 0.9, ["Li", "O", "Fe", "Mn", "Cs"]),
    "candidates": lambda: candidates_figure(ROWS, TARGET),
    "one candidate, nothing asked": lambda: candidates_figure(
        [{**ROWS[0], "asked_gravimetric_capacity_mAh_per_g": "", "nearest_known_distance_fraction": None}],
        {"working_ion": "Li"},
    ),
    "a long target": lambda: candidates_figure(ROWS, dict.fromkeys(FUNCTIONAL_PROPERTIES, (1000.5, 2000.5))),
    "campaign": lambda: campaign_montage(
        np.stack([STACK] * 3), np.stack([MAPS] * 3), FORMULAS, np.linspace(1, 0, 10), 0.16
    ),
    "campaign of two tips": lambda: campaign_montage(
        np.stack([np.concatenate([STACK, -STACK])] * 2), np.stack([MAPS] * 2), FORMULAS[:2], TWO_TIPS, 0.16
    ),
    "one sample of one height": lambda: campaign_montage(STACK[None, :1], MAPS[None], ["LiFePO4"], [0.5], 0.16),
    "candidate images": lambda: candidate_images(np.stack([MAPS] * 5), [*FORMULAS, "NaCl", "K3Li2Nb6(PO8)3"], 0.16),
}


@pytest.fixture(params=list(FIGURES), scope="module")
def figure(request: pytest.FixtureRequest) -> Figure:
    return FIGURES[request.param]()


def panels(figure: Figure) -> list[Any]:
    """Axes that are seen and hold data."""
    return [axes for axes in figure.get_axes() if axes.axison and axes.has_data()]


def test_nothing_is_cut_off(figure: Figure) -> None:
    figure.draw_without_rendering()
    width, height = figure.bbox.width, figure.bbox.height
    box = figure.get_tightbbox().transformed(figure.dpi_scale_trans)
    assert box.x0 >= -1
    assert box.y0 >= -1
    assert box.x1 <= width + 1
    assert box.y1 <= height + 1


def test_every_axis_with_numbers_says_what_they_are(figure: Figure) -> None:
    plots = [axes for axes in panels(figure) if not axes.images and not hasattr(axes, "_colorbar")]
    bottoms = {round(axes.get_position().x0, 2): axes for axes in plots}  # the last one of a column is the lowest
    for axes in bottoms.values():
        assert axes.get_xlabel(), axes.get_title()
    if plots:
        assert plots[0].get_ylabel()


def test_drawing_changes_no_global_setting() -> None:
    program = (
        "import matplotlib, sys; before = matplotlib.rcParams.copy()\n"
        "from kadi_battgen.plots import learning_curves\n"
        "learning_curves({'a': {'epoch': [1, 2], 'train_loss': [2, 1]}}).draw_without_rendering()\n"
        "assert matplotlib.rcParams.copy() == before\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert 'torch' not in sys.modules and 'pymatgen' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("properties", 7),
        ("one property of one ion", 2),
        ("learning", 2),
        ("translation", 5 + 3 * 4 + 3 + 1),
        ("translation without baseline", 5 + 2 * 4 + 3 + 1),
        ("parity", 5),
        ("candidates", 2),
        ("candidate images", 5 * 4),
        ("campaign", 3 * (3 + 4) + 1),
        ("one sample of one height", 1 + 4 + 1),
    ],
)
def test_panel_counts(name: str, count: int) -> None:
    assert len(panels(FIGURES[name]())) == count


def test_property_axes_carry_their_units() -> None:
    labels = [axes.get_xlabel() for axes in property_distributions(VALUES, IONS).get_axes()]
    assert labels == [
        "Number of electrodes",
        "Average voltage / V",
        "Gravimetric capacity / mAh/g",
        "Volumetric capacity / mAh/cm³",
        "Gravimetric energy / Wh/kg",
        "Volumetric energy / Wh/L",
        "Volume change (fraction)",
    ]


def test_extreme_and_unknown_values_are_counted_in_the_panel() -> None:
    values = np.concatenate([np.linspace(0.0, 0.1, 200), [50.0, np.nan]])
    figure = property_distributions({"volume_change": values}, ["Li"] * 202)
    assert [text.get_text() for text in figure.get_axes()[1].texts] == ["1 beyond the axis, 1 unknown"]
    assert figure.get_axes()[1].get_xlim()[1] < 1.0


def test_the_best_epoch_is_marked() -> None:
    legend = learning_curves({"Translation": HISTORY}).get_axes()[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["Training", "Validation", "Best: 1.5 at epoch 2"]


def test_a_plain_loss_is_that_of_the_training() -> None:
    history = {"epoch": [1.0], "loss": [1.0], "validation_loss": [2.0]}
    legend = learning_curves({"Screening": history}).get_axes()[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()][:2] == ["Training", "Validation"]


def test_losses_over_decades_get_a_logarithmic_axis() -> None:
    steep = {"epoch": [1.0, 2.0], "train_loss": [100.0, 0.1]}
    (axes,) = learning_curves({"a": steep}).get_axes()
    assert axes.get_yscale() == "log"
    (axes,) = learning_curves({"a": {**steep, "train_loss": [-1.0, 100.0]}}).get_axes()
    assert axes.get_yscale() == "linear"


def test_the_translation_shows_one_scale_for_a_descriptor() -> None:
    figure = translation_panel(STACK, MAPS, MAPS * 0.5, MAPS * 0.1)
    images = [axes.images[0] for axes in panels(figure) if axes.images]
    slices, maps = images[:5], images[5:17]
    assert len({image.get_clim() for image in slices}) == 1
    for column in range(3):
        assert len({image.get_clim() for image in maps[column::4]}) == 1
    errors = [axes.get_xlabel() for axes in panels(figure) if axes.get_xlabel().startswith("MAE")]
    assert errors[0] == f"MAE {np.abs(MAPS[0] * 0.5).mean():.3f}"
    assert len(errors) == 8


def test_a_campaign_compares_its_materials_on_one_scale() -> None:
    stacks, maps = np.stack([STACK, 3 * STACK]), np.stack([MAPS, 2 * MAPS - 1.5])
    figure = campaign_montage(stacks, maps, FORMULAS[:2], np.linspace(1, 0, 10), 0.16)
    images = [axes.images[0] for axes in panels(figure) if axes.images]
    assert len({image.get_clim() for index, image in enumerate(images) if index % 7 < 3}) == 1
    for column in range(3, 6):
        assert len({image.get_clim() for image in images[column::7]}) == 1
    # Type maps in any unit become colours over their common range.
    colours = np.stack([image.get_array() for image in images[6::7]])
    assert (colours.min(), colours.max()) == (0.0, 1.0)
    assert [axes.get_title() for axes in figure.get_axes()[:3]] == ["tip–sample\n1.00 Å", "0.56 Å", "0.00 Å"]


def test_a_campaign_of_two_tips_shows_the_nearest_slice_of_each() -> None:
    figure = FIGURES["campaign of two tips"]()
    names = [axes.get_title() for axes in figure.get_axes()[:3]]
    assert names == ["tip–sample\nneutral\n1.00 Å", "neutral\n0.00 Å", "charged\n0.00 Å"]
    near, charged = (axes.images[0].get_array() for axes in figure.get_axes()[1:3])
    np.testing.assert_array_equal(near, -charged)


@pytest.mark.parametrize(
    ("stacks", "maps", "titles", "heights"),
    [
        (STACK, MAPS[None], ["a"], 10),
        (STACK[None], MAPS, ["a"], 10),
        (STACK[None], MAPS[None], [], 10),
        (STACK[None], MAPS[None], ["a"], 9),
        (STACK[None, :, :8], MAPS[None], ["a"], 10),
        (np.zeros((0, 10, 16, 16)), np.zeros((0, 6, 16, 16)), [], 10),
    ],
)
def test_a_campaign_that_does_not_fit_together_is_refused(
    stacks: np.ndarray, maps: np.ndarray, titles: list[str], heights: int
) -> None:
    with pytest.raises(ValueError, match="do not fit together"):
        campaign_montage(stacks, maps, titles, [0.0] * heights, 0.16)


@pytest.mark.parametrize(("pixel_size", "bar"), [(0.16, "5 Å"), (0.1, "2 Å"), (0.05, "1 Å")])
def test_the_scale_bar_has_its_true_length(pixel_size: float, bar: str) -> None:
    large = np.repeat(np.repeat(MAPS, 8, axis=1), 8, axis=2)  # 128 pixels wide
    axes = panels(candidate_images(large[None], ["LiFePO4"], pixel_size))[0]
    assert axes.texts[0].get_text() == bar
    length = np.ptp(axes.lines[0].get_xdata()) * pixel_size
    assert length == pytest.approx(float(axes.texts[0].get_text().split()[0]))
    assert np.ptp(axes.lines[0].get_xdata()) < 0.4 * 128


def test_the_type_map_is_red_green_blue() -> None:
    maps = np.zeros((6, 4, 4))
    maps[5, 1, 2] = 2.0  # more than full blue, for the working ion
    axes = panels(candidate_images(maps[None], ["LiFePO4"]))[3]
    assert axes.images[0].get_array()[1, 2].tolist() == [0.0, 0.0, 1.0]


def test_parity_tells_the_errors() -> None:
    predicted = COMPOSITIONS.copy()
    predicted[:, 7] += 1.0
    figure = composition_parity(COMPOSITIONS, predicted, ["O", "Cs"])
    oxygen, caesium = (axes.texts[0].get_text() for axes in figure.get_axes())
    # True counts 4, 4, 2: squared errors 3, variance 8/3.
    assert oxygen == "MAE 1.00\nR² −0.12"
    assert caesium == "MAE 0.00\nR² undefined"


@pytest.mark.parametrize(
    ("target", "panels"),
    [
        (
            {"average_voltage": "3:3.5 V", "volume_change": ":0.1"},
            ["Expected average voltage / V", "Expected volume change"],
        ),
        ({"gravimetric_capacity": "150:"}, ["Expected average voltage / V"]),
        (dict.fromkeys(FUNCTIONAL_PROPERTIES, 1.0), ["Expected average voltage / V", "Expected volumetric capacity"]),
    ],
)
def test_what_the_property_model_expects_stands_beside(target: dict[str, Any], panels: list[str]) -> None:
    """At most two asked properties are shown, with their intervals; without an asked one the voltage."""
    values = {
        f"predicted_{entry.column}{end}": str(value)
        for entry in FUNCTIONAL_PROPERTIES.values()
        for end, value in (("", 3.2), ("_low", 2.9), ("_high", 3.6))
    }
    figure = candidates_figure([{**row, **values, "novel": "False"} for row in ROWS], target)
    labels = [axes.get_xlabel() for axes in figure.get_axes()[1:-1]]
    assert [label.startswith(panel) for label, panel in zip(labels, panels, strict=True)] == [True] * len(panels)
    (line,) = [line for line in figure.get_axes()[1].lines if len(line.get_xdata()) == len(ROWS)]
    assert set(line.get_xdata()) == {3.2}
    assert any("known" in text.get_text() for text in figure.get_axes()[-1].texts)


def test_candidates_stand_at_their_capacities() -> None:
    left, right = candidates_figure(ROWS, TARGET).get_axes()
    lines = {line.get_label(): line.get_xdata().tolist() for line in left.lines}
    assert lines == {"asked for": [160.0, 170.0, 180.0], "from the formula": [170.0, 170.0, 170.0]}
    assert [label.get_text() for label in left.get_yticklabels()] == ["LiFePO₄  1", "Li₂MnSiO₄  2", "LiCoO₂  3"]
    assert [bar.get_width() for bar in right.patches] == [0.0, 0.5, 1.0]


@pytest.mark.parametrize(
    ("wanted", "span"),
    [
        ("150:160", (150.0, 160.0)),
        ("150:", (150.0, 194.4)),
        (":100", (0.0, 100.0)),
        ("170", None),
        ("500:900", (500.0, 540.0)),
    ],
)
def test_the_target_range_ends_at_the_axis(wanted: str, span: tuple[float, float] | None) -> None:
    axes = candidates_figure(ROWS, {"gravimetric_capacity": wanted}).get_axes()[0]
    spans = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches]
    assert spans == ([] if span is None else [pytest.approx(span)])
    assert axes.get_xlim() == pytest.approx((0.0, 540.0 if wanted == "500:900" else 194.4))


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (TARGET, "Li, average voltage 3.5–4 V, gravimetric capacity 150–200 mAh/g"),
        ({"working_ion": "Na", "volumetric_capacity": 600.0}, "Na, volumetric capacity 600 mAh/cm³"),
        ({"volume_change": "0:0.05", "average_voltage": None}, "volume change 0–0.05 (fraction)"),
        ({"working_ion": "any", "gravimetric_capacity": "150: mAh/g"}, "any ion, gravimetric capacity ≥ 150 mAh/g"),
        (
            {"average_voltage": ":2 V", "volume_change": (None, 0.1)},
            "average voltage ≤ 2 V, volume change ≤ 0.1 (fraction)",
        ),
    ],
)
def test_targets_in_words(target: dict[str, Any], words: str) -> None:
    assert describe_target(target) == words


@pytest.mark.parametrize(
    ("formula", "label"),
    [
        ("LiFePO4", "LiFePO₄"),
        ("Na3V2(PO4)3", "Na₃V₂(PO₄)₃"),
        ("Li0.5CoO2", "Li₀.₅CoO₂"),
        ("", ""),
        ("FrCsK6RbBaRaNaSrLiCaAcLaTbYbCePrNdSmEuGdDyYHo", "FrCsK₆RbBaRaNaSrLiCaAcLaTbYbCePrNdSmEu…"),
    ],
)
def test_formula_labels(formula: str, label: str) -> None:
    assert formula_label(formula) == label


def test_exponents_are_raised() -> None:
    assert mathematical("mAh/cm^3") == "mAh/cm³"


def test_the_ions_have_ten_different_colours() -> None:
    assert tuple(ION_COLOURS) == WORKING_IONS
    assert len(set(ION_COLOURS.values())) == 10
    with pytest.raises(UserError, match="'Fe' is not known"):
        ion_colour("Fe")


@pytest.mark.parametrize(
    "call",
    [
        lambda: property_distributions({"average_voltage": np.ones(3)}, ["Li", "Na"]),
        lambda: property_distributions({}, ["Li"]),
        lambda: learning_curves({}),
        lambda: learning_curves({"a": {"epoch": [1.0]}}),
        lambda: learning_curves({"a": HISTORY}, columns=["absent"]),
        lambda: translation_panel(STACK[0], MAPS, MAPS),
        lambda: translation_panel(STACK, MAPS[:5], MAPS),
        lambda: composition_parity(COMPOSITIONS, COMPOSITIONS[:, :100], ["Li"]),
        lambda: composition_parity(COMPOSITIONS, COMPOSITIONS, ["Xx"]),
        lambda: candidates_figure([], TARGET),
        lambda: candidates_figure([{"formula": "LiFePO4"}], TARGET),
        lambda: candidate_images(MAPS[None], ["LiFePO4", "NaCl"]),
    ],
)
def test_wrong_arguments_are_refused(call: Callable[[], Figure]) -> None:
    with pytest.raises(ValueError):
        call()
