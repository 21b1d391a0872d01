"""Where the nodes of a generated workflow stand in the editor: columns from left to right, none on top of another."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from kadi_battgen.flows.model import Connection, FlowNode
from kadi_battgen.flows.nodes import ENVIRONMENT, SOURCES, node_ports

#: Pixels from one column to the next, where no node needs more.
COLUMN = 380

_GAP = 40
#: As the editor of Kadi4Mat 1.13 draws them: the head of a node and a line of ports, a source, a line of a note.
_HEADER, _ROW, _SOURCE, _NOTE_LINE = 74, 37, 66, 24
_NOTE_WIDTH = 38
#: Nodes with fields to fill in between their ports are wider than others.
_WIDTHS = {"FormatString": 573, "UserInputChoose": 460, "BranchSelect": 460, "FileOutput": 376}
_COMMON_WIDTH, _CHARACTER, _BESIDE_TITLE = 320, 8.2, 86


def height(node: FlowNode) -> float:
    """Return about how high a node is drawn, in pixels."""
    if node.kind == "Note":
        text = str(node.fields.get("text", ""))
        lines = sum(1 + len(line) // _NOTE_WIDTH for line in text.split("\n"))
        return _HEADER + _NOTE_LINE * lines
    if node.kind in SOURCES:
        return _SOURCE
    ports = node_ports(node)
    return _HEADER + _ROW * max(1, len(ports.inputs), len(ports.outputs))


def width(node: FlowNode) -> float:
    """Return about how wide a node is drawn, in pixels."""
    if node.tool is not None:
        title = f"{node.tool.name} {node.tool.version or ''}"
        return max(_COMMON_WIDTH, _BESIDE_TITLE + _CHARACTER * min(len(title), 50))
    return _WIDTHS.get(node.kind, _COMMON_WIDTH)


def arrange(
    nodes: Iterable[FlowNode], connections: Iterable[Connection], notes: Mapping[str, str | None]
) -> dict[str, tuple[float, float]]:
    """Return the upper left corner of each node.

    Every node stands right of those it depends on, sources directly left of what they feed, and notes above the node
    they explain.

    Parameters
    ----------
    nodes, connections
        The graph, which has no cycles.
    notes
        The node that each note explains, None for the whole workflow.
    """
    drawn = [node for node in nodes if node.kind != "Note"]
    columns = _columns(drawn, list(connections))
    lefts = _lefts(drawn, columns)
    bottoms: dict[int, float] = {}
    corners: dict[str, tuple[float, float]] = {}
    for node in sorted(drawn, key=lambda node: node.kind in SOURCES):
        column = columns[node.id]
        top = bottoms.get(column, 0.0)
        corners[node.id] = (lefts[column], top)
        bottoms[column] = top + height(node) + _GAP
    tops: dict[int, float] = {}
    for note in (node for node in nodes if node.kind == "Note"):
        beside = notes.get(note.id)
        column = columns[beside] if beside is not None else 0
        tops[column] = tops.get(column, 0.0) - height(note) - _GAP
        corners[note.id] = (lefts.get(column, 0.0), tops[column])
    return corners


def _lefts(nodes: list[FlowNode], columns: Mapping[str, int]) -> dict[int, float]:
    """Return where each column begins."""
    lefts: dict[int, float] = {}
    left = 0.0
    for column in range(max(columns.values(), default=0) + 1):
        lefts[column] = left
        widest = max((width(node) for node in nodes if columns[node.id] == column), default=0.0)
        left += max(COLUMN, math.ceil((widest + _GAP) / 20) * 20)
    return lefts


def _columns(nodes: list[FlowNode], connections: list[Connection]) -> dict[str, int]:
    columns = {node.id: 0 for node in nodes}
    # Nodes are made before what uses them, except for dependencies that a caller adds later.
    for _ in nodes:
        moved = False
        for connection in connections:
            if columns[connection.target] <= columns[connection.source]:
                columns[connection.target] = columns[connection.source] + 1
                moved = True
        if not moved:
            break
    # What only gives values stands directly before what it gives them to: environments, then what feeds those too.
    for kinds in (frozenset({ENVIRONMENT}), SOURCES):
        for node in nodes:
            fed = [columns[connection.target] for connection in connections if connection.source == node.id]
            if node.kind in kinds and fed:
                columns[node.id] = min(fed) - 1
    return columns
