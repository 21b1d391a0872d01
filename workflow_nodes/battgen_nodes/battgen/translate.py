"""The node translate."""

from __future__ import annotations

from battgen_nodes.frame import node, result, say
from battgen_nodes.options import input_option, output_option
from battgen_nodes.recording import start_run


@node("translate", example="--model model/ --afm afm.h5 --output descriptors.h5")
@input_option("model", "Model folder with a trained translator", "models", char="m")
@input_option("afm", "Campaign of simulate-afm (HDF5)", char="a")
@output_option("Descriptors to write (HDF5), in physical units.")
def translate(model: str, afm: str, output: str) -> None:
    """Translate AFM stacks into material descriptors."""
    with start_run("translation", "Material descriptors of AFM stacks") as run:
        models, campaign = run.input("model", model, "models"), run.input("afm", afm)
        from kadi_battgen.applications import translate as apply

        errors = apply(models, campaign, output)
        run.add_file(output, description="Descriptors translated from AFM stacks")
        for name, error in errors.items():
            run.add_metric(f"mean_absolute_error_{name}", error)
    say(", ".join(f"{name} {error:.3g}" for name, error in errors.items()))
    result(output)
