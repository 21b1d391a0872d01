"""Do generated formulas meet held-out targets? Against unconditional sampling and retrieval, over seeds.

Each seed has its own split by composition, its own networks and its own noise. Only the parts of the screening model that
learn from formulas are trained here, which needs no AFM images and minutes on one core; the formulas of a whole model are the
same, since its composition branch does not look at the images. Results are kept seed by seed, so that a run that is stopped
goes on where it was.

    python benchmarks/screening_study.py --preset small --seeds 3 --work study/

With a trained model folder it also compares samplers by the images they lead to (kernel distance of the bundled feature
network between descriptors of held-out electrodes and generated ones), and the thesis's way to a formula, from the image
latent:

    python benchmarks/screening_study.py --seeds 3 --work study/ --model model/ --dataset dataset.h5
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kadi_battgen.applications.evaluation.retrieval import nearest_by_conditions
from kadi_battgen.applications.evaluation.screening import meet_targets
from kadi_battgen.applications.screening.drawing import DEFAULT_DRAWS
from kadi_battgen.applications.screening.model import ScreeningModel
from kadi_battgen.applications.screening.sampling import DEFAULT_GUIDANCE, DEFAULT_STEPS
from kadi_battgen.datasets.scaling import RangeScaling
from kadi_battgen.datasets.splitting import PARTS, split_by_composition
from kadi_battgen.diffusion.schedule import NoiseSchedule
from kadi_battgen.electrodes.composition import formula_from_vector
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES
from kadi_battgen.electrodes.sources.bundled import bundled_electrodes
from kadi_battgen.metrics.candidates import (
    CAPACITY_TOLERANCE,
    capacity_errors,
    holds_working_ion,
    novel_fraction,
)
from kadi_battgen.metrics.intervals import seed_interval
from kadi_battgen.networks.screening import ScreeningNetwork
from kadi_battgen.training.screening.formula_networks import train_formula_networks
from kadi_battgen.training.screening.formulas import SHARES, electrode_samples
from kadi_battgen.training.screening.property_model import interval_widening, property_errors
from kadi_battgen.training.settings import ScreeningSettings, load_settings

RESULTS = Path(__file__).parent / "results"
GUIDANCES = (0.0, 1.0, 1.5, 2.0, 3.0)
STEPS = (5, 10, 20, 50)
#: Samplers whose images are compared, and their steps.
COMPARED = (("dpm-solver++", 20), ("sde-dpm-solver++", 20), ("ddim", 20), ("ddpm", 1000))
SHARES_SHOWN = {
    "working_ion_present_fraction": "asked ion present",
    "capacity_within_15_percent_fraction": "capacity within 15 %",
    "capacity_of_all_ions_within_15_percent_fraction": "the same if all ions leave",
    "met_and_novel_fraction": "both, by a new formula",
    "charge_balanced_fraction": "charges balance",
    "novel_fraction": "new",
    "unique_fraction": "distinct",
}


class FormulaModel(ScreeningModel):
    """The part of a screening model that draws formulas."""

    def __init__(self, network: ScreeningNetwork, scaling: RangeScaling, settings: ScreeningSettings) -> None:
        self.network, self.conditions_scaling = network.eval(), scaling
        self.schedule = NoiseSchedule(settings.timesteps, settings.beta_start, settings.beta_end)
        self.card = {"prediction": settings.prediction}


def one_seed(seed: int, settings: ScreeningSettings, work: Path) -> dict[str, Any]:
    """Split, train and measure with one seed."""
    electrodes = bundled_electrodes().electrodes
    formulas = [formula_from_vector(electrode.composition) for electrode in electrodes]
    part = split_by_composition(formulas, [electrode.working_ion for electrode in electrodes], seed)
    chosen = {name: [electrodes[n] for n in np.flatnonzero(part == number)] for number, name in enumerate(PARTS)}
    parts = {name: electrode_samples(members) for name, members in chosen.items()}
    training, test = parts["training"], parts["test"]
    units = [entry.unit for entry in FUNCTIONAL_PROPERTIES.values()]
    scaling = RangeScaling.fit(training.properties, list(FUNCTIONAL_PROPERTIES), units)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = ScreeningNetwork(
            latent_shape=(4, 8, 8),
            unet={
                "channels": [8],
                "attention_levels": [False],
                "embedding_size": settings.embedding_size,
                "composition_size": settings.composition_size,
                "composition_width": settings.composition_width,
                "composition_blocks": settings.composition_blocks,
            },
            composition_autoencoder={"latent_size": settings.composition_size},
            properties={"members": settings.property_members},
        )
    started, spent = time.perf_counter(), time.process_time()
    configuration = {"seed": seed, "settings": settings.model_dump(mode="json")}
    learned = {name: parts[name] for name in ("training", "validation")}
    found = train_formula_networks(network, learned, scaling, settings, work / f"seed{seed}", configuration, seed)
    seconds = {"wall": time.perf_counter() - started, "processor": time.process_time() - spent}
    model = FormulaModel(network, scaling, settings)
    known = {formula_from_vector(vector) for vector in np.unique(training.compositions, axis=0)}
    members, seeds = chosen["test"], [1000 * seed + number for number in range(len(test))]

    def measure(properties: np.ndarray, ions: np.ndarray, **options: Any) -> dict[str, Any]:
        drawn = model.draw_formulas(properties, ions, seeds, **options)
        return meet_targets(members, drawn.compositions, known, drawn.extracted)

    def shares(**options: Any) -> dict[str, float]:
        drawn = model.draw_formulas(test.properties, test.ions, seeds, **options)
        ions = [electrode.working_ion for electrode in members]
        column = list(FUNCTIONAL_PROPERTIES).index("gravimetric_capacity")
        errors = capacity_errors(drawn.compositions, ions, test.properties[:, column], drawn.extracted)
        return {
            "working_ion_present_fraction": float(holds_working_ion(drawn.compositions, ions).mean()),
            "capacity_within_15_percent_fraction": float((errors <= CAPACITY_TOLERANCE).mean()),
            "novel_fraction": novel_fraction([formula_from_vector(row) for row in drawn.compositions], known),
        }

    asked = (test.properties, test.ions)
    capacity = np.full_like(test.properties, np.nan)
    column = list(FUNCTIONAL_PROPERTIES).index("gravimetric_capacity")
    capacity[:, column] = test.properties[:, column]
    nearest, by_capacity = (nearest_by_conditions(training, p, test.ions, scaling) for p in (test.properties, capacity))
    ways = {
        "conditional": measure(*asked, draws=DEFAULT_DRAWS),
        "conditional_single_draw": measure(*asked),
        "conditional_ion_and_capacity_only": measure(capacity, test.ions, draws=DEFAULT_DRAWS),
        "unconditional": measure(*asked, guidance=0.0),
        "unconditional_best_of_draws": measure(*asked, guidance=0.0, draws=DEFAULT_DRAWS),
        "retrieval": meet_targets(members, training.compositions[nearest], known, SHARES[training.shares[nearest]]),
        "retrieval_ion_and_capacity_only": meet_targets(
            members, training.compositions[by_capacity], known, SHARES[training.shares[by_capacity]]
        ),
    }
    widening = interval_widening(network.properties, parts["validation"])
    return {
        "seed": seed,
        "targets": len(test),
        "seconds": seconds,
        "training": found,
        "ways": ways,
        "guidance": {str(scale): shares(guidance=scale) for scale in GUIDANCES},
        "steps": {str(steps): shares(steps=steps) for steps in STEPS},
        "property_model": property_errors(network.properties, test, widening, training),
    }


def images(model_folder: Path, dataset_path: Path, seeds: int) -> dict[str, Any]:
    """Compare samplers by the kernel distance of what they generate for held-out targets, and the thesis's way."""
    from kadi_battgen.applications.seeds import candidate_seed
    from kadi_battgen.datasets.store import TrainingDataset
    from kadi_battgen.metrics.extractors import compute_batches
    from kadi_battgen.metrics.images import GROUPS
    from kadi_battgen.metrics.kernel import kernel_feature_distance
    from kadi_battgen.training.extractors import descriptor_extractors
    from kadi_battgen.training.samples import ImageSamples

    model, networks = ScreeningModel(model_folder), descriptor_extractors()

    def features(descriptors: np.ndarray, group: str) -> np.ndarray:
        return compute_batches(networks[group].features, [descriptors[:, GROUPS[group]]])

    results: dict[str, Any] = {}
    with TrainingDataset.open(dataset_path) as dataset:
        samples = ImageSamples(dataset, "test")
        owners, first = np.unique(samples.column("electrode_index"), return_index=True)
        members = [dataset.electrodes[owner] for owner in owners]
        asked = electrode_samples(members)
        descriptors = samples.descriptors(first).numpy()
        known = {
            formula_from_vector(v)
            for v in np.unique(dataset.column("composition")[dataset.indices("training")], axis=0)
        }
        for seed in range(seeds):
            numbers = [candidate_seed(seed, int(owner)) for owner in owners]
            for sampler, steps in COMPARED:
                started = time.process_time()
                drawn = model.generate(asked.properties, asked.ions, numbers, sampler=sampler, steps=steps)
                entry: dict[str, Any] = {"processor_seconds": time.process_time() - started}
                for group in GROUPS:
                    distance = kernel_feature_distance(features(descriptors, group), features(drawn.images, group))
                    entry[f"kid_{group}"] = distance.value
                    entry[f"kid_{group}_standard_error"] = distance.standard_error
                entry["capacity"] = meet_targets(members, drawn.compositions, known, drawn.extracted)
                if drawn.regressed is not None:
                    entry["from_image_latent"] = meet_targets(members, drawn.regressed, known, None)
                results.setdefault(f"{sampler}, {steps} steps", []).append(entry)
    return results


