"""Reading and writing .flow files: nothing is lost, nothing wrong gets through, nothing ends in a traceback."""

from __future__ import annotations

import copy
import json

import pytest

from kadi_battgen.errors import UserError
from kadi_battgen.flows.model import Connection, Flow, FlowNode, write_flow
from kadi_battgen.flows.reading import LARGEST_FILE, parse_flow, read_flow

A, B, C, D = (f"{{0000000{number}-0000-4000-8000-000000000000}}" for number in range(4))

#: As KadiStudio writes it: no variables, empty short names, a path that ends with a blank, type converters, profiles
#: of built-in nodes, truth values that are none.
OLD = {
    "connections": [
        {
            "converter": {"in": {"id": "StringData", "name": "String"}, "out": {"id": "PipeData", "name": "Pipe"}},
            "in_id": D,
            "in_index": 2,
            "out_id": B,
            "out_index": 1,
        },
        {"in_id": B, "in_index": 1, "out_id": A, "out_index": 0},
    ],
    "nodes": [
        {"id": A, "model": {"name": "String", "value": "${base}/words"}, "position": {"x": -12.5, "y": 40}},
        {
            "id": B,
            "model": {
                "executionProfile": "Default",
                "name": "ToolNode",
                "tool": {
                    "name": "workflow-nodes system cat",
                    "path": "workflow-nodes system cat ",
                    "ports": [
                        {
                            "name": "Dependencies",
                            "port_direction": "in",
                            "port_index": 0,
                            "required": False,
                            "shortName": "",
                            "type": "dependency",
                        },
                        {
                            "name": "arg0",
                            "port_direction": "in",
                            "port_index": 1,
                            "required": True,
                            "shortName": "",
                            "type": "string",
                        },
                        {
                            "name": "stdout",
                            "port_direction": "out",
                            "port_index": 1,
                            "required": False,
                            "shortName": "",
                            "type": "pipe",
                        },
                    ],
                    "version": "0.14.0",
                },
            },
            "position": {"x": 1, "y": 2},
        },
        {"id": C, "model": {"name": "Boolean", "value": True}, "position": {"x": 0, "y": 0}},
        {"id": D, "model": {"executionProfile": "skip", "name": "Variable"}, "position": {"x": 0, "y": 0}},
    ],
}


def changed(path: str, value: object) -> str:
    """Return the old workflow with one field set (or removed, for ...), as text."""
    document = copy.deepcopy({**OLD, "variables": [{"name": "base", "value": "x"}]})
    *way, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    place = document
    for part in way:
        place = place[part]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return json.dumps(document)


def test_old_files_are_read():
    flow = parse_flow(json.dumps(OLD))
    assert flow.variables == {}
    assert [node.kind for node in flow.nodes] == ["String", "ToolNode", "Boolean", "Variable"]
    tool = flow.nodes[1].tool
    assert tool.words == ("workflow-nodes", "system", "cat")
    assert tool.ports[1].char is None
    assert flow.nodes[2].value == "1"
    assert flow.nodes[3].profile == "Skip"
    assert flow.connections == (Connection(B, 1, D, 2), Connection(A, 0, B, 1))
    assert all(flow.is_sound(connection) for connection in flow.connections)
    assert flow.literal(flow.nodes[1], 1) == "${base}/words"


def test_writing_has_the_three_keys_and_reads_the_same():
    flow = parse_flow(json.dumps(OLD))
    document = json.loads(flow.text())
    assert list(document) == ["nodes", "connections", "variables"]
    assert document["nodes"][0] == OLD["nodes"][0]
    assert document["nodes"][1]["model"]["tool"]["ports"][1]["shortName"] is None
    again = parse_flow(flow.text())
    assert again == flow
    assert again.text() == flow.text()
    assert again.digest() == flow.digest()


def test_what_this_package_does_not_know_is_kept(tmp_path):
    node = {"id": A, "model": {"name": "FutureNode", "size": [1, {"a": None}]}, "position": {"x": 0.25, "y": -1e6}}
    flow = parse_flow(json.dumps({"nodes": [node], "connections": [], "variables": []}))
    write_flow(tmp_path / "a.flow", flow)
    assert json.loads((tmp_path / "a.flow").read_text())["nodes"] == [node]
    assert read_flow(tmp_path / "a.flow").name == "a"


