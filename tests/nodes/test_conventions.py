"""What every node must hold, also those that come later: KadiStudio and people rely on it."""

from __future__ import annotations

import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import battgen_nodes
import click
import pytest
import xmlhelpy
from battgen_nodes.frame import SHARED_OPTIONS, Node
from battgen_nodes.main import battgen
from click.testing import CliRunner
from lxml import etree

#: Types that KadiStudio knows; a flag is one, a Boolean parameter with a value is not.
TYPES = {
    "string",
    "long",
    "long_range",
    "real",
    "real_range",
    "choice",
    "file",
    "directory",
    "path",
    "flag",
    "tokenlist",
}

#: A number's description names its unit or says what is counted.
NUMBER = re.compile(
    r"\b(Angstrom|degrees?|eV|K|s|seconds|minutes|Hz|GPa|V|mAh/g|Wh/kg|MB|port|dimensionless|fractions?|percent|seed|"
    r"number|electrodes|electrode|orientations|directions|processes|pixels|stacks|passes|samples|steps|runs|events|"
    r"sites|candidates|rows?)\b",
    re.IGNORECASE,
)


def commands(group: click.Group, prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Node]]:
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from commands(command, (*prefix, name))
        else:
            yield (*prefix, name), command


NODES = dict(commands(battgen))
PARAMETERS = {
    (*name, parameter.param_name): parameter
    for name, node in NODES.items()
    for parameter in node.params
    if isinstance(parameter, xmlhelpy.core.Option)
}


@pytest.fixture(params=NODES, ids=" ".join)
def name(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return request.param


@pytest.fixture
def xml(name: tuple[str, ...]) -> etree._Element:
    outcome = CliRunner().invoke(battgen, [*name, "--xmlhelp"])
    assert outcome.exit_code == 0, outcome.output
    return etree.fromstring(outcome.stdout.encode())


def test_kadistudio_is_told_every_parameter(name: tuple[str, ...], xml: etree._Element) -> None:
    assert xml.tag in ("program", "env")
    assert xml.get("name") == " ".join(("battgen", *name))
    assert xml.get("version")
    assert xml.get("description")
    options = [parameter.param_name for parameter in NODES[name].params if isinstance(parameter, xmlhelpy.core.Option)]
    assert [entry.get("name") for entry in xml if entry.get("positional") is None] == options
    assert {entry.get("type") for entry in xml} <= TYPES


def test_the_example_is_a_command_line_of_the_node(name: tuple[str, ...]) -> None:
    node = NODES[name]
    words = shlex.split(node.example or "")
    node.make_context(name[-1], words)
    assert "--help" not in words


def test_help_is_one_sentence_first(name: tuple[str, ...]) -> None:
    first = (NODES[name].help or "").split("\n")[0]
    assert first.endswith(".")
    assert first[0].isupper()
    assert CliRunner().invoke(battgen, [*name, "--help"]).exit_code == 0


def test_every_command_has_a_file_of_its_name(name: tuple[str, ...]) -> None:
    callback = inspect.unwrap(NODES[name].callback)
    file = Path(inspect.getsourcefile(callback))
    assert file.is_relative_to(Path(battgen_nodes.__file__).parent)
    assert file.stem == name[-1].replace("-", "_")


@pytest.mark.parametrize("option", PARAMETERS, ids=" ".join)
def test_every_option_is_described(option: tuple[str, ...]) -> None:
    parameter = PARAMETERS[option]
    assert parameter.description, "no description"
    assert parameter.description[0].isupper() or parameter.description[0] == "$"
    assert parameter.description.endswith(".")
    assert re.fullmatch(r"[a-z][a-z0-9-]*", parameter.param_name)
    assert parameter.char is None or re.fullmatch(r"[a-zA-Z]", parameter.char)
    assert parameter.is_flag or not isinstance(parameter.param_type, xmlhelpy.Bool)
    if isinstance(parameter.param_type, click.types.IntParamType | click.types.FloatParamType):
        assert NUMBER.search(parameter.description), "a number without a unit or what it counts"


def test_every_letter_stands_for_one_option(name: tuple[str, ...]) -> None:
    letters = [option for parameter in NODES[name].params for option in parameter.opts if len(option) == 2]
    assert len(letters) == len(set(letters))
    assert {"-q", "-v"} <= set(letters)


def test_nodes_that_compute_share_their_manners(name: tuple[str, ...]) -> None:
    """The frame's options come together, at the end, in one order."""
    names = [parameter.name for parameter in NODES[name].params if isinstance(parameter, xmlhelpy.core.Option)]
    shared = [option for option in names if option in SHARED_OPTIONS]
    if "no_record" in names:
        assert shared == list(SHARED_OPTIONS)
        assert names[-len(SHARED_OPTIONS) :] == shared


def test_the_group_lists_its_commands() -> None:
    lines = CliRunner().invoke(battgen, ["--commands"]).stdout.splitlines()
    assert set(lines) == {" ".join(("battgen", *name)) for name in NODES}


@pytest.mark.parametrize(
    "name", [name for name, node in NODES.items() if any(parameter.required for parameter in node.params)], ids=" ".join
)
def test_what_is_required_is_asked_for(name):
    first = next(parameter for parameter in NODES[name].params if parameter.required)
    outcome = CliRunner().invoke(battgen, [*name])
    assert outcome.exit_code == 2
    assert f"Missing {first.param_type_name}" in outcome.stderr
