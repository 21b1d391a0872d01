"""The node kadi status: what the Kadi4Mat server on this machine is like at present."""

from __future__ import annotations

import click
import xmlhelpy

from battgen_nodes.frame import Node
from battgen_nodes.kadi.options import folder_option


@xmlhelpy.command(name="status", example="--folder sandbox", cls=Node)
@folder_option
def status(folder: str | None) -> None:
    """Tell whether the Kadi4Mat on this machine is up: its address, processes, versions and folder.

    Ends with exit status 1 if it is not up.
    """
    from kadi_battgen.sandbox import Sandbox

    found = Sandbox(folder).status()
    lines = {
        "state": "up" if found.is_up else "down" if not any(found.processes.values()) else "incomplete",
        "address": found.host or "none yet",
        "folder": found.folder,
        "environment": found.environment,
        **{name: "not running" if pid is None else f"process {pid}" for name, pid in found.processes.items()},
        **found.versions,
    }
    for name, value in lines.items():
        click.echo(f"{name:<12} {value}")
    if not found.is_up:
        raise SystemExit(1)
