"""Tools: the definitions that a command prints when it is asked for ``--xmlhelp``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

from kadi_battgen.errors import UserError
from kadi_battgen.files import existing_file
from kadi_battgen.flows.values import shown

#: No definition of a tool comes near this size.
_LARGEST_XML = 2**20
_MOST_PARAMETERS = 500


@dataclass(frozen=True)
class Parameter:
    """One option, flag or positional argument of a tool.

    Attributes
    ----------
    name
        Name without dashes; positional arguments are called arg0, arg1, ...
    type
        Type as in the XML, such as ``string``, ``long_range`` or ``flag``.
    char
        Short form of one letter, without its dash.
    required
        Whether the tool refuses to run without it.
    default
        What the tool takes where nothing is given, as text.
    positional
        Whether it is given without a name.
    description
        What it means, with its unit.
    choices
        Allowed values of a choice; empty for any other type.
    case_sensitive
        Whether a choice must be spelt as in `choices`.
    minimum, maximum
        Bounds of a range, both allowed values themselves.
    """

    name: str
    type: str = "string"
    char: str | None = None
    required: bool = False
    default: str | None = None
    positional: bool = False
    description: str = ""
    choices: tuple[str, ...] = ()
    case_sensitive: bool = True
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class Tool:
    """A command that can stand in a workflow as a node.

    Attributes
    ----------
    name
        The command line without options, such as ``battgen screen``.
    version
        Version of the command.
    parameters
        Its parameters in the order of the XML, which is that of the node's ports.
    environment
        Whether it is an environment: a command that runs another one inside it.
    description
        What it does.
    example
        One command line.
    """

    name: str
    version: str | None = None
    parameters: tuple[Parameter, ...] = ()
    environment: bool = False
    description: str = ""
    example: str = ""

    def parameter(self, name: str) -> Parameter | None:
        """Return the parameter called `name`, None if there is none."""
        return next((parameter for parameter in self.parameters if parameter.name == name), None)


def parse_tool(text: str | bytes, source: str = "The text") -> Tool:
    """Return the tool that an xmlhelp document describes.

    Document types and entities are refused: no tool writes them, and they are how XML is made to read other files or to
    fill the memory.

    Parameters
    ----------
    text
        The document.
    source
        What to call it in an error, such as its path.

    Raises
    ------
    UserError
        If it is not such a document.
    """
    reader = _Reader(source)
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(data) > _LARGEST_XML:
        raise UserError(f"{source} is {len(data)} bytes long, more than any tool definition: give the tool's xmlhelp.")
    try:
        reader.parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise UserError(f"{source} is not a tool definition ({error}): write it with COMMAND --xmlhelp.") from error
    return reader.tool()


def read_tool(path: str | os.PathLike[str]) -> Tool:
    """Return the tool that the XML file `path` describes.

    Raises
    ------
    UserError
        If the file is missing or describes no tool.
    """
    source = existing_file(path)
    return parse_tool(source.read_bytes(), str(source))


def read_tools(folder: str | os.PathLike[str]) -> dict[str, Tool]:
    """Return the tools that the XML files in `folder` describe, by name.

    Raises
    ------
    UserError
        If one of them describes no tool, or two describe the same.
    """
    return by_name(read_tool(path) for path in sorted(Path(folder).glob("*.xml")))


def by_name(tools: Iterable[Tool]) -> dict[str, Tool]:
    """Return `tools` by their names.

    Raises
    ------
    UserError
        If two have the same name.
    """
    named: dict[str, Tool] = {}
    for tool in tools:
        if tool.name in named:
            raise UserError(f"The tool {tool.name!r} is defined twice: leave one definition.")
        named[tool.name] = tool
    return named


@dataclass
class _Reader:
    """Collects the elements of one xmlhelp document."""

    source: str
    depth: int = 0
    root: tuple[str, Mapping[str, str]] | None = None
    parameters: list[Parameter] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.EntityDeclHandler = self._refuse

    def tool(self) -> Tool:
        if self.root is None:
            raise UserError(f"{self.source} is empty: write it with COMMAND --xmlhelp.")
        tag, attributes = self.root
        name = " ".join(attributes.get("name", "").split())
        if not name:
            raise UserError(f"{self.source}: <{tag}> has no name: write it with COMMAND --xmlhelp.")
        return Tool(
            name,
            attributes.get("version"),
            tuple(self.parameters),
            tag == "env",
            attributes.get("description", ""),
            attributes.get("example", ""),
        )

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if self.depth == 0 and tag in ("program", "env"):
            self.root = (tag, attributes)
        elif self.depth == 1 and tag == "param":
            self._parameter(attributes)
        else:
            raise UserError(
                f"{self.source} holds <{shown(tag)}> where a tool definition has <program> or <env> with <param> in it: "
                "write it with COMMAND --xmlhelp."
            )
        self.depth += 1

    def _end(self, _tag: str) -> None:
        self.depth -= 1

    def _refuse(self, *_declaration: Any) -> None:
        raise UserError(f"{self.source} declares a document type, which no tool definition does: do not use it.")

    def _parameter(self, attributes: Mapping[str, str]) -> None:
        name, kind = attributes.get("name", ""), attributes.get("type", "")
        if not name or not kind:
            raise UserError(f"{self.source}: parameter {len(self.parameters)} lacks a name or a type.")
        if any(parameter.name == name for parameter in self.parameters) or len(self.parameters) >= _MOST_PARAMETERS:
            raise UserError(f"{self.source}: the parameter {shown(name)} is defined twice or is one of too many.")
        self.parameters.append(
            Parameter(
                name,
                kind,
                attributes.get("char") or None,
                attributes.get("required") == "true",
                attributes.get("default"),
                attributes.get("positional") == "true",
                attributes.get("description", ""),
                _choices(attributes.get("choices", "")),
                attributes.get("case_sensitive", "true") == "true",
                self._bound(attributes, "min"),
                self._bound(attributes, "max"),
            )
        )

    def _bound(self, attributes: Mapping[str, str], name: str) -> float | None:
        text = attributes.get(name)
        try:
            return None if text is None else float(text)
        except ValueError as error:
            raise UserError(
                f"{self.source}: {name}={shown(text)} of {shown(attributes['name'])} is not a number."
            ) from error


def _choices(text: str) -> tuple[str, ...]:
    """Return the choices of a definition, which bars separate; a bar in a choice has a backslash before it."""
    if not text:
        return ()
    return tuple(part.replace("\0", "|") for part in text.replace("\\|", "\0").split("|"))
