"""One page for each command, written from the definition that --help and KadiStudio show too."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
import xmlhelpy

if TYPE_CHECKING:
    from sphinx.application import Sphinx

#: Folder of the pages below the sources; git ignores it.
FOLDER = Path("reference") / "commands"

#: Titles of the groups of commands, by the folder of their modules, in the order of the chain.
GROUPS = {
    "data": "Electrodes",
    "afm": "AFM stacks",
    "dataset": "Training data sets",
    "battgen": "Models of electrodes: training and use",
    "sei": "Solid electrolyte interphase",
    "records": "Records and reports",
    "flows": "Workflows",
    "kadi": "Kadi4Mat on this machine",
    "": "The whole, and this machine",
}

#: Names of option types for people; those of KadiStudio would not tell them more.
_TYPES = {
    "string": "text",
    "long": "integer",
    "long_range": "integer",
    "real": "number",
    "real_range": "number",
    "file": "file",
    "directory": "folder",
    "path": "path",
}


def commands(group: click.Group, prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command with its words."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*prefix, name))
        else:
            yield (*prefix, name), command


def page(words: tuple[str, ...], command: click.Command) -> str:
    """Return the page of a command in Markdown."""
    own = [entry for entry in command.params if isinstance(entry, xmlhelpy.core.ParameterMixin)]
    arguments = [entry for entry in own if isinstance(entry, click.Argument)]
    options = [entry for entry in own if not isinstance(entry, click.Argument)]
    name = " ".join(("battgen", *words))
    lines = [
        f"# {name}",
        "",
        *_paragraphs(command.help or ""),
        "```bash",
        _broken(f"{name} {command.example or ''}".rstrip()),
        "```",
    ]
    for title, entries in (("Arguments", arguments), ("Options", options)):
        if entries:
            lines += ["", f"## {title}", "", *(line for entry in entries for line in _entry(entry))]
    return "\n".join(lines).rstrip() + "\n"


def _broken(line: str) -> str:
    """Return a command line with a break before an option where it would be too wide for a page."""
    import re

    lines = [""]
    for part in re.split(r" (?=--)", line):
        if lines[-1] and len(lines[-1]) + len(part) > 84:
            lines.append("   ")
        lines[-1] = f"{lines[-1]} {part}" if lines[-1] else part
    return " \\\n".join(lines)


def _paragraphs(text: str) -> list[str]:
    import inspect

    return [_escaped(line) for line in inspect.cleandoc(text).splitlines()] + [""]


def _entry(parameter: click.Parameter) -> list[str]:
    """Return a parameter as an entry of a definition list."""
    if isinstance(parameter, click.Argument):
        names = f"`{str(parameter.name).upper()}`"
    else:
        names = ", ".join(f"`{name}`" for name in sorted(parameter.opts, key=len, reverse=True))
    facts = [_kind(parameter)]
    if parameter.required:
        facts.append("required")
    elif parameter.default is not None and not getattr(parameter, "is_flag", False):
        facts.append(f"default `{parameter.default}`")
    described = _escaped(parameter.description or "")  # type: ignore[attr-defined]
    return [f"{names} ({', '.join(filter(None, facts))})", f": {described}", ""]


def _kind(parameter: click.Parameter) -> str:
    """Return what a parameter takes."""
    if getattr(parameter, "is_flag", False):
        return "flag"
    kind = parameter.type
    if isinstance(kind, click.Choice):
        return "one of " + ", ".join(f"`{choice}`" for choice in kind.choices)
    name = _TYPES.get(kind.name.lower(), kind.name.lower())
    if isinstance(kind, click.types._NumberRangeBase):
        least, most = kind.min, kind.max
        if least is not None and most is not None:
            name += f" from {least} to {most}"
        elif least is not None or most is not None:
            name += f", at least {least}" if least is not None else f", at most {most}"
    return name


def _escaped(text: str) -> str:
    """Return text of a help without what Markdown would take for its own."""
    for character in ("\\", "*", "_", "<", "$", "[", "`"):
        text = text.replace(character, f"\\{character}")
    return text


def write_pages(app: Sphinx) -> None:
    """Write all pages and their list, and remove those of commands that are no more."""
    from battgen_nodes.main import battgen

    folder = Path(app.srcdir) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    by_group: dict[str, list[tuple[str, str, str]]] = {group: [] for group in GROUPS}
    texts = {}
    for words, command in commands(battgen):
        module = command.callback.__module__.split(".")  # type: ignore[union-attr]
        group = module[1] if len(module) > 2 else ""
        first = inspect_first(command)
        by_group[group].append(("-".join(words), shlex.join(("battgen", *words)), first))
        texts["-".join(words)] = page(words, command)
    texts["index"] = _index(by_group)
    for name, text in texts.items():
        path = folder / f"{name}.md"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for path in folder.glob("*.md"):
        if path.stem not in texts:
            path.unlink()


def inspect_first(command: click.Command) -> str:
    """Return the first sentence of a command's help."""
    return _escaped((command.help or "").strip().splitlines()[0])


def _index(by_group: dict[str, list[tuple[str, str, str]]]) -> str:
    lines = [
        "# Commands",
        "",
        "Every command is a node in KadiStudio too. These pages are made from the same definitions that `--help` prints",
        "and KadiStudio reads. What all commands share is explained in [Manners of all commands](../../howto/terminal.md).",
    ]
    for group, entries in by_group.items():
        if not entries:
            continue
        lines += ["", f"## {GROUPS[group]}", "", "| command | what it does |", "|---|---|"]
        lines += [f"| [{title}]({name}.md) | {first} |" for name, title, first in entries]
    names = [name for entries in by_group.values() for name, *_ in entries]
    return "\n".join([*lines, "", "```{toctree}", ":hidden:", "", *names, "```", ""])


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the pages before Sphinx looks for its sources."""
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
