"""The node augment-electrodes."""

from __future__ import annotations

from pathlib import Path

import xmlhelpy

from battgen_nodes.frame import node, result, say
from battgen_nodes.options import input_option, output_option, seed_option
from battgen_nodes.previews import electrode_previews
from battgen_nodes.recording import start_run


@node("augment-electrodes", example="--electrodes electrodes.json.gz --copies 2 --output augmented.json.gz")
@input_option("electrodes", "Electrode collection of fetch-electrodes", char="e")
@xmlhelpy.option(
    "copies",
    char="c",
    default=1,
    param_type=xmlhelpy.IntRange(min=1, max=100),
    description="Number of augmented copies of each electrode.",
)
@xmlhelpy.option(
    "strain",
    default=0.02,
    param_type=xmlhelpy.FloatRange(min=0.0, max=0.1),
    description="Largest volumetric strain, drawn evenly from both signs, as a fraction of the volume.",
)
@xmlhelpy.option(
    "displacement",
    default=0.02,
    param_type=xmlhelpy.FloatRange(min=0.0, max=0.3),
    description="Standard deviation of each coordinate of a site in Angstrom.",
)
@seed_option("Seed of the copies.")
@output_option("Electrode collection to write, the originals with their copies, .json or .json.gz.")
def augment_electrodes(
    electrodes: str, copies: int, strain: float, displacement: float, seed: int, output: str
) -> None:
    """Add strained, perturbed and turned copies of each electrode, which keep its composition.

    Volumetric capacity and energy follow the strained volume; the other functional properties are kept. Splits keep a copy
    in the part of its original, and data sets use copies for training alone.
    """
    from kadi_battgen.datasets.augmentation.crystals import CrystalAugmentation, augmented_copies, origin_id
    from kadi_battgen.electrodes.card import card_path, write_card
    from kadi_battgen.electrodes.collection import ElectrodeCollection, read_electrodes, write_electrodes

    settings = CrystalAugmentation(strain=(-strain, strain), displacement=displacement)
    with start_run("electrode-dataset", "Electrodes with augmented copies", seed, settings) as run:
        originals = read_electrodes(run.input("electrodes", electrodes))
        augmented = tuple(augmented_copies(originals.electrodes, settings, copies, seed))
        metadata = {
            **originals.metadata,
            "augmentation": {
                **settings.model_dump(mode="json"),
                "copies": copies,
                "seed": seed,
                "units": {"strain": "fraction", "displacement": "A"},
                "origins": {e.id: origin_id(e.id) for e in augmented if origin_id(e.id) != e.id},
            },
        }
        collection = ElectrodeCollection(augmented, metadata)
        write_electrodes(output, collection.electrodes, collection.metadata)
        run.add_file(output, description=f"Electrodes with {copies} augmented copies each: {collection.origin()}")
        write_card(card_path(output), collection, Path(output).name)
        run.add_file(card_path(output), role="preview", description="Data card of the collection")
        run.record.license = run.record.license or collection.license
        electrode_previews(run, collection)
        for ion, count in collection.counts().items():
            if count:
                run.add_metric(f"electrodes_{ion}", count)
    say(f"{len(originals)} electrodes and {len(augmented) - len(originals)} augmented copies")
    result(output)
