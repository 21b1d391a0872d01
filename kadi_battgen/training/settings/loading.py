"""Filling the settings of a training from a preset, a YAML file and options, each going before the one before it."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from importlib.resources import files
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from kadi_battgen.electrodes.collection import describe_validation
from kadi_battgen.errors import UserError
from kadi_battgen.files import existing_file
from kadi_battgen.training.settings.composition import CompositionSettings
from kadi_battgen.training.settings.screening import ScreeningSettings
from kadi_battgen.training.settings.translation import TranslationSettings

#: Presets that ship, from minutes on two cores to the thesis's sizes on a GPU.
PRESETS = ("demo", "small", "thesis")

#: Settings class of each training of BattGen by its name in the preset files.
SETTINGS: dict[str, type[BaseModel]] = {
    "translation": TranslationSettings,
    "composition": CompositionSettings,
    "screening": ScreeningSettings,
}

#: All trainings that one file may hold the settings of.
_TRAININGS = (*SETTINGS, "prvae")

Filled = TypeVar("Filled", bound=BaseModel)


def load_settings(
    kind: str,
    preset: str,
    config: str | os.PathLike[str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    only: Collection[str] | None = None,
) -> Any:
    """Return the settings of one training of BattGen.

    Parameters
    ----------
    kind
        ``translation``, ``composition`` or ``screening``.
    preset, config, overrides, only
        As for :func:`settings_from_preset`.

    Raises
    ------
    UserError
        If the preset or a field is unknown, or a value is out of range.
    """
    return settings_from_preset("kadi_battgen.training", kind, SETTINGS[kind], preset, config, overrides, only)


def settings_from_preset(
    package: str,
    kind: str,
    settings_class: type[Filled],
    preset: str,
    config: str | os.PathLike[str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    only: Collection[str] | None = None,
    fields: Mapping[str, Any] | None = None,
) -> Filled:
    """Return settings from a preset, a file and values, each going before the one before it.

    Parameters
    ----------
    package
        The package with a folder ``presets``, in which there is a YAML file for each preset, with the fields under `kind` or
        alone.
    kind
        What the training is called in a file with the settings of several.
    settings_class
        What to fill; its loop is called ``loop``.
    preset
        One of ``PRESETS``.
    config
        YAML file with the same fields, which override the preset's; either those of one training, or several trainings'
        under their names.
    overrides
        Fields of the loop that override both (``epochs``, ``batch_size``...); ``None`` values are passed over.
    only
        Top-level fields of `config` to look at, where the file holds others' fields too.
    fields
        Top-level values that override all others; ``None`` values are passed over.

    Raises
    ------
    UserError
        If the preset or a field is unknown, or a value is out of range.
    """
    if preset not in PRESETS:
        raise UserError(f"Preset {preset!r} is not known: choose from {', '.join(PRESETS)}.")
    text = (files(package) / "presets" / f"{preset}.yaml").read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    document = document.get(kind, document)
    origin = f"Preset {preset}"
    if config is not None:
        origin = str(existing_file(config))
        changes = _changes(config, kind, only)
        document = {**document, **changes, "loop": {**document["loop"], **(changes.get("loop") or {})}}
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    document = {**document, "loop": {**document["loop"], **given}}
    document |= {name: value for name, value in (fields or {}).items() if value is not None}
    try:
        return settings_class.model_validate(document)
    except ValidationError as error:
        raise UserError(f"{origin}, {kind}: {describe_validation(error)}.") from error


def _changes(config: str | os.PathLike[str], kind: str, only: Collection[str] | None) -> dict[str, Any]:
    """Return what a settings file says of one training."""
    origin = existing_file(config)
    try:
        changes = yaml.safe_load(origin.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{config} is not YAML ({str(error).splitlines()[0]}): mend the file.") from error
    if only is not None and isinstance(changes, dict):
        changes = {name: value for name, value in changes.items() if name in only}
    if isinstance(changes, dict) and changes.keys() & set(_TRAININGS):
        unknown = sorted(str(name) for name in changes.keys() - set(_TRAININGS))
        if unknown:
            raise UserError(f"{origin}: {unknown[0]} is not a training: choose from {', '.join(_TRAININGS)}.")
        changes = changes.get(kind) or {}
    if not isinstance(changes, dict):
        raise UserError(f"{origin} holds no fields: write it as 'field: value' lines.")
    if not isinstance(changes.get("loop") or {}, dict):
        raise UserError(f"{config} holds no fields under loop: write it as 'loop: {{field: value}}'.")
    return changes
