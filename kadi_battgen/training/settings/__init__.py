"""Settings of the trainings: one model of each, filled from a preset, a YAML file and options."""

from __future__ import annotations

from kadi_battgen.training.settings.common import LoopSettings, Settings, Width
from kadi_battgen.training.settings.composition import CompositionSettings
from kadi_battgen.training.settings.loading import PRESETS, SETTINGS, load_settings, settings_from_preset
from kadi_battgen.training.settings.screening import ScreeningSettings
from kadi_battgen.training.settings.translation import TranslationSettings

__all__ = [
    "PRESETS",
    "SETTINGS",
    "CompositionSettings",
    "LoopSettings",
    "ScreeningSettings",
    "Settings",
    "TranslationSettings",
    "Width",
    "load_settings",
    "settings_from_preset",
]
