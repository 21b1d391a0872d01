"""The node generate-sei."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import xmlhelpy

from battgen_nodes.frame import node, result, say, warn
from battgen_nodes.options import (
    cluster_options,
    cluster_settings,
    input_option,
    output_option,
    range_options,
    seed_option,
)
from battgen_nodes.recording import start_run
from battgen_nodes.sei.pictures import closed_loop_previews, generation_previews
from kadi_battgen.sei.properties import OBSERVABLES

if TYPE_CHECKING:
    from kadi_battgen.applications.sei.closed_loop import Obtained
    from kadi_battgen.applications.sei.response import Proposals
    from kadi_battgen.applications.sei.targets import SeiTarget


@node("generate-sei", example="--model prvae/ --thickness 8:10 --samples 64 --seed 1 --output generated.h5")
@input_option("model", "Folder of a trained SEI autoencoder", "folder", char="m")
@range_options({name: f"{entry.label}, in {entry.unit}" for name, entry in OBSERVABLES.items()})
@xmlhelpy.option(
    "samples",
    char="n",
    default=64,
    param_type=xmlhelpy.IntRange(min=1),
    description="Number of configurations to keep.",
)
@xmlhelpy.option(
    "draws",
    default=4,
    param_type=xmlhelpy.IntRange(min=1),
    description="Number of draws for each configuration; the one nearest to its values, as measured, is kept.",
)
@xmlhelpy.option(
    "steps",
    default=60,
    param_type=xmlhelpy.IntRange(min=0),
    description="Number of steps of the gradient search in the latent space; 0 samples alone.",
)
@input_option(
    "barriers",
    "Table of barriers (CSV with the columns e1 to e15 in eV) to decode for in turn, with a conditional model",
    char="b",
    required=False,
)
@output_option(
    "Table (CSV) for sets of barriers that are expected to lead to the target; simulate-sei reads it. A conditional model "
    "decodes for them.",
    name="propose-barriers",
    char=None,
    required=False,
)
@xmlhelpy.option(
    "proposals",
    default=16,
    param_type=xmlhelpy.IntRange(min=1),
    description="Number of sets of barriers to propose.",
)
@xmlhelpy.option(
    "campaign",
    default=0,
    param_type=xmlhelpy.IntRange(min=0),
    description="Number (from 0) of the campaign of the data set whose stop criteria and ranges of barriers proposals have.",
)
@xmlhelpy.option(
    "resimulate",
    default=0,
    param_type=xmlhelpy.IntRange(min=0, max=1000),
    description="Number of simulations of each proposed set of barriers, to compare asked with obtained; their campaign lies "
    "beside the table of barriers.",
)
@cluster_options
@seed_option("Seed of the draws, the proposals and the simulations.")
@output_option("File for the generated configurations (HDF5), laid out like a campaign.")
def generate_sei(
    model: str,
    samples: int,
    draws: int,
    steps: int,
    barriers: str | None,
    propose_barriers: str | None,
    proposals: int,
    campaign: int,
    resimulate: int,
    workers: int | None,
    scheduler: str | None,
    seed: int,
    output: str,
    **observables: str | None,
) -> None:
    """Generate SEI configurations with wanted observables, and propose reaction barriers that lead to them."""
    from kadi_battgen.applications.sei.targets import SeiTarget
    from kadi_battgen.electrodes.card import card_path
    from kadi_battgen.errors import UserError

    target = SeiTarget.parse(observables)
    if barriers is not None and propose_barriers is not None:
        raise UserError("Both a table of barriers and a file for proposed ones were given: give one of them.")
    if resimulate and propose_barriers is None:
        raise UserError("--resimulate simulates proposed barriers: give --propose-barriers as well.")
    with start_run("sei-generation", _title(target), seed) as run:
        folder = run.input("model", model)
        table = None if barriers is None else run.input("barriers", barriers)
        # Only now, since torch takes seconds to load: a wrong path should be answered at once.
        from kadi_battgen.applications.sei.closed_loop import closed_loop_metrics, write_proposals
        from kadi_battgen.applications.sei.closed_loop import resimulate as simulate
        from kadi_battgen.applications.sei.generation import generate, training_quantiles
        from kadi_battgen.applications.sei.model import PrvaeModel
        from kadi_battgen.applications.sei.response import BarrierResponse
        from kadi_battgen.sei.card import write_card
        from kadi_battgen.sei.design import read_barriers
        from kadi_battgen.sei.generated import write_generated

        loaded = PrvaeModel(folder)
        for warning in target.warnings(training_quantiles(loaded)):
            warn(warning)
        for name in target.ranges:
            if name not in loaded.properties:
                warn(f"The model does not predict {name}: draws are chosen by it and not guided.")
        values = None if table is None else read_barriers(table)
        proposed: Proposals | None = None
        if propose_barriers is not None:
            response = BarrierResponse(folder)
            proposed = response.propose(target, proposals, seed=seed, campaign=campaign)
            values = proposed.barriers if loaded.conditional else None
            obtained: Obtained | None = None
            if resimulate:
                place = Path(propose_barriers).with_suffix(".h5")
                obtained = simulate(
                    proposed,
                    place,
                    response.model(campaign),
                    repeats=resimulate,
                    seed=seed,
                    cluster=cluster_settings(workers, scheduler),
                )
                run.add_file(place, description="Simulations of the proposed barriers")
            write_proposals(propose_barriers, proposed, obtained)
            run.add_file(propose_barriers, description="Proposed barriers with what is expected and what was simulated")
            if obtained is not None:
                loop = closed_loop_metrics(
                    proposed, obtained, target, response.campaign(campaign)["observable_quantiles"]
                )
                closed_loop_previews(run, proposed, obtained, loop)
                _tell_loop(run, loop)
        outcome = generate(loaded, target, samples=samples, seed=seed, barriers=values, draws=draws, steps=steps)
        write_generated(
            output,
            outcome.generated,
            model={**loaded.card["chemistry"], "height": loaded.lattice_shape[0], "width": loaded.lattice_shape[1]},
            settings={"seed": seed, "draws": outcome.metrics["draws"], "steps": steps},
            origin={"target": target.describe(), "model_weights_sha256": loaded.card["weights_sha256"]},
        )
        write_card(card_path(output), output)
        run.add_file(output, description="Generated configurations with their measured observables")
        run.add_file(card_path(output), role="preview", description="Data card of the generated configurations")
        generation_previews(run, outcome)
        _tell(run, outcome.metrics)
    result(output)
    if propose_barriers is not None:
        result(propose_barriers)


def _title(target: SeiTarget) -> str:
    wanted = ", ".join(f"{name.replace('_', ' ')} {text}" for name, text in target.describe().items())
    return f"Generated SEI configurations{f' with {wanted}' if wanted else ''}"


def _tell(run: Any, metrics: dict[str, Any]) -> None:
    """Record the numbers of a generation and say them."""
    for name in ("configurations", "draws", "unique_fraction", "valid_fraction_as_decoded", "familiar_fraction"):
        run.add_metric(name, metrics[name])
    for name in ("within_range_fraction", "diversity"):
        if metrics[name] is not None:
            run.add_metric(name, metrics[name])
    errors = {name: entry["median_relative_error"] for name, entry in metrics["observables"].items()}
    for name, value in errors.items():
        run.add_metric(f"median_relative_error_{name}", value)
    told = [f"median relative error of the {name.replace('_', ' ')} {value:.2%}" for name, value in errors.items()]
    say(", ".join([f"{metrics['configurations']} of {metrics['draws']} draws kept", *told]))


def _tell_loop(run: Any, loop: dict[str, Any]) -> None:
    """Record the numbers of the closed loop and say them."""
    for name, entry in loop["observables"].items():
        for key, value in entry.items():
            if value is not None:
                run.add_metric(f"{key}_{name}", value, part="closed loop")
        related = "" if entry["spearman"] is None else f"Spearman correlation {entry['spearman']:.3f}, "
        say(
            f"{loop['proposals']} sets of barriers simulated {loop['repeats']} times: {name.replace('_', ' ')} asked against "
            f"obtained, {related}median relative error {entry['median_relative_error']:.1%}"
        )
