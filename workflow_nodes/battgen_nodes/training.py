"""What the training nodes share."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import xmlhelpy

from battgen_nodes.frame import SETTINGS, result, say
from battgen_nodes.options import Decorator, input_option, output_option, seed_option
from battgen_nodes.previews import training_previews
from battgen_nodes.recording import start_run


def training_options(function: Any) -> Any:
    """Add the options that all trainings share."""
    options: list[Decorator] = [
        input_option("dataset", "Training data set (HDF5) of build-dataset", char="d"),
        output_option("Model folder; each training has a folder in it.", "folder"),
        xmlhelpy.option(
            "preset",
            char="p",
            default="demo",
            param_type=xmlhelpy.Choice(["demo", "small", "thesis"]),
            description="Sizes: demo for minutes on two cores, small for an hour, thesis for a GPU.",
        ),
        xmlhelpy.option(
            "epochs", char="e", param_type=xmlhelpy.IntRange(min=1), description="Passes over the training part."
        ),
        xmlhelpy.option("batch-size", param_type=xmlhelpy.IntRange(min=1), description="Samples per optimizer step."),
        xmlhelpy.option(
            "learning-rate",
            param_type=xmlhelpy.FloatRange(min=0.0),
            description="Learning rate of Adam, dimensionless.",
        ),
        seed_option("Seed of initial weights, order of samples and noise."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


#: Option of the trainings that work on the latents of a translator.
translator_option = input_option(
    "translator",
    "Model folder with the trained translator, which is copied to the output; by default the output folder has one",
    "models",
    char="t",
    required=False,
)


def run_training(kind: str, *, translator: str | None = None, **options: Any) -> None:
    """Run one of the three trainings as a recorded step.

    Parameters
    ----------
    kind
        ``translation``, ``composition`` or ``screening``.
    translator
        Folder or record of the translator to work with; None if it lies in the output folder.
    options
        The values of :func:`training_options`.
    """
    from kadi_battgen.training.settings import load_settings

    context = click.get_current_context()
    overrides = {name: options[name] for name in ("epochs", "batch_size", "learning_rate")}
    config = context.params["config"] if context.meta.get(SETTINGS) else None
    settings = load_settings(kind, options["preset"], config, overrides, only=context.meta.get(SETTINGS, ()))
    output, seed = Path(options["output"]), options["seed"]
    if os.environ.get("RANK", "0") != "0":
        # torchrun starts the command many times: the first keeps the record of the training that they share.
        _train(kind, options["dataset"], output, settings, options)
        return
    with start_run("model-training", f"Training of the {kind} model", seed, settings) as run:
        dataset = run.input("dataset", options["dataset"])
        if translator is not None:
            from kadi_battgen.training.checkpoints import adopt_model

            adopt_model(run.input("translator", translator, "models"), output, "translation")
        elif kind != "translation" and (output / "translation").is_dir():
            run.add_input("translator", output / "translation")
        card = _train(kind, dataset, output, settings, options)
        run.set_device(card["device"])
        for name, value in card["best"].items():
            run.add_metric(name, value, part="validation" if name.startswith("validation") else "training")
        trained = [output / kind]
        if kind == "translation":
            trained += [output / f"baseline_{name}" for name in settings.baselines]
        for folder in trained:
            run.add_file(folder, description=f"Trained {folder.name} model: weights, card and metrics per epoch")
        training_previews(run, trained)
    say(f"{kind}: best validation loss {card['best']['validation_loss']:.4g} in epoch {card['best']['epoch']:.0f}")
    result(output / kind)


def _train(kind: str, dataset: Path | str, output: Path, settings: Any, options: dict[str, Any]) -> dict[str, Any]:
    # Only now, since torch takes seconds to load: a wrong path should be answered at once.
    train = getattr(import_module(f"kadi_battgen.training.{kind}"), f"train_{kind}")
    return train(dataset, output, settings, seed=options["seed"], preset=options["preset"])
