"""From the options of a node to the record of its run."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
import xmlhelpy

from battgen_nodes.frame import RUN, SETTINGS, SHARED_OPTIONS, detail, records_folder, say
from battgen_nodes.manners import QUIET, VERBOSE
from kadi_battgen.terminal import Verbosity, readable_size, readable_time, verbosity

if TYPE_CHECKING:
    from pydantic import BaseModel

    from kadi_battgen.records import Run, Store
    from kadi_battgen.records.artifacts import Artifact

#: Collection of records where neither the option nor the environment names one.
DEFAULT_PROJECT = "kadi-battgen"

#: Environment variable that names the collection for records.
PROJECT_VARIABLE = "BATTGEN_PROJECT"

#: Environment variable with the licence of what runs make, as an SPDX identifier such as CC-BY-4.0.
LICENSE_VARIABLE = "BATTGEN_LICENSE"


@contextmanager
def start_run(
    record_type: str, title: str, seed: int | None = None, settings: BaseModel | None = None
) -> Iterator[Run]:
    """Record what the block does as the run of the node that is being executed, with its options as configuration.

    Parameters
    ----------
    record_type
        Type of the record, such as ``afm-campaign``.
    title
        One line for people.
    seed
        Seed of the run.
    settings
        What the options stand for in full, where that is more than the options.
    """
    from kadi_battgen.records import Run

    context = click.get_current_context()
    options = {name: value for name, value in context.params.items() if name not in SHARED_OPTIONS}
    with Run(
        node_store(context),
        step=str(context.info_name),
        record_type=record_type,
        title=title,
        description=inspect.cleandoc(context.command.help or ""),
        license=os.environ.get(LICENSE_VARIABLE),
        configuration=options,
        settings=settings,
        seed=seed,
        tags=["kadi-battgen"],
        command=["battgen", str(context.info_name), *typed_options(context)],
        project=project_name(context),
    ) as run:
        context.meta[RUN] = run
        _describe_start(run)
        if context.meta.get(SETTINGS):
            run.input("config", context.params["config"])
        yield run
    _describe_end(run)
    if not context.params["no_record"]:
        say(f"Recorded as run:{run.identifier}")


def _describe_start(run: Run) -> None:
    """Tell, with ``--verbose``, what the run is about to do."""
    record = run.record
    software = record.software
    commit = f" at commit {software.git_commit}" if software.git_commit else ""
    detail(f"kadi-battgen {software.version}{commit}, Python {software.python}, {record.machine.cpu}")
    for name, value in record.configuration.items():
        if value is not None:
            detail(f"option {name.replace('_', '-')}: {value}")


def _describe_end(run: Run) -> None:
    """Tell, with ``--verbose``, what the run used, made and took."""
    if verbosity() < Verbosity.VERBOSE:
        return
    import resource

    record = run.record
    for used in record.inputs:
        detail(f"input {used.role}: {used.name}{_size(used)}, made by {', '.join(used.records) or 'no record'}")
    for made in record.results:
        detail(f"result: {made.name}{_size(made)}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    detail(
        f"took {readable_time(record.duration_s or 0.0)} on {record.device}, at most {readable_size(peak)} of memory"
    )


def _size(artifact: Artifact) -> str:
    """Return the size of a file or folder of a record, for the end of a sentence."""
    size = sum(entry.size for entry in artifact.files) if artifact.files else artifact.size
    return "" if size is None else f", {readable_size(size)}"


def node_store(context: click.Context) -> Store | None:
    """Return the store that a node's options choose, None with ``--no-record``."""
    return None if context.params.get("no_record") else reading_store(context)


def reading_store(context: click.Context) -> Store:
    """Return the store in which a node looks for records, also one that leaves none."""
    from kadi_battgen.records import open_store

    return open_store(records_folder(context), context.params.get("instance"), project_name(context))


def project_name(context: click.Context) -> str:
    """Return the collection that a node's options and the environment name."""
    return context.params.get("project") or os.environ.get(PROJECT_VARIABLE) or DEFAULT_PROJECT


def typed_options(context: click.Context) -> list[str]:
    """Return options and arguments of a node's context as they would be typed, in a fixed order and without defaults."""
    words: list[str] = []
    arguments: list[str] = []
    for parameter in context.command.params:
        value = context.params.get(str(parameter.name))
        if isinstance(parameter, xmlhelpy.core.Argument):
            arguments += [value] if isinstance(value, str) else value or ()
        if not isinstance(parameter, xmlhelpy.core.Option) or value is None or value == parameter.default:
            continue
        if parameter.name in (QUIET, VERBOSE):
            continue  # how much is said to people is no part of what was done
        if parameter.name == "config" and not context.meta.get(SETTINGS):
            continue  # its options are listed themselves
        words += [f"--{parameter.param_name}"] if parameter.is_flag else [f"--{parameter.param_name}", str(value)]
    return [*words, *arguments]
