"""What all nodes share: errors with exit status 2, records, and the result on standard output."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import xmlhelpy

from kadi_battgen.errors import UserError

if TYPE_CHECKING:
    from kadi_battgen.records import Run

#: Folder for records where neither the option nor the environment names one.
DEFAULT_RECORDS = "battgen-records"

#: Environment variable that names the folder for records.
RECORDS_VARIABLE = "BATTGEN_RECORDS"

#: Options of the recording itself, which are no part of a run's configuration.
_RECORDING = ("records", "no_record")


class NodeError(click.ClickException):
    """A user error on its way to the terminal."""

    exit_code = 2


class Node(xmlhelpy.Command):
    """A command that turns user errors into one sentence and exit status 2."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except UserError as error:
            raise NodeError(str(error)) from error
        except KeyboardInterrupt as error:
            click.echo(f"Interrupted. Run the same command again to go on: battgen {ctx.info_name}", err=True)
            raise SystemExit(130) from error


def node(name: str, example: str) -> Callable[[Callable[..., Any]], Node]:
    """Return the decorator of a node called `name`; `example` is what follows it on a command line."""

    def decorate(function: Any) -> Node:
        xmlhelpy.option(
            "no-record",
            description="Write no record of this run.",
            is_flag=True,
        )(function)
        xmlhelpy.option(
            "records",
            description=(
                f"Folder for the record of this run; by default ${RECORDS_VARIABLE}, else {DEFAULT_RECORDS}/ in the "
                "current folder."
            ),
            param_type=xmlhelpy.Path(path_type="dir"),
        )(function)
        # Click lists parameters in reverse order of definition: what all nodes share belongs at the end of their helps.
        parameters = function.__click_params__
        parameters[:] = parameters[-2:] + parameters[:-2]
        return xmlhelpy.command(name=name, example=example, cls=Node)(function)

    return decorate


def start_run(record_type: str, title: str, seed: int | None = None) -> Run:
    """Return the run context of the node that is being executed, with its options as configuration.

    Parameters
    ----------
    record_type
        Type of the record, such as ``afm-campaign``.
    title
        One line for people.
    seed
        Seed of the run.
    """
    from kadi_battgen.records import LocalStore, Run

    context = click.get_current_context()
    options = {name: value for name, value in context.params.items() if name not in _RECORDING}
    folder = context.params["records"] or os.environ.get(RECORDS_VARIABLE) or DEFAULT_RECORDS
    store = None if context.params["no_record"] else LocalStore(Path(folder))
    return Run(
        store,
        step=str(context.info_name),
        record_type=record_type,
        title=title,
        configuration=options,
        seed=seed,
        tags=["kadi-battgen"],
        command=["battgen", str(context.info_name), *typed_options(context)],
    )


def typed_options(context: click.Context) -> list[str]:
    """Return the options of a node's context as they would be typed, in a fixed order and with defaults left out."""
    words: list[str] = []
    for parameter in context.command.params:
        value = context.params.get(str(parameter.name))
        if not isinstance(parameter, xmlhelpy.core.Option) or value is None or value == parameter.default:
            continue
        words += [f"--{parameter.param_name}"] if parameter.is_flag else [f"--{parameter.param_name}", str(value)]
    return words


def result(path: str | os.PathLike[str]) -> None:
    """Print what a node made: one path a line on standard output."""
    click.echo(os.fspath(path))


def say(text: str) -> None:
    """Print a line for people on standard error."""
    click.echo(text, err=True)


def training_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that the three trainings share."""
    options = [
        xmlhelpy.option("dataset", char="d", required=True, description="Training data set (HDF5) of build-dataset."),
        xmlhelpy.option(
            "output", char="o", required=True, description="Model folder; each training has a folder in it."
        ),
        xmlhelpy.option(
            "preset",
            char="p",
            default="demo",
            param_type=xmlhelpy.Choice(["demo", "thesis"]),
            description="Sizes: demo trains in minutes on two cores, thesis has the sizes of the thesis for a GPU.",
        ),
        xmlhelpy.option("config", char="c", description="YAML file whose fields override the preset's."),
        xmlhelpy.option(
            "epochs", char="e", param_type=xmlhelpy.IntRange(min=1), description="Passes over the training part."
        ),
        xmlhelpy.option("batch-size", param_type=xmlhelpy.IntRange(min=1), description="Samples per optimizer step."),
        xmlhelpy.option(
            "learning-rate",
            param_type=xmlhelpy.FloatRange(min=0.0),
            description="Learning rate of Adam, dimensionless.",
        ),
        xmlhelpy.option(
            "seed",
            char="s",
            default=0,
            param_type=xmlhelpy.IntRange(min=0),
            description="Seed of initial weights, order of samples and noise.",
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def run_training(kind: str, **options: Any) -> None:
    """Run one of the three trainings as a recorded step.

    Parameters
    ----------
    kind
        ``translation``, ``composition`` or ``screening``.
    options
        The values of :func:`training_options`.
    """
    from kadi_battgen.training.settings import load_settings

    overrides = {name: options[name] for name in ("epochs", "batch_size", "learning_rate")}
    settings = load_settings(kind, options["preset"], options["config"], overrides)
    output, seed = Path(options["output"]), options["seed"]
    with start_run("model-training", f"Training of the {kind} model", seed) as run:
        run.add_input("dataset", options["dataset"])
        if kind != "translation" and (output / "translation").is_dir():
            run.add_input("translation model", output / "translation")
        # Only now, since torch takes seconds to load: a wrong path should be answered at once.
        train = getattr(import_module(f"kadi_battgen.training.{kind}"), f"train_{kind}")
        card = train(options["dataset"], output, settings, seed=seed, preset=options["preset"])
        run.set_device(card["device"])
        for name, value in card["best"].items():
            run.add_metric(name, value, part="validation" if name.startswith("validation") else "training")
        for folder in [output / kind] + ([output / "baseline"] if kind == "translation" else []):
            if folder.is_dir():
                run.add_file(folder, description=f"Trained {folder.name} model: weights, card and metrics per epoch")
    say(f"{kind}: best validation loss {card['best']['validation_loss']:.4g} in epoch {card['best']['epoch']:.0f}")
    result(output / kind)
