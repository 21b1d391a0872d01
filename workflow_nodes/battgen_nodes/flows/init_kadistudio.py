"""The node init-kadistudio: make the commands known to KadiStudio."""

from __future__ import annotations

import xmlhelpy

from battgen_nodes.frame import Node, result, say


@xmlhelpy.command(name="init-kadistudio", example="", cls=Node)
@xmlhelpy.option(
    "tools",
    char="t",
    description="KadiStudio's list of tools; by default ~/.kadistudio/tools.txt.",
    param_type=xmlhelpy.Path(path_type="file"),
)
def init_kadistudio(tools: str | None) -> None:
    """Add all battgen commands to KadiStudio's list of tools, and keep what is there."""
    from battgen_nodes.flows.definitions import tool_documents
    from kadi_battgen.flows.kadistudio import add_tools, default_tool_list

    path = default_tool_list() if tools is None else tools
    added = add_tools(path, tool_documents())
    say(f"{len(added)} commands added" if added else "all commands are there already")
    result(path)
