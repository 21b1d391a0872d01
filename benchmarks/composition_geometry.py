"""What the crystal itself tells of its transition metals: a bound for every reading of its surface.

An AFM stack shows where some atoms are and what they are like. Here a forest of trees is told much more: every element but the
transition metals with its share, the working ion, cell and volume, and the exact distances of the nearest anions around each
metal. Which metals there are it learns on the training part and says of the test part, split as in ``composition_levers.py``.
A second forest is told the functional properties too. Writes ``results/composition_geometry.json`` and ``.md``.

    python benchmarks/composition_geometry.py --electrodes electrodes.json.gz
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from composition_summary import estimate_text, table_text
from sklearn.ensemble import ExtraTreesClassifier

from kadi_battgen.datasets.splitting import split_samples
from kadi_battgen.electrodes.collection import read_electrodes
from kadi_battgen.electrodes.composition import ELEMENT_INDEX, ELEMENTS, formula_from_vector
from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.electrodes.properties import WORKING_IONS
from kadi_battgen.files import write_json, write_text
from kadi_battgen.metrics.intervals import seed_interval
from kadi_battgen.metrics.regression import presence_auc

RESULTS = Path(__file__).with_name("results")

#: Elements that are to be told, by atomic number: Sc to Cu, Zr to Ag, Hf to Au.
METALS = frozenset(ELEMENTS[number - 1] for row in ((21, 30), (40, 48), (72, 80)) for number in range(*row))

#: Metals that are reported: those in a twentieth of the electrodes, and copper and zirconium beside them.
REPORTED = ("Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zr", "Nb", "Mo")

#: How far neighbours of a metal are looked for, in A, and how many of them count.
REACH, NEIGHBOURS = 3.4, 6


def described(electrode: Electrode) -> list[float]:
    """Return everything that is known of a discharged crystal but which transition metals it holds."""
    crystal = electrode.structure.to_pymatgen()
    symbols = [site.specie.symbol for site in crystal]
    metals = [number for number, symbol in enumerate(symbols) if symbol in METALS]
    around = np.full((max(1, len(metals)), NEIGHBOURS), REACH)
    for row, number in enumerate(metals):
        anions = [
            neighbour.nn_distance
            for neighbour in crystal.get_neighbors(crystal[number], REACH)
            if neighbour.specie.symbol not in METALS and neighbour.specie.symbol not in WORKING_IONS
        ]
        near = sorted(anions)[:NEIGHBOURS]
        around[row, : len(near)] = near
    around = around[np.argsort(around.mean(axis=1), kind="stable")]
    shares = [symbols.count(symbol) / len(symbols) if symbol not in METALS else 0.0 for symbol in ELEMENTS]
    return [
        *(float(electrode.working_ion == ion) for ion in WORKING_IONS),
        *shares,
        *(len(metals) / len(symbols), len(symbols), crystal.volume / len(symbols)),
        *sorted(crystal.lattice.abc),
        *sorted(crystal.lattice.angles),
        *around[0],
        *around[-1],
        *around.mean(axis=0),
        *(around.mean(), around.std()),
    ]


def main() -> None:
    """Fit the forests and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--electrodes", type=Path, required=True, help="electrode collection (.json.gz)")
    parser.add_argument("--seeds", type=int, default=3, help="number of splits")
    arguments = parser.parse_args()
    electrodes = read_electrodes(arguments.electrodes).electrodes
    counts = np.array([electrode.composition for electrode in electrodes])
    formulas = [formula_from_vector(row) for row in counts]
    crystals = np.array([described(electrode) for electrode in electrodes])
    properties = [electrode.properties.as_vector() for electrode in electrodes]
    told = {"crystal": crystals, "crystal and properties": np.hstack([crystals, properties])}
    numbers, ranks = np.arange(len(electrodes)), np.zeros(len(electrodes), dtype=int)
    areas: dict[str, dict[str, list[float]]] = {way: {symbol: [] for symbol in REPORTED} for way in told}
    for seed in range(arguments.seeds):
        part = split_samples("composition", electrodes, formulas, numbers, ranks, seed)
        training, test = part == 0, part == 2
        for way, features in told.items():
            for symbol in REPORTED:
                there = counts[:, ELEMENT_INDEX[symbol]] > 0
                forest = ExtraTreesClassifier(600, min_samples_leaf=2, max_features=0.5, random_state=seed)
                forest.fit(features[training], there[training])
                area = presence_auc(there[test], forest.predict_proba(features[test])[:, 1])
                assert area is not None, symbol
                areas[way][symbol].append(area)
    results = {
        way: {symbol: seed_interval(values).to_json() for symbol, values in by_metal.items()}
        for way, by_metal in areas.items()
    }
    write_json(RESULTS / "composition_geometry.json", {"seeds": arguments.seeds, "presence_auc": results})
    rows = [[symbol, *(estimate_text(results[way][symbol]) for way in told)] for symbol in REPORTED]
    text = (
        "# What the crystal itself tells of its transition metals\n\nMade by `python benchmarks/composition_geometry.py "
        "--electrodes electrodes.json.gz`. Area under the curve of each metal's presence on compositions that training has "
        "not seen, for a forest that knows every other element, the working ion, the cell and the exact distances of the "
        f"anions around each metal; ± is half the 95 % Student t interval over {arguments.seeds} seeds.\n\n"
        + table_text(["metal", *told], rows)
        + "\n"
    )
    write_text(RESULTS / "composition_geometry.md", text)
    print(text)


if __name__ == "__main__":
    main()
