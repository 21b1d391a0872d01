"""What people see of a record in Kadi4Mat: figures, structures and a dashboard beside the results.

Each function adds files with the role ``preview`` to a run. They show results and are none: one that cannot be made is told
on standard error, and the run goes on.
"""

from __future__ import annotations

import functools
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from battgen_nodes.frame import warn

if TYPE_CHECKING:
    import numpy as np

    from kadi_battgen.afm.store import AfmCampaign
    from kadi_battgen.applications.screening.candidates import Candidate
    from kadi_battgen.electrodes.collection import ElectrodeCollection
    from kadi_battgen.electrodes.electrode import Electrode
    from kadi_battgen.plots.report import ReportFigure, Section
    from kadi_battgen.records import Run

#: Structures that a record shows; all of them are in its results.
LARGEST_SAMPLE = 12

#: Materials whose images a campaign's record shows, and candidates whose neighbours a screening's record shows.
_ROWS = 5

_Preview = TypeVar("_Preview", bound=Callable[..., None])


def harmless(function: _Preview) -> _Preview:
    """Let a function that adds previews fail without consequences; where no record is kept, it does nothing."""

    @functools.wraps(function)
    def attempt(run: Run, *arguments: Any, **options: Any) -> None:
        context = click.get_current_context(silent=True)
        if context is not None and context.params.get("no_record"):
            return
        try:
            function(run, *arguments, **options)
        except Exception as error:
            reason = " ".join(str(error).split())
            warn(f"The record has no complete preview, its results are complete ({type(error).__name__}: {reason}).")

    return attempt  # type: ignore[return-value]


@harmless
def electrode_previews(run: Run, collection: ElectrodeCollection) -> None:
    """Show the properties of electrodes, and the structures of some.

    Parameters
    ----------
    run
        The run that made the collection.
    collection
        The electrodes.
    """
    from kadi_battgen.plots.chain_report import electrode_section

    sample = collection.select(limit=LARGEST_SAMPLE).electrodes
    with tempfile.TemporaryDirectory() as folder:
        _add_figures(run, Path(folder), electrode_section(collection).figures, "electrodes")
        _add_structures(run, Path(folder), sample, f"Structures of {len(sample)} of {len(collection)} electrodes")


@harmless
def campaign_previews(run: Run, path: str | Path) -> None:
    """Show slices and descriptors of a few materials of an AFM campaign, of one working ion each as far as possible.

    Parameters
    ----------
    run
        The run that made the campaign.
    path
        The campaign file.
    """
    import numpy as np

    from kadi_battgen.afm.store import AfmCampaign
    from kadi_battgen.plots.campaign import campaign_montage
    from kadi_battgen.plots.chain_report import pixel_edge
    from kadi_battgen.plots.report import ReportFigure
    from kadi_battgen.plots.style import formula_label

    with AfmCampaign.open(path) as campaign, tempfile.TemporaryDirectory() as folder:
        shown = shown_stacks(campaign, _ROWS)
        figure = campaign_montage(
            np.stack([campaign.stack(index) for index in shown]),
            np.stack([campaign.descriptors(index) for index in shown]),
            [formula_label(campaign.electrodes[campaign.electrode_index[index]].formula_discharge) for index in shown],
            campaign.heights,
            pixel_edge(campaign.conventions),
            f"Frequency shift / {campaign.unit}",
        )
        text = f"AFM slices and descriptors of {len(shown)} of {len(campaign.electrodes)} electrodes"
        _add_figures(run, Path(folder), [ReportFigure(figure, text)], "afm")


@harmless
def training_previews(run: Run, folders: Sequence[str | Path]) -> None:
    """Show the learning curves of a training, as a figure and in a dashboard with its metrics.

    Parameters
    ----------
    run
        The run that trained, with its metrics.
    folders
        Folders of the trained models, each with its ``metrics.csv``.
    """
    from kadi_battgen.plots.learning import learning_curves
    from kadi_battgen.plots.report import ReportFigure
    from kadi_battgen.records.dashboard import training_dashboard
    from kadi_battgen.training.loop import read_history

    histories = {Path(folder).name: read_history(Path(folder) / "metrics.csv") for folder in folders}
    with tempfile.TemporaryDirectory() as place:
        figure = ReportFigure(learning_curves(histories), f"Learning curves of {' and '.join(histories)}")
        (picture,) = _add_figures(run, Path(place), [figure], "learning-curves")
        dashboard = Path(place) / "dashboard.json"
        document = training_dashboard(run.record, picture.read_bytes())
        dashboard.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        run.add_file(dashboard, role="preview", description="Dashboard for Kadi4Mat")


