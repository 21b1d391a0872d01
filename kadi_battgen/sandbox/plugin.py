"""Making kadi-battgen's plugin known to the sandbox's Kadi4Mat."""

from __future__ import annotations

from pathlib import Path

import kadi_battgen
from kadi_battgen.files import write_text

#: Name that Kadi4Mat's setting PLUGINS knows the plugin by.
NAME = "battgen"

#: The module that is the plugin.
MODULE = "kadi_battgen.kadi_plugin.plugin"


def link_plugin(folder: Path) -> None:
    """Make `folder` one that, on Python's path, offers kadi-battgen as it runs here together with its plugin.

    A link to the package and the description of a distribution are all it takes: no dependency comes along, a wheel and
    a checkout do alike, and an edit shows after the next start.

    Parameters
    ----------
    folder
        Becomes an entry of Python's path.
    """
    package = Path(kadi_battgen.__file__).resolve().parent
    link = folder / package.name
    if link.is_symlink() or link.exists():
        link.unlink()
    folder.mkdir(exist_ok=True)
    link.symlink_to(package, target_is_directory=True)
    description = folder / f"{package.name}.dist-info"
    write_text(
        description / "METADATA",
        f"Metadata-Version: 2.1\nName: kadi-battgen\nVersion: {kadi_battgen.__version__}\n",
    )
    write_text(description / "entry_points.txt", f"[kadi_plugins]\n{NAME} = {MODULE}\n")
