"""Writing workflows in Python: wrong ones cannot be written, the same one is written the same."""

from __future__ import annotations

import json
from itertools import combinations

import pytest

from kadi_battgen.errors import UserError
from kadi_battgen.flows.builder import FlowBuilder
from kadi_battgen.flows.check import check_flow
from kadi_battgen.flows.layout import COLUMN, height, width
from kadi_battgen.flows.model import Flow
from kadi_battgen.flows.nodes import NODE_TYPES, builtin_ports, node_ports
from kadi_battgen.flows.reading import parse_flow


def everything(tools: dict, name: str = "all") -> Flow:
    """Return a workflow with every kind of node that the builder makes."""
    flow = FlowBuilder(name, tools, {"folder": "out"})
    text = flow.ask_text("Text", "a", multiline=True)
    number = flow.ask_integer("Integer", 3)
    share = flow.ask_number("Number", 0.5)
    sure = flow.ask_whether("Sure", True)
    path = flow.ask_file("File", "in.txt", after=[text])
    option = flow.ask_option("Option", ["x", "y", text], 2)
    value = flow.ask_value("Value", "p,q", "q")
    flow.variable("name", value)
    words = flow.format("%0-%1 ${folder}", text, option.value)
    loop = flow.loop(start=1, end=number, step=2, index="i", condition=sure)
    said = flow.tool("battgen say", text=words, share=share, loud=sure, arg0="${i}", after=[loop.body])
    flow.write_file("${folder}/list.txt", said, append=True, after=[said])
    branch = flow.if_branch(sure, after=[loop])
    read = flow.read_file(path, after=[branch.branch(1)])
    flow.tool("battgen read", stdin=read, after=[read], environment=flow.environment("battgen inside", place="here"))
    select = flow.select_branch(option.selected, 3, after=[branch])
    flow.tool("battgen fail", status=0, profile="Skip", after=[select.branch(3)])
    flow.show_file("notes.txt", after=[select])
    flow.show_page("See", "https://example.org", after=[select])
    flow.note("All of it.")
    flow.note("Two lines\nof text", beside=said)
    return flow.build()


def test_everything_is_right_and_survives_writing(small_tools):
    flow = everything(small_tools)
    assert [str(finding) for finding in check_flow(flow, small_tools)] == []
    assert {node.kind for node in flow.nodes} >= set(NODE_TYPES) - {
        "UserInputPeriodicTable",
        "UserInputForm",
        "UserInputSelectBoundingBox",
        "VariableList",
        "VariableJson",
    }
    assert parse_flow(flow.text(), name="all") == flow
    assert set(json.loads(flow.text())) == {"nodes", "connections", "variables"}


def test_the_same_workflow_gives_the_same_bytes(small_tools):
    assert everything(small_tools).text() == everything(small_tools).text()
    other = everything(small_tools, "another")
    assert not {node.id for node in other.nodes} & {node.id for node in everything(small_tools).nodes}


def test_no_node_is_on_top_of_another_and_values_flow_to_the_right(small_tools):
    flow = everything(small_tools)
    boxes = [(node.x, node.y, node.x + width(node), node.y + height(node)) for node in flow.nodes]
    for (left, top, right, bottom), (x, y, end, below) in combinations(boxes, 2):
        assert right <= x or end <= left or bottom <= y or below <= top
    for connection in flow.connections:
        source, target = flow.by_id[connection.source], flow.by_id[connection.target]
        assert target.x - source.x >= COLUMN


def test_values_of_all_types(flow: FlowBuilder):
    flow.tool("battgen say", text="t", number=3, share=0.25, loud=True, mood=None)
    kinds = {node.kind: node.value for node in flow.build().nodes if node.tool is None}
    assert kinds == {"String": "t", "Integer": "3", "Float": "0.25", "Boolean": "1"}


