"""The frame of every node: shared options, options from a file, errors with exit status 2, results on standard output."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import xmlhelpy

from battgen_nodes.manners import (
    QUIET,
    VERBOSE,
    NodeError,
    detail,
    explain,
    remember_words,
    say,
    verbosity_options,
    warn,
    well_behaved,
    without_verbosity,
)
from kadi_battgen.errors import UserError
from kadi_battgen.files import existing_file

__all__ = ["Node", "NodeError", "answer", "detail", "node", "result", "say", "warn"]

#: Folder for records where neither the option nor the environment names one.
DEFAULT_RECORDS = "battgen-records"

#: Environment variable that names the folder for records.
RECORDS_VARIABLE = "BATTGEN_RECORDS"

#: Ends of descriptions that several commands share.
_RECORDS_BY_DEFAULT = f"by default ${RECORDS_VARIABLE}, else {DEFAULT_RECORDS}/ in the current folder."
_INSTANCE_BY_DEFAULT = (
    "by its name in kadi-apy's configuration; by default $BATTGEN_INSTANCE, else the configuration's default instance; "
    "local for none."
)

#: Options that every node has; they say how it runs, and are no part of what it computes.
SHARED_OPTIONS = ("config", "records", "no_record", "instance", "project", "json", QUIET, VERBOSE)

#: Keys of a context's ``meta``: the run, the paths it made, and the fields of --config that are no options.
RUN, RESULTS, SETTINGS = "battgen.run", "battgen.results", "battgen.settings"

#: Further ones: what --json prints instead, and the exit status of a command that did its work.
ANSWER, STATUS = "battgen.answer", "battgen.status"


class Node(xmlhelpy.Command):
    """A command with the manners of all nodes.

    User errors become one sentence and exit status 2; ``--config`` fills options; ``--quiet`` and ``--verbose`` say how much
    is said; a request to end leaves a record that says so, and a sentence that says how to go on.

    Attributes
    ----------
    takes_settings
        Whether ``--config`` may hold fields that are no options of the command.
    resumes
        Whether the command goes on where it stopped when it is run again; a text is the option that makes it do so.
    """

    takes_settings = False
    resumes: bool | str = False

    def __init__(self, *arguments: Any, **fields: Any) -> None:
        fields["params"] = [*(fields.get("params") or ()), *verbosity_options()]
        fields["callback"] = without_verbosity(fields["callback"])
        super().__init__(*arguments, **fields)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command line, with the options of ``--config`` as defaults."""
        remember_words(ctx, args)
        if not ctx.resilient_parsing and any(parameter.name == "config" for parameter in self.params):
            path = self.make_parser(ctx).parse_args(args=list(args))[0].get("config")
            if path is not None:
                try:
                    ctx.default_map = {**(ctx.default_map or {}), **self._options_from(ctx, str(path))}
                except UserError as error:
                    raise NodeError(str(error)) from error
        rest = super().parse_args(ctx, args)
        # xmlhelpy gives every parameter a default of None, which Click from 8.3 on takes for a value.
        for parameter in self.params:
            if parameter.required and ctx.params.get(parameter.name or "") is None and not ctx.resilient_parsing:
                raise click.MissingParameter(ctx=ctx, param=parameter)
        return rest

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with well_behaved(ctx, self.resumes):
            try:
                outcome = super().invoke(ctx)
            except UserError as error:
                explain(error)
                raise NodeError(str(error)) from error
        if ctx.params.get("json"):
            click.echo(json.dumps(_outcome(ctx), indent=2))
        if ctx.meta.get(STATUS):
            ctx.exit(ctx.meta[STATUS])
        return outcome

    def _options_from(self, ctx: click.Context, path: str) -> dict[str, str]:
        """Return the options that a YAML file gives, by parameter name; what is left goes to the context's settings."""
        names = {parameter.name for parameter in self.params if isinstance(parameter, xmlhelpy.core.Option)}
        given, settings = {}, {}
        for key, value in read_yaml_texts(path).items():
            name = key.replace("-", "_")
            if name not in names or name == "config":
                settings[key] = value
            elif isinstance(value, str):
                given[name] = value
            else:
                raise UserError(f"{path}: {key} holds several values; give one, as on the command line.")
        if settings and not self.takes_settings:
            raise UserError(
                f"{path}: {next(iter(settings))} is no option of {ctx.info_name}; see {ctx.command_path} --help for those."
            )
        ctx.meta[SETTINGS] = tuple(settings)
        # An empty value leaves the option at its default, as if it were not there.
        return {name: value for name, value in given.items() if value not in ("", "~", "null")}


def read_yaml_texts(path: str | os.PathLike[str]) -> Mapping[str, Any]:
    """Return the fields of a YAML file with every scalar as the text that stands there.

    YAML would read the range ``2:4`` as the number 124 and the ion ``No`` as false; options convert texts themselves.

    Raises
    ------
    UserError
        If the file is missing or holds something else than fields.
    """
    import yaml

    try:
        fields = yaml.BaseLoader(existing_file(path).read_text(encoding="utf-8")).get_single_data() or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not YAML ({str(error).splitlines()[0]}): mend the file.") from error
    if not isinstance(fields, dict) or not all(isinstance(key, str) for key in fields):
        raise UserError(f"{path} holds no fields: write it as 'option: value' lines.")
    return fields


