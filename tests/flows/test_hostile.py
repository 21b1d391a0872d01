"""Ten thousand broken and hostile workflows: a clear message or a correct run, never anything that nobody named."""

from __future__ import annotations

import copy
import json
import random
import shlex
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from kadi_battgen.errors import UserError
from kadi_battgen.flows.builder import FlowBuilder
from kadi_battgen.flows.check import check_flow
from kadi_battgen.flows.commands import Command, Programs
from kadi_battgen.flows.evaluation import Limits
from kadi_battgen.flows.inputs import questions
from kadi_battgen.flows.model import Flow, FlowNode
from kadi_battgen.flows.nodes import NODE_TYPES
from kadi_battgen.flows.picture import draw_flow
from kadi_battgen.flows.plan import plan_flow
from kadi_battgen.flows.reading import parse_flow
from kadi_battgen.flows.run import dry_run, run_flow
from kadi_battgen.flows.tools import Tool

CASES = 10_000
SEED = 20_260_101
#: Stands for battgen: prints its arguments and does nothing.
RECORDER = ("/bin/echo", "battgen")
LIMITS = Limits(repetitions=30, steps=200, text=2**22)

TEXTS = [
    "",
    " ",
    "-",
    "--",
    "--help",
    "-c",
    "--env-exec=id",
    "; touch owned",
    "$(touch owned)",
    "`touch owned`",
    "a\nb\r\n",
    "a\tb\x1b[31m",
    "\0",
    "\ud800",
    "../../../etc/passwd",
    "/etc/passwd",
    "~/.ssh/id_rsa",
    "${x}",
    "${y}${y}${y}",
    "${${x}}",
    "${",
    "%0%1%2%99",
    "1e999",
    "9" * 400,
    "-1",
    "0",
    "0.1",
    "1000000000",
    "nan",
    "true",
    "x" * 140_000,
    "電池\u202e\u0301",
    "<script>&\"'",
    "battgen",
    "{00000000-0000-4000-8000-000000000000}",
]
VALUES: list[Any] = [None, True, False, 0, -1, 2**31, 10**30, 1e308, float("nan"), 1.5, [], {}, [[]], {"a": 1}, *TEXTS]
PATHS = [
    "rm -rf owned",
    "sh",
    "/bin/sh",
    "battgen run-flow",
    "battgen",
    "battgen screen --help",
    "battgen screen; touch owned",
    "./battgen screen",
    "battgen $(id)",
    "python -c import\u00a0os",
    "battgen screen",
    "battgen no-such-command",
]


def originals(tools: dict[str, Tool], small: dict[str, Tool]) -> list[Flow]:
    """Return workflows as they should be: of real commands, and of all kinds of nodes."""
    screen = FlowBuilder("screen", tools, {"x": "${y}", "y": "why", "folder": "out"})
    ion = screen.ask_text("Working ion", "Li")
    count = screen.ask_integer("Samples", 4)
    fetched = screen.tool("battgen fetch-electrodes", output="${folder}/electrodes.json.gz", limit=count)
    loop = screen.loop(start=0, end=3, index="i", after=[fetched])
    name = screen.format("%0/%1-${i}.csv", "${folder}", ion)
    found = screen.tool("battgen screen", model=fetched, output=name, samples=count, after=[loop.body])
    screen.write_file("${folder}/list.txt", found, append=True, after=[found])
    screen.note("Screens three times.", beside=found)

    branched = FlowBuilder("branched", small, {"x": "1"})
    sure = branched.ask_whether("Sure", True)
    option = branched.ask_option("Which", ["a", "b"], 1)
    branch = branched.if_branch(sure)
    inside = branched.environment("battgen inside", place="${x}")
    one = branched.tool("battgen say", text="-t", arg0=option, environment=inside, after=[branch.branch(1)])
    other = branched.tool("battgen say", text=branched.ask_value("Value", "p,q", "q"), after=[branch.branch(2)])
    select = branched.select_branch(option.selected, 2, after=[one, other])
    branched.variable("z", one, after=[select.branch(1)])
    read = branched.read_file("in.txt", after=[select.branch(2)])
    branched.tool("battgen read", stdin=read, after=[read])
    branched.show_file("in.txt", after=[read])
    return [screen.build(), branched.build()]


