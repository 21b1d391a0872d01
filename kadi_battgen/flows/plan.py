"""The order in which a workflow runs, and which node decides about which others.

The rules of the engine as this package reads them:

- One node runs after another, each after all nodes whose outputs it is connected to. Where that leaves a choice, the
  node further left in the editor comes first, then the one further up.
- What hangs on a loop's output ``Loop``, on a branch's ``True`` or ``False``, or on ``Branch 1``, ..., and what follows
  it, is the body of that output and runs when the node says so. The node and its bodies count as one for the others.
- A node belongs to a body as soon as one of its dependencies does, unless another dependency is the deciding node's
  own ``Dependents`` or follows it, or its dependencies lie in bodies that exclude each other: then it comes after them.
- A node without dependencies belongs where its values come from.
- Sources, environments and format strings without dependencies are no steps of their own: their values are made when
  another node needs them, from the variables as they are then.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from kadi_battgen.errors import UserError
from kadi_battgen.flows.model import Connection, Flow, FlowNode
from kadi_battgen.flows.nodes import ENVIRONMENT, NODE_TYPES, SOURCES, TOOL, is_branch

#: The way into a body: the deciding nodes and their outputs, from the outside in. The workflow itself is ``()``.
Scope = tuple[tuple[str, int], ...]

#: Bodies in bodies in bodies.
DEEPEST = 20

_NO_STEPS = SOURCES | {ENVIRONMENT, "Note"}


@dataclass(frozen=True)
class Plan:
    """What runs when.

    Attributes
    ----------
    flow
        The workflow.
    scopes
        The body that each step belongs to, by its id.
    members
        The steps of each body in the order in which they run.
    ranks
        A number for each node that is larger than those of all nodes it takes values from.
    """

    flow: Flow
    scopes: Mapping[str, Scope]
    members: Mapping[Scope, tuple[FlowNode, ...]]
    ranks: Mapping[str, int]

    def is_step(self, node: FlowNode) -> bool:
        """Tell whether a node runs at a point of its own."""
        return node.id in self.scopes

    def sequence(self) -> list[FlowNode]:
        """Return all steps in the order in which they run, bodies after the node that decides about them."""
        found: list[FlowNode] = []
        pending = [iter(self.members.get((), ()))]
        while pending:
            node = next(pending[-1], None)
            if node is None:
                pending.pop()
                continue
            found.append(node)
            pending.extend(iter(self.members[scope]) for scope in reversed(self.bodies(node)))
        return found

    def bodies(self, node: FlowNode) -> list[Scope]:
        """Return the bodies that a node decides about, by its outputs."""
        return self._bodies.get(node.id, [])

    def inside(self, node: FlowNode) -> list[FlowNode]:
        """Return all steps in the bodies that a node decides about, however deep."""
        return self._inside.get(node.id, [])

    @cached_property
    def _bodies(self) -> Mapping[str, list[Scope]]:
        found: dict[str, list[Scope]] = {}
        for scope in self.members:
            if scope:
                found.setdefault(scope[-1][0], []).append(scope)
        return {node: sorted(scopes, key=lambda scope: scope[-1][1]) for node, scopes in found.items()}

    @cached_property
    def _inside(self) -> Mapping[str, list[FlowNode]]:
        found: dict[str, list[FlowNode]] = {}
        for scope, steps in self.members.items():
            for node, _ in scope:
                found.setdefault(node, []).extend(steps)
        return found


def plan_flow(flow: Flow) -> Plan:
    """Return the order in which a workflow runs.

    Connections that lead nowhere and nodes of unknown kinds are left out; :func:`kadi_battgen.flows.check.check_flow`
    finds them.

    Raises
    ------
    UserError
        If nodes wait for each other, or bodies are nested too deeply.
    """
    return _Planner(flow).plan()


class _Planner:
    """The steps of one workflow, and what leads from one to another."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.connections = [connection for connection in flow.connections if flow.is_sound(connection)]
        self.places = {node.id: (node.x, node.y, number) for number, node in enumerate(flow.nodes)}
        chained = {
            end
            for connection in self.connections
            if self._orders(connection)
            for end in (connection.source, connection.target)
        }
        self.steps = {
            node.id
            for node in flow.nodes
            if node.kind == TOOL
            or (
                node.kind in NODE_TYPES
                and node.kind not in _NO_STEPS
                and (node.kind != "FormatString" or node.id in chained)
            )
        }

    def plan(self) -> Plan:
        order = self._sorted([node.id for node in self.flow.nodes], [(c.source, c.target) for c in self.connections])
        edges = self._edges(order)
        scopes = self._scopes([node for node in order if node in self.steps], edges)
        grouped: dict[Scope, list[str]] = {}
        for step in sorted(self.steps, key=self.places.__getitem__):
            grouped.setdefault(scopes[step], []).append(step)
        lifted: dict[Scope, set[tuple[str, str]]] = {}
        for target, incoming in edges.items():
            for source, _, _ in incoming:
                scope, first, second = _lift(source, scopes[source], target, scopes[target])
                if first != second:
                    lifted.setdefault(scope, set()).add((first, second))
        members = {
            scope: tuple(self.flow.by_id[step] for step in self._sorted(steps, lifted.get(scope, ())))
            for scope, steps in grouped.items()
        }
        return Plan(self.flow, scopes, members, {node: rank for rank, node in enumerate(order)})

    def _orders(self, connection: Connection) -> bool:
        return self.flow.ports[connection.target].inputs[connection.input].family == "dependency"

    def _edges(self, order: list[str]) -> dict[str, list[tuple[str, int | None, bool]]]:
        """Return for each step the steps before it: their id, output, and whether it is a dependency.

        What a step gets through a source, environment or format string counts as coming from the steps behind those.
        """
        entering: dict[str, list[Connection]] = {}
        for connection in self.connections:
            entering.setdefault(connection.target, []).append(connection)
        behind: dict[str, frozenset[str]] = {}
        edges: dict[str, list[tuple[str, int | None, bool]]] = {}
        for node in order:
            found: list[tuple[str, int | None, bool]] = []
            through: set[str] = set()
            for connection in entering.get(node, ()):
                if connection.source in self.steps:
                    found.append((connection.source, connection.output, self._orders(connection)))
                else:
                    through |= behind[connection.source]
            if node in self.steps:
                edges[node] = found + [(source, None, False) for source in sorted(through)]
            else:
                behind[node] = frozenset(through.union(source for source, _, _ in found))
        return edges

    def _scopes(self, order: list[str], edges: Mapping[str, list[tuple[str, int | None, bool]]]) -> dict[str, Scope]:
        """Return the body that each step belongs to."""
        scopes: dict[str, Scope] = {}
        after: dict[str, set[str]] = {}
        for step in order:
            ordering = [edge for edge in edges[step] if edge[2]] or edges[step]
            reached: list[Scope] = []
            left: set[str] = set()
            for source, output, _ in ordering:
                scope = scopes[source]
                left |= after[source]
                if output is not None and is_branch(self.flow.by_id[source], output):
                    scope = (*scope, (source, output))
                elif output == 0:
                    left.add(source)
                reached.append(scope)
            scope = _common(reached)
            for depth, (node, _) in enumerate(scope):
                if node in left:
                    scope = scope[:depth]
                    break
            if len(scope) > DEEPEST:
                raise UserError(
                    f"{self.flow.name}: {self.flow.names[step]} lies more than {DEEPEST} loops and branches deep: "
                    "split the workflow."
                )
            inner = {node for node, _ in scope}
            left.update(node for other in reached for node, _ in other if node not in inner)
            scopes[step], after[step] = scope, left
        return scopes

    def _sorted(self, nodes: list[str], edges: Iterable[tuple[str, str]]) -> list[str]:
        """Return `nodes` so that every edge points onwards, those further left and up first where that is open."""
        waiting = dict.fromkeys(nodes, 0)
        following: dict[str, list[str]] = {}
        for source, target in edges:
            waiting[target] += 1
            following.setdefault(source, []).append(target)
        ready = [(self.places[node], node) for node, number in waiting.items() if not number]
        heapq.heapify(ready)
        order: list[str] = []
        while ready:
            _, node = heapq.heappop(ready)
            order.append(node)
            for target in following.get(node, ()):
                waiting[target] -= 1
                if not waiting[target]:
                    heapq.heappush(ready, (self.places[target], target))
        if len(order) < len(nodes):
            self._refuse_cycle({node for node, number in waiting.items() if number}, following)
        return order

    def _refuse_cycle(self, stuck: set[str], following: Mapping[str, list[str]]) -> None:
        before = {target: source for source in sorted(stuck) for target in following.get(source, ()) if target in stuck}
        node = min(stuck, key=self.places.__getitem__)
        seen: dict[str, int] = {}
        path: list[str] = []
        while node not in seen:
            seen[node] = len(path)
            path.append(node)
            node = before[node]
        circle = [*reversed(path[seen[node] :]), path[-1]]
        names = [self.flow.names[entry] for entry in circle]
        if len(names) > 8:
            names = [*names[:4], "...", *names[-3:]]
        raise UserError(
            f"{self.flow.name}: {' -> '.join(names)} wait for each other: remove one of the connections between them."
        )


def _common(scopes: list[Scope]) -> Scope:
    """Return the innermost of `scopes` that lie in each other, or the body that holds those that do not."""
    common: Scope = max(scopes, key=len, default=())
    for scope in scopes:
        depth = 0
        while depth < min(len(scope), len(common)) and scope[depth] == common[depth]:
            depth += 1
        if depth < min(len(scope), len(common)):
            common = common[:depth]
    return common


def _lift(source: str, outer: Scope, target: str, inner: Scope) -> tuple[Scope, str, str]:
    """Return the innermost body that holds two steps, and what stands for each of them there."""
    depth = 0
    while depth < min(len(outer), len(inner)) and outer[depth] == inner[depth]:
        depth += 1
    first = outer[depth][0] if depth < len(outer) else source
    second = inner[depth][0] if depth < len(inner) else target
    return outer[:depth], first, second
