"""The workflow that screens again and again while one wanted property changes."""

from __future__ import annotations

from collections.abc import Mapping

from kadi_battgen.electrodes.properties import WORKING_IONS
from kadi_battgen.flows.builder import FlowBuilder
from kadi_battgen.flows.model import Flow
from kadi_battgen.flows.tools import Tool

TITLE = "Sensitivity study"


def build(tools: Mapping[str, Tool]) -> Flow:
    """Return the workflow."""
    flow = FlowBuilder("sensitivity-study", tools)
    flow.note(
        "Asks for candidates at one average voltage after another, with the same seed, so that what changes from table to "
        "table is the answer to the voltage alone."
    )
    folder = flow.variable("folder", flow.ask_text("Folder for the results", "sensitivity", key="ask folder"))
    model = flow.ask_file("Model folder, or a record such as kadi:IDENTIFIER", "model", key="ask model")
    ion = flow.ask_value("Working ion", ",".join(WORKING_IONS), "Li", key="ask ion")
    lowest = flow.ask_number("Lowest average voltage in V", 2.0, key="ask lowest")
    highest = flow.ask_number("Highest average voltage in V (not included)", 4.5, key="ask highest")
    step = flow.ask_number("Step in V", 0.5, key="ask step")
    samples = flow.ask_integer("Candidates per voltage", 16, key="ask samples")
    seed = flow.ask_integer("Seed", 1, key="ask seed")
    loop = flow.loop(start=lowest, end=highest, step=step, index="voltage", after=[folder], key="voltages")
    flow.tool(
        "battgen screen",
        model=model,
        working_ion=ion,
        average_voltage="${voltage}",
        samples=samples,
        seed=seed,
        output="${folder}/candidates-${voltage}-V.csv",
        after=[loop.body],
    )
    return flow.build()
