"""The workflow that trains all models, from the electrodes to a report."""

from __future__ import annotations

from collections.abc import Mapping

from kadi_battgen.flows.builder import FlowBuilder
from kadi_battgen.flows.model import Flow
from kadi_battgen.flows.tools import Tool

TITLE = "Train BattGen end to end"


def build(tools: Mapping[str, Tool]) -> Flow:
    """Return the workflow."""
    flow = FlowBuilder("train-battgen", tools)
    flow.note(
        "Trains the translator, the composition regressor and the screening model on simulated AFM stacks of bundled "
        "electrodes, measures them on compositions no training has seen, and screens for a first target. The size demo "
        "takes minutes on two cores; thesis wants a GPU. Every step leaves a record."
    )
    folder = flow.variable("folder", flow.ask_text("Folder for the results", "battgen", key="ask folder"))
    ions = flow.ask_text("Working ions, such as Li,Na (empty for all ten)", "", key="ask ions")
    electrodes = flow.ask_integer("Number of electrodes", 500, key="ask electrodes")
    orientations = flow.ask_integer("AFM stacks per electrode", 2, key="ask orientations")
    size = flow.ask_value("Size of the models", "demo,thesis", "demo", key="ask size")
    seed = flow.ask_integer("Seed", 1, key="ask seed")

    fetched = flow.tool(
        "battgen fetch-electrodes",
        working_ion=ions,
        limit=electrodes,
        output="${folder}/electrodes.json.gz",
        after=[folder],
    )
    simulated = flow.tool(
        "battgen simulate-afm",
        electrodes="${folder}/electrodes.json.gz",
        orientations=orientations,
        window=17.0,
        skip_too_large=True,
        output="${folder}/afm.h5",
        after=[fetched],
    )
    last = flow.tool(
        "battgen build-dataset", afm="${folder}/afm.h5", seed=seed, output="${folder}/dataset.h5", after=[simulated]
    )
    for kind in ("translation", "composition", "screening"):
        last = flow.tool(
            f"battgen train-{kind}",
            dataset="${folder}/dataset.h5",
            preset=size,
            seed=seed,
            output="${folder}/model",
            after=[last],
        )
    measured = flow.tool(
        "battgen evaluate",
        model="${folder}/model",
        dataset="${folder}/dataset.h5",
        seed=seed,
        output="${folder}/evaluation",
        after=[last],
    )
    screened = flow.tool(
        "battgen screen",
        model="${folder}/model",
        working_ion="Li",
        average_voltage="3.5:4.0",
        gravimetric_capacity="150:",
        samples=32,
        seed=seed,
        images="${folder}/candidates.h5",
        output="${folder}/candidates.csv",
        after=[measured],
    )
    reported = flow.tool(
        "battgen report",
        arg0="${folder}/candidates.csv,${folder}/evaluation",
        output="${folder}/report.html",
        after=[screened],
    )
    flow.show_page("Report of the training", "${folder}/report.html", after=[reported])
    return flow.build()