def summarise(runs: list[dict[str, Any]], pictures: dict[str, Any], command: str) -> str:
    """Return the study as Markdown."""
    lines = [
        "# Screening study",
        "",
        f"Command: `{command}`. {runs[0]['targets']} held-out targets for each of {len(runs)} seed{'s' * (len(runs) > 1)}, "
        "with its own split by composition, networks and noise; all six functional properties and the working ion given. In "
        "the first table 95 % intervals, "
        + (
            "Student's t over seeds. "
            if len(runs) > 1
            else "bootstrap over targets: one seed tells no spread of seeds. "
        )
        + f"Sampler dpm-solver++ with {DEFAULT_STEPS} steps, guidance {DEFAULT_GUIDANCE:g}, the best of {DEFAULT_DRAWS} "
        "draws by ion, charges and capacity unless a single draw is named. The gravimetric capacity follows from the "
        "formula.",
        "",
        "| way | " + " | ".join(SHARES_SHOWN.values()) + " |",
        "|---" * (len(SHARES_SHOWN) + 1) + "|",
    ]
    for way in runs[0]["ways"]:
        cells = [_share([run["ways"][way] for run in runs], key) for key in SHARES_SHOWN]
        lines.append(f"| {way.replace('_', ' ')} | " + " | ".join(cells) + " |")
    for name, title in (("guidance", "Guidance, single draw"), ("steps", "Steps of dpm-solver++, single draw")):
        lines += [
            "",
            f"## {title}",
            "",
            "| " + name + " | ion present | capacity within 15 % | new |",
            "|---|---|---|---|",
        ]
        keys = ("working_ion_present_fraction", "capacity_within_15_percent_fraction", "novel_fraction")
        for value in runs[0][name]:
            cells = [_interval([run[name][value][key] for run in runs]) for key in keys]
            lines.append(f"| {value} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "## Property model, errors on the held-out part",
        "",
        "| property | mean absolute error | that of the training mean | R2 | inside the 90 % interval |",
        "|---|---|---|---|---|",
    ]
    for name, entry in runs[0]["property_model"].items():
        rows = [run["property_model"][name] for run in runs]
        keys = ("mean_absolute_error", "training_mean_absolute_error", "r2", "interval_coverage_fraction")
        cells = [_interval([row[key] for row in rows], 3) for key in keys]
        lines.append(f"| {name.replace('_', ' ')} ({entry['unit']}) | " + " | ".join(cells) + " |")
    processor = [run["seconds"]["processor"] for run in runs]
    lines += ["", f"Training of the formula side: {np.mean(processor):.0f} s of processor time a seed on one core."]
    if pictures:
        lines += [
            "",
            "## Samplers, by the images",
            "",
            "Kernel distance (KID) with the bundled feature network between descriptors of held-out electrodes and generated "
            "ones; single draws. The last two columns are the capacity within 15 % by the composition latent and by the "
            "formula regressed from the image latent (the thesis's way).",
            "",
            "| sampler | KID, grey descriptors | KID, type map | processor s | composition latent | image latent |",
            "|---|---|---|---|---|---|",
        ]
        key = "capacity_within_15_percent_fraction"
        for name, entries in pictures.items():
            thesis = [e["from_image_latent"][key] for e in entries if "from_image_latent" in e]
            cells = [
                *(_interval([e[f"kid_{group}"] for e in entries], 4) for group in ("grey", "type_map")),
                f"{np.mean([e['processor_seconds'] for e in entries]):.0f}",
                _interval([e["capacity"][key] for e in entries]),
                _interval(thesis) if thesis else "-",
            ]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def figure(runs: list[dict[str, Any]], path: Path) -> None:
    """Draw the effect of guidance and of the number of steps."""
    from kadi_battgen.plots.palette import BLUE, GREEN, VERMILION
    from kadi_battgen.plots.style import dress, new_figure

    shown = (
        ("working_ion_present_fraction", "asked ion present", GREEN),
        ("capacity_within_15_percent_fraction", "capacity within 15 %", BLUE),
        ("novel_fraction", "new formula", VERMILION),
    )
    canvas = new_figure(9.0, 3.6)
    labels = {"guidance": "Scale of guidance", "steps": "Steps of dpm-solver++"}
    for axes, (name, label) in zip(canvas.subplots(1, 2, sharey=True), labels.items(), strict=True):
        places = [float(value) for value in runs[0][name]]
        for key, words, colour in shown:
            values = np.array([[run[name][value][key] for value in run[name]] for run in runs])
            axes.plot(places, values.mean(axis=0), "o-", color=colour, label=words)
            axes.fill_between(places, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.15, linewidth=0)
        axes.set_ylim(0, 1.03)
        if name == "steps":
            axes.set_xscale("log")
            axes.set_xticks(places, [f"{place:g}" for place in places])
            axes.minorticks_off()
        dress(axes, xlabel=label, ylabel="Share of held-out targets (fraction)" if name == "guidance" else "", grid="y")
    canvas.axes[0].legend(frameon=False, loc="lower right")
    canvas.savefig(path)


