"""The node report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import xmlhelpy

from battgen_nodes.common import node, result, start_run

if TYPE_CHECKING:
    from kadi_battgen.plots.report import Section
    from kadi_battgen.records import Run

#: Models whose learning curves are shown, in the order of the chain.
_KINDS = ("translation", "baseline", "composition", "screening")


@node(
    "report",
    example="--electrodes electrodes.json.gz --dataset dataset.h5 --model model/ --evaluation evaluation/ "
    "--candidates candidates.csv --images candidates.h5 --output report.html",
)
@xmlhelpy.option("electrodes", char="e", required=True, description="Electrode collection of fetch-electrodes.")
@xmlhelpy.option("dataset", char="d", required=True, description="Training data set (HDF5) of build-dataset.")
@xmlhelpy.option("model", char="m", required=True, description="Model folder with all trained models.")
@xmlhelpy.option("evaluation", required=True, description="Folder of evaluate.")
@xmlhelpy.option("candidates", char="c", required=True, description="Table of screen (CSV).")
@xmlhelpy.option("images", char="i", required=True, description="Generated descriptors of screen (HDF5).")
@xmlhelpy.option("output", char="o", required=True, description="Page to write (HTML), readable without a network.")
def report(
    electrodes: str,
    dataset: str,
    model: str,
    evaluation: str,
    candidates: str,
    images: str,
    output: str,
    records: str | None,
    no_record: bool,
) -> None:
    """Write one self-contained page about a whole chain, from the electrodes to the candidates."""
    with start_run("report", "Report of a chain") as run:
        for role, path in (
            ("electrodes", electrodes),
            ("dataset", dataset),
            ("model", model),
            ("evaluation", evaluation),
            ("candidates", candidates),
            ("images", images),
        ):
            run.add_input(role, path)
        from kadi_battgen.applications.candidates import read_candidate_images
        from kadi_battgen.applications.evaluation import Evaluation
        from kadi_battgen.datasets.store import TrainingDataset
        from kadi_battgen.electrodes.collection import read_electrodes
        from kadi_battgen.plots import chain_report as chain
        from kadi_battgen.plots.report import write_report
        from kadi_battgen.training.checkpoints import CARD, read_card
        from kadi_battgen.training.loop import read_history

        collection, measured = read_electrodes(electrodes), Evaluation.load(evaluation)
        descriptors, target, conventions = read_candidate_images(images)
        trained = [kind for kind in _KINDS if (Path(model) / kind / CARD).is_file()]
        cards = {kind: read_card(Path(model) / kind, kind) for kind in trained}
        histories = {kind: read_history(Path(model) / kind / "metrics.csv") for kind in trained}
        with TrainingDataset.open(dataset) as samples:
            sections = [
                chain.candidates_section(candidates, descriptors, target, chain.pixel_edge(conventions)),
                chain.electrode_section(collection),
                chain.dataset_section(samples),
                chain.training_section(histories, cards),
            ]
        sections += chain.evaluation_sections(measured, dataset)
        sections += _provenance(run)
        summary = [
            f"{len(collection)} electrodes were imaged with a simulated atomic force microscope; models trained on the "
            "images and the electrodes' properties propose candidates for a target.",
            "All results below the candidates are measured on compositions that no training has seen.",
        ]
        write_report(output, "From electrodes to candidates", summary, sections, chain.headline(measured.metrics))
        run.add_file(output, description="Report of the chain")
    result(output)


def _provenance(run: Run) -> list[Section]:
    """Return the section that lists the records this report goes back to; none if nothing is recorded."""
    from kadi_battgen.plots.report import ProvenanceStep, Section
    from kadi_battgen.records import record_facts

    steps = [
        ProvenanceStep(record.title, record.identifier, [link.record for link in record.links], record_facts(record))
        for record in run.sources()
    ]
    text = "Every step left a record with its inputs, configuration, seed, versions and checksums."
    return [Section("Provenance", [text], provenance=steps)] if steps else []