class Mutator:
    """Breaks workflows; the same seed breaks them the same way."""

    def __init__(self, flows: list[Flow], seed: int) -> None:
        self.chance = random.Random(seed)
        self.texts = [json.dumps(flow.document()) for flow in flows]

    def cases(self, number: int) -> Iterator[str]:
        ways: list[Callable[[dict[str, Any]], None]] = [
            self._drop,
            self._retype,
            self._retype,
            self._text,
            self._text,
            self._text,
            self._repeat,
            self._rewire,
            self._rewire,
            self._connect,
            self._rename,
            self._path,
            self._port,
            self._crowd,
            self._chain,
            self._variable,
            self._nest,
        ]
        for _ in range(number):
            document = json.loads(self.chance.choice(self.texts))
            for _ in range(self.chance.choice((0, 1, 1, 1, 2, 3))):
                self.chance.choice(ways)(document)
            text = json.dumps(document)
            yield self._tear(text) if self.chance.random() < 0.05 else text

    def _places(self, document: Any) -> list[tuple[Any, Any]]:
        found: list[tuple[Any, Any]] = []
        pending = [document]
        while pending:
            value = pending.pop()
            keys = list(value) if isinstance(value, dict) else range(len(value))
            found += [(value, key) for key in keys]
            pending += [value[key] for key in keys if isinstance(value[key], dict | list)]
        return found

    def _place(self, document: Any, *kinds: type) -> tuple[Any, Any] | None:
        places = [(value, key) for value, key in self._places(document) if not kinds or isinstance(value[key], kinds)]
        return self.chance.choice(places) if places else None

    def _drop(self, document: dict[str, Any]) -> None:
        if place := self._place(document):
            del place[0][place[1]]

    def _retype(self, document: dict[str, Any]) -> None:
        if place := self._place(document):
            place[0][place[1]] = copy.deepcopy(self.chance.choice(VALUES))

    def _text(self, document: dict[str, Any]) -> None:
        values = [
            (node["model"], "value")
            for node in document.get("nodes") or []
            if isinstance(node, dict) and isinstance(node.get("model"), dict) and "value" in node["model"]
        ]
        place = self.chance.choice(values) if values and self.chance.random() < 0.8 else self._place(document, str)
        if place:
            place[0][place[1]] = self.chance.choice(TEXTS)

    def _repeat(self, document: dict[str, Any]) -> None:
        if (place := self._place(document, list)) and (entries := place[0][place[1]]):
            entries.append(copy.deepcopy(self.chance.choice(entries)))

    def _connections(self, document: dict[str, Any]) -> list[dict[str, Any]]:
        found = document.get("connections")
        return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []

    def _ids(self, document: dict[str, Any]) -> list[Any]:
        nodes = document.get("nodes")
        return [node.get("id") for node in nodes if isinstance(node, dict)] if isinstance(nodes, list) else []

    def _rewire(self, document: dict[str, Any]) -> None:
        connections, ids = self._connections(document), self._ids(document)
        if connections and ids:
            connection = self.chance.choice(connections)
            field = self.chance.choice(("out_id", "in_id", "out_index", "in_index"))
            connection[field] = self.chance.choice(ids) if field.endswith("id") else self.chance.randrange(8)

    def _connect(self, document: dict[str, Any]) -> None:
        if isinstance(document.get("connections"), list) and (ids := self._ids(document)):
            document["connections"].append(
                {
                    "out_id": self.chance.choice(ids),
                    "out_index": self.chance.choice((0, 0, 1, 2)),
                    "in_id": self.chance.choice(ids),
                    "in_index": self.chance.choice((0, 0, 1, 2, 3)),
                }
            )

    def _models(self, document: dict[str, Any]) -> list[dict[str, Any]]:
        nodes = document.get("nodes")
        entries = [node.get("model") for node in nodes if isinstance(node, dict)] if isinstance(nodes, list) else []
        return [model for model in entries if isinstance(model, dict)]

    def _rename(self, document: dict[str, Any]) -> None:
        if models := self._models(document):
            self.chance.choice(models)["name"] = self.chance.choice([*NODE_TYPES, "ToolNode", "EnvNode", "Unknown"])

    def _tools(self, document: dict[str, Any]) -> list[dict[str, Any]]:
        return [model["tool"] for model in self._models(document) if isinstance(model.get("tool"), dict)]

    def _path(self, document: dict[str, Any]) -> None:
        if tools := self._tools(document):
            self.chance.choice(tools)["path"] = self.chance.choice(PATHS)

    def _port(self, document: dict[str, Any]) -> None:
        ports = [port for tool in self._tools(document) for port in tool.get("ports") or [] if isinstance(port, dict)]
        if ports:
            field = self.chance.choice(("name", "shortName", "type", "required", "port_index", "port_direction"))
            names = [
                "env-exec",
                "arg0",
                "arg1",
                "flag",
                "pipe",
                "dependency",
                "env",
                "in",
                "out",
                "c",
                "-c",
                True,
                0,
                1,
            ]
            self.chance.choice(ports)[field] = self.chance.choice([*names, *TEXTS])

    def _crowd(self, document: dict[str, Any]) -> None:
        if tools := self._tools(document):
            port = {"shortName": None, "type": "string", "required": False, "port_direction": "in"}
            number = self.chance.choice((30, 30, 30, 30, 30, 30, 500, 5000))
            more = [{**port, "name": f"p{index}", "port_index": 100 + index} for index in range(number)]
            tool = self.chance.choice(tools)
            tool["ports"] = [*(tool.get("ports") or []), *more]

    def _chain(self, document: dict[str, Any]) -> None:
        """Append a long chain of loops or of format strings that double their text."""
        if not isinstance(document.get("nodes"), list) or not isinstance(document.get("connections"), list):
            return
        kind = self.chance.choice(("Loop", "FormatString", "IfBranch"))
        ids = [f"{{chain-{number}}}" for number in range(self.chance.choice((5, 5, 5, 5, 60, 60, 600)))]
        model = {"name": kind, "value": "%0%1${x}", "nInputs": 2}
        document["nodes"] += [{"id": name, "model": model, "position": {"x": 0, "y": 0}} for name in ids]
        for first, second in pairwise(ids):
            for entry in (1, 2) if kind == "FormatString" else (0,):
                document["connections"].append({"out_id": first, "out_index": 1, "in_id": second, "in_index": entry})
        if kind == "FormatString" and (others := self._ids(document)):
            target = {"in_id": self.chance.choice(others), "in_index": self.chance.randrange(6)}
            document["connections"].append({"out_id": ids[-1], "out_index": 1, **target})

    def _variable(self, document: dict[str, Any]) -> None:
        name, value = self.chance.choice(["x", "y", "folder", *TEXTS]), self.chance.choice(TEXTS)
        if isinstance(document.get("variables"), list):
            document["variables"].append({"name": name, "value": value})

    def _nest(self, document: dict[str, Any]) -> None:
        deep: Any = "x"
        for _ in range(self.chance.choice((15, 25, 200))):
            deep = [deep] if self.chance.random() < 0.5 else {"a": deep}
        if place := self._place(document):
            place[0][place[1]] = deep

    def _tear(self, text: str) -> str:
        place = self.chance.randrange(len(text))
        ending = self.chance.choice(("", text[place + 1 :], '"' + text[place:], text[place:] * 2))
        return text[:place] + ending


