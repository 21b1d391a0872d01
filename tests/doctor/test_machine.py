"""Processor, memory and disk."""

from __future__ import annotations

import os
import shutil
from collections import namedtuple
from pathlib import Path

from kadi_battgen.doctor.machine import examine_disk, examine_processor


def test_the_processor_is_the_one_of_this_process():
    found = {finding.name: finding for finding in examine_processor()}
    cores = len(os.sched_getaffinity(0))
    assert f"{cores} core" in found["processor"].value
    assert found["memory"].value.endswith("free")


def test_folders_that_are_not_there_yet_are_on_the_disk_of_their_parent(tmp_path):
    found = {finding.name: finding for finding in examine_disk(tmp_path / "not" / "yet")}
    assert str(tmp_path / "not" / "yet") in found["disk, records"].value
    assert list(found) == ["disk, current folder", "disk, records", "disk, caches", "disk, temporary"]


def test_a_full_disk_is_a_problem(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**10, 10**10 - 10**6, 10**6))
    found = examine_disk(Path(tmp_path))
    assert {finding.state for finding in found} == {"problem"}
    assert found[0].value.startswith("1.00 MB free")
    assert found[0].remedy == "free 2.00 GB there"
