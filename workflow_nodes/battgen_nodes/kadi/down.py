"""The node kadi down: take the Kadi4Mat server on this machine down."""

from __future__ import annotations

import xmlhelpy

from battgen_nodes.frame import Node, say
from battgen_nodes.kadi.options import folder_option


@xmlhelpy.command(name="down", example="--delete", cls=Node)
@folder_option
@xmlhelpy.option(
    "delete",
    is_flag=True,
    description="Remove the sandbox's folder too, with all records, users and files in it.",
)
def down(folder: str | None, delete: bool) -> None:
    """Take the Kadi4Mat on this machine down; its data stay unless they are to be deleted.

    Only processes that the sandbox has started are ended.
    """
    from kadi_battgen.sandbox import Sandbox

    sandbox = Sandbox(folder)
    sandbox.down(delete=delete, report=say)
    say(
        f"removed {sandbox.folder.path}" if delete else f"down: 'battgen kadi up' brings {sandbox.folder.path} up again"
    )
