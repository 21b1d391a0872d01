"""A picture of a workflow to read on a page: what it asks on the left, what it does from top to bottom.

Unlike the editors, it shows only what is connected, writes constants into the nodes they feed, and frames what a loop
or a branch decides about.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kadi_battgen.flows.model import Connection, Flow, FlowNode
from kadi_battgen.flows.nodes import ENVIRONMENT, NODE_TYPES, SOURCES, is_branch
from kadi_battgen.flows.plan import Plan, Scope, plan_flow
from kadi_battgen.flows.svg import Drawing, fitting, wrapped

#: Pixels; the whole is as wide as a page of text, so that nothing is scaled down there.
WIDTH = 960
_MARGIN, _ROW, _HEADER, _GAP = 20, 22, 28, 26
_QUESTIONS = 260
_BETWEEN = 90
_INDENT = 26
_RIGHT = 70
_LANES = 4
_NARROWEST = 120

_COLOURS = {
    "dependency": "#4c9f0a",
    "str": "#1e4aa8",
    "int": "#7a1fd1",
    "float": "#118aa5",
    "bool": "#c41414",
    "pipe": "#b08a00",
    "env": "#555555",
}
_BODIES = {("Loop", 1): "repeated", ("IfBranch", 1): "if true", ("IfBranch", 2): "if false"}


def draw_flow(flow: Flow, title: str | None = None) -> str:
    """Return a picture of a workflow as an SVG document.

    Parameters
    ----------
    flow
        The workflow.
    title
        What stands above it; by default its name.

    Raises
    ------
    UserError
        If nodes wait for each other, so that there is no order to draw.
    """
    return _Picture(flow, plan_flow(flow), title or flow.name).document()


@dataclass
class _Row:
    """One line in a box: an input, what it is given, and where that comes from."""

    text: str
    sources: list[Connection] = field(default_factory=list)


@dataclass
class _Box:
    """A node as it is drawn."""

    node: FlowNode
    x: int
    y: int
    width: int
    rows: list[_Row]

    @property
    def height(self) -> int:
        return _HEADER + _ROW * len(self.rows) + (8 if self.rows else 0)

    @property
    def bottom(self) -> int:
        return self.y + self.height

    def row(self, number: int) -> int:
        """Return the middle of a row."""
        return self.y + _HEADER + 4 + _ROW * number + _ROW // 2


class _Picture:
    def __init__(self, flow: Flow, plan: Plan, title: str) -> None:
        self.flow, self.plan = flow, plan
        self.drawing = Drawing(title)
        self.y = _MARGIN
        self.boxes: dict[str, _Box] = {}
        self.steps: list[_Box] = []
        self.questions: list[_Box] = []
        self.frames: list[tuple[Scope, int, int]] = []
        self.title = title
        self.asked = [node for node in plan.sequence() if self._is_asked_first(node)]
        self.left = _MARGIN + (_QUESTIONS + _BETWEEN if self.asked else 30)
        self.lanes = 0

    def document(self) -> str:
        self._head()
        top = self.y
        self._place((), {node.id for node in self.asked})
        self._place_questions(top)
        for scope, begin, end in self.frames:
            self._frame(scope, begin, end)
        for connection in self.flow.connections:
            if self.flow.is_sound(connection) and self._family(connection) == "dependency":
                self._order(connection)
        self._values()
        for box in (*self.questions, *self.steps):
            self._box(box)
        bottom = max([self.y, *(box.bottom for box in self.questions)]) + _MARGIN
        return self.drawing.document(WIDTH, bottom)

    # Placing ------------------------------------------------------------------------------------------------------

    def _head(self) -> None:
        self.drawing.text(_MARGIN, self.y + 14, self.title, bold=True)
        self.y += 30
        notes = sorted((node for node in self.flow.nodes if node.kind == "Note"), key=lambda node: (node.x, node.y))
        for node in notes:
            lines = wrapped(str(node.fields.get("text", "")), WIDTH - 2 * _MARGIN - 24)
            height = 18 * len(lines) + 14
            self.drawing.box(_MARGIN, self.y, WIDTH - 2 * _MARGIN, height, "#fff8dc", "#d8c98a")
            for number, line in enumerate(lines):
                self.drawing.text(_MARGIN + 12, self.y + 22 + 18 * number, line)
            self.y += height + 12
        if self.flow.variables:
            texts = [f"{name} = {value}" for name, value in self.flow.variables.items()]
            for line in wrapped(f"Variables: {', '.join(texts)}", WIDTH - 2 * _MARGIN):
                self.drawing.text(_MARGIN, self.y + 14, line)
                self.y += 20
        self.y += 10

    def _is_asked_first(self, node: FlowNode) -> bool:
        ordered = bool(self._entering(node, 0))
        return node.kind.startswith("UserInput") and not ordered and not self.plan.scopes[node.id]

    def _place(self, scope: Scope, left_out: set[str]) -> None:
        for node in self.plan.members.get(scope, ()):
            if node.id in left_out:
                continue
            x = self.left + _INDENT * len(scope)
            width = max(_NARROWEST, WIDTH - _RIGHT - x - _INDENT * len(scope) // 2)
            box = _Box(node, x, self.y, width, self._rows(node))
            self.boxes[node.id] = box
            self.steps.append(box)
            self.y = box.bottom + _GAP
            for body in self.plan.bodies(node):
                begin = self.y - _GAP // 2 + 4
                self.y += 16
                self._place(body, left_out)
                self.frames.append((body, begin, self.y - _GAP + 10))
                self.y += 12

    def _place_questions(self, top: int) -> None:
        first = {
            connection.source: box.y for box in reversed(self.steps) for row in box.rows for connection in row.sources
        }
        y = top
        for node in sorted(self.asked, key=lambda node: first.get(node.id, self.y)):
            y = max(y, first.get(node.id, y))
            rows = [_Row(line) for row in self._rows(node) for line in wrapped(row.text, _QUESTIONS - 28)]
            box = _Box(node, _MARGIN, y, _QUESTIONS, rows)
            self.boxes[node.id] = box
            self.questions.append(box)
            y = box.bottom + 12

    # What stands in the boxes -------------------------------------------------------------------------------------

    def _rows(self, node: FlowNode) -> list[_Row]:
        rows: list[_Row] = []
        for index, port in sorted(self.flow.ports[node.id].inputs.items()):
            connections = self._entering(node, index)
            if port.family == "dependency" or not connections:
                continue
            text, sources = self._given(connections[0])
            label = f"{port.label}: " if not node.kind.startswith("UserInput") or index > 1 else ""
            rows.append(_Row(f"{label}{text}", sources))
        if node.kind == "FormatString":
            rows.insert(0, _Row(node.value))
        if node.profile != "Default":
            rows.append(_Row("(left out)" if node.profile == "Skip" else "(in the background)"))
        return rows

    def _given(self, connection: Connection, depth: int = 0) -> tuple[str, list[Connection]]:
        """Return what a connection brings, in words, and the steps it comes from."""
        source = self.flow.by_id[connection.source]
        if source.kind in SOURCES:
            return source.value or "(empty)", []
        if self.plan.is_step(source):
            return self._step_value(source, connection.output), [connection]
        if depth > 5:
            return "…", []
        inputs = self.flow.ports[source.id].inputs
        parts = {
            index: self._given(connections[0], depth + 1)
            for index in sorted(inputs)
            if (connections := self._entering(source, index))
        }
        found = [entry for _, sources in parts.values() for entry in sources]
        if source.kind == ENVIRONMENT:
            given = " ".join(f"{inputs[index].label}={text}" for index, (text, _) in parts.items())
            return f"{self.flow.names[source.id]} {given}".strip(), found
        text = source.value
        for index, (part, _) in sorted(parts.items(), reverse=True):
            text = text.replace(f"%{index - 1}", part)
        return text, found

    def _entering(self, node: FlowNode, index: int) -> list[Connection]:
        return [entry for entry in self.flow.entering.get((node.id, index), ()) if self.flow.is_sound(entry)]

    def _step_value(self, node: FlowNode, output: int) -> str:
        if node.kind.startswith("UserInput"):
            return f"‹{self.flow.literal(node, 1) or self.flow.names[node.id]}›"
        label = self.flow.ports[node.id].outputs[output].label
        return f"‹{label} of {self.flow.names[node.id]}›"

    def _family(self, connection: Connection) -> str:
        return self.flow.ports[connection.target].inputs[connection.input].family

    # Drawing ------------------------------------------------------------------------------------------------------

    def _box(self, box: _Box) -> None:
        node, drawing = box.node, self.drawing
        is_tool = node.tool is not None
        drawing.box(box.x, box.y, box.width, box.height, "#ffffff" if is_tool else "#f7f7f7", "#2c3e50")
        header = "#2c3e50" if is_tool else "#dfe4e8"
        drawing.box(box.x, box.y, box.width, _HEADER - 2, header, "#2c3e50")
        name = self.flow.names[node.id] if is_tool or node.kind not in NODE_TYPES else NODE_TYPES[node.kind].title
        colour = "#ffffff" if is_tool else "#222"
        drawing.text(box.x + 12, box.y + 18, fitting(name, box.width - 24), colour, bold=True)
        for number, row in enumerate(box.rows):
            y = box.row(number)
            drawing.text(box.x + 14, y + 5, fitting(row.text, box.width - 28))

    def _frame(self, scope: Scope, begin: int, end: int) -> None:
        node, output = self.flow.by_id[scope[-1][0]], scope[-1][1]
        x = self.left + _INDENT * len(scope) - 12
        width = max(_NARROWEST + 24, WIDTH - _RIGHT - x - _INDENT * len(scope) // 2 + 10)
        self.drawing.box(x, begin, width, end - begin, "none", "#8aa0b2", dashed=True)
        label = _BODIES.get((node.kind, output), f"branch {output}")
        self.drawing.text(x + width - 90, begin + 15, label, "#5b6f80", italic=True)

    def _order(self, connection: Connection) -> None:
        """Draw that one step comes after another."""
        first, second = self.boxes.get(connection.source), self.boxes.get(connection.target)
        colour = _COLOURS["dependency"]
        if first is None or second is None or first in self.questions or second in self.questions:
            return
        places = {id(box): number for number, box in enumerate(self.steps)}
        if places[id(second)] == places[id(first)] + 1:
            x = max(first.x, second.x) + 30
            self.drawing.path(f"M {x} {first.bottom} V {second.y - 6}", colour)
            self.drawing.arrow_head(x, second.y, "down", colour)
            return
        if is_branch(first.node, connection.output):
            return
        x = min(first.x, second.x) - 14 - 5 * (self.lanes % _LANES)
        self.lanes += 1
        middle = second.y + _HEADER // 2
        self.drawing.path(f"M {first.x} {first.y + _HEADER // 2} H {x} V {middle} H {second.x - 6}", colour)
        self.drawing.arrow_head(second.x, middle, "right", colour)

    def _values(self) -> None:
        """Draw where the values come from: from questions on the left, from earlier steps around the right."""
        lanes: dict[tuple[str, int], int] = {}
        for box in (*self.questions, *self.steps):
            for number, row in enumerate(box.rows):
                for connection in row.sources:
                    origin = self.boxes[connection.source]
                    colour = _COLOURS[self.flow.ports[connection.source].outputs[connection.output].family]
                    y = box.row(number)
                    if origin in self.questions and box in self.steps:
                        self._from_question(origin, box, y, colour)
                    else:
                        lane = lanes.setdefault((connection.source, connection.output), len(lanes))
                        self._around(origin, box, y, lane, colour)

    def _from_question(self, origin: _Box, box: _Box, y: int, colour: str) -> None:
        begin, start = origin.x + origin.width, origin.y + _HEADER // 2
        middle = (begin + self.left) // 2
        self.drawing.path(f"M {begin} {start} C {middle} {start} {middle} {y} {self.left - 20} {y} H {box.x}", colour)
        self.drawing.dot(begin, start, colour)
        self.drawing.dot(box.x, y, colour)

    def _around(self, origin: _Box, box: _Box, y: int, lane: int, colour: str) -> None:
        begin, end = origin.x + origin.width, box.x + box.width
        x = WIDTH - _RIGHT + 10 + 8 * (lane % 6)
        start = origin.y + _HEADER // 2
        self.drawing.path(f"M {begin} {start} H {x} V {y} H {end + 6}", colour)
        self.drawing.dot(begin, start, colour)
        self.drawing.arrow_head(end, y, "left", colour)
