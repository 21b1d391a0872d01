"""The node simulate-afm."""

from __future__ import annotations

import xmlhelpy

from battgen_nodes.frame import node, result, say
from battgen_nodes.options import cluster_options, cluster_settings, input_option, output_option
from battgen_nodes.previews import campaign_previews
from battgen_nodes.recording import start_run


@node("simulate-afm", example="--electrodes electrodes.json.gz --orientations 8 --output afm.h5", resumes=True)
@input_option("electrodes", "Electrode collection of fetch-electrodes", char="e")
@xmlhelpy.option(
    "orientations",
    char="n",
    default=8,
    param_type=xmlhelpy.IntRange(min=1),
    description="Orientations kept per electrode, those whose depth profile has the highest entropy.",
)
@xmlhelpy.option(
    "pool",
    param_type=xmlhelpy.IntRange(min=1),
    description="Directions on the Fibonacci sphere that they are chosen from; by default ten times as many.",
)
@xmlhelpy.option(
    "window",
    default=21.0,
    param_type=xmlhelpy.FloatRange(min=4.0, max=100.0),
    description="Edge of the square scan window in Angstrom.",
)
@xmlhelpy.option(
    "pixels",
    default=128,
    param_type=xmlhelpy.IntRange(min=16, max=1024),
    description="Pixels along each edge of an image.",
)
@xmlhelpy.option(
    "start-distance",
    default=1.3,
    param_type=xmlhelpy.FloatRange(min=-0.9, max=10.0),
    description="Tip-sample distance at the highest tip position in Angstrom; smaller comes closer.",
)
@xmlhelpy.option(
    "charges",
    default="none",
    param_type=xmlhelpy.Choice(["none", "oxidation-states", "both"]),
    description="Charges of the atoms: none, or the formal charges of their oxidation states, which the tip then feels; "
    "both scans each sample with a neutral and then with a charged tip, with twice as many slices in a stack.",
)
@xmlhelpy.option(
    "tip-charge",
    default=0.0,
    param_type=xmlhelpy.FloatRange(min=-2.0, max=2.0),
    description="Total charge of the tip as a number of elementary charges; matters with --charges oxidation-states or both.",
)
@xmlhelpy.option(
    "tip-quadrupole",
    default=-0.2,
    param_type=xmlhelpy.FloatRange(min=-2.0, max=2.0),
    description="Quadrupole of the tip in elementary charges times Angstrom^2, -0.2 for CO; see --charges.",
)
@cluster_options
@xmlhelpy.option(
    "skip-too-large",
    description="Leave out electrodes whose cell does not fit into the scan window, instead of stopping.",
    is_flag=True,
)
@output_option("Campaign file to write (HDF5); its data card goes beside it (.card.md).")
def simulate_afm(
    electrodes: str,
    orientations: int,
    pool: int | None,
    window: float,
    pixels: int,
    start_distance: float,
    charges: str,
    tip_charge: float,
    tip_quadrupole: float,
    workers: int | None,
    scheduler: str | None,
    skip_too_large: bool,
    output: str,
) -> None:
    """Simulate AFM stacks and material descriptors of electrodes with ppafm."""
    from pydantic import ValidationError

    from kadi_battgen.afm.campaign import run_campaign
    from kadi_battgen.afm.card import write_card
    from kadi_battgen.afm.settings import ScanSettings, TipCharges
    from kadi_battgen.datasets.cleaning.provenance import without_constants
    from kadi_battgen.electrodes.card import card_path
    from kadi_battgen.electrodes.collection import describe_validation, read_electrodes
    from kadi_battgen.errors import UserError

    try:
        settings = ScanSettings(
            window=window,
            pixels=pixels,
            start_distance=start_distance,
            electrostatics=None if charges == "none" else TipCharges(charge=tip_charge, quadrupole=tip_quadrupole),
            neutral_tip=charges == "both",
        )
    except ValidationError as error:
        raise UserError(f"The scan settings are impossible, {describe_validation(error)}: choose others.") from error
    cluster = cluster_settings(workers, scheduler)
    with start_run("afm-campaign", "Simulated AFM stacks of electrodes", settings=settings) as run:
        collection = read_electrodes(run.input("electrodes", electrodes))
        summary = run_campaign(
            collection.electrodes,
            output,
            settings,
            orientations=orientations,
            pool=pool,
            cluster=cluster,
            skip_too_large=skip_too_large,
            metadata=without_constants(collection.metadata),
        )
        run.add_file(output, description="AFM stacks, descriptors and their conventions")
        write_card(card_path(output), output)
        run.add_file(card_path(output), role="preview", description="Data card of the campaign")
        campaign_previews(run, output)
        run.set_device(f"OpenCL: {summary.device.name}" if summary.device else "unknown")
        run.add_metric("stacks", summary.stacks)
        run.add_metric("invalid_stacks", summary.invalid_stacks)
        run.add_metric("failed_electrodes", len(summary.failures))
    say(f"{summary.stacks} stacks of {summary.electrodes} electrodes, {summary.invalid_stacks} of them invalid")
    for failure in summary.failures[:5]:
        say(f"left out {failure['id']}: {failure['reason']}")
    result(output)
