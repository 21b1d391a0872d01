"""Plain autoencoder, the thesis's prVAE and ours on one data set: accuracy, calibration, reconstruction, time, parameters.

    python benchmarks/prvae_comparison.py --dataset sei_dataset.h5 --models models/ --run ours
    python benchmarks/prvae_comparison.py --dataset sei_dataset.h5 --models models/ --report

Each model is trained in a folder of its own under ``--models``; a run that was stopped goes on where it was, and one that is
done is not repeated, so that several may run side by side. ``--report`` writes ``results/prvae.json``, ``prvae.md`` and
``prvae.png``, held-out configurations beside their reconstructions by ours.

The data set of the stored results: 30,000 runs of the wide and 20,000 of the published design,

    battgen simulate-sei --runs 30000 --design wide --seed 1 --max-events 500000 --output wide.h5
    battgen simulate-sei --runs 10000 --design published --seed 2 --max-events 120000 --output published_a.h5
    battgen simulate-sei --runs 10000 --design published --seed 3 --max-events 120000 --output published_b.h5
    battgen build-sei-dataset --sei wide.h5 --sei-2 published_a.h5 --sei-3 published_b.h5 --output sei_dataset.h5
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kadi_battgen.files import read_json, write_json, write_text
from kadi_battgen.metrics.intervals import seed_interval
from kadi_battgen.metrics.regression import regression_metrics

RESULTS = Path(__file__).parent / "results"

#: Properties in the order of the table.
PROPERTIES = ("flux", "thickness", "density", "porosity")

#: What is trained: preset, epochs (those of the preset where None), fields that differ from it, seeds.
RUNS: dict[str, tuple[str, int | None, dict[str, Any], tuple[int, ...]]] = {
    "ours": ("small", None, {"variant": "prvae"}, (0, 1, 2)),
    "ours, plain VAE": ("small", 2, {"variant": "vae"}, (0,)),
    "ours, conditional": ("small", None, {"variant": "conditional-prvae"}, (0,)),
    "thesis": ("thesis", 1, {"variant": "prvae"}, (0,)),
}


def folder_of(models: Path, name: str, seed: int) -> Path:
    """Return the folder of one training."""
    return models / f"{name.replace(', ', '-').replace(' ', '-')}-{seed}"


def run(dataset: Path, models: Path, name: str, seed: int, *, progress: bool = True) -> dict[str, Any]:
    """Train, or go on training, and measure one model; return its result."""
    import torch

    from kadi_battgen.applications.sei.evaluation import evaluate_prvae
    from kadi_battgen.applications.sei.model import PrvaeModel
    from kadi_battgen.training.loop import read_history
    from kadi_battgen.training.sei.prvae import train_prvae
    from kadi_battgen.training.sei.settings import load_prvae_settings

    folder = folder_of(models, name, seed)
    outcome = folder / "result.json"
    if outcome.is_file():
        return dict(read_json(outcome))
    torch.set_num_threads(1)
    preset, epochs, fields, _ = RUNS[name]
    settings = load_prvae_settings(preset, None, {"epochs": epochs}, **fields)
    history = folder / "metrics.csv"
    before = len(read_history(history).get("epoch", [])) if history.is_file() else 0
    start = time.process_time()
    card = train_prvae(dataset, folder, settings, seed=seed, preset=preset, progress=progress)
    seconds = time.process_time() - start
    done = card["epochs_trained"] - before
    model = PrvaeModel(folder)
    result = {
        "name": name,
        "seed": seed,
        "preset": preset,
        "epochs": card["epochs_trained"],
        "parameters": card["parameters"],
        # Of a training that went on, the time of the epochs before is taken to be as long as that of the others.
        "training_cpu_minutes": seconds / 60 * card["epochs_trained"] / done if done > 0 else None,
        "best": card["best"],
        "linear_read_out": linear_read_out(model, dataset),
        **evaluate_prvae(model, dataset),
    }
    write_json(outcome, result)
    return result


def linear_read_out(model: Any, dataset_path: Path) -> dict[str, float | None]:
    """Return R2 on the test part of ridge regressions of each property on the latent, fitted to the kept training latents."""
    from sklearn.linear_model import Ridge

    from kadi_battgen.datasets.sei import SeiDataset
    from kadi_battgen.sei.observables import OBSERVABLES

    chosen = [list(OBSERVABLES).index(name) for name in PROPERTIES]
    with SeiDataset.open(dataset_path) as dataset:
        positions = dataset.indices("test")
        latent, _ = model.encode(dataset.configurations(positions))
        true = dataset.observables_scaling.inverse(dataset.column("observables")[positions])[:, chosen]
    fitted = Ridge(alpha=1e-3).fit(model.latents.sample, model.latents.observables[:, chosen])
    predicted = fitted.predict(latent)
    return {
        name: regression_metrics(true[:, column], predicted[:, column])["r2"] for column, name in enumerate(PROPERTIES)
    }


def report(models: Path) -> dict[str, Any]:
    """Return the table of all results that are there, one entry a configuration."""
    table = {}
    for name, (_, _, _, seeds) in RUNS.items():
        results = [
            read_json(folder_of(models, name, seed) / "result.json") for seed in seeds if _done(models, name, seed)
        ]
        if results:
            table[name] = summary(results)
    return table


def _done(models: Path, name: str, seed: int) -> bool:
    return (folder_of(models, name, seed) / "result.json").is_file()


def summary(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the figures of one configuration over its seeds, each with an interval."""
    first = results[0]

    def over_seeds(read: Any) -> Any:
        return _over_seeds([read(result) for result in results])

    properties = {}
    for name in first["properties"]:
        properties[name] = {
            "r2": over_seeds(lambda result, name=name: result["properties"][name]["r2"]),
            "r2_bootstrap_first_seed": first["properties"][name]["r2_interval"],
            "mean_absolute_error": over_seeds(
                lambda result, name=name: result["properties"][name]["mean_absolute_error"]
            ),
            "coverage_90": over_seeds(lambda result, name=name: result["properties"][name]["coverage"]["0.9"]),
        }
    return {
        "seeds": [result["seed"] for result in results],
        "test_samples": first["samples"],
        "epochs": first["epochs"],
        "parameters": first["parameters"],
        "training_cpu_minutes": over_seeds(lambda result: result["training_cpu_minutes"]),
        "properties": properties,
        "linear_read_out_r2": {
            name: over_seeds(lambda result, name=name: result["linear_read_out"][name]) for name in PROPERTIES
        },
        "argmax_site_accuracy": over_seeds(lambda result: result["argmax_site_accuracy"]["estimate"]),
        "site_accuracy": over_seeds(lambda result: result["sites"]["accuracy"]["estimate"]),
        "f1": {
            symbol: over_seeds(lambda result, symbol=symbol: result["sites"]["f1"][symbol]["estimate"])
            for symbol, score in first["sites"]["f1"].items()
            if score is not None
        },
        "reconstructed_observables": {
            name: {
                key: over_seeds(
                    lambda result, name=name, key=key: (result["reconstructed_observables"][name][key] or {}).get(
                        "estimate"
                    )
                )
                for key in ("relative_deviation", "median_relative_error")
            }
            | {"r2": over_seeds(lambda result, name=name: result["reconstructed_observables"][name]["r2"])}
            for name in first["reconstructed_observables"]
        },
    }


