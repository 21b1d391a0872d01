"""SEI observables against the published runs of the reference model, on the same barriers.

Each set of barriers is simulated at several caps on the number of events, since the published runs were stopped by wall
clock and their number of events is not known. For each cap the means and the Spearman correlations over the sets of
barriers are compared, and the best single cap is the one whose worst observable is furthest inside its bound.

    python benchmarks/sei_reference.py reference_runs.csv --vectors 600 --output benchmarks/results

writes sei_reference.csv (all caps) and sei_reference.png (the best one), and prints the table. `--model FILE` compares
another chemistry, as fields of the model in YAML.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kadi_battgen.parallel import ClusterSettings
from kadi_battgen.plots.palette import BLUE, INK, MUTED
from kadi_battgen.plots.style import NOTE_SIZE, dress, image_bytes, new_figure
from kadi_battgen.sei.campaign import run_campaign
from kadi_battgen.sei.chemistry import SeiModel, read_model
from kadi_battgen.sei.design import read_barriers
from kadi_battgen.sei.observables import OBSERVABLES
from kadi_battgen.sei.store import SeiCampaign

#: Least Spearman correlation by observable; means are to agree within this fraction.
LEAST_CORRELATION = {"flux": 0.78, "in_flux": 0.80, "density": 0.78, "thickness": 0.74, "porosity": 0.50}
LARGEST_DEVIATION = 0.15


CAPS = [200_000, 400_000, 500_000, 600_000, 700_000, 800_000]

#: Factor by which the public code counts events at the electrode too often: 30 to 90 times.
REPEATED_EVENTS = 60.0


def main() -> int:
    """Simulate, compare, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reference", type=Path, help="published runs: CSV with e1 to e15 and the observables")
    parser.add_argument("--vectors", type=int, default=600, help="sets of barriers, evenly spread over the file")
    parser.add_argument("--caps", type=int, nargs="+", default=CAPS, help="event caps")
    parser.add_argument("--model", type=Path, help="fields of the chemistry that differ from the default (YAML)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the runs")
    parser.add_argument("--workers", type=int, help="processes; all cores if absent")
    parser.add_argument("--caps-only", action="store_true", help="leave out what tells why single runs differ")
    parser.add_argument("--output", type=Path, help="folder for the table and the figure")
    options = parser.parse_args()

    barriers = read_barriers(options.reference)
    rows = np.unique(np.linspace(0, len(barriers) - 1, min(options.vectors, len(barriers))).round().astype(int))
    theirs = read_observables(options.reference, rows)
    model = read_model(options.model) if options.model else SeiModel()
    results, simulated = [], {}
    for cap in options.caps:
        simulated[cap] = simulate(barriers[rows], model, cap, options.seed, options.workers)
        results.append(
            {"variant": "single cap", "max_events": cap, "vectors": len(rows), **compare(simulated[cap], theirs)}
        )
        print(describe(results[-1]), flush=True)
    best = max(results, key=lambda entry: entry["margin"])
    print(
        f"best single cap: {best['max_events']} events, {'within' if best['margin'] >= 0 else 'outside'} the bounds\n"
    )
    for variant in () if options.caps_only else variants(barriers[rows], model, best, simulated, theirs, options):
        results.append(variant)
        print(describe(variant), flush=True)
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        with (options.output / "sei_reference.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(results[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(results)
        figure = draw(simulated[best["max_events"]], theirs, best)
        (options.output / "sei_reference.png").write_bytes(image_bytes(figure, "png", 110))
    return 0 if best["margin"] >= 0 else 1


def variants(
    barriers: np.ndarray,
    model: SeiModel,
    best: dict[str, Any],
    simulated: dict[int, dict[str, np.ndarray]],
    theirs: dict[str, np.ndarray],
    options: argparse.Namespace,
) -> Iterator[dict[str, Any]]:
    """Yield comparisons that tell why single runs differ: chance, repeated electrode events, unknown numbers of events."""
    cap, shared = best["max_events"], {"vectors": len(barriers)}
    ours = simulated[cap]
    repeated = model.model_copy(update={"reduction_multipliers": (REPEATED_EVENTS, REPEATED_EVENTS)})
    found = simulate(barriers, repeated, cap, options.seed, options.workers)
    name = f"rates of processes 1 and 3 times {REPEATED_EVENTS:g}, as in the public code"
    yield {"variant": name, "max_events": cap, **shared, **compare(found, theirs)}
    again = simulate(barriers, model, cap, options.seed + 1, options.workers)
    yield {
        "variant": "this engine against itself with another seed",
        "max_events": cap,
        **shared,
        **compare(again, ours),
    }
    # Of each run that cap which comes nearest in the volume fraction: no prediction, but a bound for what the unknown
    # number of events of each published run can explain in the other observables.
    fluxes = np.stack([entry["flux"] for entry in simulated.values()])
    nearest = np.abs(fluxes - theirs["flux"]).argmin(axis=0)
    chosen = {
        name: np.stack([entry[name] for entry in simulated.values()])[nearest, np.arange(len(nearest))] for name in ours
    }
    yield {"variant": "nearest cap of each run", "max_events": 0, **shared, **compare(chosen, theirs)}


def read_observables(path: Path, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return the published observables of some rows."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        table = list(csv.DictReader(stream))
    return {name: np.array([float(table[row][name]) for row in rows]) for name in LEAST_CORRELATION}


def simulate(barriers: np.ndarray, model: SeiModel, cap: int, seed: int, workers: int | None) -> dict[str, np.ndarray]:
    """Return our observables at one cap on the number of events."""
    capped = model.model_copy(update={"max_events": cap})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sei.h5"
        run_campaign(barriers, file, capped, seed=seed, cluster=ClusterSettings(workers), progress=False)
        with SeiCampaign.open(file) as campaign:
            return campaign.observables


def compare(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return means, their ratio and the rank correlation by observable, and how far the worst is inside its bound."""
    from scipy.stats import spearmanr

    found: dict[str, Any] = {}
    margins = []
    for name, least in LEAST_CORRELATION.items():
        mean, reference = float(ours[name].mean()), float(theirs[name].mean())
        correlation = float(spearmanr(ours[name], theirs[name]).statistic)
        found |= {
            f"{name}_mean": round(mean, 4),
            f"{name}_published_mean": round(reference, 4),
            f"{name}_spearman": round(correlation, 4),
        }
        margins += [LARGEST_DEVIATION - abs(mean / reference - 1), correlation - least]
    return found | {"margin": round(min(margins), 4)}


def describe(result: dict[str, Any]) -> str:
    """Return one cap's comparison as lines of text."""
    lines = [
        f"{result['variant']}, {result['max_events']} events, {result['vectors']} sets of barriers "
        f"(margin {result['margin']:+.3f})"
    ]
    for name, least in LEAST_CORRELATION.items():
        mean, reference = result[f"{name}_mean"], result[f"{name}_published_mean"]
        lines.append(
            f"  {name:10s} mean {mean:7.3f}, published {reference:7.3f} ({mean / reference - 1:+6.1%}), "
            f"Spearman {result[f'{name}_spearman']:.3f} (at least {least})"
        )
    return "\n".join(lines)


def draw(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray], result: dict[str, Any]) -> Any:
    """Draw our observables against the published ones, and both distributions."""
    names = list(LEAST_CORRELATION)
    figure = new_figure(
        2.35 * len(names), 4.7, f"SEI observables at {result['max_events']:,} events against the published runs"
    )
    panels = figure.subplots(2, len(names))
    for scatter, distribution, name in zip(*panels, names, strict=True):
        low, high = 0.0, 1.02 * max(ours[name].max(), theirs[name].max())
        scatter.scatter(theirs[name], ours[name], s=7, color=BLUE, alpha=0.35, linewidths=0)
        scatter.plot([low, high], [low, high], color=MUTED, linewidth=0.9)
        entry = OBSERVABLES[name]
        dress(scatter, xlabel="published", ylabel="this engine" if name == names[0] else "", title=entry.label)
        scatter.set_title(entry.label, fontsize=9, color=INK, loc="left")
        scatter.text(
            0.04,
            0.96,
            f"Spearman {result[f'{name}_spearman']:.2f}",
            transform=scatter.transAxes,
            va="top",
            fontsize=NOTE_SIZE,
        )
        bins = np.linspace(low, high, 26)
        for values, colour, label in ((theirs[name], MUTED, "published"), (ours[name], BLUE, "this engine")):
            distribution.hist(values, bins=bins, histtype="step", linewidth=1.4, color=colour, label=label)
            distribution.axvline(values.mean(), color=colour, linestyle=":", linewidth=1.2)
        dress(distribution, xlabel=entry.unit, ylabel="runs" if name == names[0] else "")
    panels[1, 0].legend(frameon=False, fontsize=NOTE_SIZE)
    return figure


if __name__ == "__main__":
    sys.exit(main())
