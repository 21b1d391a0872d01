"""The workflow that screens for a working ion and ranges of the functional properties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES, WORKING_IONS, FunctionalProperty
from kadi_battgen.flows.builder import FlowBuilder
from kadi_battgen.flows.model import Flow
from kadi_battgen.flows.tools import Tool

TITLE = "Screen for a target"

#: What is proposed for some of the ranges; the others are left open.
_DEFAULTS = {"average_voltage": "3.5:4.0", "gravimetric_capacity": "150:"}


def build(tools: Mapping[str, Tool]) -> Flow:
    """Return the workflow."""
    flow = FlowBuilder("screen-for-a-target", tools)
    flow.note(
        "Proposes candidate materials. A range is written as low:high with open ends allowed (3.5:4.0, 150:, :0.1); an empty "
        "answer leaves the property open. The candidates are ranked by how well formula and nearest known electrode meet "
        "the target: proposals for a closer look, not predictions of stability."
    )
    folder = flow.variable("folder", flow.ask_text("Folder for the results", "screening", key="ask folder"))
    model = flow.ask_file("Model folder, or a record such as kadi:IDENTIFIER", "model", key="ask model")
    ion = flow.ask_value("Working ion", ",".join(WORKING_IONS), "Li", key="ask ion")
    wanted: dict[str, Any] = {
        name: flow.ask_text(_question(entry), _DEFAULTS.get(name, ""), key=f"ask {name}")
        for name, entry in FUNCTIONAL_PROPERTIES.items()
    }
    samples = flow.ask_integer("Number of candidates", 32, key="ask samples")
    seed = flow.ask_integer("Seed", 1, key="ask seed")
    screened = flow.tool(
        "battgen screen",
        model=model,
        working_ion=ion,
        samples=samples,
        seed=seed,
        images="${folder}/candidates.h5",
        output="${folder}/candidates.csv",
        after=[folder],
        **wanted,
    )
    shown = flow.show_file("${folder}/candidates.csv", after=[screened])
    flow.tool(
        "battgen provenance",
        arg0="${folder}/candidates.csv",
        prov_json="${folder}/provenance.json",
        after=[shown],
    )
    return flow.build()


def _question(entry: FunctionalProperty) -> str:
    name = entry.name.replace("_", " ").capitalize()
    return f"{name} as a fraction" if entry.unit == "fraction" else f"{name} in {entry.unit}"
