"""Comparing the nodes of tools with what the tools are now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from kadi_battgen.errors import UserError
from kadi_battgen.flows.commands import PROGRAM
from kadi_battgen.flows.model import Flow, FlowNode
from kadi_battgen.flows.nodes import ENVIRONMENT, Port, is_tool, tool_layout
from kadi_battgen.flows.tools import Tool
from kadi_battgen.flows.values import VARIABLE, check_value, shown

Severity = Literal["error", "warning"]


def tool_findings(flow: Flow, node: FlowNode, tools: Mapping[str, Tool]) -> Iterator[tuple[Severity, str]]:
    """Yield what is wrong with the node of a tool: how bad it is, and a sentence.

    Parameters
    ----------
    flow, node
        The node and its workflow; nothing is yielded for nodes that stand for no tool.
    tools
        Definitions of tools by name.
    """
    if not is_tool(node.kind) or node.tool is None:
        return
    name = " ".join(node.tool.words)
    tool = tools.get(name)
    given = {
        port.label: port
        for port in flow.ports[node.id].inputs.values()
        if port.is_parameter and flow.entering.get((node.id, port.index))
    }
    yield from _given(flow, node, given, tool)
    if tool is None:
        programs = {PROGRAM, *(known.split()[0] for known in tools)} if tools else set()
        if name.split()[:1] and name.split()[0] in programs:
            yield "error", f"there is no command {shown(name)}: see what battgen --help lists."
        return
    if tool.environment != (node.kind == ENVIRONMENT):
        yield "error", f"{name} is {'an environment' if tool.environment else 'no environment'}: add it again."
        return
    yield from _drift(node, given, tool)


def _given(flow: Flow, node: FlowNode, given: Mapping[str, Port], tool: Tool | None) -> Iterator[tuple[Severity, str]]:
    """Check what the parameters of a node are given."""
    for port in flow.ports[node.id].inputs.values():
        if port.is_parameter and port.required and port.label not in given:
            yield "error", f"it needs {port.label}: connect something to it."
    for label, port in given.items():
        text = flow.literal(node, port.index)
        if text is not None and not VARIABLE.search(text):
            try:
                check_value(text, port.kind or "string", label, tool.parameter(label) if tool else None)
            except UserError as error:
                yield "error", str(error)
    if node.profile != "Default":
        used = any(
            flow.ports[node.id].outputs[connection.output].family == "pipe"
            for connection in flow.connections
            if connection.source == node.id and connection.output in flow.ports[node.id].outputs
        )
        if used and node.profile == "Detached":
            yield "error", "nobody waits for what it prints, since it is detached: use no stdout of it."
        elif used:
            yield "warning", "it is skipped, so its stdout is never there for those who use it."


def _drift(node: FlowNode, given: Mapping[str, Port], tool: Tool) -> Iterator[tuple[Severity, str]]:
    """Compare the ports of a node with those that its tool has now."""
    assert node.tool is not None
    if set(node.tool.ports) == set(tool_layout(tool)):
        return
    ports = {port.name: port for port in node.tool.ports if port.direction == "in"}
    differences: list[str] = []
    for label in given:
        parameter = tool.parameter(label)
        if parameter is None:
            yield "error", f"{tool.name} has no option {label} any more: add the tool again."
        elif (parameter.char, parameter.type) != (ports[label].char, ports[label].type):
            yield "error", f"{label} of {tool.name} is given in another way now: add the tool again."
    for parameter in tool.parameters:
        if parameter.name not in ports:
            differences.append(f"{parameter.name} is new")
        was_required = parameter.name in ports and ports[parameter.name].required
        if parameter.required and not was_required and parameter.name not in given:
            yield "error", f"{tool.name} needs {parameter.name} now: add the tool again."
    gone = [
        port.name for port in node.tool.ports if _is_option(port.type, port.direction) and not tool.parameter(port.name)
    ]
    differences += [f"{name} is gone" for name in gone if name not in given]
    detail = ", ".join(differences[:5]) or "its ports differ"
    yield "warning", f"it was made for version {node.tool.version} of {tool.name} ({detail}): add the tool again."


def _is_option(kind: str, direction: str) -> bool:
    return direction == "in" and kind not in ("dependency", "env", "pipe")
