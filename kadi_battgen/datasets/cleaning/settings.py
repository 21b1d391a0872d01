"""The settings of a cleaning: a list of steps, from a YAML file or a preset that ships."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import yaml
from pydantic import ValidationError

from kadi_battgen.datasets.cleaning.columns import ReduceColumns
from kadi_battgen.datasets.cleaning.duplicates import Duplicates
from kadi_battgen.datasets.cleaning.encode import Encode
from kadi_battgen.datasets.cleaning.invariants import Invariants
from kadi_battgen.datasets.cleaning.missing import Missing
from kadi_battgen.datasets.cleaning.outliers import Outliers
from kadi_battgen.datasets.cleaning.ranges import Ranges
from kadi_battgen.datasets.cleaning.rows import ReduceRows
from kadi_battgen.datasets.cleaning.scale import Scale
from kadi_battgen.datasets.cleaning.step import Step
from kadi_battgen.electrodes.collection import describe_validation
from kadi_battgen.errors import UserError
from kadi_battgen.files import existing_file

#: Steps by their name in configuration files.
STEPS: dict[str, type[Step]] = {
    kind.name: kind
    for kind in (
        Invariants,
        Ranges,
        Missing,
        Duplicates,
        Outliers,
        ReduceRows,
        ReduceColumns,
        Scale,
        Encode,
    )
}

#: Lists of steps that ship: physical checks and outliers as this package recommends them, or what the thesis did.
PRESETS = ("default", "thesis")


def parse_steps(documents: Any, where: str) -> tuple[Step, ...]:
    """Return the steps that a list of plain values describes.

    Parameters
    ----------
    documents
        One mapping a step, with its name under ``step``.
    where
        What the list is from, for errors.

    Raises
    ------
    UserError
        If a step or a field of it is unknown (the sentence lists the known ones), or a value is wrong.
    """
    if not isinstance(documents, list) or not documents:
        raise UserError(f"{where}: steps is no list of steps: write it as '- step: ranges' lines with their fields.")
    return tuple(_parse_step(document, f"{where}, step {place}") for place, document in enumerate(documents, start=1))


def _parse_step(document: Any, where: str) -> Step:
    name = document.get("step") if isinstance(document, Mapping) else document
    kind = STEPS.get(name) if isinstance(name, str) else None
    if kind is None or not isinstance(document, Mapping):
        raise UserError(f"{where}: {name!r} names no step: write 'step: NAME' with one of {', '.join(STEPS)}.")
    unknown = [str(key) for key in document if key not in kind.model_fields]
    if unknown:
        raise UserError(f"{where} ({name}): unknown key {unknown[0]!r}: choose from {', '.join(kind.model_fields)}.")
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        raise UserError(f"{where} ({name}): {describe_validation(error)}.") from error


def load_steps(config: str | os.PathLike[str]) -> tuple[Step, ...]:
    """Return the steps of a YAML file, which lie under ``steps``; other fields of the file are not looked at.

    Raises
    ------
    UserError
        If the file is missing, is not YAML, or a step in it is wrong.
    """
    source = existing_file(config)
    try:
        document = yaml.safe_load(source.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{source} is not YAML ({str(error).splitlines()[0]}): mend the file.") from error
    if not isinstance(document, dict) or "steps" not in document:
        raise UserError(f"{source} holds no steps: write them as a list under 'steps:'.")
    return parse_steps(document["steps"], str(source))


def preset_steps(preset: str) -> tuple[Step, ...]:
    """Return the steps of a preset.

    Raises
    ------
    UserError
        If there is no such preset.
    """
    if preset not in PRESETS:
        raise UserError(f"Preset {preset!r} is not known: choose from {', '.join(PRESETS)}.")
    text = (files("kadi_battgen.datasets.cleaning") / f"{preset}.yaml").read_text(encoding="utf-8")
    return parse_steps(yaml.safe_load(text)["steps"], f"Preset {preset}")
