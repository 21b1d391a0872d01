"""The node simulate-sei."""

from __future__ import annotations

from typing import TYPE_CHECKING

import xmlhelpy

from battgen_nodes.frame import node, result, say
from battgen_nodes.options import cluster_options, cluster_settings, input_option, output_option, seed_option
from battgen_nodes.recording import start_run
from battgen_nodes.sei.pictures import check_picture, draw_campaign, sei_previews

if TYPE_CHECKING:
    from pathlib import Path

    from kadi_battgen.sei.chemistry import SeiModel
    from kadi_battgen.sei.design import Design

#: Runs of a design where none are asked for.
_RUNS = 100


@node("simulate-sei", example="--runs 100 --design wide --max-events 1000000 --seed 1 --output sei.h5", resumes=True)
@xmlhelpy.option(
    "runs",
    char="n",
    param_type=xmlhelpy.IntRange(min=1),
    description=f"Number of runs; by default {_RUNS} of a design, and all rows of a table of barriers.",
)
@xmlhelpy.option(
    "design",
    char="d",
    param_type=xmlhelpy.Choice(["wide", "published"]),
    description=(
        "Ranges that the barriers are drawn from by Latin hypercube: those of the published data set, or the wide ones, which "
        "also leave electrodes bare; wide by default, unless there is a table of barriers."
    ),
)
@input_option(
    "ranges",
    "Uniform ranges in eV that replace those of some barriers: YAML with lines such as e1: [0.28, 0.70], or CSV with the "
    "columns barrier, low_eV and high_eV",
    required=False,
)
@input_option(
    "barriers",
    "Table of barriers (CSV with the columns e1 to e15 in eV, others are ignored) to simulate instead of a design",
    char="b",
    required=False,
)
@xmlhelpy.option(
    "max-events",
    param_type=xmlhelpy.IntRange(min=1),
    description="Number of events after which a run stops; by default that of the model, 1000000.",
)
@xmlhelpy.option(
    "max-time",
    param_type=xmlhelpy.FloatRange(min=0.0),
    description="Simulated time in s at which a run stops; by default that of the model or of the wide design, 0.001 s.",
)
@xmlhelpy.option(
    "temperature",
    char="t",
    param_type=xmlhelpy.FloatRange(min=0.0),
    description="Temperature in K; by default that of the model, 300 K.",
)
@xmlhelpy.option(
    "size",
    param_type=xmlhelpy.IntRange(min=8, max=1000),
    description="Sites along each edge of the square lattice, of 1 nm each; by default those of the model, 50.",
)
@input_option(
    "model",
    "Chemistry (YAML with the fields that differ from the default: temperature, tunnelling_depth, cluster_rule, ...)",
    char="m",
    required=False,
)
@seed_option("Seed of the design and of all runs.")
@xmlhelpy.option(
    "snapshots",
    default=0,
    param_type=xmlhelpy.IntRange(min=0, max=1000),
    description="Number of configurations kept of each run on its way, at logarithmic times; doubles the time it takes.",
)
@output_option(
    "Picture to draw: .png or .svg shows runs of each regime, .gif (or .mp4, with ffmpeg) the growth in one run.",
    name="plot",
    char="p",
    required=False,
)
@xmlhelpy.option(
    "plot-run",
    default=0,
    param_type=xmlhelpy.IntRange(min=0),
    description="Number of the run, its row in the file from 0, whose growth an animation shows.",
)
@cluster_options
@output_option("Campaign file to write (HDF5).")
def simulate_sei(
    runs: int | None,
    design: str | None,
    ranges: str | None,
    barriers: str | None,
    max_events: int | None,
    max_time: float | None,
    temperature: float | None,
    size: int | None,
    model: str | None,
    seed: int,
    snapshots: int,
    plot: str | None,
    plot_run: int,
    workers: int | None,
    scheduler: str | None,
    output: str,
) -> None:
    """Simulate the growth of a solid electrolyte interphase by kinetic Monte Carlo."""
    from kadi_battgen.electrodes.card import card_path
    from kadi_battgen.errors import UserError
    from kadi_battgen.sei.campaign import run_campaign
    from kadi_battgen.sei.card import write_card
    from kadi_battgen.sei.design import named_design, read_barriers

    if barriers is not None and (design is not None or ranges is not None):
        raise UserError("Both a table of barriers and a design or ranges were given: give one of them.")
    check_picture(plot)
    own = {"temperature": temperature, "width": size, "height": size, "max_events": max_events, "max_time": max_time}
    with start_run("sei-campaign", "Simulated growth of solid electrolyte interphases", seed) as run:
        drawn = None
        if barriers is None:
            drawn = named_design(design or "wide", None if ranges is None else run.input("ranges", ranges))
            table = drawn.sample(runs or _RUNS, seed)
        else:
            table = read_barriers(run.input("barriers", barriers))
            if runs is not None and runs > len(table):
                raise UserError(f"{barriers} holds {len(table)} rows and {runs} runs were asked for: give fewer runs.")
            table = table[:runs]
        if plot_run >= len(table):
            raise UserError(f"--plot-run is {plot_run}, but the runs are 0 to {len(table) - 1}: give one of them.")
        chemistry = _model(None if model is None else run.input("model", model), own, drawn)
        summary = run_campaign(
            table,
            output,
            chemistry,
            seed=seed,
            snapshots=snapshots,
            design=drawn,
            cluster=cluster_settings(workers, scheduler),
        )
        card = card_path(output)
        write_card(card, output)
        run.add_file(output, description="Configurations, barriers, observables, times and seeds of all runs")
        run.add_file(card, description="Data card of the campaign")
        run.add_metric("runs", summary.runs)
        run.add_metric("events", summary.events)
        for regime, count in summary.regimes.items():
            run.add_metric("runs", count, part=regime)
        if plot is not None:
            draw_campaign(output, plot, chemistry, plot_run)
            run.add_file(plot, description="Growth of one run" if plot.endswith((".gif", ".mp4")) else "Runs by regime")
        sei_previews(run, output)
    kinds = ", ".join(f"{name} {count}" for name, count in summary.regimes.items())
    say(f"{summary.runs} run{'s' * (summary.runs != 1)} with {summary.events} events ({kinds})")
    result(output)
    if plot is not None:
        result(plot)


def _model(path: Path | None, own: dict[str, float | None], design: Design | None) -> SeiModel:
    """Return the model of a file with the options that were given, and a design's limit of time where neither has one."""
    from kadi_battgen.sei.chemistry import SeiModel, read_model

    fields = (SeiModel() if path is None else read_model(path)).model_dump()
    fields.update({name: value for name, value in own.items() if value is not None})
    if fields["max_time"] is None and design is not None:
        fields["max_time"] = design.max_time
    return SeiModel.create("The options", **fields)
