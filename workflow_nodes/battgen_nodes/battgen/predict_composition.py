"""The node predict-composition."""

from __future__ import annotations

import xmlhelpy

from battgen_nodes.frame import node, result, say
from battgen_nodes.options import input_option, output_option
from battgen_nodes.recording import start_run


@node("predict-composition", example="--model model/ --afm afm.h5 --output composition.csv")
@input_option("model", "Model folder with translator and composition regressor", "models", char="m")
@input_option("afm", "Campaign of simulate-afm (HDF5)", char="a")
@xmlhelpy.option(
    "tell-working-ion",
    description="Tell the model the working ion that the campaign names; for regressors trained with it.",
    is_flag=True,
)
@xmlhelpy.option(
    "tell-properties",
    description="Tell the model the functional properties that the campaign names (average voltage in V, capacities in "
    "mAh/g and mAh/cm^3, energies in Wh/kg and Wh/L, volume change as a fraction); for regressors trained with them.",
    is_flag=True,
)
@output_option(
    "Table to write (CSV), one row an electrode with all its stacks pooled: the most probable charge-balanced formula, its "
    "confidence, and for each element the atoms per formula with their 90 percent interval and its presence probability."
)
def predict_composition(model: str, afm: str, tell_working_ion: bool, tell_properties: bool, output: str) -> None:
    """Predict the composition of electrodes from their AFM stacks."""
    with start_run("composition-prediction", "Compositions predicted from AFM stacks") as run:
        models, campaign = run.input("model", model, "models"), run.input("afm", afm)
        import numpy as np

        from kadi_battgen.applications.composition.prediction import predict_composition as predict
        from kadi_battgen.applications.composition.prediction import write_compositions

        predictions = predict(models, campaign, tell_working_ion=tell_working_ion, tell_properties=tell_properties)
        write_compositions(output, predictions)
        run.add_file(output, description="Predicted atoms per reduced formula")
        error = float(np.mean([np.abs(entry.counts - entry.electrode.composition).mean() for entry in predictions]))
        run.add_metric("mean_absolute_error", error, unit="atoms per formula")
        confidence = float(np.mean([entry.decoded.confidence for entry in predictions]))
        run.add_metric("mean_confidence_fraction", confidence)
    say(f"{len(predictions)} electrodes, mean absolute error {error:.3f} atoms per formula and element")
    result(output)
