"""Pictures of SEI campaigns: those that a user asks for, and the previews of a record."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from battgen_nodes.previews import harmless

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kadi_battgen.applications.sei.closed_loop import Obtained
    from kadi_battgen.applications.sei.generation import Generation
    from kadi_battgen.applications.sei.response import Proposals
    from kadi_battgen.records import Run
    from kadi_battgen.sei.chemistry import SeiModel

#: Configurations of an animation.
_FRAMES = 60

#: Runs that a picture chooses from; more would not change what it shows.
_SHOWN = 2000


def check_picture(path: str | None) -> None:
    """Refuse a picture whose ending is none that is drawn, before anything is simulated.

    Raises
    ------
    UserError
        If there is no such kind of picture.
    """
    from kadi_battgen.errors import UserError

    if path is not None and not path.lower().endswith((".png", ".svg", ".gif", ".mp4")):
        raise UserError(f"{path} is no picture that is drawn: let its name end in .png, .svg, .gif or .mp4.")


def draw_campaign(campaign_path: str | Path, picture: str, model: SeiModel, run: int) -> None:
    """Draw runs of each regime, or the growth in one run, by the ending of `picture`.

    Parameters
    ----------
    campaign_path
        The campaign file.
    picture
        The file to write.
    model
        Chemistry and stop criteria of the campaign.
    run
        Row of the run that an animation shows.

    Raises
    ------
    UserError
        If the program for an animation is missing.
    """
    from kadi_battgen.files import atomic_path
    from kadi_battgen.plots.sei_animation import growth_animation
    from kadi_battgen.plots.style import image_bytes
    from kadi_battgen.sei.batch import growth
    from kadi_battgen.sei.store import SeiCampaign

    if picture.lower().endswith((".gif", ".mp4")):
        with SeiCampaign.open(campaign_path) as campaign:
            barriers, seed = campaign.barriers[run], int(campaign.seeds[run])
        configurations, times = growth(model, barriers, seed, _FRAMES)
        growth_animation(picture, configurations, times, title=f"Growth of the SEI in run {run}")
        return
    with atomic_path(picture) as temporary:
        figure = _figure(campaign_path)
        temporary.write_bytes(image_bytes(figure, "svg" if picture.lower().endswith(".svg") else "png"))


@harmless
def sei_previews(run: Run, campaign_path: str | Path) -> None:
    """Show runs of each regime in the record of a campaign.

    Parameters
    ----------
    run
        The run that made the campaign.
    campaign_path
        The campaign file.
    """
    _add_figures(run, {"SEI-configurations-by-regime": _figure(campaign_path)})


def _figure(campaign_path: str | Path) -> Figure:
    from kadi_battgen.plots.sei import configuration_figure, regime_montage
    from kadi_battgen.sei.store import SeiCampaign

    with SeiCampaign.open(campaign_path) as campaign:
        configurations = campaign.configurations(0, _SHOWN)
        if len(configurations) == 1:
            return configuration_figure(configurations[0], f"SEI after {campaign.time[0]:.3g} s")
        return regime_montage(configurations, campaign.regimes[:_SHOWN])


@harmless
def generation_previews(run: Run, outcome: Generation) -> None:
    """Show generated configurations, and asked against measured observables, in the record of a generation.

    Parameters
    ----------
    run
        The run that generated.
    outcome
        What it generated.
    """
    from kadi_battgen.plots.sei_generation import asked_and_obtained, generated_montage
    from kadi_battgen.sei.observables import observables

    generated = outcome.generated
    measured = observables(generated.configurations)
    figures = {"generated": generated_montage(generated.configurations, generated.asked, measured)}
    if generated.asked:
        notes = {
            name: f"{len(generated)} of {outcome.metrics['draws']} draws\nmedian error {entry['median_relative_error']:.2%}"
            for name, entry in outcome.metrics["observables"].items()
        }
        figures["asked-and-measured"] = asked_and_obtained(generated.asked, measured, notes)
    _add_figures(run, figures)


@harmless
def closed_loop_previews(run: Run, proposed: Proposals, obtained: Obtained, loop: dict[str, Any]) -> None:
    """Show asked against simulated observables in the record of a generation.

    Parameters
    ----------
    run
        The run that proposed.
    proposed, obtained
        The proposals, and what simulations of them gave.
    loop
        The metrics of the closed loop.
    """
    from kadi_battgen.plots.sei_generation import asked_and_obtained

    means = {name: obtained.observables[name].mean(axis=1) for name in proposed.asked}
    spread = {name: obtained.observables[name].std(axis=1) for name in proposed.asked}
    notes = {
        name: "" if entry["spearman"] is None else f"Spearman {entry['spearman']:.3f}"
        for name, entry in loop["observables"].items()
    }
    figure = asked_and_obtained(proposed.asked, means, notes, what="Simulated", spread=spread)
    _add_figures(run, {"closed-loop": figure})


def _add_figures(run: Run, figures: dict[str, Figure]) -> None:
    from kadi_battgen.plots.style import image_bytes

    with tempfile.TemporaryDirectory() as folder:
        for name, figure in figures.items():
            path = Path(folder) / f"{name}.png"
            path.write_bytes(image_bytes(figure, "png"))
            run.add_file(path, role="preview", description=name.replace("-", " ").capitalize())
