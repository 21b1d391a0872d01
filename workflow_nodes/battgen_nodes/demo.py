"""The node demo: the whole chain on bundled electrodes, as a series of battgen commands."""

from __future__ import annotations

import contextlib
import hashlib
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import xmlhelpy

from battgen_nodes.frame import Node, say
from battgen_nodes.manners import coloured
from battgen_nodes.options import OutputPath, seed_option
from battgen_nodes.recording import typed_options
from kadi_battgen.terminal import readable_time

if TYPE_CHECKING:
    from kadi_battgen.records import LocalStore, Record

#: What the demo looks for: a 3.5 to 4 V cathode for lithium with a high capacity.
TARGET = ("--working-ion", "Li", "--average-voltage", "3.5:4.0", "--gravimetric-capacity", "150:")

#: Folder of the records in the demo's folder.
RECORDS = Path("records")

#: The demo's records stay on this machine; battgen push moves them to Kadi4Mat.
RECORDING = ("--records", str(RECORDS), "--instance", "local")


@dataclass(frozen=True)
class Step:
    """One command of the demo.

    Attributes
    ----------
    command
        Node name and options, paths relative to the demo's folder.
    outputs
        What it makes, relative to the demo's folder.
    """

    command: tuple[str, ...]
    outputs: tuple[str, ...]


def steps(electrodes: int, orientations: int, seed: int) -> list[Step]:
    """Return the commands of the demo in their order.

    Parameters
    ----------
    electrodes
        Number of bundled electrodes.
    orientations
        AFM stacks per electrode.
    seed
        Seed of split, trainings, evaluation and screening.
    """
    model, data, number = ("--model", "model"), ("--dataset", "dataset.h5"), ("--seed", str(seed))
    trainings = [
        Step((f"train-{kind}", *data, "--preset", "demo", *number, "--output", "model"), outputs)
        for kind, outputs in (
            ("translation", ("model/translation", "model/baseline_unet_l1")),
            ("composition", ("model/composition",)),
            ("screening", ("model/screening",)),
        )
    ]
    return [
        Step(
            ("fetch-electrodes", "--limit", str(electrodes), "--output", "electrodes.json.gz"),
            ("electrodes.json.gz",),
        ),
        Step(
            (
                *("simulate-afm", "--electrodes", "electrodes.json.gz", "--orientations", str(orientations)),
                *("--window", "17", "--skip-too-large", "--output", "afm.h5"),
            ),
            ("afm.h5",),
        ),
        Step(("build-dataset", "--afm", "afm.h5", *number, "--output", "dataset.h5"), ("dataset.h5",)),
        *trainings,
        Step(
            ("predict-composition", *model, "--afm", "afm.h5", "--output", "composition.csv"),
            ("composition.csv",),
        ),
        Step(("evaluate", *model, *data, *number, "--output", "evaluation"), ("evaluation",)),
        Step(
            (
                *("screen", *model, *TARGET, "--samples", "32", *number),
                *("--images", "candidates.h5", "--output", "candidates.csv"),
            ),
            ("candidates.csv", "candidates.h5"),
        ),
        Step(("report", "candidates.csv", "evaluation", "--output", "report.html"), ("report.html",)),
    ]


@xmlhelpy.command(name="demo", example="--output demo/", cls=Node)
@xmlhelpy.option(
    "electrodes",
    char="n",
    default=500,
    param_type=xmlhelpy.IntRange(min=20),
    description="Number of bundled electrodes, taken from the ten working ions in turn.",
)
@xmlhelpy.option(
    "orientations",
    default=2,
    param_type=xmlhelpy.IntRange(min=1),
    description="AFM stacks per electrode.",
)
@seed_option("Seed of split, trainings, evaluation and screening.", default=1)
@xmlhelpy.option(
    "output",
    char="o",
    default="demo",
    param_type=OutputPath("folder"),
    description="Folder for everything the demo makes.",
)
def demo(electrodes: int, orientations: int, seed: int, output: str) -> None:
    """Run the whole chain on bundled electrodes: from crystals to ranked candidates and a report.

    Steps whose record says that they ran with the same options and inputs, and whose results are still there, are not
    repeated.
    """
    from kadi_battgen.records import LocalStore

    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    plan = steps(electrodes, orientations, seed)
    with contextlib.chdir(folder):
        store = LocalStore(RECORDS)
        for number, step in enumerate(plan, start=1):
            say(coloured(f"\n[{number}/{len(plan)}] battgen {shlex.join(step.command)}", bold=True))
            if _is_done(store, step):
                say("already there: same options, same inputs, same results")
                continue
            _run(step.command)
    _summarise(folder, time.monotonic() - started)
    click.echo(folder / "report.html")


demo.resumes = True


def _run(command: Sequence[str]) -> None:
    from battgen_nodes.main import battgen

    # Not main(), which would turn Ctrl-C into an error of Click's own.
    with battgen.make_context("battgen", [*command, *RECORDING]) as context:
        battgen.invoke(context)


def _is_done(store: LocalStore, step: Step) -> bool:
    """Return whether the newest record of this command succeeded and its inputs and results are still as they were."""
    from battgen_nodes.main import battgen
    from kadi_battgen._version import __version__

    if not all(Path(output).exists() for output in step.outputs):
        return False
    name, *words = step.command
    context = battgen.commands[name].make_context(name, [*words, *RECORDING])
    command = ("battgen", name, *typed_options(context))
    for identifier in reversed(store.identifiers()):
        record = store.load(identifier)
        if record.state == "succeeded" and record.command == command:
            return record.software.version == __version__ and _unchanged(store, record)
    return False


def _unchanged(store: LocalStore, record: Record) -> bool:
    """Return whether every input and result of a record is still where it was, with the checksum it had."""
    from kadi_battgen.files import sha256_file

    for artifact in (*record.inputs, *record.results):
        path = store.locate(record.identifier, artifact.path)
        files: list[tuple[Path, Any]] = [(path / entry.path, entry.sha256) for entry in artifact.files]
        for file, digest in files or [(path, artifact.sha256)]:
            if not file.is_file() or sha256_file(file) != digest:
                return False
    return True


def _summarise(folder: Path, seconds: float) -> None:
    from kadi_battgen.files import read_json

    metrics = read_json(folder / "evaluation" / "metrics.json")
    translation, screening = metrics["translation"], metrics["screening"]
    composition = metrics["composition"]
    asked, free = screening["conditional"], screening["unconditional"]
    digest = hashlib.sha256((folder / "candidates.csv").read_bytes()).hexdigest()
    say(f"\nDone in {readable_time(seconds)}. Measured on {metrics['electrodes']} electrodes no training has seen:")
    say("  translation, similarity (SSIM) of grey descriptors / type map:")
    for name, values in translation.items():
        say(f"    {name.replace('_', ' ')} {values['grey']['ssim']:.3f} / {values['type_map']['ssim']:.3f}")
    say("  composition, mean absolute error in atoms per formula and element:")
    for name, values in composition.items():
        say(f"    {name.replace('_', ' ')} {values['overall']['mean_absolute_error']:.3f}")
    say(
        f"  screening, asked ion present {asked['working_ion_present_fraction']:.0%} "
        f"(without conditions {free['working_ion_present_fraction']:.0%}), capacity within 15 % "
        f"{asked['capacity_within_15_percent_fraction']:.0%} ({free['capacity_within_15_percent_fraction']:.0%})"
    )
    say(f"  candidates: {folder / 'candidates.csv'} (SHA-256 {digest[:16]}...)")
    say(f"  report: {folder / 'report.html'}, records: {folder / RECORDS}")
