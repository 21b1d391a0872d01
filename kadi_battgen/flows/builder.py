"""Writing workflows in Python: every option is checked against its tool while the workflow is being written.

A short one, which asks for a working ion and screens for it::

    flow = FlowBuilder("screen", tools)
    ion = flow.ask_text("Working ion", default="Li")
    model = flow.ask_file("Model folder", default="model")
    found = flow.tool("battgen screen", model=model, working_ion=ion, samples=16, output="candidates.csv")
    flow.tool("battgen report", candidates="candidates.csv", output="report.html", after=[found])
    write_flow("screen.flow", flow.build())
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kadi_battgen.errors import UserError
from kadi_battgen.flows.check import refuse_errors
from kadi_battgen.flows.layout import arrange
from kadi_battgen.flows.model import PROFILES, Connection, Flow, FlowNode, NodeTool
from kadi_battgen.flows.nodes import ENVIRONMENT, SOURCES, TOOL, compatible, node_ports, tool_layout
from kadi_battgen.flows.tools import Tool
from kadi_battgen.flows.values import shown

#: Of all ids that this package makes.
_NAMESPACE = uuid.UUID("6f3dbd5e-2f0b-5b5c-9a5e-3a1c1d9b7c40")


@dataclass(frozen=True)
class Pin:
    """One output of a node, to be connected to what needs it."""

    node: str
    output: int


@dataclass(frozen=True)
class Item:
    """A node that was added; where a value is wanted, it stands for its own value."""

    node: str
    kind: str

    @property
    def value(self) -> Pin:
        """What it gives: a source's, question's or format string's value, or what a tool prints."""
        if self.kind in SOURCES or self.kind == ENVIRONMENT:
            return Pin(self.node, 0)
        return Pin(self.node, 2 if self.kind in ("UserInputChoose", "Loop") else 1)

    @property
    def stdout(self) -> Pin:
        """What a tool prints, or what a file holds."""
        return Pin(self.node, 1)

    @property
    def done(self) -> Pin:
        """For what comes after it."""
        return Pin(self.node, 0)

    @property
    def selected(self) -> Pin:
        """The number of the option that was chosen."""
        return Pin(self.node, 1)

    @property
    def index(self) -> Pin:
        """The index of a loop."""
        return Pin(self.node, 2)

    @property
    def body(self) -> Pin:
        """For what a loop repeats."""
        return Pin(self.node, 1)

    def branch(self, number: int) -> Pin:
        """For what a branch runs; those of an If-Branch are 1 (true) and 2 (false)."""
        return Pin(self.node, number)


#: What a parameter may be given: a literal, a node or one of its outputs, or nothing.
Value = str | int | float | bool | Item | Pin | None
After = Sequence[Item | Pin]


