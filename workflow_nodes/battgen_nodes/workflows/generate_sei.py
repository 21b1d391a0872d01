"""The workflow of the solid electrolyte interphase, from simulations to generated configurations and proposed barriers."""

from __future__ import annotations

from collections.abc import Mapping

from kadi_battgen.flows.builder import FlowBuilder
from kadi_battgen.flows.model import Flow
from kadi_battgen.flows.tools import Tool

TITLE = "Simulate, learn and generate solid electrolyte interphases"


def build(tools: Mapping[str, Tool]) -> Flow:
    """Return the workflow."""
    flow = FlowBuilder("generate-sei", tools)
    flow.note(
        "Simulates the growth of solid electrolyte interphases by kinetic Monte Carlo, trains a property-regressor "
        "autoencoder that the reaction barriers condition, characterises its latent space on further simulations, generates "
        "configurations of a wanted thickness, proposes reaction barriers that lead to it and simulates those. Every step "
        "leaves a record."
    )
    folder = flow.variable("folder", flow.ask_text("Folder for the results", "sei", key="ask folder"))
    runs = flow.ask_integer("Number of simulations to learn from", 2000, key="ask runs")
    further = flow.ask_integer("Number of further simulations to characterise", 500, key="ask further")
    design = flow.ask_value("Ranges of the barriers", "wide,published", "wide", key="ask design")
    events = flow.ask_integer("Events after which a simulation stops", 300000, key="ask events")
    size = flow.ask_value("Size of the model", "demo,small,thesis", "demo", key="ask size")
    thickness = flow.ask_text("Thickness in nm: a value or a range low:high", "8:10", key="ask thickness")
    samples = flow.ask_integer("Number of configurations to generate", 64, key="ask samples")
    seed = flow.ask_integer("Seed", 1, key="ask seed")
    other = flow.ask_integer("Seed of the further simulations, another one", 1000, key="ask other seed")

    simulated = flow.tool(
        "battgen simulate-sei",
        runs=runs,
        design=design,
        max_events=events,
        seed=seed,
        output="${folder}/sei.h5",
        after=[folder],
        key="simulate",
    )
    held_out = flow.tool(
        "battgen simulate-sei",
        runs=further,
        design=design,
        max_events=events,
        seed=other,
        output="${folder}/further.h5",
        after=[simulated],
        key="simulate further",
    )
    built = flow.tool(
        "battgen build-sei-dataset",
        sei="${folder}/sei.h5",
        seed=seed,
        output="${folder}/sei_dataset.h5",
        after=[held_out],
    )
    trained = flow.tool(
        "battgen train-prvae",
        dataset="${folder}/sei_dataset.h5",
        preset=size,
        variant="conditional-prvae",
        seed=seed,
        output="${folder}/prvae",
        after=[built],
    )
    characterized = flow.tool(
        "battgen characterize-sei",
        model="${folder}/prvae",
        sei="${folder}/further.h5",
        seed=seed,
        output="${folder}/characterization",
        after=[trained],
    )
    generated = flow.tool(
        "battgen generate-sei",
        model="${folder}/prvae",
        thickness=thickness,
        samples=samples,
        propose_barriers="${folder}/proposed_barriers.csv",
        resimulate=3,
        seed=seed,
        output="${folder}/generated.h5",
        after=[characterized],
    )
    measured = flow.tool(
        "battgen sei-observables",
        input="${folder}/generated.h5",
        output="${folder}/generated_observables.csv",
        after=[generated],
    )
    shown = flow.show_file("${folder}/generated_observables.csv", after=[measured])
    flow.show_page("Characterisation of the latent space", "${folder}/characterization/report.html", after=[shown])
    return flow.build()
