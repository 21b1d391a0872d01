"""The node evaluate."""

from __future__ import annotations

from pathlib import Path

import xmlhelpy

from battgen_nodes.common import node, result, say, start_run


@node("evaluate", example="--model model/ --dataset dataset.h5 --part test --output evaluation/")
@xmlhelpy.option("model", char="m", required=True, description="Model folder with all trained models.")
@xmlhelpy.option("dataset", char="d", required=True, description="Training data set (HDF5) of build-dataset.")
@xmlhelpy.option(
    "part",
    char="p",
    default="test",
    param_type=xmlhelpy.Choice(["training", "validation", "test"]),
    description="Part of the data set to measure on; test holds compositions no training has seen.",
)
@xmlhelpy.option("seed", char="s", default=0, param_type=xmlhelpy.IntRange(min=0), description="Seed of the screening.")
@xmlhelpy.option("output", char="o", required=True, description="Folder to write metrics.json and report.html to.")
def evaluate(model: str, dataset: str, part: str, seed: int, output: str, records: str | None, no_record: bool) -> None:
    """Measure all models on held-out compositions, against baselines in the same run."""
    folder = Path(output)
    with start_run("evaluation", f"Evaluation on the {part} part", seed) as run:
        run.add_input("model", model)
        run.add_input("dataset", dataset)
        from kadi_battgen.applications import evaluate as measure
        from kadi_battgen.plots.chain_report import evaluation_sections, flat_metrics, headline
        from kadi_battgen.plots.report import write_report

        evaluation = measure(model, dataset, part=part, seed=seed)
        files = evaluation.save(folder)
        write_report(
            folder / "report.html",
            "Evaluation of a BattGen model",
            f"Measured on the {part} part of the data set, against baselines in the same run.",
            evaluation_sections(evaluation, dataset),
            headline(evaluation.metrics),
        )
        for path in (*files, folder / "report.html"):
            run.add_file(path, description="Measured results of the models of a folder")
        for name, value, unit in flat_metrics(evaluation.metrics):
            run.add_metric(name, value, unit=unit, part=part)
    say(f"{evaluation.metrics['samples']} samples of {evaluation.metrics['electrodes']} electrodes measured")
    result(folder / "metrics.json")
    result(folder / "report.html")
