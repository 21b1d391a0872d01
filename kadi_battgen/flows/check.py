"""Finding out what is wrong with a workflow before it runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from kadi_battgen.errors import UserError
from kadi_battgen.flows.check_tools import tool_findings
from kadi_battgen.flows.inputs import checked_answer, chosen, default_input
from kadi_battgen.flows.model import Flow, FlowNode
from kadi_battgen.flows.nodes import ENVIRONMENT, NODE_TYPES, SOURCES, TOOL, compatible, is_tool
from kadi_battgen.flows.plan import Plan, plan_flow
from kadi_battgen.flows.tools import Tool
from kadi_battgen.flows.values import VARIABLE, index, integer, number, shown, truth

_BRACED_UUID = re.compile(r"\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}", re.IGNORECASE)
_SHELL_VARIABLE = re.compile(r"\$[A-Za-z_][A-Za-z0-9_]*|\$\(|`")
_READERS = {"Integer": integer, "Float": number, "Boolean": truth}


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with a workflow.

    Attributes
    ----------
    severity
        ``error`` if the workflow cannot run as it is, ``warning`` if it can but probably should not.
    node
        Id of the node concerned, None for the workflow as a whole.
    name
        What to call it.
    sentence
        What is wrong, and the way out.
    """

    severity: Literal["error", "warning"]
    node: str | None
    name: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.name}: {self.sentence}"


def check_flow(flow: Flow, tools: Mapping[str, Tool] | None = None) -> list[Finding]:
    """Return what is wrong with a workflow, errors first.

    Parameters
    ----------
    flow
        The workflow.
    tools
        Definitions of tools by name. Nodes are compared with them; a command of a program that has some of them and
        not this one is an error.
    """
    found = list(_Checker(flow, tools or {}).findings())
    return sorted(found, key=lambda finding: finding.severity != "error")


def refuse_errors(flow: Flow, tools: Mapping[str, Tool] | None = None) -> Plan:
    """Raise an error for a workflow that cannot run, and return the order of one that can.

    Raises
    ------
    UserError
        With the first error of :func:`check_flow`.
    """
    checker = _Checker(flow, tools or {})
    errors = [finding for finding in checker.findings() if finding.severity == "error"]
    if errors or checker.plan is None:
        more = f" There are {len(errors) - 1} more errors; battgen check-flow lists them." if len(errors) > 1 else ""
        raise UserError(f"{flow.name}: {errors[0].name}: {errors[0].sentence}{more}")
    return checker.plan


