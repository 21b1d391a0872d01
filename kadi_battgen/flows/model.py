"""Workflows as Kadi4Mat and KadiStudio store them: nodes, connections and variables, and nothing else."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from kadi_battgen.files import write_text
from kadi_battgen.flows.nodes import DEFAULT_COUNTED, NODE_TYPES, SOURCES, PortLayout, Ports, node_ports
from kadi_battgen.flows.values import shown

#: What the editors offer: run the node, leave it out, or start it and go on without waiting.
PROFILES = ("Default", "Skip", "Detached")


@dataclass(frozen=True)
class NodeTool:
    """The command that a node stands for.

    Attributes
    ----------
    name
        Its name in the tool's XML.
    version
        Its version when the node was made.
    path
        The command line that is run, without options.
    ports
        All ports of the node.
    """

    name: str
    version: str | None
    path: str
    ports: tuple[PortLayout, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The command line that is run, word by word."""
        return tuple(self.path.split())


@dataclass(frozen=True)
class FlowNode:
    """One node.

    Attributes
    ----------
    id
        What connections call it: a UUID in braces.
    kind
        What it is, such as ``String`` or ``ToolNode``.
    x, y
        Its upper left corner in the editor, in pixels; y points downwards.
    fields
        What else its model holds, such as ``value``; what this package does not know is kept as it was.
    tool
        The command, for a ``ToolNode`` or ``EnvNode``.
    """

    id: str
    kind: str
    x: float = 0.0
    y: float = 0.0
    fields: Mapping[str, Any] = field(default_factory=dict)
    tool: NodeTool | None = None

    @property
    def value(self) -> str:
        """The text that a source or a format string holds."""
        return str(self.fields.get("value", ""))

    @property
    def profile(self) -> str:
        """How it is run: ``Default``, ``Skip`` or ``Detached``."""
        return str(self.fields.get("executionProfile", PROFILES[0]))

    @property
    def count(self) -> int:
        """The number of ports where it can be chosen."""
        node_type = NODE_TYPES.get(self.kind)
        if node_type is None or node_type.counted is None:
            return 0
        return int(self.fields.get(node_type.counted[0], DEFAULT_COUNTED))

    def document(self) -> dict[str, Any]:
        """Return the node as JSON."""
        model: dict[str, Any] = {"name": self.kind, **self.fields}
        if self.tool is not None:
            model["tool"] = {
                "name": self.tool.name,
                "version": self.tool.version,
                "path": self.tool.path,
                "ports": [
                    {
                        "name": port.name,
                        "shortName": port.char,
                        "type": port.type,
                        "required": port.required,
                        "port_direction": port.direction,
                        "port_index": port.index,
                    }
                    for port in self.tool.ports
                ],
            }
        return {"id": self.id, "model": model, "position": {"x": _plain(self.x), "y": _plain(self.y)}}


@dataclass(frozen=True)
class Connection:
    """A connection from an output of one node to an input of another."""

    source: str
    output: int
    target: str
    input: int

    def document(self) -> dict[str, Any]:
        """Return the connection as JSON."""
        return {"out_id": self.source, "out_index": self.output, "in_id": self.target, "in_index": self.input}


@dataclass(frozen=True)
class Flow:
    """A workflow.

    Attributes
    ----------
    nodes, connections
        The graph.
    variables
        Variables that are set before anything runs, by name.
    name
        What to call it, such as its file's name; not stored.
    """

    nodes: tuple[FlowNode, ...] = ()
    connections: tuple[Connection, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    name: str = "workflow"

    def document(self) -> dict[str, Any]:
        """Return the workflow as JSON, with exactly the three keys by which Kadi4Mat recognises it."""
        return {
            "nodes": [node.document() for node in self.nodes],
            "connections": [connection.document() for connection in self.connections],
            "variables": [{"name": name, "value": value} for name, value in self.variables.items()],
        }

    def text(self) -> str:
        """Return the text of the .flow file; the same workflow gives the same bytes."""
        return json.dumps(self.document(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def digest(self) -> str:
        """Return the SHA-256 of what the workflow says, 64 hexadecimal digits."""
        text = json.dumps(self.document(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def by_id(self) -> Mapping[str, FlowNode]:
        """The nodes by their ids."""
        return {node.id: node for node in self.nodes}

    @cached_property
    def ports(self) -> Mapping[str, Ports]:
        """The ports of the nodes by their ids."""
        return {node.id: node_ports(node) for node in self.nodes}

    @cached_property
    def entering(self) -> Mapping[tuple[str, int], tuple[Connection, ...]]:
        """The connections that lead into an input, by node and index."""
        found: dict[tuple[str, int], list[Connection]] = {}
        for connection in self.connections:
            found.setdefault((connection.target, connection.input), []).append(connection)
        return {key: tuple(connections) for key, connections in found.items()}

    def is_sound(self, connection: Connection) -> bool:
        """Tell whether both ends of a connection exist."""
        return (
            connection.source in self.by_id
            and connection.target in self.by_id
            and connection.output in self.ports[connection.source].outputs
            and connection.input in self.ports[connection.target].inputs
        )

    def literal(self, node: FlowNode, index: int) -> str | None:
        """Return the text that a source gives an input of `node`, None if it comes from elsewhere or from nowhere."""
        connections = self.entering.get((node.id, index), ())
        source = self.by_id.get(connections[0].source) if len(connections) == 1 else None
        return source.value if source is not None and source.kind in SOURCES else None

    @cached_property
    def names(self) -> Mapping[str, str]:
        """What to call each node in a message, by its id."""
        names: dict[str, str] = {}
        used: dict[str, int] = {}
        for node in self.nodes:
            name = self._name(node)
            used[name] = used.get(name, 0) + 1
            names[node.id] = name if used[name] == 1 else f"{name} #{used[name]}"
        return names

    def _name(self, node: FlowNode) -> str:
        if node.tool is not None:
            return " ".join(node.tool.words)[:80] or node.kind
        title = NODE_TYPES[node.kind].title if node.kind in NODE_TYPES else node.kind[:40]
        if node.kind in SOURCES:
            detail: str | None = node.value
        elif node.kind.startswith(("UserInput", "Variable", "File")):
            detail = self.literal(node, 1)
        else:
            detail = None
        return f"{title} {shown(detail, 40)}" if detail else title


def write_flow(path: str | os.PathLike[str], flow: Flow) -> None:
    """Write a workflow to a .flow file, all of it or nothing.

    Raises
    ------
    UserError
        If it cannot be written.
    """
    write_text(path, flow.text())


def _plain(value: float) -> float | int:
    """Return a coordinate without a decimal point where it needs none."""
    return int(value) if float(value).is_integer() else value
