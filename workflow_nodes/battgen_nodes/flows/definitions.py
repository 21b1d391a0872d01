"""The nodes as KadiStudio sees them: their tool definitions, from this very installation."""

from __future__ import annotations

from collections.abc import Iterator

import click
from lxml import etree

from kadi_battgen.flows.tools import Tool, by_name, parse_tool

#: Parameters that every command has and no workflow uses.
_OWN = ("help", "xmlhelp", "version")


def tool_documents() -> dict[str, bytes]:
    """Return the XML document of every node by its command line, the same that ``--xmlhelp`` prints."""
    from battgen_nodes.main import battgen

    return {f"battgen {' '.join(words)}": _document(command) for words, command in _commands(battgen)}


def tool_definitions() -> dict[str, Tool]:
    """Return the definition of every node by its command line."""
    return by_name(parse_tool(document, name) for name, document in tool_documents().items())


def _commands(group: click.Group) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from (((name, *words), inner) for words, inner in _commands(command))
        else:
            yield (name,), command


def _document(command: click.Command) -> bytes:
    root = command.to_xml()  # type: ignore[attr-defined]
    # Arguments first, as --xmlhelp lists them.
    for index, parameter in enumerate(sorted(command.params, key=lambda entry: entry.param_type_name)):
        if parameter.name not in _OWN:
            root.append(parameter.to_xml(index))  # type: ignore[attr-defined]
    return etree.tostring(root, pretty_print=True, xml_declaration=True, encoding="utf-8")
