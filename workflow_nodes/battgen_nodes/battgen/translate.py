"""The node translate."""

from __future__ import annotations

import xmlhelpy

from battgen_nodes.common import node, result, say, start_run


@node("translate", example="--model model/ --afm afm.h5 --output descriptors.h5")
@xmlhelpy.option("model", char="m", required=True, description="Model folder with a trained translator.")
@xmlhelpy.option("afm", char="a", required=True, description="Campaign of simulate-afm (HDF5).")
@xmlhelpy.option("output", char="o", required=True, description="Descriptors to write (HDF5), in physical units.")
def translate(model: str, afm: str, output: str, records: str | None, no_record: bool) -> None:
    """Translate AFM stacks into material descriptors."""
    with start_run("translation", "Material descriptors of AFM stacks") as run:
        run.add_input("model", model)
        run.add_input("afm", afm)
        from kadi_battgen.applications import translate as apply

        errors = apply(model, afm, output)
        run.add_file(output, description="Descriptors translated from AFM stacks")
        for name, error in errors.items():
            run.add_metric(f"mean_absolute_error_{name}", error)
    say(", ".join(f"{name} {error:.3g}" for name, error in errors.items()))
    result(output)