def _over_seeds(values: Sequence[float | None]) -> Any:
    known = [value for value in values if value is not None]
    if not known:
        return None
    if len(known) == 1:
        return {"mean": known[0]}
    interval = seed_interval(known)
    return {"mean": interval.estimate, "low": interval.low, "high": interval.high, "values": known}


def markdown(table: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the results as Markdown tables."""
    names = list(table)
    first = table[names[0]]
    head = f"| figure | {' | '.join(names)} |\n|---|{'---|' * len(names)}"
    rows = [
        ("seeds", lambda entry: str(len(entry["seeds"]))),
        ("parameters", lambda entry: f"{entry['parameters']:,}"),
        ("epochs", lambda entry: str(entry["epochs"])),
        ("training, CPU minutes of one core", lambda entry: _text(entry["training_cpu_minutes"], 1)),
    ]
    for name in PROPERTIES:
        rows.append((f"R2, {name}", lambda entry, name=name: _r2_text(entry["properties"].get(name))))
    for name in PROPERTIES:
        rows.append(
            (
                f"share of the truth in 90 % intervals, {name}",
                lambda entry, name=name: _text(entry["properties"].get(name, {}).get("coverage_90"), 3),
            )
        )
    for name in PROPERTIES:
        rows.append(
            (f"R2 of a linear read-out, {name}", lambda entry, name=name: _text(entry["linear_read_out_r2"][name], 4))
        )
    rows.append(
        ("site accuracy, likeliest species of each site", lambda entry: _text(entry["argmax_site_accuracy"], 4))
    )
    rows.append(("site accuracy, as decoded", lambda entry: _text(entry["site_accuracy"], 4)))
    for symbol in first["f1"]:
        rows.append((f"F1 of {symbol}", lambda entry, symbol=symbol: _text(entry["f1"].get(symbol), 3)))
    for name in PROPERTIES:
        rows += [
            (
                f"reconstruction, {name}: deviation of the mean, fraction",
                lambda entry, name=name: _text(entry["reconstructed_observables"][name]["relative_deviation"], 4),
            ),
            (
                f"reconstruction, {name}: median error of one configuration, fraction",
                lambda entry, name=name: _text(entry["reconstructed_observables"][name]["median_relative_error"], 4),
            ),
        ]
    body = "\n".join(f"| {label} | {' | '.join(read(table[name]) for name in names)} |" for label, read in rows)
    return (
        "# prVAE: plain, the thesis's and ours\n\n"
        f"On {first['test_samples']:,} held-out runs. Intervals are 95 %: over seeds (Student's t), and of R2 of a "
        "single seed over the runs (bootstrap). "
        "Times are CPU time of one core of a shared machine. Commands: see `benchmarks/prvae_comparison.py`.\n\n"
        f"{head}\n{body}\n"
    )


def _r2_text(figures: Mapping[str, Any] | None) -> str:
    if figures is None:
        return ""
    single = "low" not in figures["r2"]
    return _text(
        figures["r2"] | ({k: figures["r2_bootstrap_first_seed"][k] for k in ("low", "high")} if single else {}), 4
    )


def _text(figure: Mapping[str, Any] | None, digits: int) -> str:
    if figure is None:
        return ""
    text = f"{figure['mean']:.{digits}f}"
    if "low" in figure:
        text += f" ({figure['low']:.{digits}f} to {figure['high']:.{digits}f})"
    return text


def picture(dataset_path: Path, model_folder: Path) -> bytes:
    """Return a PNG of held-out configurations of all regimes beside what a model makes of them."""
    from kadi_battgen.applications.sei.model import PrvaeModel
    from kadi_battgen.datasets.sei import SeiDataset
    from kadi_battgen.plots.sei_reconstruction import reconstruction_figure
    from kadi_battgen.plots.style import image_bytes
    from kadi_battgen.sei.regimes import REGIMES

    model, generator = PrvaeModel(model_folder), np.random.default_rng(0)
    with SeiDataset.open(dataset_path) as dataset:
        regime, test = dataset.column("regime"), dataset.indices("test")
        chosen = [generator.choice(test[regime[test] == kind]) for kind in range(1, len(REGIMES)) for _ in range(2)]
        true = dataset.configurations(chosen)
        barriers = dataset.barriers_scaling.inverse(dataset.column("barriers")[chosen])
    shown = model.decode_configurations(model.encode(true)[0], barriers, seed=0)
    return image_bytes(
        reconstruction_figure(true, shown, "Held-out configurations and their reconstructions"), "png", 80
    )


def main() -> None:
    """Train and measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--run", choices=list(RUNS), action="append", default=[])
    parser.add_argument("--seed", type=int, action="append", help="seeds of the run; by default all of them")
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    for name in options.run:
        for seed in options.seed or RUNS[name][3]:
            result = run(options.dataset, options.models, name, seed)
            scores = {key: round(figures["r2"], 4) for key, figures in result["properties"].items()}
            print(f"{name}, seed {seed}: {json.dumps(scores)}", flush=True)
    if options.report:
        table = report(options.models)
        write_json(RESULTS / "prvae.json", table)
        write_text(RESULTS / "prvae.md", markdown(table))
        (RESULTS / "prvae.png").write_bytes(picture(options.dataset, folder_of(options.models, "ours", 0)))
        print(markdown(table))


if __name__ == "__main__":
    main()
