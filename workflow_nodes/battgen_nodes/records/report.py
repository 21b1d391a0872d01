"""The node report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from battgen_nodes.frame import node, result
from battgen_nodes.options import input_option, output_option
from battgen_nodes.recording import start_run

if TYPE_CHECKING:
    from kadi_battgen.plots.report import Section
    from kadi_battgen.records import Run

#: Models whose learning curves are shown, in the order of the chain.
_KINDS = (
    *("translation", "baseline_same_network_l1", "baseline_unet_l1", "baseline_unet_pix2pix"),
    *("composition", "screening"),
)


@node(
    "report",
    example="--electrodes electrodes.json.gz --dataset dataset.h5 --model model/ --evaluation evaluation/ "
    "--candidates candidates.csv --images candidates.h5 --output report.html",
)
@input_option("electrodes", "Electrode collection of fetch-electrodes", char="e")
@input_option("dataset", "Training data set (HDF5) of build-dataset", char="d")
@input_option("model", "Model folder with all trained models", "models", char="m")
@input_option("evaluation", "Folder of evaluate", "folder")
@input_option("candidates", "Table of screen (CSV)", char="c")
@input_option("images", "Generated descriptors of screen (HDF5)", char="i")
@output_option("Page to write (HTML), readable without a network.")
def report(
    electrodes: str,
    dataset: str,
    model: str,
    evaluation: str,
    candidates: str,
    images: str,
    output: str,
) -> None:
    """Write one self-contained page about a whole chain, from the electrodes to the candidates."""
    with start_run("report", "Report of a chain") as run:
        from kadi_battgen.applications.candidates import read_candidate_images
        from kadi_battgen.applications.evaluation import Evaluation
        from kadi_battgen.datasets.store import TrainingDataset
        from kadi_battgen.electrodes.collection import read_electrodes
        from kadi_battgen.plots import chain_report as chain
        from kadi_battgen.plots.report import write_report
        from kadi_battgen.training.checkpoints import CARD, read_card
        from kadi_battgen.training.loop import read_history

        collection = read_electrodes(run.input("electrodes", electrodes))
        models = run.input("model", model, "models")
        measured = Evaluation.load(run.input("evaluation", evaluation, "folder"))
        table = run.input("candidates", candidates)
        descriptors, target, conventions = read_candidate_images(run.input("images", images))
        trained = [kind for kind in _KINDS if (models / kind / CARD).is_file()]
        cards = {kind: read_card(models / kind, kind) for kind in trained}
        histories = {kind: read_history(models / kind / "metrics.csv") for kind in trained}
        dataset_path = run.input("dataset", dataset)
        with TrainingDataset.open(dataset_path) as samples:
            sections = [
                chain.candidates_section(table, descriptors, target, chain.pixel_edge(conventions)),
                chain.electrode_section(collection),
                chain.dataset_section(samples),
                chain.training_section(histories, cards),
            ]
        sections += chain.evaluation_sections(measured, dataset_path)
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
