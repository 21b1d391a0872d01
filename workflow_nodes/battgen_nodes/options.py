"""Options that nodes share: inputs, outputs and the seed, each of a type that says what it is."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import click
import xmlhelpy

from battgen_nodes.frame import say

#: What an input option takes (see :mod:`kadi_battgen.records.references`).
InputKind = Literal["file", "folder", "models"]

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class _NodePath(xmlhelpy.Path):
    """A path as it was typed; the node itself says what is wrong with it, since it may also name a record."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return `value` as text."""
        return os.fspath(value)


class InputPath(_NodePath):
    """A file or folder that a node reads, or a record in its place.

    Parameters
    ----------
    kind
        ``file``, ``folder``, or ``models`` for a folder with the models of several trainings.
    """

    def __init__(self, kind: InputKind) -> None:
        super().__init__(path_type="file" if kind == "file" else "directory")
        self.kind = kind


class OutputPath(_NodePath):
    """A file or folder that a node writes.

    Parameters
    ----------
    kind
        ``file`` or ``folder``.
    """

    def __init__(self, kind: Literal["file", "folder"]) -> None:
        super().__init__(path_type="file" if kind == "file" else "directory")
        self.kind = kind


def input_option(
    name: str, description: str, kind: InputKind = "file", *, char: str | None = None, required: bool = True
) -> Decorator:
    """Return the option of an input, which may also name a record (``kadi:IDENTIFIER``, ``run:IDENTIFIER``)."""
    what = f"{description.rstrip('.')}; or a record as kadi:ID or run:ID."
    return xmlhelpy.option(name, char=char, required=required, description=what, param_type=InputPath(kind))


def output_option(
    description: str,
    kind: Literal["file", "folder"] = "file",
    *,
    name: str = "output",
    char: str | None = "o",
    required: bool = True,
) -> Decorator:
    """Return the option of what a node writes."""
    return xmlhelpy.option(name, char=char, required=required, description=description, param_type=OutputPath(kind))


def record_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the positional argument that names a record."""
    return xmlhelpy.argument(
        "record",
        description=(
            "Record as run:ID or kadi:ID, its bare identifier, the folder of a local run, or a file that a run made."
        ),
    )(function)


def named_records(texts: Sequence[str]) -> list[str]:
    """Return the records that are named; KadiStudio gives all in one text, which a path with spaces is not."""
    return [word for text in texts for word in ([text] if Path(text).exists() else re.split(r"[,\s]+", text)) if word]


def seed_option(description: str, default: int = 0) -> Decorator:
    """Return the option of a seed."""
    return xmlhelpy.option(
        "seed", char="s", default=default, param_type=xmlhelpy.IntRange(min=0), description=description
    )


def cluster_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options ``--workers`` and ``--scheduler`` of work that runs in parallel (see :func:`cluster_settings`)."""
    scheduler = xmlhelpy.option(
        "scheduler",
        description=(
            "Dask scheduler to run on instead of this machine's cores: its address as tcp://host:port, or a YAML file that "
            "describes the jobs of a SLURM queue. The result does not depend on it."
        ),
    )
    workers = xmlhelpy.option(
        "workers",
        param_type=xmlhelpy.IntRange(min=1),
        description="Processes on this machine, one core each; by default all cores. The result does not depend on it.",
    )
    return workers(scheduler(function))


def cluster_settings(workers: int | None, scheduler: str | None) -> Any:
    """Return the :class:`kadi_battgen.parallel.ClusterSettings` of the two options, and say where the work runs."""
    from kadi_battgen.parallel import ClusterSettings

    settings = ClusterSettings(workers, scheduler)
    say(f"Running on {settings.describe()}")
    return settings


def range_options(quantities: Mapping[str, str]) -> Decorator:
    """Return the options of wanted quantities, each a value or a range as a text.

    Parameters
    ----------
    quantities
        What each is, with its unit, by the name of its parameter.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for name, description in reversed(list(quantities.items())):
            function = xmlhelpy.option(
                name.replace("_", "-"),
                description=f"{description}: a value or a range low:high with open ends allowed.",
            )(function)
        return function

    return decorate


def repeated_option(name: str, description: str, *, char: str | None = None) -> Decorator:
    """Return the option of a text that may be given several times, which KadiStudio gives once."""
    return click.option(
        *(f"-{char}",) * (char is not None),
        f"--{name}",
        cls=xmlhelpy.core.Option,
        multiple=True,
        name=name,
        char=char,
        description=description,
        param_type=xmlhelpy.String(),
        default=None,
        is_flag=False,
        requires=None,
        excludes=None,
        exclude_from_xml=False,
    )
