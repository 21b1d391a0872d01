"""Pictures of SEI configurations: axes with units, every species in the legend, and animations that play."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from kadi_battgen.errors import UserError
from kadi_battgen.plots.sei import (
    SPECIES_COLOURS,
    configuration_figure,
    draw_configuration,
    growth_figure,
    regime_montage,
    species_label,
)
from kadi_battgen.plots.sei_animation import growth_animation
from kadi_battgen.plots.sei_reconstruction import reconstruction_figure
from kadi_battgen.plots.style import image_bytes, new_figure
from kadi_battgen.sei.chemistry import SPECIES
from kadi_battgen.sei.regimes import REGIMES

RNG = np.random.default_rng(0)


def _configurations(count: int) -> np.ndarray:
    stack = RNG.choice([0, 0, 3, 4, 5, 6, 7], (count, 20, 16)).astype(np.uint8)
    stack[:, 0], stack[:, -1] = 1, 2
    return stack


STACK = _configurations(9)
TIMES = np.geomspace(1e-9, 1e-3, 9)
KINDS = [list(REGIMES)[index % 3] for index in range(9)]

FIGURES = {
    "configuration": lambda: configuration_figure(STACK[0], "SEI"),
    "montage": lambda: regime_montage(STACK, KINDS, per_regime=2),
    "montage of one": lambda: regime_montage(STACK[:1], KINDS[:1]),
    "reconstruction": lambda: reconstruction_figure(STACK[:3], STACK[3:6], "Test part"),
    "growth": lambda: growth_figure(STACK, TIMES, "Growth"),
    "growth of one": lambda: growth_figure(STACK[:1], TIMES[:1]),
}


def _texts(figure):
    return [text.get_text() for text in figure.findobj(match=lambda artist: hasattr(artist, "get_text"))]


@pytest.mark.parametrize("make", FIGURES.values(), ids=FIGURES)
def test_every_figure_names_units_and_species(make):
    figure = make()
    assert image_bytes(figure, "png", 40)[:8] == b"\x89PNG\r\n\x1a\n"
    texts = _texts(figure)
    assert any("nm" in text for text in texts)
    for entry in SPECIES:
        assert species_label(entry.symbol) in texts
    for panel in figure.axes:
        if panel.lines:
            assert "/ s" in panel.get_xlabel()
            assert " / " in panel.get_ylabel()
            assert panel.get_xscale() == "log"


def test_the_same_configuration_is_the_same_picture():
    assert image_bytes(FIGURES["configuration"](), "svg") == image_bytes(FIGURES["configuration"](), "svg")


def test_sites_have_the_colours_of_their_species_and_distances_in_nm():
    lattice = np.arange(8, dtype=np.uint8).reshape(4, 2)
    axes = new_figure(2, 2).subplots()
    draw_configuration(axes, lattice)
    (image,) = axes.images
    assert image.get_extent() == [0.0, 2.0, -1.0, 3.0]
    assert image.origin == "lower"
    colours = image.to_rgba(lattice, bytes=True)[..., :3].reshape(-1, 3)
    expected = [SPECIES_COLOURS[entry.symbol] for entry in SPECIES]
    assert ["#{:02X}{:02X}{:02X}".format(*colour) for colour in colours.tolist()] == expected
    assert len(set(expected)) == len(SPECIES)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: configuration_figure(np.full((4, 4), 8, np.uint8)),
        lambda: configuration_figure(np.zeros((4, 4))),
        lambda: regime_montage(STACK, KINDS[:2]),
        lambda: regime_montage(STACK[:0], []),
        lambda: growth_figure(STACK, TIMES[:2]),
    ],
)
def test_what_does_not_fit_is_refused(wrong):
    with pytest.raises(ValueError):
        wrong()


def test_an_animation_shows_every_configuration_and_stays_at_the_end(tmp_path):
    for name in ("growth.gif", "again.gif"):
        growth_animation(tmp_path / name, STACK[:4], TIMES[:4], resolution=30)
    assert (tmp_path / "growth.gif").read_bytes() == (tmp_path / "again.gif").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.gif", "growth.gif"]
    with Image.open(tmp_path / "growth.gif") as film:
        frames = []
        for number in range(film.n_frames):
            film.seek(number)
            frames.append((film.convert("RGB").tobytes(), film.info["duration"]))
    assert len({pixels for pixels, _ in frames}) == 4
    assert sum(duration for _, duration in frames[3:]) > 1000


def test_other_endings_and_a_missing_program_are_named(tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"\.gif"):
        growth_animation(tmp_path / "growth.avi", STACK, TIMES)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="ffmpeg"):
        growth_animation(tmp_path / "growth.mp4", STACK[:2], TIMES[:2])
