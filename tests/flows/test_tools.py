"""Definitions of tools: what is read from them, and what is refused."""

from __future__ import annotations

import pytest

from kadi_battgen.errors import UserError
from kadi_battgen.flows.nodes import tool_layout
from kadi_battgen.flows.tools import Parameter, Tool, by_name, parse_tool, read_tools

XML = """<?xml version='1.0' encoding='utf-8'?>
<program name="battgen  try" description="Try it." example="battgen try -n 3" version="1.2">
  <param description="How many." type="long_range" min="1" name="number" char="n" default="3"/>
  <param description="Which." type="choice" choices="a|b\\|c" case_sensitive="false" name="which" required="true"/>
  <param description="Much." type="flag" name="much" default="false"/>
  <param description="Where." type="path" exists="false" name="arg0" positional="true" required="true"/>
</program>
"""


def test_parse():
    tool = parse_tool(XML)
    assert (tool.name, tool.version, tool.environment) == ("battgen try", "1.2", False)
    assert (tool.description, tool.example) == ("Try it.", "battgen try -n 3")
    number = Parameter("number", "long_range", "n", default="3", description="How many.", minimum=1.0)
    which = Parameter(
        "which", "choice", required=True, description="Which.", choices=("a", "b|c"), case_sensitive=False
    )
    assert tool.parameters[:2] == (number, which)
    assert [parameter.type for parameter in tool.parameters] == ["long_range", "choice", "flag", "path"]
    assert tool.parameters[3].positional
    assert tool.parameter("much").default == "false"
    assert tool.parameter("many") is None


def test_every_command_of_ours_is_a_tool(real_tools):
    assert {"battgen fetch-electrodes", "battgen screen"} <= set(real_tools)
    output = real_tools["battgen fetch-electrodes"].parameter("output")
    assert output.required
    for tool in real_tools.values():
        assert tool.version
        assert tool.description
        # KadiStudio treats a truth value with an argument like a flag without one.
        assert all(parameter.type != "bool" for parameter in tool.parameters), tool.name


def test_layout_of_a_program_and_an_environment():
    layout = [(port.name, port.type, port.direction, port.index) for port in tool_layout(parse_tool(XML))]
    assert layout == [
        ("Dependencies", "dependency", "in", 0),
        ("number", "long_range", "in", 1),
        ("which", "choice", "in", 2),
        ("much", "flag", "in", 3),
        ("arg0", "path", "in", 4),
        ("env", "env", "in", 5),
        ("stdin", "pipe", "in", 6),
        ("Dependents", "dependency", "out", 0),
        ("stdout", "pipe", "out", 1),
    ]
    environment = parse_tool('<env name="ssh"><param name="host" type="string" char="h"/></env>')
    assert environment.environment
    layout = [(port.name, port.char, port.type, port.direction, port.index) for port in tool_layout(environment)]
    assert layout == [("host", "h", "string", "in", 0), ("env", None, "env", "out", 0)]


BOMB = """<!DOCTYPE p [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><program name="&b;"/>"""
FILE = (
    """<!DOCTYPE p [<!ENTITY f SYSTEM "file:///etc/passwd">]><program name="x"><param name="&f;" type="t"/></program>"""
)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "not a tool definition"),
        ("no xml", "not a tool definition"),
        ("<program name='x'>", "not a tool definition"),
        ("<svg/>", "holds <'svg'>"),
        ("<program/>", "has no name"),
        ("<program name='x'><other/></program>", "holds <'other'>"),
        ("<program name='x'><param><param/></param></program>", "lacks a name or a type"),
        ("<program name='x'><param name='a'/></program>", "lacks a name or a type"),
        (
            "<program name='x'><param name='a' type='t'/><param name='a' type='t'/></program>",
            "'a' is defined twice",
        ),
        ("<program name='x'><param name='a' type='t' min='low'/></program>", "is not a number"),
        (BOMB, "document type"),
        (FILE, "document type"),
        (f"<program name='x'>{' ' * 2**20}</program>", "bytes long"),
        ("<program name='\ud800'/>", "not a tool definition"),
        (b"<?xml version='1.0' encoding='nonsense'?><program name='x'/>", "not a tool definition"),
    ],
)
def test_refused(text, sentence):
    with pytest.raises(UserError, match=sentence):
        parse_tool(text)


def test_a_folder_of_definitions(tmp_path):
    (tmp_path / "try.xml").write_text(XML)
    (tmp_path / "other.xml").write_text("<program name='other'/>")
    assert set(read_tools(tmp_path)) == {"battgen try", "other"}
    (tmp_path / "third.xml").write_text("<program name='other'/>")
    with pytest.raises(UserError, match="'other' is defined twice"):
        read_tools(tmp_path)
    (tmp_path / "third.xml").write_text("<broken")
    with pytest.raises(UserError, match="third.xml is not a tool definition"):
        read_tools(tmp_path)


def test_by_name():
    assert list(by_name([Tool("a"), Tool("b")])) == ["a", "b"]
