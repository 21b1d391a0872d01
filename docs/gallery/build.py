"""Make the gallery from finished runs: the figures, what is known of them (manifest.json), and the page (index.md).

    python docs/gallery/build.py --sei-dataset sei_dataset.h5 --prvae prvae/ --plain vae/ --conditional conditional/
    python docs/gallery/build.py --dataset dataset.h5 --model model/ --evaluation evaluation/ --sensitivity sensitivity.csv

Each command makes the figures of the runs that it names; the others stay as they are. What made the runs stands in runs.yaml:
change it when other runs are shown.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from kadi_battgen.files import read_json, write_json, write_text
from kadi_battgen.plots.gallery import (
    ELECTRODE_FIGURES,
    INTERPHASE_FIGURES,
    ElectrodeRuns,
    GalleryFigure,
    InterphaseRuns,
    gallery_page,
    write_figure,
)

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Make what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, told in (
        ("sei-dataset", "data set of the interphase"),
        ("prvae", "folder of the autoencoder with a regressor"),
        ("plain", "folder of the plain autoencoder"),
        ("conditional", "folder of the conditional autoencoder"),
        ("dataset", "training data set of electrodes"),
        ("model", "folder of the models trained on it"),
        ("evaluation", "folder of their evaluation"),
        ("sensitivity", "table of their sensitivity (CSV)"),
        ("compositions", "held-out compositions of a better regressor (.npz), instead of those of the evaluation"),
    ):
        parser.add_argument(f"--{name}", type=Path, help=told)
    parser.add_argument("--samples", type=int, default=7500, help="test configurations of the interphase, at most")
    parser.add_argument("--only", nargs="+", metavar="NUMBER", help="numbers of the figures to make; by default all")
    parser.add_argument("--output", type=Path, default=HERE, help="folder of the page; by default where this file is")
    options = parser.parse_args()
    needed = {
        "interphase": ("sei_dataset", "prvae", "plain", "conditional"),
        "electrodes": ("dataset", "model", "evaluation", "sensitivity"),
    }
    named = {name: [getattr(options, option) for option in group] for name, group in needed.items()}
    for name, paths in named.items():
        if any(paths) and not all(paths):
            parser.error(f"the figures of the {name} need --{', --'.join(needed[name]).replace('_', '-')}")

    chosen: dict[str, tuple[Sequence[GalleryFigure], Any]] = {
        "interphase": (INTERPHASE_FIGURES, InterphaseRuns(*named["interphase"], options.samples)),
        "electrodes": (ELECTRODE_FIGURES, ElectrodeRuns(*named["electrodes"], options.compositions)),
    }
    manifest = options.output / "manifest.json"
    known = {entry["number"]: entry for entry in read_json(manifest)} if manifest.is_file() else {}
    for name, (figures, runs) in chosen.items():
        for entry in figures:
            if all(named[name]) and (options.only is None or entry.number in options.only):
                known[entry.number] = write_figure(entry, runs, options.output / "figures")
                print(f"{entry.number}  {known[entry.number]['caption']}", flush=True)
    found = [known[entry.number] for figures, _ in chosen.values() for entry in figures if entry.number in known]
    write_json(manifest, found)
    told = yaml.safe_load((HERE / "runs.yaml").read_text(encoding="utf-8"))
    write_text(options.output / "index.md", gallery_page(found, told["runs"], told["command"]))


if __name__ == "__main__":
    main()
