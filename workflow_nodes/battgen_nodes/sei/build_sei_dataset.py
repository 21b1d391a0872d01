"""The node build-sei-dataset."""

from __future__ import annotations

import xmlhelpy

from battgen_nodes.frame import node, result, say
from battgen_nodes.options import input_option, output_option, seed_option
from battgen_nodes.recording import start_run


@node("build-sei-dataset", example="--sei sei.h5 --output sei_dataset.h5")
@input_option("sei", "SEI campaign of simulate-sei (HDF5)", char="i")
@input_option("sei-2", "Second campaign to join, such as one of the other design", required=False)
@input_option("sei-3", "Third campaign to join", required=False)
@xmlhelpy.option(
    "split",
    default="0.7,0.15,0.15",
    description="Fractions of the sets of barriers in training, validation and test; they sum to 1.",
)
@seed_option("Seed of the split.")
@output_option("Training data set to write (HDF5).")
def build_sei_dataset(sei: str, sei_2: str | None, sei_3: str | None, split: str, seed: int, output: str) -> None:
    """Encode, scale and split the configurations of SEI campaigns for the property-regressor VAE."""
    from kadi_battgen.datasets.sei import build_sei_dataset as build
    from kadi_battgen.datasets.sei_card import write_card
    from kadi_battgen.electrodes.card import card_path
    from kadi_battgen.errors import UserError

    try:
        shares = [float(share) for share in split.split(",")]
    except ValueError as error:
        raise UserError(f"The split {split!r} is not three fractions: give e.g. 0.7,0.15,0.15.") from error
    with start_run("sei-dataset", "Training data set of SEI configurations", seed) as run:
        given = {"sei": sei, "sei_2": sei_2, "sei_3": sei_3}
        paths = [run.input(role, path) for role, path in given.items() if path is not None]
        summary = build(paths, output, seed=seed, shares=shares)
        run.add_file(output, description="Categories, scaled observables and barriers, and the split")
        write_card(card_path(output), output)
        run.add_file(card_path(output), role="preview", description="Data card of the data set")
        totals = {part: sum(counts.values()) for part, counts in summary.items()}
        for part, count in totals.items():
            run.add_metric("samples", count, part=part)
    say(", ".join(f"{part} {count} samples" for part, count in totals.items()))
    result(output)
