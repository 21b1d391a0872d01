"""The node build-dataset."""

from __future__ import annotations

from typing import Any

import xmlhelpy

from battgen_nodes.frame import node, result, say
from battgen_nodes.options import cluster_options, cluster_settings, input_option, output_option, seed_option
from battgen_nodes.recording import start_run


@node("build-dataset", example="--afm afm.h5 --output dataset.h5")
@input_option("afm", "Campaign of simulate-afm (HDF5)", char="a")
@xmlhelpy.option(
    "split",
    default="0.7,0.15,0.15",
    description="Fractions of the compositions (or what --split-by names) in training, validation and test, with sum 1.",
)
@xmlhelpy.option(
    "split-by",
    default="composition",
    param_type=xmlhelpy.Choice(["image", "composition", "chemical-system"]),
    description="What stays together in one part: nothing (image: crystals are recognised, not predicted), all images of a "
    "composition, or all materials of one set of elements.",
)
@xmlhelpy.option(
    "scaling",
    default="min-max",
    param_type=xmlhelpy.Choice(["min-max", "robust"]),
    description="What becomes 0 and 1 of a functional property: its smallest and largest value in the training part, or "
    "(robust) its 1 and 99 percent quantiles there, with the values beyond them outside [0, 1].",
)
@seed_option("Seed of the split.")
@cluster_options
@output_option("Training data set to write (HDF5); its data card goes beside it (.card.md).")
def build_dataset(
    afm: str,
    split: str,
    split_by: Any,
    scaling: str,
    seed: int,
    workers: int | None,
    scheduler: str | None,
    output: str,
) -> None:
    """Scale, split and weight the samples of an AFM campaign."""
    from kadi_battgen.datasets.build import build_dataset as build
    from kadi_battgen.datasets.card import write_card
    from kadi_battgen.electrodes.card import card_path
    from kadi_battgen.errors import UserError

    try:
        shares = [float(share) for share in split.split(",")]
    except ValueError as error:
        raise UserError(f"The split {split!r} is not three fractions: give e.g. 0.7,0.15,0.15.") from error
    cluster = cluster_settings(workers, scheduler)
    with start_run("training-dataset", "Training data set", seed) as run:
        summary = build(
            run.input("afm", afm),
            output,
            seed=seed,
            shares=shares,
            split_by=split_by,
            scaling=scaling,
            cluster=cluster,
        )
        run.add_file(output, description="Scaled samples with conditions, compositions, split and weights")
        write_card(card_path(output), output)
        run.add_file(card_path(output), role="preview", description="Data card of the training data set")
        for part, count in summary["samples"].items():
            run.add_metric("samples", count, part=part)
            run.add_metric("electrodes", summary["electrodes"][part], part=part)
        run.add_metric("invalid_samples", summary["invalid_samples"])
    parts = ", ".join(
        f"{part} {count} samples of {summary['electrodes'][part]} electrodes"
        for part, count in summary["samples"].items()
    )
    say(f"{parts}; {summary['invalid_samples']} invalid samples left out")
    result(output)
