"""From nodes to commands: every value one word, no program that was not allowed."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kadi_battgen.errors import UserError
from kadi_battgen.flows.builder import FlowBuilder
from kadi_battgen.flows.commands import Programs
from kadi_battgen.flows.run import dry_run
from kadi_battgen.flows.tools import Tool

HERE = Programs(battgen=["battgen"])

#: What a shell would do something with.
HOSTILE = [
    "; rm -rf /",
    "$(id)",
    "`id`",
    "a b",
    "a'b\"c",
    "*",
    "| cat",
    "> x",
    "&& x",
    "\n",
    "-",
    "--",
    "--help",
    "-t",
    "~",
    "",
]


def commands(flow: FlowBuilder, **settings: object) -> list[tuple[str, ...]]:
    settings.setdefault("programs", HERE)
    return [command.argv for command in dry_run(flow.build(), tools=flow.tools, **settings)]


def test_forms_of_parameters(flow: FlowBuilder):
    flow.tool("battgen say", text="hello", loud=True, share=0.5, arg0="first", arg1="second")
    flow.tool("battgen say", text="x", loud=False)
    assert commands(flow) == [
        ("battgen", "say", "-t", "hello", "-l", "--share", "0.5", "first", "second"),
        ("battgen", "say", "-t", "x"),
    ]


@pytest.mark.parametrize("value", HOSTILE)
def test_values_stay_one_word(flow: FlowBuilder, value: str):
    flow.tool("battgen say", text=value, api_token="x", arg0=value)
    given = ["--text=" + value] if value.startswith("-") else ["-t", value]
    guard = ["--"] if value.startswith("-") else []
    assert commands(flow) == [("battgen", "say", *given, "--api-token", "x", *guard, value)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), way=st.sampled_from(["v", "q"])
)
def test_variables_and_inputs_stay_one_word(small_tools: dict[str, Tool], value: str, way: str):
    flow = FlowBuilder("f", small_tools, {"v": "x"})
    flow.tool("battgen say", text="${v}" if way == "v" else flow.ask_text("q", ""), arg0="end")
    found = commands(flow, inputs={way: value})
    assert found[0][2:-1] == (("--text=" + value,) if value.startswith("-") else ("-t", value))


@click.command()
@click.option("--text", "-t")
@click.option("--loud", "-l", is_flag=True)
@click.argument("rest", nargs=-1)
def say(text: str, loud: bool, rest: tuple[str, ...]) -> None:
    click.echo(repr((text, loud, rest)))


@pytest.mark.parametrize("value", HOSTILE)
def test_click_takes_values_as_they_are_meant(flow: FlowBuilder, value: str):
    flow.tool("battgen say", text=value, loud=True, arg0=value)
    words = commands(flow)[0][2:]
    assert CliRunner().invoke(say, list(words)).stdout.strip() == repr((value, True, (value,)))


def test_an_environment_gets_one_quoted_line(flow: FlowBuilder):
    inside = flow.environment("battgen inside", place="-here; id")
    flow.tool("battgen say", text="a'b; rm x", environment=inside, arg0="-c")
    ((*outer, line),) = commands(flow)
    assert outer == ["battgen", "inside", "--place=-here; id", "--env-exec"]
    assert shlex.split(line) == ["battgen", "say", "-t", "a'b; rm x", "--", "-c"]


def test_secrets_are_masked_where_people_read(flow: FlowBuilder):
    flow.tool("battgen say", text="x", api_token="pat-123456", environment=flow.environment("battgen inside"))
    (command,) = dry_run(flow.build(), tools=flow.tools, programs=HERE)
    assert "pat-123456" in command.argv[-1]
    assert "pat-123456" not in command.text
    assert "***" in command.text


@pytest.mark.parametrize(
    ("words", "allow", "sentence"),
    [
        (("battgen", "say"), (), None),
        (("battgen", "kadi", "up"), (), None),
        (("battgen", "run-flow"), (), "may not be part of a workflow"),
        (("battgen", "x", "run-flow"), (), "may not be part of a workflow"),
        (("battgen", "--help"), (), "not the name of a command"),
        (("battgen", "say;id"), (), "not the name of a command"),
        (("battgen", "../x"), (), "not the name of a command"),
        ((), (), "not the name of a command"),
        (("sh", "script"), (), "is no battgen command"),
        (("./battgen", "say"), (), "is no battgen command"),
        (("/usr/bin/battgen", "say"), (), "is no battgen command"),
        (("Battgen", "say"), (), "is no battgen command"),
        (("sh", "script"), ("sh",), None),
        (("sh", "-c"), ("sh",), "not the name of a command"),
        (("no-such-program-at-all",), ("no-such-program-at-all",), "is not installed"),
    ],
)
def test_programs(words, allow, sentence):
    programs = Programs(battgen=["/opt/battgen"], allow=allow)
    if sentence is None:
        argv = programs.resolve(words, "node")
        assert argv[-len(words) + 1 :] == list(words[1:])
        assert argv[0] == "/opt/battgen" or argv[0].endswith("/sh")
    else:
        with pytest.raises(UserError, match=sentence):
            programs.resolve(words, "node")


def test_battgen_is_the_one_beside_python():
    found = Programs().resolve(["battgen", "screen"], "node")
    assert found == [str(Path(sys.executable).with_name("battgen")), "screen"]
