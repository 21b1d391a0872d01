"""The workflow that measures what each condition changes, and screens again and again while one of them does."""

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
        "Measures how far the generated materials move when one condition changes and all else stays, and ranks the "
        "conditions. Then asks for candidates at one average voltage after another, with the same seed, so that what changes "
        "from table to table is the answer to the voltage alone."
    )
    folder = flow.variable("folder", flow.ask_text("Folder for the results", "sensitivity", key="ask folder"))
    model = flow.ask_file("Model folder, or a record such as kadi:IDENTIFIER", "model", key="ask model")
    dataset = flow.ask_file("Training data set", "dataset.h5", key="ask dataset")
    electrodes = flow.ask_integer("Electrodes to start from", 16, key="ask electrodes")
    seeds = flow.ask_integer("Noise seeds for each electrode", 3, key="ask seeds")
    ion = flow.ask_value("Working ion", ",".join(WORKING_IONS), "Li", key="ask ion")
    lowest = flow.ask_number("Lowest average voltage in V", 2.0, key="ask lowest")
    highest = flow.ask_number("Highest average voltage in V (not included)", 4.5, key="ask highest")
    step = flow.ask_number("Step in V", 0.5, key="ask step")
    samples = flow.ask_integer("Candidates per voltage", 16, key="ask samples")
    seed = flow.ask_integer("Seed", 1, key="ask seed")
    ranked = flow.tool(
        "battgen sensitivity",
        model=model,
        dataset=dataset,
        electrodes=electrodes,
        seeds=seeds,
        seed=seed,
        figure="${folder}/sensitivity.png",
        output="${folder}/sensitivity.csv",
        after=[folder],
    )
    loop = flow.loop(start=lowest, end=highest, step=step, index="voltage", after=[ranked], key="voltages")
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
