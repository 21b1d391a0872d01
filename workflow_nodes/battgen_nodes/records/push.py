"""The node push: bring local runs to Kadi4Mat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
import xmlhelpy

from battgen_nodes.frame import Node, records_folder, result, say, warn
from battgen_nodes.options import named_records
from battgen_nodes.recording import project_name
from kadi_battgen.errors import UserError

if TYPE_CHECKING:
    from kadi_battgen.records import LocalStore
    from kadi_battgen.records.kadi.pushing import PushedRecord


@xmlhelpy.command(name="push", example="--records battgen-records/ --instance sandbox", cls=Node)
@xmlhelpy.argument(
    "record",
    nargs=-1,
    required=False,
    description=(
        "Records to push with all that they came from, as run:ID, bare identifiers, folders of runs or files that runs "
        "made; also as one text with commas. By default all that are not known to be in Kadi4Mat completely."
    ),
)
@xmlhelpy.option(
    "all",
    is_flag=True,
    description="Compare all records with what Kadi4Mat has, also those that are known to have been pushed.",
)
@xmlhelpy.option(
    "records",
    description="Folder of the records; by default $BATTGEN_RECORDS, else battgen-records/ in the current folder.",
    param_type=xmlhelpy.Path(path_type="directory"),
)
@xmlhelpy.option(
    "instance",
    char="I",
    description=(
        "Kadi4Mat instance to push to, by its name in kadi-apy's configuration; by default $BATTGEN_INSTANCE, else the "
        "configuration's default instance."
    ),
)
@xmlhelpy.option(
    "project",
    description="Collection for records that name none; by default $BATTGEN_PROJECT, else kadi-battgen.",
)
def push(record: Sequence[str], all: bool, records: str | None, instance: str | None, project: str | None) -> None:
    """Bring local runs to Kadi4Mat, with their files, their links and the records that they came from.

    Identifiers stay the same. What is there already is not sent again: a second push changes nothing, and one that was
    interrupted is completed by repeating it. Every record that is there is printed as kadi:ID.
    """
    from kadi_battgen.records import LocalStore
    from kadi_battgen.records.kadi.client import KadiClient
    from kadi_battgen.records.kadi.instance import require_instance
    from kadi_battgen.records.kadi.push import push as push_records

    chosen = require_instance(instance)
    context = click.get_current_context()
    store = LocalStore(records_folder(context))
    if not store.folder.is_dir():
        raise UserError(f"There is no folder of records at {store.folder}: give one with --records.")
    named = [_identifier(store, word) for word in named_records(record)]

    def done(pushed: PushedRecord) -> None:
        result(f"kadi:{pushed.identifier}")
        files = f", {pushed.files} file{'s' * (pushed.files != 1)} sent" if pushed.files else ""
        running = ", still running: push it again when it has ended" if pushed.state == "running" else ""
        say(f"{pushed.identifier}: {pushed.outcome}{files}{running}")

    report = push_records(
        store,
        KadiClient(chosen, notice=say),
        named or None,
        project=project_name(context),
        compare=all or bool(named),
        done=done,
    )
    for warning in report.warnings:
        warn(warning)
    if not report.failures:
        if report.pushed:
            say(f"records pushed to {chosen.address}: {len(report.pushed)}")
        else:
            say(f"nothing to push: all records in {store.folder} are on {chosen.address}")
        return
    ended = "the push has ended early" if report.stopped else f"{len(report.failures)} could not be pushed"
    reasons = " ".join(dict.fromkeys(report.failures.values()))
    raise UserError(f"{len(report.pushed)} records were pushed to {chosen.address}, then {ended}: {reasons}")


push.resumes = True


def _identifier(store: LocalStore, word: str) -> str:
    """Return the identifier of the record of `store` that is named."""
    from kadi_battgen.records import find_record

    where, found = find_record(store, f"run:{word[5:]}" if word.startswith("kadi:") else word)
    if getattr(where, "folder", None) != store.folder:
        raise UserError(
            f"{word} is not among the records in {store.folder}: name its folder of records with --records."
        )
    return found.identifier
