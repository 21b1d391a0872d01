"""The node characterize-sei."""

from __future__ import annotations

from pathlib import Path

import xmlhelpy

from battgen_nodes.frame import node, result, say
from battgen_nodes.options import input_option, output_option, seed_option
from battgen_nodes.previews import evaluation_previews
from battgen_nodes.recording import start_run


@node("characterize-sei", example="--model prvae/ --sei other.h5 --output characterization/")
@input_option("model", "Folder of a trained SEI autoencoder", "folder", char="m")
@input_option("sei", "SEI campaign of simulate-sei (HDF5) that the model was not trained on", char="i")
@input_option(
    "compare",
    "Folder of a second autoencoder whose latent space is shown beside, such as a plain one",
    "folder",
    char="c",
    required=False,
)
@input_option(
    "neighbours-of",
    "SEI campaign, or generated configurations (HDF5), whose first configurations are asked for their nearest neighbours; by "
    "default a typical configuration of each regime",
    required=False,
)
@xmlhelpy.option(
    "samples",
    char="n",
    default=7500,
    param_type=xmlhelpy.IntRange(min=20),
    description="Number of configurations to look at, at most, drawn at random.",
)
@seed_option("Seed of the draw.")
@output_option("Folder to write metrics.json and report.html to.", "folder")
def characterize_sei(
    model: str, sei: str, compare: str | None, neighbours_of: str | None, samples: int, seed: int, output: str
) -> None:
    """Characterise SEI configurations by a trained autoencoder: latent space, properties, walks and neighbours."""
    folder = Path(output)
    with start_run("sei-characterization", "Characterisation of SEI configurations", seed) as run:
        paths = [run.input("model", model), run.input("sei", sei)]
        second = None if compare is None else run.input("compare", compare)
        asked = None if neighbours_of is None else run.input("neighbours_of", neighbours_of)
        # Only now, since torch takes seconds to load: a wrong path should be answered at once.
        from kadi_battgen.applications.sei.characterization import NEIGHBOURS, Configurations, characterize
        from kadi_battgen.applications.sei.model import PrvaeModel
        from kadi_battgen.plots.report import write_report
        from kadi_battgen.plots.sei_report import characterization_headline, characterization_sections

        found = characterize(
            PrvaeModel(paths[0]),
            Configurations.read(paths[1], samples, seed),
            other=None if second is None else PrvaeModel(second),
            queries=None if asked is None else Configurations.read(asked).first(NEIGHBOURS),
            seed=seed,
        )
        metrics = found.save(folder)
        sections = characterization_sections(found)
        write_report(
            folder / "report.html",
            "Characterisation of SEI configurations",
            f"{len(found.sample)} simulated configurations of the solid electrolyte interphase, seen by a trained autoencoder "
            f"({found.metrics['variant']}).",
            sections,
            characterization_headline(found.metrics),
        )
        run.add_file(folder, description="Measured results of the characterisation, with a report")
        evaluation_previews(run, sections)
        run.add_metric("configurations", len(found.sample))
        for name, numbers in found.metrics.get("properties", {}).items():
            if numbers["r2"] is not None:
                run.add_metric(f"r2_{name}", numbers["r2"])
            run.add_metric(f"coverage_90_{name}", numbers["coverage_90"])
        run.add_metric("active_units", found.metrics["latent"]["model"]["usage"]["active_units"])
        run.add_metric("familiar_fraction", found.metrics["out_of_distribution"]["familiar_fraction"])
    scores = [f"R2 of {name} {value:.4f}" for name, value in found.metrics.get("r2", {}).items() if value is not None]
    say(", ".join([f"{len(found.sample)} configurations", *scores]))
    result(metrics)
    result(folder / "report.html")
