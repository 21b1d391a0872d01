"""The workflow that reads descriptors and compositions from AFM stacks."""

from __future__ import annotations

from collections.abc import Mapping

from kadi_battgen.flows.builder import FlowBuilder
from kadi_battgen.flows.model import Flow
from kadi_battgen.flows.tools import Tool

TITLE = "Characterise AFM stacks"


def build(tools: Mapping[str, Tool]) -> Flow:
    """Return the workflow."""
    flow = FlowBuilder("characterize-an-afm-stack", tools)
    flow.note(
        "Translates the AFM stacks of a campaign into material descriptors (height map, van der Waals spheres, atomic disks, "
        "type map) and reads the composition of each electrode from them."
    )
    folder = flow.variable("folder", flow.ask_text("Folder for the results", "characterization", key="ask folder"))
    model = flow.ask_file("Model folder, or a record such as kadi:IDENTIFIER", "model", key="ask model")
    stacks = flow.ask_file("Campaign of AFM stacks (HDF5), or a record", "afm.h5", key="ask stacks")
    translated = flow.tool(
        "battgen translate", model=model, afm=stacks, output="${folder}/descriptors.h5", after=[folder]
    )
    predicted = flow.tool(
        "battgen predict-composition", model=model, afm=stacks, output="${folder}/composition.csv", after=[translated]
    )
    flow.show_file("${folder}/composition.csv", after=[predicted])
    return flow.build()