def named_lines(flow: Flow) -> set[tuple[str, ...]]:
    return {node.tool.words for node in flow.nodes if node.tool is not None}


def check_command(command: Command, flow: Flow) -> None:
    """Check that a command is one that the workflow names, with nothing in it but options that it names."""
    assert command.argv[: len(RECORDER)] == RECORDER
    words = command.argv[len(RECORDER) :]
    check_words(("battgen", *words), flow)
    assert all(isinstance(word, str) and "\0" not in word for word in command.argv)


def check_words(words: tuple[str, ...], flow: Flow) -> None:
    line = max((line for line in named_lines(flow) if words[: len(line)] == line), key=len, default=None)
    assert line is not None, words[:3]
    assert "run-flow" not in line
    nodes = [node for node in flow.nodes if node.tool is not None and node.tool.words == line]
    options = {f"--{port.name}" for node in nodes for port in node.tool.ports} | {"--env-exec"}
    options |= {f"-{port.char}" for node in nodes for port in node.tool.ports if port.char}
    rest = list(words[len(line) :])
    while rest:
        word = rest.pop(0)
        if word == "--":
            break
        if word.startswith("-"):
            name = word.partition("=")[0]
            assert name in options, (name, line)
            if name == "--env-exec" and "=" not in word:
                check_words(tuple(shlex.split(rest[0])), flow)


