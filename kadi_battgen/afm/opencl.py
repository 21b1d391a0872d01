"""Choice of the OpenCL device that runs ppafm, from a GPU down to a plain CPU served by pip packages alone.

ppafm simulates on OpenCL. On a machine without a GPU and without root the wheels ``intel-opencl-rt`` and
``intel-cmplr-lib-rt`` bring a CPU runtime (Intel and AMD, Linux x86-64), but they leave a placeholder path in their
``.icd`` file and expect their libraries on the loader's path. :func:`expose_pip_runtime` repairs both from inside the
process. It has to run before OpenCL is asked for its platforms, so devices are looked up through this module only.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import importlib
import logging
import os
import shutil
import site
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kadi_battgen.errors import UserError

#: Selects a device: ``gpu``, ``cpu`` or a part of a platform or device name.
DEVICE_VARIABLE = "BATTGEN_OPENCL_DEVICE"

_SYSTEM_VENDORS = Path("/etc/OpenCL/vendors")
_PIP_RUNTIME = "libintelocl.so"
#: Shared libraries behind the pip runtime, in the order in which they depend on each other.
_PIP_RUNTIME_NEEDS = ("libintlc.so.5", "libimf.so", "libsvml.so", "libirng.so", "libtbb.so.12")

_HOW_TO_INSTALL = (
    "install a CPU runtime with 'pip install intel-opencl-rt intel-cmplr-lib-rt' (Linux x86-64) or "
    "'apt install pocl-opencl-icd', or the OpenCL driver of the graphics card"
)

#: Compiled and run on a device before it is trusted: a driver may list devices that it cannot compile for.
_PROBE_SOURCE = """
__kernel void probe(__global float* values) {
    const int i = get_global_id(0);
    values[i] = sqrt(values[i]) + 1.0f;
}
"""


@dataclass(frozen=True)
class OpenCLDevice:
    """What a simulation ran on, as recorded with its images."""

    name: str
    platform: str
    kind: str
    driver: str

    def as_dict(self) -> dict[str, str]:
        """Return the four fields as a JSON object."""
        return asdict(self)


def expose_pip_runtime() -> bool:
    """Make the OpenCL runtime of pip visible to pyopencl; must run before OpenCL is asked for its platforms.

    Loads the runtime's libraries into the process and points ``OCL_ICD_VENDORS`` at a cache folder that lists the
    pip runtime beside the drivers of the system. A value of ``OCL_ICD_VENDORS`` set by the user is respected.

    Returns
    -------
    bool
        Whether a pip runtime was found and made visible.
    """
    # pip installs the libraries into the environment, or with --user into the user's folder.
    folders = [Path(prefix) / "lib" for prefix in (sys.prefix, site.getuserbase())]
    libraries = next((folder for folder in folders if (folder / _PIP_RUNTIME).is_file()), None)
    if not sys.platform.startswith("linux") or libraries is None:
        return False
    if "OCL_ICD_VENDORS" in os.environ and "BATTGEN_OCL_ICD_VENDORS" not in os.environ:
        return False
    for name in _PIP_RUNTIME_NEEDS:
        # A library that fails to load shows itself when the device is tried.
        with contextlib.suppress(OSError):
            ctypes.CDLL(str(libraries / name), mode=ctypes.RTLD_GLOBAL)
    vendors = _vendors_folder(libraries / _PIP_RUNTIME)
    # Child processes inherit both variables; the second tells them that the first is ours, not the user's.
    os.environ["OCL_ICD_VENDORS"] = os.environ["BATTGEN_OCL_ICD_VENDORS"] = f"{vendors}{os.sep}"
    return True


def _cache_folder() -> Path:
    """Return a cache folder that can be written to; where the home cannot, all caches move to a temporary one.

    pyopencl and pytools keep their caches below the same ``XDG_CACHE_HOME`` and fail without one.
    """
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    try:
        base.mkdir(parents=True, exist_ok=True)
        writable = os.access(base, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        base = Path(tempfile.gettempdir()) / f"kadi-battgen-cache-{os.getuid()}"
        base.mkdir(mode=0o700, exist_ok=True)
        if base.stat().st_uid != os.getuid():  # another user's folder might list another user's library
            base = Path(tempfile.mkdtemp(prefix="kadi-battgen-cache-"))
        os.environ["XDG_CACHE_HOME"] = str(base)
    return base / "kadi-battgen"


def _vendors_folder(runtime: Path) -> Path:
    system = sorted(_SYSTEM_VENDORS.glob("*.icd")) if _SYSTEM_VENDORS.is_dir() else []
    key = hashlib.sha256(repr([str(runtime), *map(str, system)]).encode()).hexdigest()[:12]
    folder = _cache_folder() / f"opencl-vendors-{key}"
    folder.mkdir(parents=True, exist_ok=True)
    _fill(folder, runtime, {source.name: source for source in system})
    return folder


def _fill(folder: Path, runtime: Path, system: dict[str, Path]) -> None:
    for name, source in system.items():
        if not (folder / name).exists():
            temporary = folder / f"{name}.{os.getpid()}.tmp"
            shutil.copyfile(source, temporary)
            temporary.replace(folder / name)
    target = folder / "pip-intel-cpu.icd"
    if not target.exists() or target.read_text() != f"{runtime}\n":
        temporary = folder / f"{target.name}.{os.getpid()}.tmp"
        temporary.write_text(f"{runtime}\n")
        temporary.replace(target)


@contextlib.contextmanager
def quiet_ppafm() -> Iterator[None]:
    """Keep prints of ppafm off standard output, where a node prints its result, and mute pyopencl's warnings."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore")
        yield


