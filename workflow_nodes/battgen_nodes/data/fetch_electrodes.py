"""The node fetch-electrodes."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import xmlhelpy

from battgen_nodes.frame import node, result, say, warn
from battgen_nodes.options import cluster_options, cluster_settings, input_option, output_option
from battgen_nodes.previews import electrode_previews
from battgen_nodes.recording import start_run

if TYPE_CHECKING:
    from kadi_battgen.electrodes.refusals import RefusedRow
    from kadi_battgen.records import Run

#: Refused rows that are told on standard error; the file has all of them.
_TOLD = 5


@node(
    "fetch-electrodes",
    example="--source bundled --working-ion Li --limit 50 --output electrodes.json.gz",
    resumes=True,
)
@xmlhelpy.option(
    "source",
    char="s",
    default="bundled",
    param_type=xmlhelpy.Choice(["bundled", "files", "materials-project"]),
    description="Where the electrodes come from: the set that ships with the package, your own files, or the Materials "
    "Project (API key from $MP_API_KEY or pymatgen's configuration).",
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
    "Source files: folder with the discharge structures (CIF, POSCAR or periodic extended XYZ; sub-folders too), or a "
    ".json.gz of {id: CIF text}",
    "folder",
    char="f",
    required=False,
)
@input_option(
    "table",
    "Source files: CSV or JSON with an id, the working ion, formula_charge, the structure's name where that is not the id, "
    "and the six functional properties; names and units are recognised (average_voltage_V, Gravimetric capacity [mAh/g], "
    "energy density Wh/L, volume change (%), ...)",
    char="t",
    required=False,
)
@xmlhelpy.option(
    "duplicates",
    param_type=xmlhelpy.Choice(["none", "discharge-formula", "both-formulas"]),
    description="Which electrodes of one working ion count as the same: those of one discharged composition, those of one "
    "charged and one discharged composition, or none; by default discharge-formula for the Materials Project (the most "
    "stable stays), none for files (the first stays).",
)
@xmlhelpy.option(
    "strict", description="Source files: stop at the first row that is refused instead of leaving it out.", is_flag=True
)
@xmlhelpy.option(
    "endpoint",
    description="Source materials-project: address of the API; by default that of mp-api ($MP_API_ENDPOINT changes it).",
)
@xmlhelpy.option(
    "cache",
    param_type=xmlhelpy.Path(path_type="directory"),
    description="Source materials-project: folder that keeps fetched documents, so that a second fetch asks nothing; by "
    "default one in your cache folder.",
)
@xmlhelpy.option(
    "refresh",
    description="Source materials-project: ask for the current version of the database instead of what the cache holds.",
    is_flag=True,
)
@output_option(
    "List of the refused rows to write (CSV), if there are any; by default beside the output.",
    name="refused",
    char=None,
    required=False,
)
@cluster_options
@output_option("Electrode collection to write, .json or .json.gz; its data card goes beside it (.card.md).")
def fetch_electrodes(
    source: str,
    working_ion: str | None,
    limit: int | None,
    folder: str | None,
    table: str | None,
    duplicates: str | None,
    strict: bool,
    endpoint: str | None,
    cache: str | None,
    refresh: bool,
    refused: str | None,
    workers: int | None,
    scheduler: str | None,
    output: str,
) -> None:
    """Get electrodes with their functional properties and discharge structures."""
    from kadi_battgen.electrodes.card import card_path, without_ending, write_card
    from kadi_battgen.electrodes.collection import write_electrodes
    from kadi_battgen.electrodes.properties import check_working_ion
    from kadi_battgen.electrodes.sources import load_source
    from kadi_battgen.parallel import open_cluster

    ions = tuple(symbol.strip() for symbol in working_ion.split(",") if symbol.strip()) if working_ion else None
    for symbol in ions or ():
        check_working_ion(symbol)
    with start_run("electrode-dataset", f"Electrodes from source {source}") as run:
        structures = None if folder is None else run.input("folder", folder, _kind(folder))
        properties = None if table is None else run.input("table", table)
        with contextlib.ExitStack() as stack:
            cluster = None
            if source != "bundled":
                cluster = stack.enter_context(open_cluster(cluster_settings(workers, scheduler)))
            found, rows = load_source(
                source,
                working_ions=ions,
                duplicates=duplicates,
                folder=structures,
                table=properties,
                strict=strict,
                endpoint=endpoint,
                cache=None if cache is None else Path(cache),
                refresh=refresh,
                cluster=cluster,
                progress=True,
                tell=say,
            )
        collection = found.select(ions, limit)
        write_electrodes(output, collection.electrodes, collection.metadata)
        write_card(card_path(output), collection, Path(output).name, rows)
        run.add_file(output, description=f"Electrode collection: {collection.origin()}")
        # Beside the one result, which --electrodes run:ID means.
        run.add_file(card_path(output), role="preview", description="Data card of the collection")
        _report_refused(run, rows, refused or f"{without_ending(output)}.refused.csv")
        # A licence goes with what the package and databases give; what users bring is theirs to license.
        run.record.license = run.record.license or collection.license
        electrode_previews(run, collection)
        run.add_metric("electrodes", len(collection))
        run.add_metric("refused_rows", len(rows))
        for ion, count in collection.counts().items():
            if count:
                run.add_metric(f"electrodes_{ion}", count)
    counts = ", ".join(f"{ion} {count}" for ion, count in collection.counts().items() if count)
    say(f"{len(collection)} electrodes ({counts})")
    result(output)


def _kind(folder: str) -> Literal["file", "folder"]:
    """Return what holds the structures: a JSON file, also one that a record names, or a folder."""
    return "file" if folder.endswith((".json", ".json.gz")) else "folder"


def _report_refused(run: Run, rows: list[RefusedRow], path: str) -> None:
    """Write the refused rows where there are any, and tell the first ones; an earlier list does not stay."""
    from kadi_battgen.electrodes.refusals import write_refusals

    if not rows:
        Path(path).unlink(missing_ok=True)
        return
    write_refusals(path, rows)
    run.add_file(path, role="preview", description="Rows of the source that were refused, each with its reason")
    warn(f"{len(rows)} rows were refused, all of them are in {path}:")
    for row in rows[:_TOLD]:
        say(f"  {row.describe()}")
