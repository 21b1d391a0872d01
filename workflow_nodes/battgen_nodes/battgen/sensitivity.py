"""The node sensitivity."""

from __future__ import annotations

import xmlhelpy

from battgen_nodes.frame import node, result, say
from battgen_nodes.options import input_option, output_option, seed_option
from battgen_nodes.previews import sensitivity_previews
from battgen_nodes.recording import start_run


@node("sensitivity", example="--model model/ --dataset dataset.h5 --seeds 3 --output sensitivity.csv")
@input_option("model", "Model folder with all trained models", "models", char="m")
@input_option("dataset", "Training data set (HDF5) of build-dataset", char="d")
@xmlhelpy.option(
    "part",
    char="p",
    default="test",
    param_type=xmlhelpy.Choice(["training", "validation", "test"]),
    description="Part of the data set whose electrodes give the conditions to start from.",
)
@xmlhelpy.option(
    "electrodes",
    char="n",
    default=16,
    param_type=xmlhelpy.IntRange(min=2),
    description="Number of electrodes to start from, taken from the working ions in turn.",
)
@xmlhelpy.option(
    "seeds", default=3, param_type=xmlhelpy.IntRange(min=1), description="Number of noise seeds for each electrode."
)
@xmlhelpy.option(
    "perturbation",
    default=0.05,
    param_type=xmlhelpy.FloatRange(min=1e-6, max=1.0),
    description="Step by which each property is raised and lowered, a fraction of its normalised range.",
)
@xmlhelpy.option(
    "steps", default=50, param_type=xmlhelpy.IntRange(min=1), description="Sampling steps of the deterministic sampler."
)
@xmlhelpy.option(
    "guidance",
    default=1.0,
    param_type=xmlhelpy.FloatRange(min=0.0, max=20.0),
    description="Classifier-free guidance, dimensionless: 1 follows the conditions as trained, more exaggerates them.",
)
@seed_option("Seed that the noise seeds are derived from.")
@output_option(
    "Figure to write (PNG): the conditions ranked, with confidence intervals.", name="figure", char=None, required=False
)
@output_option("Table to write (CSV): one row for each output and condition, with 95 % confidence intervals.")
def sensitivity(
    model: str,
    dataset: str,
    part: str,
    electrodes: int,
    seeds: int,
    perturbation: float,
    steps: int,
    guidance: float,
    seed: int,
    figure: str | None,
    output: str,
) -> None:
    """Measure how far generated descriptors and compositions move when one condition changes."""
    with start_run("sensitivity", "Sensitivity of the generation to its conditions", seed) as run:
        models, samples = run.input("model", model, "models"), run.input("dataset", dataset)
        from kadi_battgen.applications import sensitivity as measure
        from kadi_battgen.files import atomic_path
        from kadi_battgen.plots.sensitivity import sensitivity_figure
        from kadi_battgen.plots.style import image_bytes

        study = measure(
            models,
            samples,
            part=part,
            electrodes=electrodes,
            seeds=seeds,
            seed=seed,
            perturbation=perturbation,
            steps=steps,
            guidance=guidance,
        )
        study.write(output)
        run.add_file(output, description="Change of the generated descriptors and compositions with each condition")
        rows = study.rows()
        if figure is not None:
            with atomic_path(figure) as temporary:
                temporary.write_bytes(image_bytes(sensitivity_figure(rows, perturbation), "png"))
            run.add_file(figure, description="The conditions ranked by the change they cause")
        sensitivity_previews(run, rows, perturbation)
        run.add_metric("electrodes", study.electrodes)
        for row in rows:
            for name in ("l2_change", "change_low", "change_high", "asymmetry"):
                if row[name] is not None:
                    run.add_metric(f"{row['output']}.{row['condition']}.{name}", row[name], part=part)
    for row in rows:
        say(
            f"{row['output']:12s} {row['rank']}  {row['condition'].replace('_', ' '):22s} {row['l2_change']:.4g} "
            f"[{row['change_low']:.4g}, {row['change_high']:.4g}]"
        )
    result(output)
    if figure is not None:
        result(figure)
