from __future__ import annotations

import os
import subprocess
import sys

import pytest

from kadi_battgen.afm.opencl import choose_device, device_works, list_devices, start_ppafm
from kadi_battgen.errors import UserError


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if k not in ("OCL_ICD_VENDORS", "BATTGEN_OCL_ICD_VENDORS")}
    return subprocess.run(
        [sys.executable, "-c", code], env=inherited | environment, capture_output=True, text=True, timeout=300
    )


def test_importing_the_package_loads_no_simulator():
    code = (
        "import sys, kadi_battgen.afm.campaign, kadi_battgen.afm.simulation, kadi_battgen.afm.store\n"
        "print(sorted({'ppafm', 'pyopencl', 'torch', 'pymatgen'} & set(sys.modules)))"
    )
    result = run_python(code)
    assert result.stdout.strip() == "[]", result.stderr


def test_a_fresh_home_finds_a_device_and_keeps_stdout_clean(tmp_path):
    code = (
        "from kadi_battgen.afm.opencl import choose_device\nimport sys; print(choose_device()[1].kind, file=sys.stderr)"
    )
    result = run_python(code, HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
    assert result.stderr.split()[-1] in ("CPU", "GPU")


def test_a_home_that_cannot_be_written_to_does_no_harm(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    code = "from kadi_battgen.afm.opencl import start_ppafm; start_ppafm()"
    blocked = str(tmp_path / "file" / "below")
    result = run_python(code, HOME=blocked, XDG_CACHE_HOME=blocked, TMPDIR=str(tmp_path))
    assert result.returncode == 0, result.stderr


def test_starting_ppafm_prints_nothing_to_stdout():
    result = run_python("from kadi_battgen.afm.opencl import start_ppafm; start_ppafm()")
    assert (result.returncode, result.stdout) == (0, ""), result.stderr


def test_without_any_driver_the_message_says_what_to_install(tmp_path):
    code = "from kadi_battgen.afm.opencl import choose_device; choose_device()"
    result = run_python(code, OCL_ICD_VENDORS=f"{tmp_path}/")
    assert "UserError: No working OpenCL device" in result.stderr
    assert "pip install intel-opencl-rt intel-cmplr-lib-rt" in result.stderr


def test_devices_come_in_order_and_work():
    kinds = [description.kind for _, description in list_devices()]
    assert kinds == sorted(kinds, reverse=True)
    device, description = choose_device()
    assert device_works(device)
    assert description.driver
    assert start_ppafm() == description


@pytest.mark.parametrize("part", ["kind", "name", "platform"])
def test_a_device_can_be_chosen_by_name(part, monkeypatch):
    _, any_device = choose_device()
    monkeypatch.setenv("BATTGEN_OPENCL_DEVICE", getattr(any_device, part).upper())
    assert choose_device()[1] == any_device


def test_an_unknown_device_is_refused_with_those_that_exist(monkeypatch):
    _, any_device = choose_device()
    monkeypatch.setenv("BATTGEN_OPENCL_DEVICE", "no such card")
    with pytest.raises(UserError, match="BATTGEN_OPENCL_DEVICE='no such card'") as caught:
        choose_device()
    assert any_device.name in str(caught.value)
