"""What an AFM stack tells of a composition: three protocols side by side, and what each lever brings.

Each run trains one composition regressor that reads stacks, on a data set split by image, by composition or by chemical
system, and measures it on the test part, per stack and with an electrode's orientations pooled. Seeds change the split, the
initial weights and the order of the samples. What is there already is not run again, so an interrupted study goes on.

    python benchmarks/composition_levers.py --electrodes electrodes.json.gz --work study/
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from composition_summary import PROTOCOLS, group_presence_auc, summarise

from kadi_battgen.afm.campaign import run_campaign
from kadi_battgen.afm.settings import ScanSettings, TipCharges
from kadi_battgen.applications.composition.model import CompositionModel
from kadi_battgen.applications.evaluation.composition import evaluate_composition
from kadi_battgen.datasets import TrainingDataset, build_dataset
from kadi_battgen.datasets.splitting import inverse_frequency_weights, split_samples
from kadi_battgen.electrodes.collection import read_electrodes
from kadi_battgen.electrodes.composition import formula_from_vector
from kadi_battgen.files import read_json, write_json
from kadi_battgen.parallel import ClusterSettings
from kadi_battgen.training.composition.regressor import train_composition
from kadi_battgen.training.samples import ImageSamples
from kadi_battgen.training.settings import CompositionSettings

#: Images of 32 x 32 pixels over 17 Angstrom: a quarter of the cost of 64, at 0.55 Angstrom a pixel.
SCAN: dict[str, Any] = {"window": 17.0, "pixels": 32}

#: Campaigns: orientations kept (of 240 directions, so that the first of each campaign are the same) and what differs.
CAMPAIGNS: dict[str, tuple[int, dict[str, Any]]] = {
    "standard": (24, {}),
    "charged": (6, {"electrostatics": TipCharges()}),
    "closer": (6, {"start_distance": 0.7}),
    "finer": (6, {"pixels": 64}),
    "two_tips": (24, {"electrostatics": TipCharges(), "neutral_tip": True}),
}


def _loop(epochs: int, **changes: Any) -> dict[str, Any]:
    """Return a loop over single stacks whose last weights count: the validation loss of one epoch is noisy."""
    common = {"batch_size": 96, "learning_rate": 2e-3, "weight_decay": 0.05, "averaging": 0.99}
    return {**common, "epochs": epochs, "patience": epochs, **changes}


#: The recipe that the levers are measured from.
RECIPE: dict[str, Any] = {
    "input": "stack",
    "orientations": 1,
    "channels": [24, 32, 64, 128],
    "dense": [256],
    "dropout": 0.3,
    "loss": "presence-and-count",
    "working_ion": True,
    "recognition": 1.0,
    "memory": True,
    "loop": _loop(15),
}

#: For the protocols: longer.
LONG: dict[str, Any] = {"loop": _loop(40)}

#: For the protocols with two tips: the cell's functional properties may be told too.
TOLD: dict[str, Any] = {**LONG, "properties": True}

#: For recognition: wider, and longer still.
WIDE: dict[str, Any] = {
    "channels": [32, 64, 128, 256],
    "dense": [384],
    "dropout": 0.1,
    "working_ion": False,
    "loop": _loop(60, weight_decay=0.02, averaging=0.0),
}

#: Runs by name: rule of the split, campaign, orientations used, fraction of the training compositions, recipe changes.
RUNS: dict[str, dict[str, Any]] = {
    "protocol_image": {"rule": "image", "orientations": 24, "recipe": WIDE},
    "protocol_composition": {"rule": "composition", "orientations": 12, "recipe": LONG},
    "protocol_chemical_system": {"rule": "chemical-system", "orientations": 12, "recipe": LONG},
    "two_tips_image": {"rule": "image", "campaign": "two_tips", "orientations": 24, "recipe": WIDE},
    "two_tips_composition": {"rule": "composition", "campaign": "two_tips", "orientations": 12, "recipe": TOLD},
    "two_tips_chemical_system": {"rule": "chemical-system", "campaign": "two_tips", "orientations": 12, "recipe": TOLD},
    "reference": {},
    "charged": {"campaign": "charged"},
    "closer": {"campaign": "closer"},
    "finer": {"campaign": "finer"},
    "two_tips": {"campaign": "two_tips"},
    "properties_may_be_told": {"recipe": {"properties": True}},
    "squared_error": {"recipe": {"loss": "squared-error"}},
    "poisson": {"recipe": {"loss": "poisson"}},
    "sets_of_six": {"recipe": {"orientations": 6, "loop": _loop(15, batch_size=16)}},
    "no_memory": {"recipe": {"memory": False}},
    "no_memory_no_recognition": {"recipe": {"memory": False, "recognition": 0.0}},
    "linear_input": {"recipe": {"normalisation": "linear"}},
    "quarter_of_the_data": {"fraction": 0.25},
    "half_of_the_data": {"fraction": 0.5},
    "ensemble_of_three": {"recipe": {"members": 3}},
    "twelve_orientations": {"orientations": 12},
}

_COLUMNS = ("conditions", "working_ion", "composition", "rotation", "orientation_rank", "electrode_index", "electrodes")


def campaign_dataset(name: str, electrodes: Path, work: Path) -> Path:
    """Simulate a campaign and return its data set, whose images every run refers to."""
    orientations, changes = CAMPAIGNS[name]
    path = work / f"{name}.dataset.h5"
    if not path.is_file():
        settings = ScanSettings(**{**SCAN, **changes})
        collection = read_electrodes(electrodes)
        workers = ClusterSettings(1, None)
        run_campaign(
            collection.electrodes,
            work / f"{name}.h5",
            settings,
            orientations=orientations,
            pool=240,
            cluster=workers,
            skip_too_large=True,
            progress=False,
        )
        build_dataset(work / f"{name}.h5", path, cluster=workers, progress=False)
    return path


def resplit(dataset: Path, path: Path, rule: str, seed: int, orientations: int, fraction: float) -> None:
    """Write a data set with the images of another one, split anew; samples that are not used are in no part.

    The scale of the stacks stays that of the other data set, one constant for all images.
    """
    path.unlink(missing_ok=True)
    with TrainingDataset.open(dataset) as source, h5py.File(path, "w", libver="v110") as file:
        owners, ranks = source.column("electrode_index"), source.column("orientation_rank")
        formulas = [formula_from_vector(electrode.composition) for electrode in source.electrodes]
        part = split_samples(rule, source.electrodes, formulas, owners, ranks, seed)  # type: ignore[arg-type]
        if fraction < 1.0:
            training = sorted({formulas[owner] for owner in owners[part == 0]})
            chosen = np.random.default_rng(seed).permutation(training)[: round(fraction * len(training))]
            part[(part == 0) & ~np.isin([formulas[owner] for owner in owners], chosen)] = -1
        part[ranks >= orientations] = -1
        weight = np.zeros(len(part), dtype=np.float32)
        ions = source.column("working_ion")
        for number in range(3):
            weight[part == number] = inverse_frequency_weights(ions[part == number].tolist())
        file.attrs.update(dict(source.file.attrs) | {"split_rule": rule, "split_seed": seed})
        for name in _COLUMNS:
            source.file.copy(name, file)
        file["part"], file["weight"] = part, weight
        for name in ("stacks", "descriptors"):
            file[name] = h5py.ExternalLink(str(dataset.absolute()), name)


def run(name: str, seed: int, electrodes: Path, work: Path) -> None:
    """Train and measure one run, and write what came out."""
    output = work / "runs" / f"{name}-{seed}.json"
    if output.is_file():
        return
    chosen = {
        "rule": "composition",
        "campaign": "standard",
        "orientations": 6,
        "fraction": 1.0,
        "recipe": {},
        **RUNS[name],
    }
    source = campaign_dataset(chosen["campaign"], electrodes, work)
    path, model = work / f"{name}-{seed}.dataset.h5", work / "models" / f"{name}-{seed}"
    if not path.is_file():
        resplit(source, path, chosen["rule"], seed, chosen["orientations"], chosen["fraction"])
    settings = CompositionSettings.model_validate({**RECIPE, **chosen["recipe"]})
    started = time.process_time()
    card = train_composition(path, model, settings, seed=seed, progress=False)
    trained = time.process_time() - started
    protocol = name in PROTOCOLS
    with TrainingDataset.open(path) as dataset:
        metrics, arrays = evaluate_composition(
            CompositionModel(model),
            ImageSamples(dataset, "test"),
            ImageSamples(dataset, "training"),
            progress=False,
            decode=protocol,
            nearest_image=protocol and seed == 0,
        )
        sizes = {
            part: len(np.unique(ImageSamples(dataset, part).column("electrode_index"))) for part in ("training", "test")
        }
        stacks = {part: len(dataset.indices(part)) for part in ("training", "test")}
    np.savez_compressed(
        output.with_suffix(".npz"), **{key: value for key, value in arrays.items() if "per_stack" not in key}
    )
    document = {
        "name": name,
        "seed": seed,
        **{key: value for key, value in chosen.items() if key != "recipe"},
        "recipe": {**RECIPE, **chosen["recipe"]},
        "electrodes": sizes,
        "stacks": stacks,
        "training_core_seconds": round(trained, 1),
        "parameters": card["parameters"],
        "best": card["best"],
        "mixture": {
            key: card["calibration"].get(key)
            for key in ("independence", "trust", "sharpness", "memory_share", "presence_share")
        },
        "metrics": metrics,
    }
    write_json(output, document)
    path.unlink()
    pooled = metrics["regressor_pooled"]
    print(
        f"{name} seed {seed}: {trained:.0f} core-s, mean presence AUC {pooled['mean_presence_auc']:.3f}, least of the common "
        f"{pooled['minimum_common_presence_auc']:.3f}, anion class {pooled['anion_class']['accuracy']:.3f}, MAE "
        f"{pooled['overall']['mean_absolute_error']:.4f}",
        flush=True,
    )


def main() -> None:
    """Run what is missing and write the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--electrodes", type=Path, required=True, help="electrode collection (.json.gz)")
    parser.add_argument("--work", type=Path, required=True, help="folder for campaigns, data sets and models")
    parser.add_argument("--seeds", default="0,1,2", help="seeds, separated by commas")
    parser.add_argument("--only", default=",".join(RUNS), help="runs, separated by commas")
    parser.add_argument("--summary", action="store_true", help="only summarise what is there")
    parser.add_argument("--results", type=Path, default=Path(__file__).with_name("results"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    (arguments.work / "runs").mkdir(parents=True, exist_ok=True)
    if not arguments.summary:
        for seed in map(int, arguments.seeds.split(",")):
            for name in arguments.only.split(","):
                run(name, seed, arguments.electrodes, arguments.work)
    documents = []
    for path in sorted((arguments.work / "runs").glob("*.json")):
        with np.load(path.with_suffix(".npz"), allow_pickle=False) as arrays:
            documents.append({**read_json(path), "groups": group_presence_auc(arrays["true"], arrays["presence"])})
    summary = summarise(documents, arguments.results)
    print(json.dumps({name: entry["seeds"] for name, entry in summary["runs"].items()}))


if __name__ == "__main__":
    main()