def _share(ways: list[dict[str, Any]], key: str) -> str:
    """Return a share with its interval over the seeds, or over the targets of the only seed."""
    own = ways[0]["intervals"].get(key)
    if len(ways) > 1 or own is None:
        return _interval([way[key] for way in ways])
    return f"{own['estimate']:.2f} ({own['low']:.2f} to {own['high']:.2f})"


def _interval(values: list[float], decimals: int = 2) -> str:
    if len(values) < 2:
        return f"{values[0]:.{decimals}f}"
    found = seed_interval(values)
    return f"{found.estimate:.{decimals}f} ± {found.high - found.estimate:.{decimals}f}"


def main() -> None:
    """Run the study, or what is left of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="small")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--work", type=Path, required=True, help="folder for what is kept between the seeds")
    parser.add_argument("--model", type=Path, help="trained model folder, for the samplers' images")
    parser.add_argument("--dataset", type=Path, help="data set that the model was trained on")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    settings = load_settings("screening", arguments.preset)
    arguments.work.mkdir(parents=True, exist_ok=True)
    runs = []
    for seed in range(arguments.seeds):
        kept = arguments.work / f"{arguments.preset}_{seed}.json"
        if not kept.is_file():
            kept.write_text(json.dumps(one_seed(seed, settings, arguments.work / arguments.preset)))
        runs.append(json.loads(kept.read_text()))
    pictures: dict[str, Any] = {}
    if arguments.model is not None and arguments.dataset is not None:
        kept = arguments.work / "images.json"
        if not kept.is_file():
            kept.write_text(json.dumps(images(arguments.model, arguments.dataset, arguments.seeds)))
        pictures = json.loads(kept.read_text())
    RESULTS.mkdir(exist_ok=True)
    command = f"python benchmarks/screening_study.py --preset {arguments.preset} --seeds {arguments.seeds}"
    text = summarise(runs, pictures, command + (" --model model/ --dataset dataset.h5" if pictures else ""))
    (RESULTS / "screening_study.md").write_text(text, encoding="utf-8")
    document = {"command": command, "runs": runs, "images": pictures}
    (RESULTS / "screening_study.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    figure(runs, RESULTS / "screening_study.png")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