class _Checker:
    def __init__(self, flow: Flow, tools: Mapping[str, Tool]) -> None:
        self.flow, self.tools = flow, tools
        self.plan: Plan | None = None

    def findings(self) -> Iterator[Finding]:
        yield from self._nodes()
        yield from self._connections()
        yield from self._entries()
        try:
            self.plan = plan_flow(self.flow)
        except UserError as error:
            yield Finding("error", None, "order", str(error).removeprefix(f"{self.flow.name}: "))
        else:
            yield from self._variables(self.plan)
            yield from self._unused(self.plan)
        for node in self.flow.nodes:
            for severity, sentence in tool_findings(self.flow, node, self.tools):
                yield self._finding(severity, node, sentence)

    def _finding(self, severity: Literal["error", "warning"], node: FlowNode, sentence: str) -> Finding:
        return Finding(severity, node.id, self.flow.names[node.id], sentence)

    def _nodes(self) -> Iterator[Finding]:
        prompts: dict[str, FlowNode] = {}
        for node in self.flow.nodes:
            if not is_tool(node.kind) and node.kind not in NODE_TYPES:
                yield self._finding("error", node, f"{shown(node.kind)} is no kind of node: remove it.")
                continue
            if not _BRACED_UUID.fullmatch(node.id):
                yield self._finding(
                    "warning", node, f"its id {shown(node.id)} is no UUID in braces: KadiStudio needs one."
                )
            if node.kind in NODE_TYPES and not NODE_TYPES[node.kind].headless:
                yield self._finding("warning", node, "it needs a person at a screen, so only KadiStudio can run it.")
            if node.kind in _READERS and not VARIABLE.search(node.value):
                yield from self._failure(node, lambda node=node: _READERS[node.kind](node.value, "its value"))
            if node.kind in (*SOURCES, "FormatString") and _SHELL_VARIABLE.search(node.value):
                yield self._finding(
                    "warning", node, "nothing but ${name} is replaced when it is run without a shell: use a variable."
                )
            prompt = self.flow.literal(node, 1) if node.kind.startswith("UserInput") else None
            if prompt is not None and prompts.setdefault(prompt, node) is not node:
                yield self._finding("warning", node, f"{shown(prompt)} is asked twice, and one input answers both.")

    def _connections(self) -> Iterator[Finding]:
        flow = self.flow
        seen: set[object] = set()
        taken: set[tuple[str, int]] = set()
        for position, connection in enumerate(flow.connections):
            source, target = flow.by_id.get(connection.source), flow.by_id.get(connection.target)
            if source is None or target is None:
                end = connection.source if source is None else connection.target
                yield Finding(
                    "error", None, f"connection {position}", f"there is no node {shown(end)}: remove the connection."
                )
                continue
            ends = f"from {flow.names[source.id]} to {flow.names[target.id]}"
            output = flow.ports[source.id].outputs.get(connection.output)
            entry = flow.ports[target.id].inputs.get(connection.input)
            if output is None or entry is None:
                what = f"output {connection.output}" if output is None else f"input {connection.input}"
                node = source if output is None else target
                yield self._finding("error", node, f"it has no {what}: remove the connection {ends}.")
                continue
            if connection in seen:
                yield self._finding("warning", target, f"the connection {ends} is there twice: remove one.")
                continue
            seen.add(connection)
            if not compatible(output.family, entry.family):
                yield self._finding(
                    "error",
                    target,
                    f"{entry.label} takes no {output.label} ({output.family}) {ends}: connect something else.",
                )
            if (target.id, entry.index) in taken and not entry.several:
                yield self._finding("error", target, f"{entry.label} has more than one connection: leave one.")
            taken.add((target.id, entry.index))
            if output.family == "pipe" and (source.id, output.index) in seen:
                yield self._finding(
                    "warning", source, "KadiStudio keeps one connection from stdout: pass it on in a variable."
                )
            seen.add((source.id, output.index))

    def _entries(self) -> Iterator[Finding]:
        """Check what built-in nodes are given."""
        for node in self.flow.nodes:
            if node.kind not in NODE_TYPES:
                continue
            for port in self.flow.ports[node.id].inputs.values():
                if port.required and not self.flow.entering.get((node.id, port.index)):
                    yield self._finding("error", node, f"it needs {port.label}: connect something to it.")
            fixed = {entry: self.flow.literal(node, entry) for entry in self.flow.ports[node.id].inputs}
            texts = {entry: text for entry, text in fixed.items() if text is not None and not VARIABLE.search(text)}
            if node.kind == "Loop":
                if not any(self.flow.entering.get((node.id, entry)) for entry in (1, 3)):
                    yield self._finding("error", node, "it has neither an end index nor a condition: connect one.")
                for entry in (2, 3, 4):
                    if entry in texts:
                        yield from self._loop_number(node, entry, texts[entry])
            if node.kind in ("Loop", "IfBranch") and 1 in texts:
                yield from self._failure(node, lambda text=texts[1]: truth(text, "its condition"))
            if node.kind.startswith("UserInput") and default_input(node) in texts:
                yield from self._failure(node, lambda node=node, texts=texts: _check_default(node, texts))
            used = [int(text) for text in re.findall("%([0-9])", node.value)] if node.kind == "FormatString" else []
            if used and max(used) >= node.count:
                yield self._finding("warning", node, f"it has no input %{max(used)}: that stays as it is.")

    def _loop_number(self, node: FlowNode, entry: int, text: str) -> Iterator[Finding]:
        label = self.flow.ports[node.id].inputs[entry].label
        failures = list(self._failure(node, lambda: index(text, label)))
        yield from failures
        if failures:
            return
        value = index(text, label)
        if entry == 4 and not value:
            yield self._finding("error", node, "its step is 0, with which it would never end: give another one.")
        elif value != int(value):
            yield self._finding("warning", node, f"{label} is {text}, but KadiStudio counts in whole numbers.")

    def _failure(self, node: FlowNode, attempt: object) -> Iterator[Finding]:
        """Yield what a check says against a value."""
        assert callable(attempt)
        try:
            attempt()
        except UserError as error:
            yield self._finding("error", node, str(error))

    def _variables(self, plan: Plan) -> Iterator[Finding]:
        """Find variables that nothing sets, or that are set only later."""
        flow = self.flow
        first: dict[str, int] = {}
        steps = plan.sequence()
        for place, node in enumerate(steps):
            entry = {"Variable": 1, "VariableList": 1, "VariableJson": 1, "Loop": 5}.get(node.kind)
            if entry is None or not flow.entering.get((node.id, entry)):
                continue
            name = flow.literal(node, entry)
            if name is None or VARIABLE.search(name) or node.kind == "VariableJson":
                return
            delimiter = (flow.literal(node, 3) or ";") if node.kind == "VariableList" else None
            for part in name.split(delimiter) if delimiter else [name]:
                first.setdefault(part.strip() if delimiter else part, place)
        places = self._places(plan, steps)
        for node in flow.nodes:
            if node.kind not in (*SOURCES, "FormatString") or places[node.id] < 0:
                continue
            for name in dict.fromkeys(VARIABLE.findall(node.value)):
                if name in flow.variables:
                    continue
                if name not in first:
                    yield self._finding("error", node, f"nothing sets the variable {shown(name)}: set it.")
                elif first[name] >= places[node.id]:
                    yield self._finding(
                        "warning", node, f"the variable {shown(name)} is only set later: set it before."
                    )

    def _places(self, plan: Plan, steps: list[FlowNode]) -> dict[str, int]:
        """Return each step's place in the order, for other nodes that of the last step that they give a value; or -1."""
        places = {node.id: place for place, node in enumerate(steps)}
        leaving: dict[str, list[str]] = {}
        for connection in self.flow.connections:
            if self.flow.is_sound(connection):
                leaving.setdefault(connection.source, []).append(connection.target)
        for node in sorted(self.flow.nodes, key=lambda node: plan.ranks[node.id], reverse=True):
            if node.id not in places:
                places[node.id] = max((places[target] for target in leaving.get(node.id, ())), default=-1)
        return places

    def _unused(self, plan: Plan) -> Iterator[Finding]:
        leaving = {connection.source for connection in self.flow.connections}
        for node in self.flow.nodes:
            is_value = node.kind in SOURCES or node.kind == ENVIRONMENT or node.kind == "FormatString"
            if node.id not in leaving and (is_value or node.kind.startswith("UserInput")):
                yield self._finding("warning", node, "nothing uses it: connect or remove it.")
            elif node.profile == "Skip" and plan.inside(node):
                yield self._finding("warning", node, "it is skipped, and so is everything in its branches.")
        if not any(node.kind == TOOL for node in self.flow.nodes):
            yield Finding("warning", None, self.flow.name, "it runs no command: add a tool.")


def _check_default(node: FlowNode, texts: Mapping[int, str]) -> None:
    """Check a default that is known before the workflow runs."""
    default = texts[default_input(node)]
    if node.kind == "UserInputChoose":
        if all(entry in texts for entry in range(3, 3 + node.count)):
            chosen(default, [texts[entry] for entry in range(3, 3 + node.count)], "its default")
    elif node.kind == "UserInputSelect":
        if 2 in texts and default.strip() not in [part.strip() for part in texts[2].split(texts.get(4) or ",")]:
            raise UserError(f"its default {shown(default)} is none of its values: give one of them.")
    else:
        checked_answer(node, default, "its default")
