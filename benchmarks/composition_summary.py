"""Summary of the composition study: a table by protocol, a table by lever, and a figure."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from kadi_battgen.electrodes.composition import ELEMENT_INDEX
from kadi_battgen.electrodes.properties import WORKING_IONS
from kadi_battgen.files import atomic_path, write_json, write_text
from kadi_battgen.metrics.intervals import seed_interval
from kadi_battgen.metrics.regression import presence_auc
from kadi_battgen.plots.palette import BLUE, GREEN, MUTED, VERMILION
from kadi_battgen.plots.style import dress, image_bytes, new_figure

#: Table 4.1 of the thesis: MAE, MSE (atoms, atoms squared) and R2.
THESIS = {
    "Li": (0.021, 0.0236, 0.9989), "Na": (0.0181, 0.1593, 0.9707), "Mg": (0.0138, 0.03, 0.9996),
    "Al": (0.0475, 0.2687, 0.8097), "K": (0.0211, 0.1054, 0.849), "Ca": (0.0089, 0.011, 0.9931),
    "Zn": (0.0072, 0.0073, 0.9989), "Rb": (0.0169, 0.0738, 0.7284), "Y": (0.0158, 0.0411, 0.9015),
    "Cs": (0.0115, 0.0705, 0.5087),
}  # fmt: skip

#: What the presence of elements is to reach on compositions that were not seen.
AIM = 0.85

PROTOCOLS = {
    "protocol_image": "by image",
    "protocol_composition": "by composition",
    "protocol_chemical_system": "by chemical system",
    "two_tips_image": "by image, two tips",
    "two_tips_composition": "by composition, two tips",
    "two_tips_chemical_system": "by chemical system, two tips",
}

#: Elements that the simulated tip can hardly tell apart: radii of the Lennard-Jones potential (ppafm's atomtypes.ini) are
#: 2.23 to 2.27 A and 2.36 to 2.57 A, all with a depth of 0.01 eV; V and Fe, Mn and Co, and Cr, Ni and Cu have the same.
GROUPS = {
    "V, Cr, Mn, Fe, Co, Ni or Cu": ("V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu"),
    "Zr, Nb, Mo, Hf, Ta or W": ("Zr", "Nb", "Mo", "Hf", "Ta", "W"),
}

#: What the numbers say, written by hand; to be read with them.
CONCLUSIONS = Path(__file__).with_name("composition_conclusions.md")

#: What is told beside the pooled orientations, and what the results are called.
WAYS = {
    "pooled": "regressor_pooled",
    "ion_told": "regressor_pooled_ion_told",
    "cell_told": "regressor_pooled_cell_told",
}

#: Figures of a run by name: where they lie in its metrics.
FIGURES = {
    "mean_presence_auc_single": ("regressor_per_stack", "mean_presence_auc"),
    "mean_presence_auc": ("regressor_pooled", "mean_presence_auc"),
    "mean_presence_auc_ion_told": ("regressor_pooled_ion_told", "mean_presence_auc"),
    "mean_presence_auc_cell_told": ("regressor_pooled_cell_told", "mean_presence_auc"),
    "least_common_presence_auc": ("regressor_pooled", "minimum_common_presence_auc"),
    "anion_class_accuracy": ("regressor_pooled", "anion_class", "accuracy"),
    "anion_class_majority": ("regressor_pooled", "anion_class", "majority_accuracy"),
    "mean_absolute_error": ("regressor_pooled", "overall", "mean_absolute_error"),
    "mean_absolute_error_cell_told": ("regressor_pooled_cell_told", "overall", "mean_absolute_error"),
    "mean_absolute_error_single": ("regressor_per_stack", "overall", "mean_absolute_error"),
    "coverage_90": ("regressor_pooled", "calibration", "overall", 2),
    "coverage_90_present": ("regressor_pooled", "calibration", "overall_present", 2),
    "formula_right": ("regressor_pooled", "formula", "right_fraction"),
    "element_set_right": ("regressor_pooled", "formula", "element_set_right_fraction"),
}


def summarise(documents: list[dict[str, Any]], results: Path) -> dict[str, Any]:
    """Write ``composition_levers`` as JSON, Markdown and PNG into a folder, and return what the JSON holds."""
    by_name: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for document in documents:
        by_name[document["name"]].append(document)
    summary: dict[str, Any] = {"aim_presence_auc": AIM, "thesis_table_4_1": THESIS, "runs": {}}
    for name, runs in by_name.items():
        common = set.intersection(*(set(run["metrics"]["regressor_pooled"]["common_elements"]) for run in runs))
        summary["runs"][name] = {
            "seeds": [run["seed"] for run in runs],
            **{
                key: runs[0][key]
                for key in ("rule", "campaign", "orientations", "fraction", "recipe", "electrodes", "stacks")
            },
            "training_core_seconds": _over_seeds([run["training_core_seconds"] for run in runs]),
            "figures": {key: _over_seeds([_at(run["metrics"], path) for run in runs]) for key, path in FIGURES.items()},
            "presence_auc": {
                symbol: {
                    way: _over_seeds(
                        [_at(run["metrics"], (method, "elements", symbol, "presence_auc")) for run in runs]
                    )
                    for way, method in WAYS.items()
                }
                for symbol in sorted(
                    common, key=lambda s: (-runs[0]["metrics"]["regressor_pooled"]["elements"][s]["samples"], s)
                )
            },
            "group_presence_auc": {name: _over_seeds([run["groups"].get(name) for run in runs]) for name in GROUPS},
            "anion_class_auc": {
                anion: _over_seeds(
                    [_at(run["metrics"], ("regressor_pooled", "anion_class", "classes", anion, "auc")) for run in runs]
                )
                for anion in ("O", "F", "S", "P", "other")
            },
            "table_4_1": {
                method: [
                    {
                        "working_ion": ion,
                        **{
                            key: _over_seeds([run["metrics"][method]["working_ions"][row][key] for run in runs])
                            for key in ("mean_absolute_error", "mean_squared_error", "r2")
                        },
                    }
                    for row, ion in enumerate(WORKING_IONS)
                ]
                for method in ("regressor_per_stack", "regressor_pooled")
            },
            "baselines": {
                method: {
                    "mean_absolute_error": _at(runs[0]["metrics"], (method, "overall", "mean_absolute_error")),
                    "mean_presence_auc": _at(runs[0]["metrics"], (method, "mean_presence_auc")),
                    "anion_class_accuracy": _at(runs[0]["metrics"], (method, "anion_class", "accuracy")),
                }
                for method in ("training_mean", "nearest_training_image", "nearest_training_image_pooled")
                if method in runs[0]["metrics"]
            },
        }
    write_json(results / "composition_levers.json", summary)
    write_text(results / "composition_levers.md", _markdown(summary))
    with atomic_path(results / "composition_levers.png") as temporary:
        temporary.write_bytes(image_bytes(_figure(summary), "png", 110))
    return summary


def group_presence_auc(true: np.ndarray, presence: np.ndarray) -> dict[str, float | None]:
    """Return how well the presence of any element of a group is told, from presence probabilities (samples, 112)."""
    areas = {}
    for name, symbols in GROUPS.items():
        columns = [ELEMENT_INDEX[symbol] for symbol in symbols]
        areas[name] = presence_auc((true[:, columns] > 0).any(axis=1), 1.0 - (1.0 - presence[:, columns]).prod(axis=1))
    return areas


def _at(values: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        if isinstance(values, dict):
            values = values.get(key)
        elif isinstance(values, list):
            values = values[key]
        if values is None:
            return None
    return values


def _over_seeds(values: list[Any]) -> dict[str, Any] | None:
    known = [value for value in values if value is not None]
    if not known:
        return None
    if len(known) == 1:
        return {"estimate": known[0]}
    interval = seed_interval(known)
    return {"estimate": interval.estimate, "low": interval.low, "high": interval.high}


def estimate_text(entry: dict[str, Any] | None, digits: int = 3) -> str:
    """Return an estimate with half the width of its interval, where it has one."""
    if entry is None:
        return ""
    if "low" not in entry:
        return f"{entry['estimate']:.{digits}f}"
    half = (entry["high"] - entry["low"]) / 2
    return f"{entry['estimate']:.{digits}f} ± {half:.{digits}f}"


def table_text(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _markdown(summary: dict[str, Any]) -> str:
    runs = summary["runs"]
    parts = [
        "# What an AFM stack tells of a composition",
        "Made by `python benchmarks/composition_levers.py --electrodes electrodes.json.gz --work study/`. Numbers are of the "
        "test part; ± is half the 95 % Student t interval over the seeds, missing where a run has one seed. Errors are in "
        "atoms per reduced formula.",
    ]
    shown = [name for name in PROTOCOLS if name in runs]
    if shown:
        keys = list(FIGURES)
        rows = [
            [
                key.replace("_", " "),
                *(estimate_text(runs[name]["figures"][key], 4 if "error" in key else 3) for name in shown),
            ]
            for key in keys
        ]
        rows.insert(0, ["seeds", *(", ".join(map(str, runs[name]["seeds"])) for name in shown)])
        for method in ("training_mean", "nearest_training_image", "nearest_training_image_pooled"):
            label = method.replace("_", " ")
            for key, digits in (("mean_absolute_error", 4), ("mean_presence_auc", 3), ("anion_class_accuracy", 3)):
                cells = []
                for name in shown:
                    value = runs[name]["baselines"].get(method, {}).get(key)
                    cells.append("" if value is None else f"{value:.{digits}f}")
                rows.append([f"baseline {label}: {key.replace('_', ' ')}", *cells])
        parts += ["## Three protocols", table_text(["", *(PROTOCOLS[name] for name in shown)], rows)]
    for name in shown:
        table = runs[name]["table_4_1"]
        rows = []
        for single, pooled in zip(table["regressor_per_stack"], table["regressor_pooled"], strict=True):
            ion = single["working_ion"]
            rows.append(
                [ion]
                + [f"{value:g}" for value in THESIS[ion]]
                + [
                    estimate_text(entry[key], 4)
                    for entry in (single, pooled)
                    for key in ("mean_absolute_error", "mean_squared_error", "r2")
                ]
            )
        ways = ("thesis", "one stack", "pooled")
        head = ["ion", *(f"{figure} {way}" for way in ways for figure in ("MAE", "MSE", "R²"))]
        parts += [f"## Table 4.1, split {PROTOCOLS[name]}", table_text(head, rows)]
    keys = ["mean_presence_auc_single", "mean_presence_auc", "mean_presence_auc_ion_told", "mean_presence_auc_cell_told",
            "least_common_presence_auc", "anion_class_accuracy", "mean_absolute_error", "coverage_90_present"]  # fmt: skip
    rows = [
        [name.replace("_", " "), str(len(entry["seeds"])), entry["campaign"], str(entry["orientations"])]
        + [estimate_text(entry["figures"][key], 4 if "error" in key else 3) for key in keys]
        + [f"{entry['training_core_seconds']['estimate']:.0f}"]
        for name, entry in runs.items()
    ]
    head = ["run", "seeds", "campaign", "orientations", *(key.replace("_", " ") for key in keys), "core-s"]
    parts += ["## Levers", table_text(head, rows)]
    chosen = [name for name in ("protocol_composition", "two_tips_composition") if name in runs]
    alone = [name for name in ("reference", "finer", "charged", "two_tips", "closer") if name in runs]
    columns = [(name, way) for name in chosen for way in WAYS] + [(name, "pooled") for name in alone]
    columns = [(name, way) for name, way in columns if any(areas[way] for areas in runs[name]["presence_auc"].values())]
    if columns:
        symbols = list(dict.fromkeys(symbol for name in [*chosen, *alone] for symbol in runs[name]["presence_auc"]))
        rows = [
            [symbol, *(estimate_text((runs[name]["presence_auc"].get(symbol) or {}).get(way)) for name, way in columns)]
            for symbol in symbols
        ]
        for label, key, members in (
            ("class", "anion_class_auc", ("O", "F", "S", "P", "other")),
            ("any of", "group_presence_auc", tuple(GROUPS)),
        ):
            rows += [
                [f"{label} {member}"]
                + [estimate_text(runs[name][key][member]) if way == "pooled" else "" for name, way in columns]
                for member in members
            ]
        told = {"pooled": "", "ion_told": ", ion told", "cell_told": ", ion and properties told"}
        head = ["element", *(f"{name.replace('_', ' ')}{told[way]}" for name, way in columns)]
        parts += ["## Presence of common elements, area under the curve, orientations pooled", table_text(head, rows)]
    return "\n\n".join([*parts, CONCLUSIONS.read_text(encoding="utf-8")])


def _figure(summary: dict[str, Any]) -> Any:
    runs = summary["runs"]
    figure = new_figure(11.0, 8.0, "What an AFM stack tells of a composition (test part)")
    left, right = figure.subplots(1, 2, width_ratios=[1.0, 1.2])
    names = list(runs)[::-1]
    ways = (
        ("mean_presence_auc_single", MUTED, "o", "one stack"),
        ("mean_presence_auc", BLUE, "s", "orientations pooled"),
        ("mean_presence_auc_ion_told", VERMILION, "D", "pooled, working ion told"),
        ("mean_presence_auc_cell_told", GREEN, "^", "pooled, ion and properties told"),
    )
    for offset, (key, colour, marker, label) in zip((0.24, 0.08, -0.08, -0.24), ways, strict=True):
        entries = [(row + offset, runs[name]["figures"][key]) for row, name in enumerate(names)]
        _points(left, entries, colour, marker, label)
    left.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    left.axvline(AIM, color=MUTED, linewidth=1.0, linestyle="--")
    left.legend(loc="upper center", bbox_to_anchor=(0.4, -0.08), ncols=3, frameon=False, fontsize=8)
    dress(left, xlabel="Mean presence AUC over elements / 1", title="Protocols and levers")
    chosen = [
        (name, colour)
        for name, colour in (("reference", MUTED), ("protocol_composition", BLUE), ("two_tips_composition", GREEN))
        if name in runs
    ]
    symbols = list(dict.fromkeys(symbol for name, _ in chosen for symbol in runs[name]["presence_auc"]))[::-1]
    for offset, (name, colour) in zip((-0.2, 0.0, 0.2), chosen, strict=False):
        areas = runs[name]["presence_auc"]
        entries = [(row + offset, (areas.get(symbol) or {}).get("pooled")) for row, symbol in enumerate(symbols)]
        _points(right, entries, colour, "o", name.replace("_", " "))
    right.set_yticks(range(len(symbols)), symbols)
    right.axvline(AIM, color=MUTED, linewidth=1.0, linestyle="--")
    right.axvline(0.5, color=MUTED, linewidth=1.0, linestyle=":")
    right.set_xlim(0.35, 1.03)
    right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=3, frameon=False, fontsize=8)
    dress(right, xlabel="Presence AUC on unseen compositions / 1", title="Common elements, pooled")
    return figure


def _points(
    axes: Any, entries: list[tuple[float, dict[str, Any] | None]], colour: str, marker: str, label: str
) -> None:
    """Draw estimates with their intervals, one a row."""
    there = [(row, entry) for row, entry in entries if entry is not None]
    if there:
        values = np.array([entry["estimate"] for _, entry in there])
        halves = np.array([(entry.get("high", 0.0) - entry.get("low", 0.0)) / 2 for _, entry in there])
        rows = [row for row, _ in there]
        axes.errorbar(
            values, rows, xerr=halves, fmt=marker, color=colour, label=label, markersize=4, capsize=2, linestyle="none"
        )
