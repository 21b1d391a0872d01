"""Every figure function draws what scales without loss; those of the gallery are tested there."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from matplotlib.figure import Figure

import kadi_battgen.plots
from kadi_battgen.electrodes.sources.bundled import bundled_electrodes
from kadi_battgen.plots.calibration import calibration_figure, reliability_figure
from kadi_battgen.plots.gallery import ELECTRODE_FIGURES, INTERPHASE_FIGURES
from kadi_battgen.plots.provenance import provenance_figure
from kadi_battgen.plots.structures import structure_figure
from kadi_battgen.plots.style import image_bytes

from . import test_evaluation_figures as evaluation
from . import test_figures as chain
from . import test_provenance as provenance
from . import test_sei as sei
from . import test_sei_latent as latent
from .vector import check_pdf, check_svg

FIGURES: Mapping[str, Callable[[], Figure]] = {
    "calibration.calibration_figure": lambda: calibration_figure({"Regressor": evaluation.CALIBRATION}),
    "calibration.reliability_figure": lambda: reliability_figure({"Regressor": evaluation.RELIABILITY}),
    "campaign.campaign_montage": chain.FIGURES["campaign"],
    "candidates.candidates_figure": chain.FIGURES["candidates"],
    "composition.composition_parity": chain.FIGURES["parity"],
    "images.candidate_images": chain.FIGURES["candidate images"],
    "images.translation_panel": chain.FIGURES["translation"],
    "learning.learning_curves": chain.FIGURES["learning"],
    "properties.property_distributions": chain.FIGURES["properties"],
    "provenance.provenance_figure": lambda: provenance_figure(provenance.line(3)),
    "sei.configuration_figure": sei.FIGURES["configuration"],
    "sei.growth_figure": sei.FIGURES["growth"],
    "sei.regime_montage": sei.FIGURES["montage"],
    "sei_generation.asked_and_obtained": latent.FIGURES["asked and obtained"][0],
    "sei_generation.generated_montage": latent.FIGURES["montage"][0],
    "sei_latent.component_trends": latent.FIGURES["trends"][0],
    "sei_latent.latent_usage": latent.FIGURES["usage"][0],
    "sei_reconstruction.reconstruction_figure": sei.FIGURES["reconstruction"],
    "sei_walks.neighbour_figure": latent.FIGURES["neighbours"][0],
    "structures.structure_figure": lambda: structure_figure(bundled_electrodes().electrodes[0].structure, "Li"),
}


def test_no_figure_function_is_left_out() -> None:
    found = set()
    for path in Path(kadi_battgen.plots.__file__).parent.glob("*.py"):
        for entry in ast.parse(path.read_text(encoding="utf-8")).body:
            returned = entry.returns if isinstance(entry, ast.FunctionDef) else None
            if isinstance(returned, ast.Name) and returned.id == "Figure" and not entry.name.startswith("_"):
                found.add(f"{path.stem}.{entry.name}")
    shown = {name for figure in (*INTERPHASE_FIGURES, *ELECTRODE_FIGURES) for name in figure.functions}
    assert found - {"style.new_figure"} == shown | set(FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_scales_without_loss(name: str) -> None:
    figure = FIGURES[name]()
    check_svg(image_bytes(figure, "svg"))
    check_pdf(image_bytes(figure, "pdf"))
