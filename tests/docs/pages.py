"""The pages of the documentation as tests see them: blocks of commands, and how small they are run.

A page's ``bash`` and ``python`` blocks are run one after another, in one folder, by one shell. A block that names a file in
its caption (``:caption: queue.yaml``) is written to that file. docs/commands.yaml says for each page which page goes before
it, which options are made smaller, and which commands are only shown and why.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]

#: Settings of the runs.
SETTINGS = ROOT / "docs" / "commands.yaml"

_FENCE = re.compile(r"^(?P<fence>`{3,})(?P<head>[^\n`]*)\n(?P<text>.*?)^(?P=fence)[ \t]*$", re.MULTILINE | re.DOTALL)
_DIRECTIVE = re.compile(r"\{[\w-]+\}\s*(?P<language>\w*)")
_CAPTION = re.compile(r"^:caption:\s*(?P<name>\S+)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of a page.

    Attributes
    ----------
    language
        ``bash``, ``python``, ``yaml``, ``text`` or whatever else it says.
    file
        Name of the file that it shows, if its caption names one.
    text
        What stands in it.
    line
        Where it begins, from 1.
    """

    language: str
    file: str | None
    text: str
    line: int


@dataclass(frozen=True)
class ShownCommand:
    """A command of a page.

    Attributes
    ----------
    text
        As it stands there, continuation lines joined.
    words
        The words of its battgen command; empty if it runs something else.
    line
        Where its block begins.
    """

    text: str
    words: tuple[str, ...]
    line: int


def pages() -> list[str]:
    """Return the paths of all pages that people write, relative to the checkout."""
    written = [path for path in sorted((ROOT / "docs").rglob("*.md")) if "reference/" not in path.as_posix()]
    return ["README.md", *(path.relative_to(ROOT).as_posix() for path in written)]


def settings() -> dict[str, Any]:
    """Return docs/commands.yaml."""
    return dict(yaml.safe_load(SETTINGS.read_text(encoding="utf-8")))


def blocks(page: str) -> list[Block]:
    """Return the blocks of a page."""
    source = (ROOT / page).read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(source):
        head, text = match["head"].strip(), match["text"]
        directive = _DIRECTIVE.match(head)
        caption = _CAPTION.search(text) if directive else None
        if directive:
            text = re.sub(r"\A(?::[\w-]+:.*\n)+\n?", "", text)
        language = directive["language"] if directive else head.split()[0] if head else ""
        line = source[: match.start()].count("\n") + 1
        found.append(Block(language, caption["name"] if caption else None, text, line))
    return found


def shown_commands(page: str) -> Iterator[ShownCommand]:
    """Yield the commands in a page's ``bash`` blocks."""
    for block in blocks(page):
        if block.language != "bash":
            continue
        for text in logical_lines(block.text):
            yield from (ShownCommand(text, words, block.line) for words in battgen_commands(text) or [()])


def logical_lines(text: str) -> list[str]:
    """Return the commands of a block, continuation lines joined, without comments and empty lines."""
    joined = re.sub(r"\\\n\s*", " ", text)
    return [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def battgen_commands(line: str) -> list[tuple[str, ...]]:
    """Return the words after ``battgen`` of each command in a line."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = "#"
    found: list[tuple[str, ...]] = []
    words: list[str] = []
    for token in [*lexer, ";"]:
        if set(token) <= set("();<>|&"):
            while words and (re.fullmatch(r"\w+=.*", words[0]) or words[0] in ("if", "then", "!", "nohup", "srun")):
                words = words[1:]
            if words and words[0] == "battgen":
                found.append(tuple(words[1:]))
            words = []
        else:
            words.append(token)
    return found


def script(page: str) -> str:
    """Return a page as one script for bash, made smaller as docs/commands.yaml says.

    Raises
    ------
    AssertionError
        If a replacement or a pattern of docs/commands.yaml is of no use on this page.
    """
    rules = settings()["pages"].get(page) or {}
    smaller, shown = dict(rules.get("smaller") or {}), list(rules.get("shown") or [])
    unused = {*smaller, *(entry["pattern"] for entry in shown)}
    lines = ["set -euo pipefail"]
    for block in blocks(page):
        lines.append(f"echo '== {page}, line {block.line}' >&2")
        text = block.text
        if block.file is not None:
            text, used = _smaller(text, smaller)
            unused -= used
            lines += [
                f"cat > {shlex.quote(block.file)} <<'END-OF-{block.line}'",
                text.rstrip("\n"),
                f"END-OF-{block.line}",
            ]
        elif block.language == "python":
            pattern = next((entry["pattern"] for entry in shown if re.search(entry["pattern"], text)), None)
            if pattern is not None:
                unused.discard(pattern)
                continue
            text, used = _smaller(text, smaller)
            unused -= used
            name = f"block-{block.line}.py"
            lines += [
                f"cat > {name} <<'END-OF-{block.line}'",
                text.rstrip("\n"),
                f"END-OF-{block.line}",
                f"python {name}",
            ]
        elif block.language == "bash":
            for line in logical_lines(text):
                pattern = next((entry["pattern"] for entry in shown if re.search(entry["pattern"], line)), None)
                if pattern is not None:
                    unused.discard(pattern)
                    continue
                line, used = _smaller(line, smaller)
                unused -= used
                lines.append(line)
    assert not unused, f"docs/commands.yaml, {page}: {sorted(unused)} occur nowhere"
    return "\n".join(lines) + "\n"


def _smaller(text: str, replacements: dict[str, str]) -> tuple[str, set[str]]:
    used = {old for old in replacements if old in text}
    for old in used:
        text = text.replace(old, replacements[old])
    return text, used
