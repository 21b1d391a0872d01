"""The node reproduce: run what a record tells of again, and compare."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click
import xmlhelpy

from battgen_nodes.frame import answer, node, result, say, wants_json
from battgen_nodes.options import output_option, record_argument
from battgen_nodes.recording import node_store
from battgen_nodes.records.repetition import COMPARISON, RECORDS, command_line, recorded_command, run_again
from kadi_battgen.errors import UserError

if TYPE_CHECKING:
    from kadi_battgen.records import Record


@node("reproduce", example="candidates.csv --output again/", recorded=False)
@record_argument
@xmlhelpy.option(
    "tolerance",
    default=1e-6,
    param_type=xmlhelpy.FloatRange(min=0.0),
    description=(
        "Largest relative difference of numbers that agree, a fraction (of the largest magnitude in a column or array); "
        "whole numbers and texts must be the same."
    ),
)
@output_option("New folder for the results, the record and reproduction.json, the comparison.", "folder")
def reproduce(record: str, tolerance: float, output: str) -> None:
    """Run a recorded step again with its configuration, seed and inputs, and say what agrees.

    RECORD is run:ID, kadi:ID, a bare identifier, the folder of a local run, or a file that a run made. The inputs are the
    recorded ones, by checksum. Metrics and files are compared within a tolerance, and versions that differ are listed: on
    the same machine with the same versions, files should be the same byte by byte.

    Ends with exit status 0 if everything agrees, 1 if something differs, and 2 if the step cannot be run again.
    """
    from kadi_battgen.files import write_json
    from kadi_battgen.records import LocalStore, find_record
    from kadi_battgen.records.comparison import compare_runs
    from kadi_battgen.records.comparison_table import comparison_table
    from kadi_battgen.records.differences import Tolerance
    from kadi_battgen.records.reproduce import copy_sources, obtain_inputs
    from kadi_battgen.records.store import NoStore

    store, found = find_record(node_store(click.get_current_context()) or NoStore(), record)
    name, command = recorded_command(found)
    words = [*name, *command_line(found, command, obtain_inputs(store, found), Path(output))]
    folder = _claim(Path(output), found)
    again_store = LocalStore(folder / RECORDS)
    copy_sources(store, found, again_store)
    say(f"battgen {shlex.join(words)}")
    again = again_store.load(run_again(found, words, folder))
    comparison = compare_runs(store, found, again_store, again, Tolerance(relative=tolerance))
    write_json(folder / COMPARISON, comparison.document())
    answer(comparison.document(), status=0 if comparison.agrees else 1)
    if not wants_json():
        for line in comparison_table(comparison):
            click.echo(line)
    result(folder / COMPARISON)


def _claim(folder: Path, record: Record) -> Path:
    """Return the folder of a repetition, which holds nothing else; one that was interrupted goes on.

    Raises
    ------
    UserError
        If there is anything in it but the beginning of a repetition of this record.
    """
    from kadi_battgen.files import read_json, write_json

    file = folder / COMPARISON
    if folder.is_file():
        raise UserError(f"{folder} is a file: name a new folder with --output.")
    if file.is_file():
        document = read_json(file)
        if not isinstance(document, dict) or document.get("record") != record.identifier:
            raise UserError(f"{folder} holds the repetition of another run: name a new folder with --output.")
        if "again" in document:
            raise UserError(f"{folder} holds a repetition that has ended: name a new folder with --output.")
    elif folder.is_dir() and any(folder.iterdir()):
        raise UserError(f"{folder} is not empty, and its files could be replaced: name a new folder with --output.")
    else:
        write_json(file, {"record": record.identifier})
    return folder
