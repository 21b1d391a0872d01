"""The node train-prvae."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import xmlhelpy

from battgen_nodes.frame import SETTINGS, node, result, say
from battgen_nodes.options import input_option, output_option, seed_option
from battgen_nodes.previews import reconstruction_previews, training_previews
from battgen_nodes.recording import start_run


@node("train-prvae", example="--dataset sei_dataset.h5 --preset demo --output prvae/", takes_settings=True)
@input_option("dataset", "Training data set (HDF5) of build-sei-dataset", char="d")
@output_option("Folder of the model: weights, card, latents, metrics and its results on the test part.", "folder")
@xmlhelpy.option(
    "preset",
    char="p",
    default="demo",
    param_type=xmlhelpy.Choice(["demo", "small", "thesis"]),
    description=(
        "Sizes: demo for minutes on two cores, small for a quarter of an hour of one core with 50,000 configurations, "
        "thesis for a GPU."
    ),
)
@xmlhelpy.option(
    "variant",
    default="prvae",
    param_type=xmlhelpy.Choice(["vae", "prvae", "conditional-prvae"]),
    description=(
        "Plain autoencoder (vae), with a property regressor on its latent (prvae), or with a decoder that the 15 reaction "
        "barriers condition as well (conditional-prvae)."
    ),
)
@xmlhelpy.option(
    "properties",
    description=(
        "Observables that the regressor predicts and generation is guided by, comma-separated, such as thickness; by "
        "default flux (monolayers), density (fraction), thickness (nm) and porosity (fraction)."
    ),
)
@xmlhelpy.option("epochs", char="e", param_type=xmlhelpy.IntRange(min=1), description="Passes over the training part.")
@xmlhelpy.option("batch-size", param_type=xmlhelpy.IntRange(min=1), description="Samples per optimizer step.")
@xmlhelpy.option(
    "learning-rate", param_type=xmlhelpy.FloatRange(min=0.0), description="Learning rate of Adam, dimensionless."
)
@seed_option("Seed of initial weights, order of samples and noise.")
def train_prvae(
    dataset: str, output: str, preset: str, variant: str, properties: str | None, seed: int, **loop: Any
) -> None:
    """Train the property-regressor variational autoencoder of SEI configurations."""
    from kadi_battgen.training.sei.settings import load_prvae_settings

    context = click.get_current_context()
    config = context.params["config"] if context.meta.get(SETTINGS) else None
    guides = None if properties is None else tuple(name.strip() for name in properties.split(","))
    settings = load_prvae_settings(
        preset, config, loop, only=context.meta.get(SETTINGS, ()), variant=variant, properties=guides
    )
    folder = Path(output)
    with start_run("model-training", f"Training of the SEI autoencoder ({variant})", seed, settings) as run:
        source = run.input("dataset", dataset)
        # Only now, since torch takes seconds to load: a wrong path should be answered at once.
        from kadi_battgen.applications.sei.evaluation import evaluate_prvae
        from kadi_battgen.applications.sei.model import PrvaeModel
        from kadi_battgen.files import write_json
        from kadi_battgen.training.sei.barrier_response import KIND, train_barrier_response
        from kadi_battgen.training.sei.prvae import train_prvae as train

        card = train(source, folder, settings, seed=seed, preset=preset)
        if settings.regresses:
            # What an inverse design of barriers is searched with.
            train_barrier_response(source, folder / KIND, seed=seed)
        run.set_device(card["device"])
        for name, value in card["best"].items():
            run.add_metric(name, value, part="validation" if name.startswith("validation") else "training")
        outcome = evaluate_prvae(PrvaeModel(folder), source)
        write_json(folder / "evaluation.json", outcome)
        for name, figures in outcome["properties"].items():
            run.add_metric(f"r2_{name}", figures["r2"], part="test")
            run.add_metric(f"coverage_90_{name}", figures["coverage"]["0.9"], part="test")
        run.add_metric("site_accuracy", outcome["sites"]["accuracy"]["estimate"], part="test")
        run.add_file(folder, description=f"Trained {variant} model: weights, card, latents, metrics and results")
        training_previews(run, [folder])
        reconstruction_previews(run, folder, source)
    scores = ", ".join(f"{name} {figures['r2']:.3f}" for name, figures in outcome["properties"].items())
    say(
        f"{variant}: {f'R2 on the test part: {scores}; ' if scores else ''}site accuracy "
        f"{outcome['sites']['accuracy']['estimate']:.3f}"
    )
    result(folder)
