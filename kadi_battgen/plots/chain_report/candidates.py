"""The section on the candidates of a screening."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np

from kadi_battgen.applications.screening.candidate_files import read_candidate_table
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES
from kadi_battgen.plots.candidates import candidates_figure
from kadi_battgen.plots.images import candidate_images
from kadi_battgen.plots.report import Column, ReportFigure, Section, Table


def candidates_section(
    table: str | os.PathLike[str],
    images: np.ndarray | None,
    target: Mapping[str, str] | None = None,
    pixel_size: float | None = None,
) -> Section:
    """Return the section on the ranked candidates of a ``candidates.csv`` with their generated descriptors.

    Parameters
    ----------
    table
        The table of ``battgen screen``, CSV or JSON.
    images
        Scaled descriptors in the order of the table, (candidates, 6, H, W); None where they were not kept.
    target
        What was asked, as texts with units; by default as the table tells it.
    pixel_size
        Edge of a pixel in Angstrom.
    """
    rows = read_candidate_table(table)
    voltage, capacity, change = (
        FUNCTIONAL_PROPERTIES[n].column for n in ("average_voltage", "gravimetric_capacity", "volume_change")
    )
    columns = (
        Column("Rank", kind="number"),
        Column("Formula", kind="formula"),
        Column("Ion present"),
        Column("Charges balance"),
        Column("Miss of the target", unit="fraction", kind="number", decimals=3),
        Column("Capacity by formula", unit="mAh/g", kind="number", decimals=1),
        Column("Expected voltage", unit="V", kind="number", decimals=2),
        Column("Expected volume change", unit="fraction", kind="number", decimals=3),
        Column("New"),
        Column("Nearest known", kind="formula"),
        Column("Its distance", unit="fraction", kind="number", decimals=2),
        Column("Its voltage", unit="V", kind="number", decimals=2),
        Column("Its capacity", unit="mAh/g", kind="number", decimals=1),
        Column("Seed", kind="code"),
    )
    cells = [
        (
            int(row["rank"]),
            row["formula"],
            "yes" if row["working_ion_present"] == "True" else "no",
            "yes" if row["charge_balanced"] == "True" else "no",
            float(row["target_miss_fraction"]),
            float(row["theoretical_gravimetric_capacity_mAh_per_g"]),
            float(row[f"predicted_{voltage}"] or "nan"),
            float(row[f"predicted_{change}"] or "nan"),
            "yes" if row["novel"] == "True" else "no",
            row["nearest_known_formula"],
            float(row["nearest_known_distance_fraction"]),
            float(row[f"nearest_known_{voltage}"]),
            float(row[f"nearest_known_{capacity}"]),
            row["seed"],
        )
        for row in rows
    ]
    top = min(6, len(rows))
    asked = _target(rows) if target is None else target
    figures = [
        ReportFigure(
            candidates_figure(rows, asked),
            "Asked and obtained gravimetric capacity of each candidate, and its distance to the nearest known electrode.",
        )
    ]
    if images is not None:
        figures.append(
            ReportFigure(
                candidate_images(images[:top], [row["formula"] for row in rows[:top]], pixel_size),
                "Generated height map, van der Waals spheres, atomic disks and type map of the best candidates.",
                "Descriptors generated together with the formulas.",
            )
        )
    wanted = "; ".join(f"{name.replace('_', ' ')} {text}" for name, text in asked.items())
    text = (
        f"Target: {wanted}. First come candidates that hold the working ion, then those whose charges balance, then the "
        "smaller miss of the target (capacity by the candidate's own formula, other properties as expected by a model with "
        "no part in the generation; in units of the property's spread), then the smaller distance to a known electrode. "
        "Candidates are proposals for a closer look, not predictions of stability."
    )
    return Section("Candidates", [text], figures, [Table(columns, cells, "All candidates.", sortable=True)])


def _target(rows: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return what was asked, as texts with units, from the columns of the table; the ion as the candidates state it."""
    ions = {row["working_ion"] for row in rows}
    target = {"working_ion": ions.pop() if len(ions) == 1 else "any"}
    for entry in FUNCTIONAL_PROPERTIES.values():
        if text := rows[0].get(f"target_{entry.column}"):
            target[entry.name] = f"{text} {entry.unit}"
    return target