@harmless
def reconstruction_previews(run: Run, model_folder: str | Path, dataset: str | Path) -> None:
    """Show held-out SEI configurations of all regimes beside what an autoencoder makes of them.

    Parameters
    ----------
    run
        The run that trained it.
    model_folder
        Folder of the trained autoencoder.
    dataset
        The data set of the training.
    """
    from kadi_battgen.applications.sei.model import PrvaeModel
    from kadi_battgen.datasets.sei import SeiDataset
    from kadi_battgen.plots.report import ReportFigure
    from kadi_battgen.plots.sei_reconstruction import reconstruction_figure

    with SeiDataset.open(dataset) as source, tempfile.TemporaryDirectory() as folder:
        regime = source.column("regime")
        shown = varied(source.indices("test").tolist(), lambda index: regime[index], _ROWS + 1)
        shown.sort(key=lambda index: regime[index])
        true = source.configurations(shown)
        barriers = source.barriers_scaling.inverse(source.column("barriers")[shown])
        model = PrvaeModel(model_folder)
        decoded = model.decode_configurations(model.encode(true)[0], barriers, seed=0)
        text = f"{len(shown)} configurations of the test part and their reconstructions"
        figure = reconstruction_figure(true, decoded, "Held-out configurations")
        _add_figures(run, Path(folder), [ReportFigure(figure, text)], "reconstructions")


@harmless
def screening_previews(
    run: Run,
    table: str | Path,
    candidates: Sequence[Candidate],
    descriptors: np.ndarray,
    conventions: dict[str, Any],
) -> None:
    """Show candidates against their target, their generated descriptors, and the structures of known neighbours.

    Parameters
    ----------
    run
        The run that proposed the candidates.
    table
        The table of ranked candidates.
    candidates
        The same candidates.
    descriptors
        Their generated descriptors, (candidates, 6, H, W).
    conventions
        Conventions of the images, as on the card of the translator.
    """
    from kadi_battgen.plots.chain_report import candidates_section, pixel_edge

    wanted = candidates[0].target.describe()
    neighbours = list({candidate.nearest.id: candidate.nearest for candidate in candidates}.values())[:_ROWS]
    with tempfile.TemporaryDirectory() as folder:
        section = candidates_section(table, descriptors, wanted, pixel_edge(conventions))
        _add_figures(run, Path(folder), section.figures, "candidates")
        _add_structures(run, Path(folder), neighbours, "Known electrodes nearest to the best candidates")


@harmless
def evaluation_previews(run: Run, sections: Sequence[Section]) -> None:
    """Show the figures of an evaluation's report.

    Parameters
    ----------
    run
        The run that measured.
    sections
        The sections of its report.
    """
    with tempfile.TemporaryDirectory() as folder:
        for section in sections:
            name = re.sub(r"[^a-z0-9]+", "-", section.title.lower()).strip("-")
            _add_figures(run, Path(folder), section.figures, name)


@harmless
def sensitivity_previews(run: Run, rows: Sequence[Mapping[str, Any]], perturbation: float) -> None:
    """Show how far the outputs move with each condition.

    Parameters
    ----------
    run
        The run that measured.
    rows
        Rows of the study.
    perturbation
        Step on the normalised scale.
    """
    from kadi_battgen.plots.report import ReportFigure
    from kadi_battgen.plots.sensitivity import sensitivity_figure

    text = "Change of generated descriptors and compositions with each condition, the most influential condition on top"
    with tempfile.TemporaryDirectory() as folder:
        _add_figures(run, Path(folder), [ReportFigure(sensitivity_figure(rows, perturbation), text)], "sensitivity")


def _add_figures(run: Run, folder: Path, figures: Iterable[ReportFigure], name: str) -> list[Path]:
    """Add figures as PNG, called by `name` and, if there are several, by their number; return where they lie."""
    shown = list(figures)
    paths = []
    for number, entry in enumerate(shown, start=1):
        path = folder / (f"{name}.png" if len(shown) == 1 else f"{name}-{number}.png")
        path.write_bytes(entry.png())
        run.add_file(path, role="preview", description=entry.alternative_text)
        paths.append(path)
    return paths


def _add_structures(run: Run, folder: Path, electrodes: Iterable[Electrode], description: str) -> None:
    """Add structures as XYZ files, which Kadi4Mat shows in three dimensions, in one folder."""
    from kadi_battgen.electrodes.xyz import electrode_xyz

    structures = folder / "structures"
    structures.mkdir()
    for number, electrode in enumerate(electrodes, start=1):
        # The number keeps the order, and tells polymorphs of one formula apart.
        formula = re.sub(r"[^A-Za-z0-9.()-]", "", electrode.formula_discharge)
        (structures / f"{number:02d}-{formula}.xyz").write_text(electrode_xyz(electrode), encoding="utf-8")
    run.add_file(structures, role="preview", description=description)


def shown_stacks(campaign: AfmCampaign, count: int) -> list[int]:
    """Return positions of up to `count` stacks of a campaign, the best orientations of as many working ions as possible."""
    ions = [campaign.electrodes[index].working_ion for index in campaign.electrode_index]
    best = [i for i in range(len(campaign)) if campaign.valid[i] and campaign.orientation_rank[i] == 0]
    return varied(best or list(range(len(campaign))), ions.__getitem__, count)


def varied(entries: Sequence[Any], kind: Callable[[Any], Any], count: int) -> list[Any]:
    """Return up to `count` entries, of as many kinds as possible, in their order."""
    seen: dict[Any, int] = {}
    turns = []
    for place, entry in enumerate(entries):
        turn = seen[kind(entry)] = seen.get(kind(entry), -1) + 1
        turns.append((turn, place))
    return [entries[place] for place in sorted(place for _, place in sorted(turns)[:count])]
