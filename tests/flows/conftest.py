"""Tools for workflows: the real ones, and small ones whose effects can be counted."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from battgen_nodes.main import battgen
from click.testing import CliRunner

from kadi_battgen.flows.builder import FlowBuilder
from kadi_battgen.flows.commands import Programs
from kadi_battgen.flows.run import FlowResult, run_flow
from kadi_battgen.flows.tools import Parameter, Tool, by_name, parse_tool

#: Stands in for battgen: the first argument says what to do, the rest are options of the tools below.
STUB = """
import os, sys, time
word, rest = sys.argv[1], sys.argv[2:]
options = {}
while rest:
    name = rest.pop(0)
    if name.startswith("--") and "=" in name:
        name, _, value = name.partition("=")
        options[name] = value
    elif name in ("-l", "--loud"):
        options["--loud"] = True
    elif name == "--":
        options["positional"] = rest
        break
    elif name.startswith("-"):
        options[name] = rest.pop(0)
    else:
        options["positional"] = [name, *rest]
        break
get = lambda name: options.get("--" + name, options.get("-" + name[0]))
with open("calls.txt", "a") as calls:
    calls.write(word + " " + repr(sorted(options.items(), key=str)) + "\\n")
if word == "say":
    text = get("text")
    print(text.upper() if options.get("--loud") else text)
elif word == "read":
    sys.stdout.write(sys.stdin.read()[::-1].strip() + "\\n")
elif word == "fail":
    print("first line\\nlast words", file=sys.stderr)
    sys.exit(int(get("status")))
elif word == "wait":
    print("waiting", file=sys.stderr, flush=True)
    open(get("file") + ".started", "w").close()
    while not os.path.exists(get("file")):
        time.sleep(0.02)
    print("waited")
elif word == "inside":
    print(get("env-exec"))
"""

SMALL_TOOLS = (
    Tool(
        "battgen say",
        "1.0",
        (
            Parameter("text", char="t", required=True),
            Parameter("loud", "flag", char="l"),
            Parameter("number", "long_range", minimum=1, maximum=9),
            Parameter("share", "real"),
            Parameter("mood", "choice", choices=("good", "bad"), case_sensitive=False),
            Parameter("api-token"),
            Parameter("arg0", positional=True),
            Parameter("arg1", positional=True),
        ),
    ),
    Tool("battgen read", "1.0"),
    Tool("battgen fail", "1.0", (Parameter("status", "long", char="s", required=True),)),
    Tool("battgen wait", "1.0", (Parameter("file", char="f", required=True),)),
    Tool("battgen inside", "1.0", (Parameter("place"),), environment=True),
)


@pytest.fixture(scope="session")
def small_tools() -> dict[str, Tool]:
    return by_name(SMALL_TOOLS)


@pytest.fixture(scope="session")
def real_tools() -> dict[str, Tool]:
    """Tools of this checkout, as their commands print them."""

    def commands(group: click.Group, words: tuple[str, ...]) -> list[tuple[str, ...]]:
        found: list[tuple[str, ...]] = []
        for name, command in group.commands.items():
            inner = (*words, name)
            found += commands(command, inner) if isinstance(command, click.Group) else [inner]
        return found

    runner = CliRunner()
    results = [runner.invoke(battgen, [*words, "--xmlhelp"]) for words in commands(battgen, ())]
    return by_name(parse_tool(result.stdout) for result in results)


@pytest.fixture
def flow(small_tools: dict[str, Tool]) -> FlowBuilder:
    return FlowBuilder("trial", small_tools)


@pytest.fixture(scope="session")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    path = tmp_path_factory.mktemp("stub") / "stub.py"
    path.write_text(STUB)
    return Programs(battgen=[sys.executable, "-S", "-E", str(path)])


@pytest.fixture
def run(stub: Programs, tmp_path: Path) -> Callable[..., FlowResult]:
    """Run a workflow of small tools in the test's folder."""

    def run(builder: FlowBuilder, **settings: object) -> FlowResult:
        settings.setdefault("report", lambda line: None)
        return run_flow(builder.build(), tmp_path, programs=stub, tools=builder.tools, **settings)

    return run


@pytest.fixture
def calls(tmp_path: Path) -> Callable[[], list[str]]:
    """Return what the small tools were called with so far."""

    def calls() -> list[str]:
        path = tmp_path / "calls.txt"
        return path.read_text().splitlines() if path.exists() else []

    return calls