def test_real_tools(real_tools):
    flow = FlowBuilder("real", real_tools)
    fetched = flow.tool("battgen fetch-electrodes", output="electrodes.json.gz", limit=5)
    flow.tool("battgen screen", model="model", output="candidates.csv", samples=4, after=[fetched])
    assert not [finding for finding in check_flow(flow.build(), real_tools) if finding.severity == "error"]


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (lambda flow: flow.tool("battgen sing"), "no command 'battgen sing': use one of battgen fail"),
        (lambda flow: flow.tool("battgen inside"), "no command 'battgen inside'"),
        (lambda flow: flow.environment("battgen say"), "no command 'battgen say': use one of battgen inside"),
        (lambda flow: flow.tool("battgen say", text="a", tone="b"), "battgen say has no option tone: use text, loud"),
        (lambda flow: flow.tool("battgen say"), "battgen say needs text"),
        (lambda flow: flow.tool("battgen say", text=None), "battgen say needs text"),
        (lambda flow: flow.tool("battgen say", text="a", profile="Never"), "'Never' is no profile"),
        (lambda flow: flow.tool("battgen say", text="a", after=[flow.ask_text("q", "").value]), "takes no Value"),
        (lambda flow: flow.if_branch(3), "Condition \\(bool\\) of IfBranch takes no Integer"),
        (lambda flow: flow.tool("battgen read", stdin=flow.ask_text("q", "")), "takes no Value \\(str\\)"),
        (lambda flow: flow.tool("battgen read", after=[flow.if_branch(True).branch(3)]), "takes no nothing"),
    ],
)
def test_what_cannot_be_written(flow: FlowBuilder, write, sentence):
    with pytest.raises(UserError, match=sentence):
        write(flow)


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (lambda flow: flow.tool("battgen say", text="a", number="many"), "number is 'many', which is not an integer"),
        (lambda flow: flow.tool("battgen say", text="a", number=12), "out of range: give 1 to 9"),
        (lambda flow: flow.tool("battgen say", text="a", mood="grim"), "give one of good, bad"),
        (lambda flow: flow.tool("battgen say", text="${missing}"), "nothing sets the variable 'missing'"),
        (lambda flow: flow.loop(), "neither an end index nor a condition"),
        (lambda flow: flow.ask_integer("How many", "some"), "its default is 'some'"),
    ],
)
def test_what_cannot_be_finished(flow: FlowBuilder, write, sentence):
    write(flow)
    with pytest.raises(UserError, match=sentence):
        flow.build()


#: Ports of built-in nodes as the editor of Kadi4Mat 1.13 has them: labels of inputs and outputs.
PORTS = {
    "String": ([], ["str"]),
    "Integer": ([], ["int"]),
    "Float": ([], ["float"]),
    "Boolean": ([], ["bool"]),
    "UserInputInteger": (["dependency", "str", "int"], ["dependency", "int"]),
    "UserInputFloat": (["dependency", "str", "float"], ["dependency", "float"]),
    "UserInputBool": (["dependency", "str", "bool"], ["dependency", "bool"]),
    "UserInputFile": (["dependency", "str", "str"], ["dependency", "str"]),
    "UserInputText": (["dependency", "str", "str", "bool"], ["dependency", "str"]),
    "UserInputChoose": (["dependency", "str", "int", "str", "str", "str"], ["dependency", "int", "str"]),
    "UserInputSelect": (["dependency", "str", "str", "str", "str"], ["dependency", "str"]),
    "UserInputPeriodicTable": (["dependency", "str", "str"], ["dependency", "str"]),
    "UserInputForm": (["dependency", "str"], ["dependency", "str"]),
    "UserInputSelectBoundingBox": (["dependency", "str", "str"], ["dependency", "int", "int", "int", "int"]),
    "Variable": (["dependency", "str", "str"], ["dependency"]),
    "VariableList": (["dependency", "str", "str", "str"], ["dependency"]),
    "VariableJson": (["dependency", "str", "str"], ["dependency"]),
    "Loop": (["dependency", "bool", "int", "int", "int", "str"], ["dependency", "dependency", "int"]),
    "IfBranch": (["dependency", "bool"], ["dependency", "dependency", "dependency"]),
    "BranchSelect": (["dependency", "int"], ["dependency", "dependency", "dependency", "dependency"]),
    "FormatString": (["dependency", "str", "str", "str"], ["dependency", "str"]),
    "FileInput": (["dependency", "str"], ["dependency", "pipe"]),
    "FileOutput": (["dependency", "str", "bool", "pipe"], ["dependency"]),
    "UserOutputText": (["dependency", "str"], ["dependency"]),
    "UserOutputWebView": (["dependency", "str", "str"], ["dependency"]),
    "Note": ([], []),
}


@pytest.mark.parametrize("kind", sorted(NODE_TYPES))
def test_ports_of_built_in_nodes(kind):
    ports = builtin_ports(kind)
    assert ([port.family for port in ports.inputs.values()], [port.family for port in ports.outputs.values()]) == PORTS[
        kind
    ]


def test_numbers_of_ports(small_tools):
    flow = everything(small_tools)
    counts = {node.kind: len(node_ports(node).inputs) + len(node_ports(node).outputs) for node in flow.nodes}
    assert counts["UserInputChoose"] == 6 + 3
    assert counts["FormatString"] == 3 + 2
    assert counts["BranchSelect"] == 2 + 4
