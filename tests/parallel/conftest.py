"""Tasks that reach the workers by value."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import cloudpickle
import pytest


@pytest.fixture(scope="session")
def tasks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("battgen_test_tasks", Path(__file__).with_name("tasks.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    cloudpickle.register_pickle_by_value(module)
    return module
