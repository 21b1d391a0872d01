"""Devices, asked in processes of their own."""

from __future__ import annotations

import pytest

from kadi_battgen.doctor import devices
from kadi_battgen.doctor.devices import examine_graphics_cards, examine_opencl


def test_some_opencl_device_works_where_afm_images_are_simulated():
    found = examine_opencl()
    assert "ok" in {finding.state for finding in found}
    assert "driver" in found[0].value


def test_without_a_driver_the_runtime_to_install_is_named(tmp_path, monkeypatch):
    """An empty folder of drivers, chosen by the user, is respected."""
    monkeypatch.setenv("OCL_ICD_VENDORS", str(tmp_path))
    monkeypatch.delenv("BATTGEN_OCL_ICD_VENDORS", raising=False)
    (finding,) = examine_opencl()
    assert finding.state == "problem"
    assert "pip install intel-opencl-rt" in (finding.remedy or "")


def test_the_graphics_cards_are_those_of_torch():
    import torch

    states = [finding.state for finding in examine_graphics_cards()]
    assert states.count("ok") == torch.cuda.device_count()


@pytest.mark.parametrize(
    ("program", "trouble"),
    [
        ("while True: pass", "the driver did not answer within 1 s"),
        ("import os; os._exit(7)", "the driver ended with status 7"),
        ("import os; os.abort()", "the driver ended with status -6"),
        ("raise ImportError('no such driver')", "ImportError: no such driver"),
        ("print('[]')", "it lists none"),
    ],
)
def test_a_driver_that_hangs_or_crashes_costs_a_line(monkeypatch, program, trouble):
    monkeypatch.setattr(devices, "PATIENCE", 1.0)
    monkeypatch.setattr(devices, "_OPENCL", program)
    (finding,) = examine_opencl()
    assert (finding.state, finding.value) == ("problem", f"no device ({trouble})")