def node(
    name: str,
    example: str,
    *,
    takes_settings: bool | str = False,
    recorded: bool = True,
    resumes: bool | str | None = None,
) -> Callable[[Callable[..., Any]], Node]:
    """Return the decorator of a node.

    Parameters
    ----------
    name
        Name of the sub-command.
    example
        What follows it on a command line.
    takes_settings
        Whether ``--config`` may hold fields that are no options; a text says which, after "options".
    recorded
        Whether its runs leave a record; False for commands that are about records.
    resumes
        Whether it goes on where it stopped when it is run again, as trainings do by default; a text is the option that
        makes it do so.
    """

    def decorate(function: Callable[..., Any]) -> Node:
        @functools.wraps(function)
        def call(**options: Any) -> Any:
            return function(**{name: value for name, value in options.items() if name not in SHARED_OPTIONS})

        own = list(getattr(function, "__click_params__", []))
        for add in reversed(_shared_options(takes_settings, recorded)):
            call = add(call)
        # Click lists parameters in reverse order of definition: what all nodes share belongs at the end of their helps.
        parameters = call.__click_params__  # type: ignore[attr-defined]
        parameters[:] = parameters[len(own) :] + own
        command = xmlhelpy.command(name=name, example=example, cls=Node)(call)
        command.takes_settings = bool(takes_settings)
        command.resumes = takes_settings is True if resumes is None else resumes
        return command

    return decorate


def _shared_options(takes_settings: bool | str, recorded: bool) -> list[Callable[[Any], Any]]:
    more = " and further settings of the training" if takes_settings is True else takes_settings or ""
    config = xmlhelpy.option(
        "config",
        description=f"YAML file with options{more}, as 'option: value' lines; the command line goes before it.",
        param_type=xmlhelpy.Path(path_type="file"),
    )
    if not recorded:
        return [config, *_reading_options()]
    return [
        config,
        xmlhelpy.option(
            "records",
            description=f"Folder for the record of this run; {_RECORDS_BY_DEFAULT}",
            param_type=xmlhelpy.Path(path_type="directory"),
        ),
        xmlhelpy.option("no-record", description="Write no record of this run.", is_flag=True),
        xmlhelpy.option(
            "instance",
            char="I",
            description=f"Kadi4Mat instance to record the run in, {_INSTANCE_BY_DEFAULT}",
        ),
        xmlhelpy.option(
            "project",
            description="Collection that the record belongs to; by default $BATTGEN_PROJECT, else kadi-battgen.",
        ),
        xmlhelpy.option(
            "json",
            description="Print the result as one JSON object (record, results, metrics) instead of one path a line.",
            is_flag=True,
        ),
    ]


def _reading_options() -> list[Callable[[Any], Any]]:
    """Return the options of a command that reads records and leaves none."""
    return [
        xmlhelpy.option(
            "records",
            description=f"Folder of the records; {_RECORDS_BY_DEFAULT}",
            param_type=xmlhelpy.Path(path_type="directory"),
        ),
        xmlhelpy.option(
            "instance",
            char="I",
            description=f"Kadi4Mat instance of kadi:ID records, {_INSTANCE_BY_DEFAULT}",
        ),
        xmlhelpy.option("json", description="Print the result as one JSON object instead of text.", is_flag=True),
    ]


def answer(document: Mapping[str, Any], status: int = 0) -> None:
    """Say what a command found.

    Parameters
    ----------
    document
        What ``--json`` prints beside the results, in place of record and metrics.
    status
        Exit status of the command: 1 where it did its work and the answer is no.
    """
    context = click.get_current_context()
    context.meta[ANSWER], context.meta[STATUS] = document, status


def wants_json() -> bool:
    """Tell whether the running command was called with ``--json``, so that standard output belongs to its object."""
    return bool(click.get_current_context().params.get("json"))


def result(path: str | os.PathLike[str]) -> None:
    """Print what a node made: one path a line on standard output, or as part of the object of ``--json``."""
    context = click.get_current_context()
    if wants_json():
        context.meta.setdefault(RESULTS, []).append(os.fspath(path))
    else:
        click.echo(os.fspath(path))


def records_folder(context: click.Context) -> Path:
    """Return the folder for records that a node's options and the environment name."""
    return Path(context.params.get("records") or os.environ.get(RECORDS_VARIABLE) or DEFAULT_RECORDS)


def _outcome(context: click.Context) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    if ANSWER in context.meta:
        return {**context.meta[ANSWER], "results": context.meta.get(RESULTS, [])}
    run = context.meta.get(RUN)
    metrics = run.record.metrics if run is not None else []
    return {
        "record": None if run is None or context.params["no_record"] else f"run:{run.identifier}",
        "results": context.meta.get(RESULTS, []),
        "metrics": [metric.model_dump(exclude_none=True) for metric in metrics],
    }
