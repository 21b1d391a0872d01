"""What computes: graphics cards for the trainings, OpenCL devices for the AFM simulation.

Drivers are asked in processes of their own: one that crashes or hangs then costs a line of the result, not the command.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from kadi_battgen.doctor.finding import Finding, State

#: Seconds that a driver may take.
PATIENCE = 60.0

_TORCH = """
import json, torch
cards = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
print(json.dumps([[card.name, card.total_memory, torch.version.cuda or torch.version.hip] for card in cards]))
"""

_OPENCL = """
import json
from kadi_battgen.afm.opencl import device_works, list_devices
print(json.dumps([[d.name, d.platform, d.kind, d.driver, device_works(handle)] for handle, d in list_devices()]))
"""

_INSTALL_OPENCL = "pip install intel-opencl-rt intel-cmplr-lib-rt, or apt-get install pocl-opencl-icd"


def examine_graphics_cards() -> list[Finding]:
    """Return the graphics cards that torch can use; trainings take the first one."""
    from kadi_battgen.terminal import readable_size

    name = "graphics card"
    if not any(Path(path).exists() for path in ("/dev/nvidiactl", "/dev/nvidia0", "/dev/kfd", "/dev/dxg")):
        return [Finding("devices", name, "absent", "none; trainings run on the processor")]
    cards, trouble = _ask(_TORCH)
    if not cards:
        way = "pip install --force-reinstall torch, as a build for CUDA or ROCm that fits the driver"
        return [Finding("devices", name, "problem", f"one is there, but torch cannot use it ({trouble})", way)]
    return [
        Finding("devices", name, "ok", f"{card}, {readable_size(memory)}, CUDA or ROCm {version}")
        for card, memory, version in cards
    ]


def examine_opencl() -> list[Finding]:
    """Return the OpenCL devices, each tried with a small program; the AFM simulation takes the first that works."""
    devices, trouble = _ask(_OPENCL)
    if not devices:
        return [Finding("devices", "OpenCL", "problem", f"no device ({trouble})", _INSTALL_OPENCL)]
    any_works = any(works for *_, works in devices)
    found = []
    for device, platform, kind, driver, works in devices:
        value = f"{device} ({kind}, {platform}, driver {driver})"
        if works:
            found.append(Finding("devices", "OpenCL", "ok", value))
        else:
            state: State = "absent" if any_works else "problem"
            found.append(
                Finding("devices", "OpenCL", state, f"{value} compiles nothing", None if any_works else _INSTALL_OPENCL)
            )
    return found


def _ask(program: str) -> tuple[list[list], str]:
    """Return what a short program found, and why it found nothing."""
    try:
        outcome = subprocess.run(
            [sys.executable, "-c", program],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [], f"the driver did not answer within {PATIENCE:.0f} s"
    lines = outcome.stdout.splitlines()
    if outcome.returncode != 0 or not lines:
        said = [line for line in outcome.stderr.splitlines() if line.strip()]
        return [], said[-1].strip() if said else f"the driver ended with status {outcome.returncode}"
    return list(json.loads(lines[-1])), "it lists none"