class FlowBuilder:
    """A workflow that is being written.

    Parameters
    ----------
    name
        Its name; the ids of its nodes follow from it, so that writing it again gives the same file.
    tools
        Definitions of the tools that it may use, by name.
    variables
        Variables that it starts with.
    """

    def __init__(
        self, name: str, tools: Mapping[str, Tool] | None = None, variables: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.tools = dict(tools or {})
        self._variables = dict(variables or {})
        self._nodes: dict[str, FlowNode] = {}
        self._connections: list[Connection] = []
        self._notes: dict[str, str | None] = {}
        self._keys: set[str] = set()

    def build(self) -> Flow:
        """Return the workflow.

        Raises
        ------
        UserError
            If it could not run.
        """
        corners = arrange(self._nodes.values(), self._connections, self._notes)
        nodes = tuple(replace(node, x=corners[id_][0], y=corners[id_][1]) for id_, node in self._nodes.items())
        flow = Flow(nodes, tuple(self._connections), dict(self._variables), self.name)
        refuse_errors(flow, self.tools)
        return flow

    def tool(
        self,
        name: str,
        *,
        key: str | None = None,
        after: After = (),
        stdin: Item | Pin | None = None,
        environment: Item | None = None,
        profile: str = "Default",
        **parameters: Value,
    ) -> Item:
        """Add a command.

        Parameters
        ----------
        name
            The tool.
        key
            Distinguishes it from others of the same tool; by default they are counted.
        after
            What it runs after, or in which body of a loop or branch.
        stdin
            What it reads.
        environment
            The environment that it runs in.
        profile
            ``Default``, ``Skip`` or ``Detached``.
        parameters
            Its options, dashes written as underscores; None leaves one out.

        Raises
        ------
        UserError
            If there is no such tool or option.
        """
        item, node = self._command(name, TOOL, key, profile)
        self._after(item, after)
        self._parameters(node, item, parameters)
        for port in node_ports(node).inputs.values():
            if port.family == "env" and environment is not None:
                self._connect(environment.value, item, port.index)
            if port.family == "pipe" and stdin is not None:
                self._connect(stdin.stdout if isinstance(stdin, Item) else stdin, item, port.index)
        return item

    def environment(self, name: str, *, key: str | None = None, **parameters: Value) -> Item:
        """Add an environment for tools to run in.

        Raises
        ------
        UserError
            If there is no such environment or option.
        """
        item, node = self._command(name, ENVIRONMENT, key, PROFILES[0])
        self._parameters(node, item, parameters)
        return item

    def ask_text(
        self, prompt: str, default: Value = None, *, multiline: bool = False, after: After = (), key: str | None = None
    ) -> Item:
        """Ask for a text."""
        inputs = {1: prompt, 2: default, 3: multiline or None}
        return self._node("UserInputText", inputs, after, key or prompt)

    def ask_file(self, prompt: str, default: Value = None, *, after: After = (), key: str | None = None) -> Item:
        """Ask for the path of a file or folder."""
        return self._node("UserInputFile", {1: prompt, 2: default}, after, key or prompt)

    def ask_integer(self, prompt: str, default: Value = None, *, after: After = (), key: str | None = None) -> Item:
        """Ask for an integer."""
        return self._node("UserInputInteger", {1: prompt, 2: default}, after, key or prompt)

    def ask_number(self, prompt: str, default: Value = None, *, after: After = (), key: str | None = None) -> Item:
        """Ask for a number."""
        return self._node("UserInputFloat", {1: prompt, 2: default}, after, key or prompt)

    def ask_whether(self, prompt: str, default: Value = None, *, after: After = (), key: str | None = None) -> Item:
        """Ask for true or false."""
        return self._node("UserInputBool", {1: prompt, 2: default}, after, key or prompt)

    def ask_option(
        self, prompt: str, options: Sequence[Value], default: Value = None, *, after: After = (), key: str | None = None
    ) -> Item:
        """Ask for one of some options; `default` is the number of one, counted from 1."""
        inputs = {1: prompt, 2: default, **dict(enumerate(options, start=3))}
        return self._node("UserInputChoose", inputs, after, key or prompt, nOptions=len(options))

    def ask_value(
        self, prompt: str, values: Value, default: Value = None, *, after: After = (), key: str | None = None
    ) -> Item:
        """Ask for one of the values that a text lists, separated by commas."""
        return self._node("UserInputSelect", {1: prompt, 2: values, 3: default}, after, key or prompt)

    def variable(self, name: Value, value: Value, *, after: After = (), key: str | None = None) -> Item:
        """Set a variable, to be used as ``${name}`` in texts from then on."""
        return self._node("Variable", {1: name, 2: value}, after, key or f"variable {name}")

    def format(self, template: str, *inputs: Value, after: After = (), key: str | None = None) -> Item:
        """Put values into a text in place of ``%0``, ``%1``, ..."""
        fields = {"nInputs": len(inputs), "value": template}
        return self._node("FormatString", dict(enumerate(inputs, start=1)), after, key or template, **fields)

    def loop(
        self,
        *,
        start: Value = None,
        end: Value = None,
        step: Value = None,
        condition: Value = None,
        index: Value = None,
        after: After = (),
        key: str | None = None,
    ) -> Item:
        """Repeat what hangs on its ``body`` while the index is below `end` and the condition holds.

        Parameters
        ----------
        start, end, step
            The index begins at `start` (0) and grows by `step` (1); with a negative step it falls while it is above
            `end`.
        condition
            Is looked at before each repetition.
        index
            Name of the variable that holds the index.
        after, key
            As for :meth:`tool`.
        """
        inputs = {1: condition, 2: start, 3: end, 4: step, 5: index}
        return self._node("Loop", inputs, after, key or "loop")

    def if_branch(self, condition: Value, *, after: After = (), key: str | None = None) -> Item:
        """Run what hangs on ``branch(1)`` if a condition holds, else what hangs on ``branch(2)``."""
        return self._node("IfBranch", {1: condition}, after, key or "if")

    def select_branch(self, selected: Value, branches: int, *, after: After = (), key: str | None = None) -> Item:
        """Run what hangs on the branch of the selected number, counted from 1."""
        return self._node("BranchSelect", {1: selected}, after, key or "branch", nBranches=branches)

    def read_file(self, path: Value, *, after: After = (), key: str | None = None) -> Item:
        """Read a file."""
        return self._node("FileInput", {1: path}, after, key or "read")

    def write_file(
        self, path: Value, stdin: Item | Pin, *, append: Value = None, after: After = (), key: str | None = None
    ) -> Item:
        """Write what a tool prints, or what a file holds, to a file."""
        printed = stdin.stdout if isinstance(stdin, Item) else stdin
        fields = {"createShortcut": False}
        return self._node("FileOutput", {1: path, 2: append, 3: printed}, after, key or "write", **fields)

    def show_file(self, path: Value, *, after: After = (), key: str | None = None) -> Item:
        """Show a text file to the user."""
        return self._node("UserOutputText", {1: path}, after, key or "show")

    def show_page(self, description: Value, url: Value, *, after: After = (), key: str | None = None) -> Item:
        """Show a page to the user."""
        return self._node("UserOutputWebView", {1: description, 2: url}, after, key or "page")

    def note(self, text: str, beside: Item | None = None) -> None:
        """Add a note above a node, or above the workflow."""
        item = self._add("Note", "note", {"text": text})
        self._notes[item.node] = beside.node if beside is not None else None

    def _add(self, kind: str, key: str, fields: Mapping[str, Any], tool: NodeTool | None = None) -> Item:
        number = 1
        while (unique := key if number == 1 else f"{key} {number}") in self._keys:
            number += 1
        self._keys.add(unique)
        identity = f"{{{uuid.uuid5(_NAMESPACE, f'{self.name}/{unique}')}}}"
        self._nodes[identity] = FlowNode(identity, kind, fields=dict(fields), tool=tool)
        return Item(identity, kind)

    def _node(self, kind: str, inputs: Mapping[int, Value], after: After, key: str, **fields: Any) -> Item:
        item = self._add(kind, key, fields)
        self._after(item, after)
        for index, value in inputs.items():
            self._give(item, index, value, f"{key}.{index}")
        return item

    def _command(self, name: str, kind: str, key: str | None, profile: str) -> tuple[Item, FlowNode]:
        tool = self.tools.get(name)
        if tool is None or tool.environment != (kind == ENVIRONMENT):
            known = ", ".join(
                sorted(entry.name for entry in self.tools.values() if entry.environment == (kind == ENVIRONMENT))
            )
            raise UserError(f"{self.name}: there is no command {shown(name)}: use one of {known or 'none'}.")
        if profile not in PROFILES:
            raise UserError(f"{self.name}: {shown(profile)} is no profile: use one of {', '.join(PROFILES)}.")
        made = NodeTool(tool.name, tool.version, tool.name, tool_layout(tool))
        item = self._add(kind, key or name, {"executionProfile": profile}, made)
        return item, self._nodes[item.node]

    def _parameters(self, node: FlowNode, item: Item, parameters: Mapping[str, Value]) -> None:
        assert node.tool is not None
        ports = {port.label: port for port in node_ports(node).inputs.values() if port.is_parameter}
        by_name = {label.replace("-", "_"): port for label, port in ports.items()}
        for name, value in parameters.items():
            if name not in by_name:
                raise UserError(
                    f"{self.name}: {node.tool.name} has no option {name.replace('_', '-')}: use {', '.join(ports)}."
                )
            self._give(item, by_name[name].index, value, f"{node.tool.name}.{name}")
        missing = [
            label for label, port in ports.items() if port.required and parameters.get(label.replace("-", "_")) is None
        ]
        if missing:
            raise UserError(f"{self.name}: {node.tool.name} needs {', '.join(missing)}: give it.")

    def _after(self, item: Item, after: Iterable[Item | Pin]) -> None:
        for entry in after:
            self._connect(entry.done if isinstance(entry, Item) else entry, item, 0)

    def _give(self, item: Item, index: int, value: Value, key: str) -> None:
        if value is None:
            return
        if isinstance(value, Item):
            value = value.value
        elif not isinstance(value, Pin):
            kind = {bool: "Boolean", int: "Integer", float: "Float"}.get(type(value), "String")
            text = str(int(value)) if isinstance(value, bool) else str(value)
            value = self._add(kind, key, {"value": text}).value
        self._connect(value, item, index)

    def _connect(self, pin: Pin, item: Item, index: int) -> None:
        source, target = self._nodes[pin.node], self._nodes[item.node]
        output = node_ports(source).outputs.get(pin.output)
        entry = node_ports(target).inputs[index]
        if output is None or not compatible(output.family, entry.family):
            given = "nothing" if output is None else f"{output.label} ({output.family})"
            raise UserError(
                f"{self.name}: {entry.label} ({entry.family}) of {target.kind} takes no {given} of {source.kind}."
            )
        self._connections.append(Connection(pin.node, pin.output, item.node, index))