def _log_to_stderr() -> None:
    """Move ppafm's log from standard output, its default, to standard error, and keep warnings and errors only."""
    logger = logging.getLogger("ppafm")
    logger.setLevel(logging.WARNING)
    for handler in logger.handlers:
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler):
            handler.setStream(sys.stderr)


def list_devices() -> list[tuple[Any, OpenCLDevice]]:
    """Return all OpenCL devices as (pyopencl device, description), GPUs first, in a fixed order.

    Raises
    ------
    UserError
        If pyopencl is missing.
    """
    expose_pip_runtime()
    _cache_folder()
    # Where compiled programs cannot be kept, pyopencl goes on without only if this is set.
    os.environ.setdefault("PYOPENCL_CACHE_FAILURE_FATAL", "")
    try:
        cl = importlib.import_module("pyopencl")
    except ImportError as error:
        raise UserError(f"pyopencl cannot be imported ({error}): run 'pip install ppafm[opencl]'.") from error
    found = []
    try:
        platforms = cl.get_platforms()
    except cl.Error:
        platforms = []
    for platform in platforms:
        try:
            devices = platform.get_devices()
        except cl.Error:
            continue
        for device in devices:
            if device.type & cl.device_type.GPU:
                kind = "GPU"
            elif device.type & cl.device_type.CPU:
                kind = "CPU"
            else:
                continue  # FPGA emulators and the like compile slowly and simulate nothing faster
            description = OpenCLDevice(device.name.strip(), platform.name.strip(), kind, device.driver_version.strip())
            found.append((device, description))
    rank = {"GPU": 0, "CPU": 1}
    return sorted(found, key=lambda item: (rank[item[1].kind], item[1].platform, item[1].name))


def device_works(device: Any) -> bool:
    """Compile and run a small kernel on a pyopencl device and check its result."""
    import numpy as np
    import pyopencl as cl

    values = np.arange(64, dtype=np.float32)
    result = np.empty_like(values)
    try:
        context = cl.Context([device])
        queue = cl.CommandQueue(context)
        with quiet_ppafm():
            program = cl.Program(context, _PROBE_SOURCE).build()
        flags = cl.mem_flags.READ_WRITE | cl.mem_flags.COPY_HOST_PTR
        buffer = cl.Buffer(context, flags, hostbuf=values)
        cl.Kernel(program, "probe")(queue, values.shape, None, buffer)
        cl.enqueue_copy(queue, result, buffer)
        queue.finish()
    except (cl.Error, RuntimeError):
        return False
    return bool(np.allclose(result, np.sqrt(values) + 1.0))


def choose_device(wanted: str | None = None) -> tuple[Any, OpenCLDevice]:
    """Return the first working OpenCL device, GPUs before CPUs.

    Parameters
    ----------
    wanted
        ``gpu``, ``cpu`` or a part of a platform or device name, in any case. Without it the environment variable
        ``BATTGEN_OPENCL_DEVICE`` is used, and without that any device will do.

    Raises
    ------
    UserError
        If no device works, or none that is wanted; the message says what to install.
    """
    wanted = (wanted or os.environ.get(DEVICE_VARIABLE) or "").strip().lower()
    devices = list_devices()
    for device, description in devices:
        text = f"{description.platform} {description.name}".lower()
        if wanted in ("gpu", "cpu"):
            if description.kind.lower() != wanted:
                continue
        elif wanted and wanted not in text:
            continue
        if device_works(device):
            return device, description
    names = ", ".join(f"{d.name} ({d.kind}, {d.platform})" for _, d in devices) or "none"
    if wanted:
        raise UserError(
            f"{DEVICE_VARIABLE}={wanted!r} matches no working OpenCL device (found: {names}): unset it, or "
            f"{_HOW_TO_INSTALL}."
        )
    raise UserError(f"No working OpenCL device for the AFM simulation (found: {names}): {_HOW_TO_INSTALL}.")


@functools.cache
def start_ppafm(wanted: str | None = None) -> OpenCLDevice:
    """Choose a device and start ppafm's OpenCL programs on it, once per process.

    Parameters
    ----------
    wanted
        As in :func:`choose_device`.

    Returns
    -------
    OpenCLDevice
        The device on which all of ppafm's simulations in this process run.

    Raises
    ------
    UserError
        If ppafm is missing or no device works.
    """
    device, description = choose_device(wanted)
    with quiet_ppafm():
        try:
            from ppafm.ocl import field, relax
            from ppafm.ocl import oclUtils as utilities  # noqa: N813
        except ImportError as error:
            raise UserError(f"ppafm cannot be imported ({error}): run 'pip install ppafm[opencl]'.") from error
        import pyopencl as cl

        _log_to_stderr()
        # ppafm chooses by platform number; here the context holds exactly the device chosen above.
        environment = object.__new__(utilities.OCLEnvironment)
        environment.platform = device.platform
        environment.PACKAGE_PATH = Path(utilities.__file__).resolve().parent
        environment.CL_PATH = environment.PACKAGE_PATH / "cl"
        environment.ctx = cl.Context([device])
        environment.queue = cl.CommandQueue(environment.ctx)
        field.init(environment)
        relax.init(environment)
    # The programs look their kernels up by name at every call, about which pyopencl warns each time.
    warnings.filterwarnings("ignore", category=cl.RepeatedKernelRetrieval)
    return description
