"""The node evaluate."""

from __future__ import annotations

from pathlib import Path

import xmlhelpy

from battgen_nodes.frame import node, result, say
from battgen_nodes.options import input_option, output_option, seed_option
from battgen_nodes.previews import evaluation_previews
from battgen_nodes.recording import start_run


@node("evaluate", example="--model model/ --dataset dataset.h5 --part test --output evaluation/")
@input_option("model", "Model folder with all trained models", "models", char="m")
@input_option(
    "model-2", "Model folder of a second training with another seed, for the scatter", "models", required=False
)
@input_option("model-3", "Model folder of a third training", "models", required=False)
@input_option("dataset", "Training data set (HDF5) of build-dataset", char="d")
@xmlhelpy.option(
    "part",
    char="p",
    default="test",
    param_type=xmlhelpy.Choice(["training", "validation", "test"]),
    description="Part of the data set to measure on; test holds compositions no training has seen.",
)
@input_option(
    "inception-weights",
    "Weights of the FID Inception network (as torchmetrics and pytorch-fid load them), for FID, KID and Inception score "
    "besides those with the bundled network",
    required=False,
)
@input_option(
    "lpips-weights",
    "Weights of torchvision's AlexNet, for LPIPS besides the bundled network's distance",
    required=False,
)
@seed_option("Seed of the screening and of the bootstrap.")
@output_option("Folder to write metrics.json and report.html to.", "folder")
def evaluate(
    model: str,
    model_2: str | None,
    model_3: str | None,
    dataset: str,
    part: str,
    inception_weights: str | None,
    lpips_weights: str | None,
    seed: int,
    output: str,
) -> None:
    """Measure all models on held-out compositions, against baselines in the same run."""
    folder = Path(output)
    with start_run("evaluation", f"Evaluation on the {part} part", seed) as run:
        models, samples = run.input("model", model, "models"), run.input("dataset", dataset)
        more = {"model_2": model_2, "model_3": model_3}
        others = [run.input(role, path, "models") for role, path in more.items() if path is not None]
        inception = None if inception_weights is None else run.input("inception_weights", inception_weights)
        lpips = None if lpips_weights is None else run.input("lpips_weights", lpips_weights)
        from kadi_battgen.applications import evaluate as measure
        from kadi_battgen.plots.chain_report import evaluation_sections, flat_metrics, headline, models_section
        from kadi_battgen.plots.report import write_report
        from kadi_battgen.training.model_card import read_models

        evaluation = measure(models, samples, others=others, part=part, seed=seed, inception=inception, lpips=lpips)
        evaluation.save(folder)
        sections = [*evaluation_sections(evaluation, samples), models_section(*read_models(models))]
        write_report(
            folder / "report.html",
            "Evaluation of a BattGen model",
            f"Measured on the {part} part of the data set, against baselines in the same run.",
            sections,
            headline(evaluation.metrics),
        )
        run.add_file(folder, description="Measured results of the models of a folder, with a report")
        evaluation_previews(run, sections)
        for name, value, unit in flat_metrics(evaluation.metrics):
            run.add_metric(name, value, unit=unit, part=part)
    say(f"{evaluation.metrics['samples']} samples of {evaluation.metrics['electrodes']} electrodes measured")
    result(folder / "metrics.json")
    result(folder / "report.html")