def test_texts_of_all_alphabets_survive(tmp_path):
    text = 'Kathode für Na⁺ — 電池 🔋\n\t"quoted" \\ ${x}'
    write_flow(tmp_path / "a.flow", Flow((FlowNode(A, "String", fields={"value": text}),), variables={"ü": text}))
    flow = read_flow(tmp_path / "a.flow")
    assert flow.nodes[0].value == text
    assert flow.variables == {"ü": text}


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("nodes", ..., "lists nodes, connections and variables"),
        ("nodes", {}, "lists nodes, connections and variables"),
        ("variables", None, "lists nodes, connections and variables"),
        ("version", 3, "takes it for plain JSON"),
        ("nodes/0", "String", "node 0 is 'String', not an object"),
        ("nodes/0/id", 5, "the id of node 0 is 5, not a text"),
        ("nodes/0/id", "", "the id of node 0"),
        ("nodes/0/id", B, "two nodes with the id"),
        ("nodes/0/model", [], "the model of node '{00000000"),
        ("nodes/0/model/name", ..., "the name of node"),
        ("nodes/0/model/value", ["x"], "the value of node"),
        ("nodes/0/model/value", "x" * 200_000, "the value of node"),
        ("nodes/0/position", None, "the position of node"),
        ("nodes/0/position/x", "left", "x in the position"),
        ("nodes/0/position/x", True, "x in the position"),
        ("nodes/0/position/y", 1e300, "y in the position"),
        ("nodes/1/model/executionProfile", "Sometimes", "one of Default, Skip, Detached"),
        ("nodes/1/model/tool", ..., "the tool of node"),
        ("nodes/1/model/tool/path", 7, "the path in the tool"),
        ("nodes/1/model/tool/version", 7, "the version in the tool"),
        ("nodes/1/model/tool/ports", {}, "a list of up to"),
        ("nodes/1/model/tool/ports", [{}] * 1000, "a list of up to"),
        ("nodes/1/model/tool/ports/1/port_direction", "up", "'in' or 'out'"),
        ("nodes/1/model/tool/ports/1/port_index", -1, "counted from 0"),
        ("nodes/1/model/tool/ports/1/port_index", 0, "input 0 twice"),
        ("nodes/1/model/tool/ports/1/port_index", True, "counted from 0"),
        ("nodes/1/model/tool/ports/1/required", "yes", "true or false"),
        ("nodes/1/model/tool/ports/1/shortName", 1, "a letter or null"),
        ("nodes/1/model/tool/ports/1/name", "", "the name of port 1"),
        ("nodes/1/model/name", "EnvNode", "an environment, which has no dependencies"),
        ("connections/1", None, "connection 1 is None, not an object"),
        ("connections/1/in_index", 1.5, "in_index of connection 1"),
        ("connections/1/out_id", None, "out_id of connection 1"),
        ("variables/0/name", "", "the name of variable 0"),
        ("variables/0/value", 5, "the value of variable 0"),
        ("variables", [{"name": "a"}, {"name": "a"}], "sets the variable 'a' twice"),
        ("nodes/0/model/value", "a\0b", "which no program can be given"),
        ("nodes/0/model/value", "\ud800", "which no program can be given"),
        ("nodes/0/model/extra", float("inf"), "Infinity"),
        ("nodes/0/model/extra", float("nan"), "NaN"),
        ("nodes", [OLD["nodes"][0]] * 3000, "more than 2000"),
    ],
)
def test_wrong_fields_get_a_sentence(path, value, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        parse_flow(changed(path, value), "x.flow")
    assert str(caught.value).startswith("x.flow")
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("kind", "model", "sentence"),
    [
        ("UserInputChoose", {"nOptions": 100}, "number of ports from 0 to 99"),
        ("UserInputChoose", {"nOptions": "3"}, "number of ports from 0 to 99"),
        ("BranchSelect", {"nBranches": -1}, "number of ports from 0 to 99"),
        ("FormatString", {"nInputs": True}, "number of ports from 0 to 99"),
        ("FormatString", {"value": 5}, "a text of up to"),
        ("FileOutput", {"createShortcut": "no"}, "true or false"),
        ("Note", {"text": 5}, "not a text"),
    ],
)
def test_wrong_fields_of_built_in_nodes(kind, model, sentence):
    node = {"id": A, "model": {"name": kind, **model}, "position": {"x": 0, "y": 0}}
    with pytest.raises(UserError, match=sentence):
        parse_flow(json.dumps({"nodes": [node], "connections": []}))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "not a JSON document"),
        (b"\xff\xfe", "not a JSON document"),
        (b"[]", "is not a workflow"),
        (b'"nodes"', "is not a workflow"),
        (b'{"nodes": [], "nodes": [], "connections": []}', "gives the field 'nodes' twice"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"nodes": [' + b'{"a":' * 40 + b"1" + b"}" * 40 + b'], "connections": []}', "nested too deeply"),
        (b'{"nodes": ' + b"9" * 10_000 + b"}", "not a JSON document"),
        (b'{"nodes": [1e999], "connections": []}', "too large"),
    ],
)
def test_broken_documents(data, sentence):
    with pytest.raises(UserError, match=sentence):
        parse_flow(data)


def test_files_that_are_none(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        read_flow(tmp_path / "a.flow")
    with (tmp_path / "large.flow").open("wb") as stream:
        stream.truncate(LARGEST_FILE + 1)
    with pytest.raises(UserError, match="takes no file over"):
        read_flow(tmp_path / "large.flow")


def test_a_byte_order_mark_does_no_harm():
    assert parse_flow(b'\xef\xbb\xbf{"nodes": [], "connections": []}') == Flow(name="workflow")
