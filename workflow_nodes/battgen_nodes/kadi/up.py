"""The node kadi up: bring up a Kadi4Mat server on this machine."""

from __future__ import annotations

import click
import xmlhelpy

from battgen_nodes.frame import Node, say
from battgen_nodes.kadi.options import folder_option


@xmlhelpy.command(name="up", example="--port 5000", cls=Node)
@folder_option
@xmlhelpy.option(
    "environment",
    char="e",
    description=(
        "Folder of Kadi4Mat's virtual environment (0.5 GB), which several sandboxes may share; by default in the sandbox."
    ),
    param_type=xmlhelpy.Path(path_type="directory"),
)
@xmlhelpy.option(
    "port",
    char="p",
    param_type=xmlhelpy.IntRange(min=1, max=65535),
    description="TCP port of the web server; by default the one it had before, else any that is free.",
)
def up(folder: str | None, environment: str | None, port: int | None) -> None:
    """Bring up a real Kadi4Mat on this machine, with database, worker, a user and a token.

    It listens on loopback alone and keeps everything in one folder. The first time, Kadi4Mat is installed there from
    Python packages (about a minute); then it is up within seconds. Its address is printed.
    """
    from kadi_battgen.sandbox import FOLDER_VARIABLE, INSTANCE, Sandbox, default_folder

    sandbox = Sandbox(folder, environment)
    connection = sandbox.up(port, report=say)
    say(f"log in as {connection.username}, with the password in {sandbox.folder.memory_file}")
    use = f"use it with --instance {INSTANCE}"
    if sandbox.folder.path != default_folder().absolute():
        use = f"set {FOLDER_VARIABLE}={sandbox.folder.path} and {use}"
    say(f"{use}; the token lies in {sandbox.folder.kadiconfig}")
    click.echo(connection.host)


up.resumes = True
