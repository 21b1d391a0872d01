"""The node screen."""

from __future__ import annotations

import xmlhelpy

from battgen_nodes.frame import node, result, say, warn
from battgen_nodes.options import input_option, output_option, range_options, seed_option
from battgen_nodes.previews import screening_previews
from battgen_nodes.recording import start_run
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES


@node(
    "screen", example="--model model/ --working-ion Li --average-voltage 3.5:4.0 --samples 16 --output candidates.csv"
)
@input_option("model", "Model folder with all trained models", "models", char="m")
@xmlhelpy.option("working-ion", char="w", description="Wanted working ion, a symbol such as Li; any if not given.")
@range_options({name: f"{entry.description}, in {entry.unit}" for name, entry in FUNCTIONAL_PROPERTIES.items()})
@xmlhelpy.option(
    "samples",
    char="n",
    default=16,
    param_type=xmlhelpy.IntRange(min=1),
    description="Number of candidates to generate.",
)
@xmlhelpy.option(
    "sampler",
    default="dpm-solver++",
    param_type=xmlhelpy.Choice(["dpm-solver++", "sde-dpm-solver++", "ddim", "ddpm"]),
    description=(
        "Sampler: the first three take --steps steps, ddpm every timestep of the training. sde-dpm-solver++ and ddpm add "
        "noise on the way, which brings the images nearer to true ones."
    ),
)
@xmlhelpy.option(
    "steps", default=20, param_type=xmlhelpy.IntRange(min=1), description="Sampling steps of all samplers but ddpm."
)
@xmlhelpy.option(
    "guidance",
    default=1.5,
    param_type=xmlhelpy.FloatRange(min=0.0, max=20.0),
    description="Classifier-free guidance, dimensionless: 1 follows the conditions as trained, more exaggerates them.",
)
@xmlhelpy.option(
    "draws",
    default=32,
    param_type=xmlhelpy.IntRange(min=1),
    description=(
        "Number of formulas drawn for each candidate; kept is the one whose ion, charges and capacity meet best what is "
        "asked. ddpm draws one."
    ),
)
@xmlhelpy.option(
    "verify",
    default=0,
    param_type=xmlhelpy.IntRange(min=0),
    description=(
        "Number of best candidates to relax with CHGNet on the nearest known framework, for voltage, volume change and "
        "formation energy; 0 for none. It needs the extra 'potentials' and about 10 s each on one core; its voltages are "
        "off by 0.3 V on average."
    ),
)
@seed_option("Seed of the candidates.")
@output_option(
    "HDF5 file for the generated descriptors of the candidates, in the table's order.",
    name="images",
    char=None,
    required=False,
)
@output_option("Table of ranked candidates to write: JSON where the name ends in .json, else CSV.")
def screen(
    model: str,
    working_ion: str | None,
    samples: int,
    sampler: str,
    steps: int,
    guidance: float,
    draws: int,
    verify: int,
    seed: int,
    images: str | None,
    output: str,
    **properties: str | None,
) -> None:
    """Propose candidate materials for a working ion and wanted functional properties."""
    from kadi_battgen.applications.screening.targets import Target

    target = Target.parse(working_ion, properties)
    with start_run("screening", _title(target.describe()), seed) as run:
        models = run.input("model", model, "models")
        from kadi_battgen.applications.screening.candidate_files import write_candidate_images, write_candidates
        from kadi_battgen.applications.screening.model import ScreeningModel
        from kadi_battgen.applications.screening.search import screen as apply
        from kadi_battgen.applications.screening.verification import require_potential, verify_candidates

        if verify:
            require_potential()
        loaded = ScreeningModel(models)
        for warning in target.warnings(loaded.training_ranges):
            warn(warning)
        candidates, descriptors = apply(
            loaded, target, samples=samples, seed=seed, sampler=sampler, steps=steps, guidance=guidance, draws=draws
        )
        verified = verify_candidates(candidates, loaded.known, verify) if verify else []
        rows = [found.row(candidate) for found, candidate in zip(verified, candidates, strict=False)]
        write_candidates(output, candidates, rows)
        run.add_file(output, description="Ranked candidates")
        if images is not None:
            write_candidate_images(images, candidates, descriptors, loaded.translator_card, target)
            run.add_file(images, description="Generated descriptors of the candidates")
        screening_previews(run, output, candidates, descriptors, loaded.translator_card["conventions"])
        present = sum(candidate.working_ion_present for candidate in candidates)
        run.add_metric("candidates", len(candidates))
        run.add_metric("working_ion_present_fraction", present / len(candidates))
        run.add_metric("distinct_formulas", len({candidate.formula for candidate in candidates}))
        run.add_metric("novel_fraction", sum(candidate.novel for candidate in candidates) / len(candidates))
    for candidate in candidates[:5]:
        say(
            f"{candidate.rank:3d}  {candidate.formula:20s} {candidate.theoretical_capacity:7.1f} mAh/g by its formula, "
            f"{candidate.expected.mean[0]:.2f} V expected; {candidate.explanation()}"
        )
    for found, candidate in zip(verified, candidates, strict=False):
        voltage = "no voltage" if found.average_voltage is None else f"{found.average_voltage:.2f} V"
        say(
            f"{candidate.rank:3d}  {candidate.formula:20s} {voltage} by CHGNet in {found.seconds:.0f} s: {found.outcome}"
        )
    result(output)


def _title(wanted: dict[str, str]) -> str:
    ion = "any working ion" if wanted["working_ion"] == "any" else wanted["working_ion"]
    ranges = [f"{name.replace('_', ' ')} {text}" for name, text in wanted.items() if name != "working_ion"]
    return f"Candidates for {', '.join([ion, *ranges])}"
