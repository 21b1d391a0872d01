"""The node predict-composition."""

from __future__ import annotations

import xmlhelpy

from battgen_nodes.common import node, result, say, start_run


@node("predict-composition", example="--model model/ --afm afm.h5 --output composition.csv")
@xmlhelpy.option(
    "model", char="m", required=True, description="Model folder with translator and composition regressor."
)
@xmlhelpy.option("afm", char="a", required=True, description="Campaign of simulate-afm (HDF5).")
@xmlhelpy.option(
    "output", char="o", required=True, description="Table to write (CSV): atoms per formula, one row an electrode."
)
def predict_composition(model: str, afm: str, output: str, records: str | None, no_record: bool) -> None:
    """Predict the composition of electrodes from their AFM stacks."""
    with start_run("composition-prediction", "Compositions predicted from AFM stacks") as run:
        run.add_input("model", model)
        run.add_input("afm", afm)
        import numpy as np

        from kadi_battgen.applications.composition import predict_composition as predict
        from kadi_battgen.applications.composition import write_compositions

        predictions = predict(model, afm)
        write_compositions(output, predictions)
        run.add_file(output, description="Predicted atoms per reduced formula")
        error = float(np.mean([np.abs(entry.counts - entry.electrode.composition).mean() for entry in predictions]))
        run.add_metric("mean_absolute_error", error, unit="atoms per formula")
    say(f"{len(predictions)} electrodes, mean absolute error {error:.3f} atoms per formula and element")
    result(output)
