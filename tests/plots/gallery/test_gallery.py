"""Every figure of the gallery from tiny real runs: files, captions from results, drawings that scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kadi_battgen.errors import UserError
from kadi_battgen.plots.gallery import (
    ELECTRODE_FIGURES,
    INTERPHASE_FIGURES,
    ElectrodeRuns,
    GalleryFigure,
    InterphaseRuns,
    gallery_page,
    write_figure,
)
from kadi_battgen.plots.gallery.entry import SHOWN_BYTES
from kadi_battgen.plots.style import image_bytes

from ..vector import check_pdf, check_svg

FIGURES = {entry.number: entry for entry in (*INTERPHASE_FIGURES, *ELECTRODE_FIGURES)}

#: What a caption tells from the tiny runs.
TOLD = {
    "4.1": "Losses over 3 epochs",
    "4.2": "40 training configurations",
    "4.3": "95 % bootstrap intervals: volume fraction",
    "4.4": "its standard deviation is",
    "4.5": "along it the thickness is",
    "4.6": "and the porosity",
    "4.7": "of the variance",
    "4.8": "(c) One barrier changes and the latent follows",
    "4.9": "12 electrodes",
    "4.10": "screening ",
    "4.11": "Structural similarity (SSIM) over",
    "4.12": "holds the asked working ion",
    "4.13": "2 noise seeds each",
    "4.14": "held-out electrodes, predictions",
    "4.15": "in atoms: Li ",
}


@pytest.fixture(scope="session")
def runs(interphase_runs: InterphaseRuns, electrode_runs: ElectrodeRuns) -> Callable[[GalleryFigure], Any]:
    """Return what gives a figure the runs that it is made from."""
    return lambda entry: interphase_runs if entry in INTERPHASE_FIGURES else electrode_runs


def test_the_whole_results_chapter_is_there() -> None:
    assert list(FIGURES) == [f"4.{place}" for place in range(1, 16)] == list(TOLD)


@pytest.mark.parametrize("number", FIGURES)
def test_a_figure_becomes_files_and_a_caption_with_numbers(
    number: str, runs: Callable[[GalleryFigure], Any], tmp_path: Path
) -> None:
    entry = FIGURES[number]
    known = write_figure(entry, runs(entry), tmp_path)
    assert TOLD[number] in known["caption"]
    assert "nan" not in known["caption"]
    assert (tmp_path / known["picture"]).stat().st_size <= SHOWN_BYTES
    with Image.open(tmp_path / known["picture"]) as picture:
        assert picture.width > 400
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted((known["picture"], known["vector"]))
    figure = None
    for kind, check in (("svg", check_svg), ("pdf", check_pdf)):
        if known["vector"].endswith(kind):
            check((tmp_path / known["vector"]).read_bytes())
        else:
            figure = figure or entry.draw(runs(entry))
            check(image_bytes(figure, kind))
    assert getattr(import_module(known["source"]["module"]), known["source"]["name"]) is entry.draw
    for name in known["functions"]:
        module, _, function = name.rpartition(".")
        assert callable(getattr(import_module(f"kadi_battgen.plots.{module}"), function))


def test_the_same_figure_is_the_same_drawing(electrode_runs: ElectrodeRuns) -> None:
    for kind in ("svg", "pdf"):
        assert len({image_bytes(FIGURES["4.10"].draw(electrode_runs), kind) for _ in range(2)}) == 1


def test_compositions_of_another_regressor_take_the_place_of_the_evaluation_s(
    electrode_runs: ElectrodeRuns, tmp_path: Path
) -> None:
    held_out = electrode_runs.held_out
    names = {"true": held_out["true"], "working_ions": np.array(held_out["working_ions"])}
    np.savez(tmp_path / "perfect.npz", predicted=held_out["true"], **names)
    np.savez(tmp_path / "partial.npz", **names)
    perfect = replace(electrode_runs, compositions=tmp_path / "perfect.npz")
    assert "in atoms: Li 0.000" in FIGURES["4.15"].caption(perfect)
    with pytest.raises(UserError, match=r"lacks predicted"):
        FIGURES["4.14"].draw(replace(electrode_runs, compositions=tmp_path / "partial.npz"))


def test_the_page_links_what_it_shows() -> None:
    known = {
        "number": "4.2",
        "title": "Latent spaces",
        "caption": "18 configurations.",
        "alternative": "Points.",
        "functions": ["sei_latent.latent_maps"],
        "runs": "interphase",
        "source": {"module": "kadi_battgen.plots.gallery.interphase", "name": "latent_spaces"},
        "picture": "figure-4-02.png",
        "width": 701,
        "vector": None,
    }
    told = {"interphase": {"title": "The interphase", "text": "Runs.", "commands": "battgen train-prvae"}}
    page = gallery_page([known, {**known, "number": "4.3", "vector": "figure-4-03.svg"}], told, "python build.py")
    for text in (
        "- [4.2 Latent spaces](#figure-4-2)",
        "(figure-4-2)=\n### 4.2 Latent spaces",
        "```{figure} figures/figure-4-02.png\n:alt: Points.",
        "{py:func}`~kadi_battgen.plots.sei_latent.latent_maps`",
        "{download}`SVG <figures/figure-4-03.svg>`",
        ":pyobject: latent_spaces",
    ):
        assert text in page
    assert page.count("battgen train-prvae") == page.count("{download}") == 1
    with pytest.raises(ValueError, match="nothing is said of the runs others"):
        gallery_page([{**known, "runs": "others"}], told, "")