@pytest.mark.slow
def test_hostile_workflows(real_tools, small_tools, tmp_path: Path):
    tools = {**real_tools, **small_tools}
    flows = originals(real_tools, small_tools)
    mutator = Mutator(flows, SEED)
    programs = Programs(battgen=RECORDER)
    answers = random.Random(SEED)
    counts: Counter[str] = Counter()
    began = slowest = time.monotonic()
    slowest = 0.0
    ground = tmp_path / "ground"
    ground.mkdir()
    for number, text in enumerate(mutator.cases(CASES)):
        started = time.monotonic()
        try:
            flow = parse_flow(text)
        except UserError as error:
            check_message(error)
            counts["unreadable"] += 1
            continue
        if number % 5 == 0:
            assert parse_flow(flow.text()) == flow
        if number % 4 == 0:
            for finding in check_flow(flow, tools):
                assert finding.sentence
                assert len(str(finding)) < 2000
        try:
            asked = questions(plan_flow(flow)) if number % 3 == 0 else []
            given = {question.names[0]: answers.choice(TEXTS) for question in asked}
            commands = dry_run(flow, inputs=given, programs=programs, tools=tools if number % 2 else {}, limits=LIMITS)
        except UserError as error:
            check_message(error)
            counts["refused"] += 1
        else:
            counts["dry runs"] += 1
            for command in commands:
                check_command(command, flow)
            if number % 16 == 0:
                counts[really_run(flow, ground / str(number), given, programs)] += 1
        if number % 20 == 0:
            try:
                assert draw_flow(flow).startswith("<svg")
            except UserError as error:
                check_message(error)
        slowest = max(slowest, time.monotonic() - started)
    assert not list(tmp_path.rglob("owned"))
    assert {path.name for path in tmp_path.iterdir()} == {"ground"}
    assert slowest < 10
    assert time.monotonic() - began < 300
    # The test would prove little if nearly all were refused, or nearly none.
    assert counts["unreadable"] > 1000, counts
    assert counts["refused"] > 1000, counts
    assert counts["dry runs"] > 1000, counts
    assert counts["runs"] > 50, counts


def check_message(error: UserError) -> None:
    text = str(error)
    assert 10 < len(text) < 4000
    assert "Traceback" not in text


def really_run(flow: Flow, folder: Path, inputs: dict[str, str], programs: Programs) -> str:
    """Run a workflow whose commands only print themselves."""
    try:
        result = run_flow(flow, folder, inputs=inputs, programs=programs, limits=LIMITS, report=lambda line: None)
    except UserError as error:
        check_message(error)
        return "stopped"
    for output in result.outputs:
        assert tuple(output.path.read_text().split()[:1]) == ("battgen",)
    return "runs"


def test_the_same_seed_breaks_the_same_way(small_tools, real_tools):
    flows = originals(real_tools, small_tools)
    assert list(Mutator(flows, 1).cases(20)) == list(Mutator(flows, 1).cases(20))


@pytest.mark.parametrize("size", [100, 1999])
def test_long_chains_of_doubling_text_end_quickly(size: int):
    nodes = [
        FlowNode(f"{{{number}}}", "FormatString", fields={"value": "%0%1", "nInputs": 2}) for number in range(size)
    ]
    nodes.append(FlowNode("{end}", "UserOutputWebView"))
    document = Flow(tuple(nodes)).document()
    for number in range(size):
        target = f"{{{number + 1}}}" if number + 1 < size else "{end}"
        for entry in (1, 2):
            ends = {"out_id": f"{{{number}}}", "out_index": 1, "in_id": target, "in_index": entry}
            document["connections"].append(ends)
    document["nodes"][0]["model"]["value"] = "ab"
    began = time.monotonic()
    with pytest.raises(UserError, match="longer than"):
        dry_run(parse_flow(json.dumps(document)), programs=Programs(battgen=RECORDER))
    assert time.monotonic() - began < 5


def test_loops_in_loops_are_ended_in_reasonable_time(small_tools):
    flow = FlowBuilder("long", small_tools)
    outer = flow.loop(end=10_000)
    inner = flow.loop(end=10_000, after=[outer.body])
    flow.tool("battgen say", text="x", after=[inner.body])
    began = time.monotonic()
    with pytest.raises(UserError, match="takes more than 20000 steps"):
        dry_run(flow.build(), programs=Programs(battgen=RECORDER), limits=Limits(steps=20_000))
    assert time.monotonic() - began < 30
