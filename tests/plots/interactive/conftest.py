"""A small report with every interactive part, from real data structures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kadi_battgen.electrodes.collection import ElectrodeCollection
from kadi_battgen.plots.interactive.latent_explorer import LatentExplorer, PointProperty
from kadi_battgen.plots.interactive.stack_viewer import ShownStack, StackViewer
from kadi_battgen.plots.interactive.structure_viewer import StructureViewer
from kadi_battgen.plots.interactive.widget import picture_url
from kadi_battgen.plots.report import Column, ReportFigure, Section, Table, write_report
from kadi_battgen.plots.style import new_figure

HEIGHTS = (0.8, 0.5, 0.2)


def still() -> ReportFigure:
    return ReportFigure(new_figure(2.0, 1.5, "still"), "the still figure")


@pytest.fixture(scope="session")
def stacks() -> StackViewer:
    rng = np.random.default_rng(0)
    samples = [ShownStack(name, rng.normal(size=(3, 8, 8)), rng.random((6, 8, 8))) for name in ("LiCoO₂", "NaFeO₂")]
    return StackViewer("AFM stacks", still(), samples, HEIGHTS, "Hz", 17.0)


@pytest.fixture(scope="session")
def structure(bundled: ElectrodeCollection) -> StructureViewer:
    electrode = next(e for e in bundled.electrodes if e.working_ion == "Li" and len(e.structure.species) < 20)
    return StructureViewer.of(electrode.structure, "Li", electrode.formula_discharge)


@pytest.fixture(scope="session")
def latent() -> LatentExplorer:
    coordinates = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    thickness = np.array([1.0, 2.0, np.nan, 4.0])
    properties = [PointProperty("thickness", "nm", thickness), PointProperty("porosity", "1", thickness / 10)]
    pictures = [picture_url(np.full((4, 4), 60 * number, dtype=np.uint8)) for number in range(4)]
    return LatentExplorer(
        "Latent space",
        still(),
        coordinates,
        ("component 1", "component 2"),
        properties,
        [f"run {number}" for number in range(4)],
        pictures,
        {"solvent": "#ffffff"},
    )


@pytest.fixture(scope="session")
def page_path(
    stacks: StackViewer,
    structure: StructureViewer,
    latent: LatentExplorer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    table = Table(
        (Column("Formula", kind="formula"), Column("Capacity", unit="mAh/g", kind="number")),
        [("LiCoO2", 137.0), ("NaFeO2", 242.1), ("KFeO2</script><b>", None), ("LiFePO4", 169.9)],
        "Candidates",
        sortable=True,
    )
    path = tmp_path_factory.mktemp("interactive") / "report.html"
    sections = [Section("Parts", widgets=[stacks, structure, latent]), Section("Table", tables=[table])]
    write_report(path, "An interactive report", "All parts.", sections)
    return path
