"""Requirements against what is installed."""

from __future__ import annotations

import importlib.metadata

import pytest

from kadi_battgen.doctor.packages import examine_packages


def problems():
    return {finding.name: finding for finding in examine_packages() if finding.state == "problem"}


def test_what_is_installed_here_is_complete():
    found = {finding.name: finding.value for finding in examine_packages()}
    assert problems() == {}
    assert found["torch"] == importlib.metadata.version("torch")
    assert found["others"].endswith("as required")


@pytest.mark.parametrize(
    ("requirement", "name", "value", "remedy"),
    [
        ("no-such-package>=2", "no-such-package", "not installed", "pip install 'no-such-package>=2'"),
        ("numpy>=1000", "numpy", "which is not >=1000", "pip install 'numpy>=1000'"),
        ('torch>=1000; sys_platform == "nowhere"', None, "", ""),
        ("hypothesis>=1000; extra == 'dev'", None, "", ""),
    ],
)
def test_what_is_missing_or_too_old_is_named_with_its_remedy(monkeypatch, requirement, name, value, remedy):
    monkeypatch.setattr(importlib.metadata, "requires", lambda distribution: ["h5py", requirement])
    found = problems()
    assert list(found) == ([name] if name else [])
    if name:
        assert value in found[name].value
        assert found[name].remedy == remedy
