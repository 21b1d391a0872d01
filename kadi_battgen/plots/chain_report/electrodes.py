"""The section on the electrodes."""

from __future__ import annotations

import numpy as np

from kadi_battgen.electrodes.collection import ElectrodeCollection
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES
from kadi_battgen.plots.properties import property_distributions
from kadi_battgen.plots.report import Column, ReportFigure, Section, Table


def electrode_section(collection: ElectrodeCollection) -> Section:
    """Return the section on the electrodes: where they come from, how many, how their properties spread."""
    electrodes = collection.electrodes
    values = {name: np.array([getattr(e.properties, name) for e in electrodes]) for name in FUNCTIONAL_PROPERTIES}
    ions = [electrode.working_ion for electrode in electrodes]
    methods = sorted({(e.source, e.method) for e in electrodes})
    rows = [
        (source, method, sum((e.source, e.method) == (source, method) for e in electrodes))
        for source, method in methods
    ]
    figure = ReportFigure(
        property_distributions(values, ions),
        "Number of electrodes per working ion and the spread of the six functional properties.",
        "Each point is an electrode. Capacities and energies refer to the discharged phase.",
    )
    counts = ", ".join(f"{ion} {count}" for ion, count in collection.counts().items() if count)
    table = Table(
        (Column("Source"), Column("How the energies were obtained"), Column("Electrodes", kind="number")),
        rows,
        "These are computed values, not experiments; the data card of the set states their errors.",
    )
    return Section("Electrodes", [f"{len(electrodes)} electrodes: {counts}."], [figure], [table])
