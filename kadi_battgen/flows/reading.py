"""Reading .flow files that anyone may have written: each wrong field gets a sentence, none gets a traceback."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from kadi_battgen.errors import UserError
from kadi_battgen.files import existing_file
from kadi_battgen.flows.model import PROFILES, Connection, Flow, FlowNode, NodeTool
from kadi_battgen.flows.nodes import ENVIRONMENT, MOST_COUNTED, NODE_TYPES, SOURCES, PortLayout, is_tool
from kadi_battgen.flows.values import LONGEST_VALUE, shown

#: Kadi4Mat looks at no larger file to find out whether it is a workflow.
LARGEST_FILE = 10 * 2**20
MOST_NODES = 2_000
MOST_CONNECTIONS = 10_000
MOST_VARIABLES = 1_000
MOST_PORTS = 600
_LONGEST_NAME = 500
_SURROGATES = re.compile("[\ud800-\udfff]")
_DEEPEST = 20
_FARTHEST = 1e9


def read_flow(path: str | os.PathLike[str]) -> Flow:
    """Return the workflow in a .flow file.

    Raises
    ------
    UserError
        If the file is missing or is not a workflow; the message names the node and the field.
    """
    source = existing_file(path)
    size = source.stat().st_size
    if size > LARGEST_FILE:
        raise UserError(f"{source} is {size} bytes long; Kadi4Mat takes no file over {LARGEST_FILE} for a workflow.")
    return parse_flow(source.read_bytes(), str(source), source.stem)


def parse_flow(data: bytes | str, source: str = "The workflow", name: str = "workflow") -> Flow:
    """Return the workflow that a JSON document describes.

    Files of older editors are read as well: those without ``variables``, with truth values that are no texts, or with
    the type converters that KadiStudio notes at connections.

    Parameters
    ----------
    data
        The document.
    source
        What to call it in an error, such as its path.
    name
        The workflow's name.

    Raises
    ------
    UserError
        If it is not a workflow.
    """
    return _Reader(source).flow(_json(data, source), name)


def _json(data: bytes | str, source: str) -> Any:
    """Return the JSON document in `data`, whose texts are all Unicode and which is not nested deeper than a workflow."""

    def constant(word: str) -> NoReturn:
        raise UserError(f"{source} holds {word}, which is no JSON: write the workflow again.")

    def finite(word: str) -> float:
        number = float(word)
        if not math.isfinite(number):
            raise UserError(f"{source} holds the number {shown(word)}, which is too large: correct it.")
        return number

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        document = dict(pairs)
        if len(document) != len(pairs):
            names = [key for key, _ in pairs]
            twice = next(key for key in names if names.count(key) > 1)
            raise UserError(f"{source} gives the field {shown(twice)} twice in one object: leave one.")
        return document

    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
        document = json.loads(text, parse_constant=constant, parse_float=finite, object_pairs_hook=unique)
    except RecursionError as error:
        raise UserError(f"{source} is nested too deeply for a workflow: write it again.") from error
    except ValueError as error:
        raise UserError(f"{source} is not a JSON document ({error}): save the workflow again.") from error
    # Only escapes can bring what is no Unicode text, and looking at every text takes longer than reading them.
    _check(document, source, texts="\\u" in text or not text.isascii())
    return document


def _check(document: Any, source: str, texts: bool) -> None:
    """Check how deep a document is nested, and its `texts`."""
    level: list[Any] = [document]
    for _ in range(_DEEPEST):
        inner: list[Any] = []
        for value in level:
            parts = (
                [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else [value]
            )
            inner += [part for part in parts if isinstance(part, dict | list)]
            for part in parts if texts else ():
                if isinstance(part, str) and ("\0" in part or _SURROGATES.search(part)):
                    raise UserError(
                        f"{source} holds the text {shown(part)}, which no program can be given: correct it."
                    )
        if not inner:
            return
        level = inner
    raise UserError(f"{source} is nested too deeply for a workflow: write it again.")


class _Reader:
    """Turns a JSON document into a workflow, field by field."""

    def __init__(self, source: str) -> None:
        self.source = source

    def flow(self, document: Any, name: str) -> Flow:
        known = ("nodes", "connections", "variables")
        if not isinstance(document, dict) or not all(
            isinstance(document.get(key, [] if key == "variables" else None), list) for key in known
        ):
            raise UserError(f"{self.source} is not a workflow: one has the lists nodes, connections and variables.")
        if more := sorted(set(document) - set(known)):
            raise UserError(
                f"{self.source} has the field {shown(more[0])} beside nodes, connections and variables, for which "
                "Kadi4Mat takes it for plain JSON: remove it."
            )
        for key, most in (("nodes", MOST_NODES), ("connections", MOST_CONNECTIONS), ("variables", MOST_VARIABLES)):
            if len(document.get(key, ())) > most:
                raise UserError(f"{self.source} has {len(document[key])} {key}, more than {most}: split the workflow.")
        nodes = [self._node(entry, position) for position, entry in enumerate(document["nodes"])]
        if twice := _repeated(node.id for node in nodes):
            raise UserError(f"{self.source} has two nodes with the id {shown(twice)}: give each its own.")
        connections = [self._connection(entry, position) for position, entry in enumerate(document["connections"])]
        variables = [self._variable(entry, position) for position, entry in enumerate(document.get("variables", []))]
        if twice := _repeated(key for key, _ in variables):
            raise UserError(f"{self.source} sets the variable {shown(twice)} twice: leave one.")
        return Flow(tuple(nodes), tuple(connections), dict(variables), name)

    def _wrong(self, where: str, value: Any, wanted: str) -> NoReturn:
        raise UserError(f"{self.source}: {where} is {shown(value)}, not {wanted}: correct it.")

    def _text(self, value: Any, where: str, longest: int = _LONGEST_NAME) -> str:
        if not isinstance(value, str) or not value or len(value) > longest:
            self._wrong(where, value, f"a text of 1 to {longest} characters")
        return value

    def _object(self, value: Any, where: str) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            self._wrong(where, value, "an object")
        return value

    def _index(self, value: Any, where: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 2**31:
            self._wrong(where, value, "a number counted from 0")
        return value

    def _node(self, entry: Any, position: int) -> FlowNode:
        where = f"node {position}"
        node = self._object(entry, where)
        identity = self._text(node.get("id"), f"the id of {where}", 64)
        where = f"node {shown(identity)}"
        model = dict(self._object(node.get("model"), f"the model of {where}"))
        kind = self._text(model.pop("name", None), f"the name of {where}", 100)
        tool = None
        if is_tool(kind):
            tool = self._tool(model.pop("tool", None), kind, f"the tool of {where}")
        x, y = self._position(node.get("position", {}), f"the position of {where}")
        return FlowNode(identity, kind, x, y, self._fields(kind, model, where), tool)

    def _position(self, value: Any, where: str) -> tuple[float, float]:
        corner = self._object(value, where)
        for axis in ("x", "y"):
            place = corner.get(axis, 0)
            if isinstance(place, bool) or not isinstance(place, int | float) or abs(place) > _FARTHEST:
                self._wrong(f"{axis} in {where}", place, "a number of pixels")
        return float(corner.get("x", 0)), float(corner.get("y", 0))

    def _fields(self, kind: str, model: dict[str, Any], where: str) -> Mapping[str, Any]:
        if "executionProfile" in model:
            profile = model["executionProfile"]
            known = {name.lower(): name for name in PROFILES}
            if not isinstance(profile, str) or profile.lower() not in known:
                self._wrong(f"the executionProfile of {where}", profile, f"one of {', '.join(PROFILES)}")
            model["executionProfile"] = known[profile.lower()]
        if kind in SOURCES or kind == "FormatString":
            model["value"] = self._value(kind, model.get("value", ""), f"the value of {where}")
        if kind == "Note" and not isinstance(model.setdefault("text", ""), str):
            self._wrong(f"the text of {where}", model["text"], "a text")
        if kind == "FileOutput" and not isinstance(model.setdefault("createShortcut", False), bool):
            self._wrong(f"createShortcut of {where}", model["createShortcut"], "true or false")
        counted = NODE_TYPES[kind].counted if kind in NODE_TYPES else None
        if counted and counted[0] in model:
            number = model[counted[0]]
            if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= MOST_COUNTED:
                self._wrong(f"{counted[0]} of {where}", number, f"a number of ports from 0 to {MOST_COUNTED}")
        return model

    def _value(self, kind: str, value: Any, where: str) -> str:
        if isinstance(value, bool):
            value = str(int(value))
        elif isinstance(value, int | float) and kind != "FormatString":
            value = str(value)
        if not isinstance(value, str) or len(value) > LONGEST_VALUE:
            self._wrong(where, value, f"a text of up to {LONGEST_VALUE} characters")
        return value

    def _tool(self, value: Any, kind: str, where: str) -> NodeTool:
        tool = self._object(value, where)
        name = self._text(tool.get("name"), f"the name in {where}")
        path = self._text(tool.get("path") or name, f"the path in {where}")
        version = tool.get("version")
        if version is not None and not isinstance(version, str):
            self._wrong(f"the version in {where}", version, "a text")
        ports = tool.get("ports")
        if not isinstance(ports, list) or len(ports) > MOST_PORTS:
            self._wrong(f"ports in {where}", ports, f"a list of up to {MOST_PORTS} ports")
        layout = tuple(self._port(entry, f"port {index} of {where}") for index, entry in enumerate(ports))
        if twice := _repeated(f"{port.direction}put {port.index}" for port in layout):
            raise UserError(f"{self.source}: {where} has {twice} twice: add the tool again.")
        if kind == ENVIRONMENT and any(port.type in ("dependency", "pipe") for port in layout):
            raise UserError(f"{self.source}: {where} is an environment, which has no dependencies: add it again.")
        return NodeTool(name, version, path, layout)

    def _port(self, entry: Any, where: str) -> PortLayout:
        port = self._object(entry, where)
        direction = port.get("port_direction")
        if direction not in ("in", "out"):
            self._wrong(f"port_direction of {where}", direction, "'in' or 'out'")
        char, required = port.get("shortName"), port.get("required", False)
        if char is not None and not isinstance(char, str):
            self._wrong(f"shortName of {where}", char, "a letter or null")
        if not isinstance(required, bool):
            self._wrong(f"required of {where}", required, "true or false")
        return PortLayout(
            self._text(port.get("name"), f"the name of {where}"),
            char or None,
            self._text(port.get("type"), f"the type of {where}", 100),
            required,
            direction,
            self._index(port.get("port_index"), f"port_index of {where}"),
        )

    def _connection(self, entry: Any, position: int) -> Connection:
        where = f"connection {position}"
        connection = self._object(entry, where)
        return Connection(
            self._text(connection.get("out_id"), f"out_id of {where}", 64),
            self._index(connection.get("out_index"), f"out_index of {where}"),
            self._text(connection.get("in_id"), f"in_id of {where}", 64),
            self._index(connection.get("in_index"), f"in_index of {where}"),
        )

    def _variable(self, entry: Any, position: int) -> tuple[str, str]:
        where = f"variable {position}"
        variable = self._object(entry, where)
        name = self._text(variable.get("name"), f"the name of {where}", 100)
        value = variable.get("value", "")
        if not isinstance(value, str) or len(value) > LONGEST_VALUE:
            self._wrong(f"the value of {where}", value, f"a text of up to {LONGEST_VALUE} characters")
        return name, value


def _repeated(names: Iterator[str] | Any) -> str | None:
    """Return the first name that comes twice, None if there is none."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
