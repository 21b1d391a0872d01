"""The node fetch-electrodes."""

from __future__ import annotations

import xmlhelpy

from battgen_nodes.frame import node, result, say
from battgen_nodes.options import input_option, output_option
from battgen_nodes.previews import electrode_previews
from battgen_nodes.recording import start_run


@node("fetch-electrodes", example="--source bundled --working-ion Li --limit 50 --output electrodes.json.gz")
@xmlhelpy.option(
    "source",
    char="s",
    default="bundled",
    param_type=xmlhelpy.Choice(["bundled", "files"]),
    description="Where the electrodes come from: the set that ships with the package, or your own files.",
)
@xmlhelpy.option(
    "working-ion",
    char="w",
    description="Working ions, comma-separated symbols such as Li,Na; all ten if not given.",
)
@xmlhelpy.option(
    "limit",
    char="l",
    param_type=xmlhelpy.IntRange(min=1),
    description="Largest number of electrodes, taken from the ions in turn.",
)
@input_option(
    "folder",
    "Source files: folder with one structure file (CIF, POSCAR) per electrode",
    "folder",
    char="f",
    required=False,
)
@input_option(
    "table",
    "Source files: CSV with the columns id, structure, working_ion, formula_charge and the six functional properties "
    "(average_voltage_V, gravimetric_capacity_mAh_per_g, ..., volume_change_fraction)",
    char="t",
    required=False,
)
@output_option("Electrode collection to write, .json or .json.gz.")
def fetch_electrodes(
    source: str,
    working_ion: str | None,
    limit: int | None,
    folder: str | None,
    table: str | None,
    output: str,
) -> None:
    """Get electrodes with their functional properties and discharge structures."""
    from kadi_battgen.electrodes.collection import write_electrodes
    from kadi_battgen.electrodes.sources import load_source

    ions = [symbol.strip() for symbol in working_ion.split(",") if symbol.strip()] if working_ion else None
    with start_run("electrode-dataset", f"Electrodes from source {source}") as run:
        structures = None if folder is None else run.input("folder", folder, "folder")
        properties = None if table is None else run.input("table", table)
        collection = load_source(source, folder=structures, table=properties).select(ions, limit)
        write_electrodes(output, collection.electrodes, collection.metadata)
        run.add_file(output, description=f"Electrode collection: {collection.origin()}")
        # A licence goes with the bundled electrodes; what users bring is theirs to license.
        run.record.license = run.record.license or collection.license
        electrode_previews(run, collection)
        for ion, count in collection.counts().items():
            if count:
                run.add_metric(f"electrodes_{ion}", count)
    counts = ", ".join(f"{ion} {count}" for ion, count in collection.counts().items() if count)
    say(f"{len(collection)} electrodes ({counts})")
    result(output)
