"""The observables of a campaign as a table."""

from __future__ import annotations

import csv
import io
import os

import numpy as np

from kadi_battgen.files import write_text
from kadi_battgen.sei.chemistry import BARRIER_NAMES
from kadi_battgen.sei.observables import OBSERVABLES, observables
from kadi_battgen.sei.regimes import REGIMES, regimes
from kadi_battgen.sei.store import SeiCampaign
from kadi_battgen.sei.validity import is_valid, model_tunnelling_rows

#: Configurations that are read together.
_BLOCK = 512


def write_observables(
    campaign_path: str | os.PathLike[str], output_path: str | os.PathLike[str], *, barriers: bool = False
) -> int:
    """Count the observables of a campaign's configurations and write them as CSV.

    Parameters
    ----------
    campaign_path
        The campaign file.
    output_path
        The table to write: ``id``, the row of the run in the campaign; the observables with their units; ``regime``,
        ``events`` and ``time_s``, empty where nothing was simulated; ``valid``, 1 where the configuration passes all checks of
        :mod:`kadi_battgen.sei.validity`.
    barriers
        Add the barriers in eV.

    Returns
    -------
    int
        Number of rows.

    Raises
    ------
    UserError
        If there is no such campaign, or the table cannot be written.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    with SeiCampaign.open(campaign_path) as campaign:
        extra = [f"{name}_eV" for name in BARRIER_NAMES] if barriers else []
        columns = [entry.column for entry in OBSERVABLES.values()]
        writer.writerow(["id", *columns, "regime", "events", "time_s", "valid", *extra])
        for start in range(0, len(campaign), _BLOCK):
            block = campaign.configurations(start, start + _BLOCK)
            found = observables(block)
            sound = is_valid(block, tunnelling_rows=model_tunnelling_rows(campaign.model))
            kinds = [list(REGIMES)[number] for number in regimes(found)]
            numbers = np.stack(list(found.values()), axis=1).tolist()
            for offset, (values, kind) in enumerate(zip(numbers, kinds, strict=True)):
                index = start + offset
                own = _cells(campaign.barriers[index]) if barriers else []
                run = [campaign.events[index], campaign.time[index]] if campaign.is_simulated else ["", ""]
                writer.writerow([index, *values, kind, *run, int(sound[offset]), *own])
        rows = len(campaign)
    write_text(output_path, stream.getvalue())
    return rows


def _cells(values: np.ndarray) -> list[float | str]:
    return ["" if np.isnan(value) else float(value) for value in values]
