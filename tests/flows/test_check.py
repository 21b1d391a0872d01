"""What is found wrong with a workflow."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from kadi_battgen.errors import UserError
from kadi_battgen.flows.builder import FlowBuilder
from kadi_battgen.flows.check import check_flow, refuse_errors
from kadi_battgen.flows.model import Connection, Flow, FlowNode
from kadi_battgen.flows.tools import Parameter, Tool

Change = Callable[[Flow], Flow]
LOST = "{00000000-0000-4000-8000-000000000000}"


def small(tools: dict[str, Tool]) -> Flow:
    """Return a workflow with nothing wrong: 0 text, 1 question, 2 say, 3 text, 4 loop, 5 end, 6 read."""
    flow = FlowBuilder("small", tools)
    text = flow.ask_text("Say what", "hello")
    said = flow.tool("battgen say", text=text)
    loop = flow.loop(end=3, after=[said])
    flow.tool("battgen read", stdin=said, after=[loop.body])
    return flow.build()


def named(flow: Flow, kind: str) -> FlowNode:
    return next(node for node in flow.nodes if node.kind == kind)


def with_node(kind: str, **fields: object) -> Change:
    node = FlowNode("{11111111-0000-4000-8000-000000000000}", kind, fields=fields)
    return lambda flow: dataclasses.replace(flow, nodes=(*flow.nodes, node))


def with_fields(kind: str, **fields: object) -> Change:
    def change(flow: Flow) -> Flow:
        old = named(flow, kind)
        new = dataclasses.replace(old, fields={**old.fields, **fields})
        return dataclasses.replace(flow, nodes=tuple(new if node is old else node for node in flow.nodes))

    return change


def with_connection(source: str, output: int, target: str, entry: int) -> Change:
    def change(flow: Flow) -> Flow:
        ends = [LOST if kind == LOST else named(flow, kind).id for kind in (source, target)]
        return dataclasses.replace(flow, connections=(*flow.connections, Connection(ends[0], output, ends[1], entry)))

    return change


def without_connections(flow: Flow) -> Flow:
    return dataclasses.replace(flow, connections=())


def with_path(path: str) -> Change:
    def change(flow: Flow) -> Flow:
        old = named(flow, "ToolNode")
        new = dataclasses.replace(old, tool=dataclasses.replace(old.tool, path=path))
        return dataclasses.replace(flow, nodes=tuple(new if node is old else node for node in flow.nodes))

    return change


def test_nothing_is_found_in_a_right_workflow(small_tools):
    assert check_flow(small(small_tools), small_tools) == []
    refuse_errors(small(small_tools), small_tools)


@pytest.mark.parametrize(
    ("change", "severity", "sentence"),
    [
        (with_node("FutureNode"), "error", "'FutureNode' is no kind of node"),
        (with_node("UserInputForm"), "warning", "needs a person at a screen"),
        (with_node("Integer", value="many"), "error", "its value is 'many', which is not an integer"),
        (with_node("Float", value="1,5"), "error", "its value is '1,5', which is not a number"),
        (with_node("Boolean", value="perhaps"), "error", "neither true nor false"),
        (with_node("Integer", value="3"), "warning", "nothing uses it"),
        (with_node("UserInputText"), "warning", "nothing uses it"),
        (with_node("IfBranch"), "error", "it needs Condition"),
        (with_node("FileOutput"), "error", "it needs stdin"),
        (with_node("Variable"), "error", "it needs Name"),
        (with_node("Loop"), "error", "neither an end index nor a condition"),
        (with_fields("String", value="$HOME/x"), "warning", "nothing but ${name} is replaced"),
        (with_fields("String", value="$(id)"), "warning", "nothing but ${name} is replaced"),
        (with_fields("Integer", value="0.5"), "error", "its value is '0.5', which is not an integer"),
        (
            with_fields("Loop", executionProfile="Skip"),
            "warning",
            "it is skipped, and so is everything in its branches",
        ),
        (with_fields("ToolNode", executionProfile="Detached"), "error", "nobody waits for what it prints"),
        (with_fields("ToolNode", executionProfile="Skip"), "warning", "its stdout is never there"),
        (with_connection(LOST, 0, "ToolNode", 0), "error", f"there is no node '{LOST}'"),
        (with_connection("ToolNode", 7, "Loop", 0), "error", "it has no output 7"),
        (with_connection("ToolNode", 0, "Loop", 99), "error", "it has no input 99"),
        (with_connection("ToolNode", 0, "Loop", 5), "error", "Index Variable Name takes no Dependents (dependency)"),
        (with_connection("String", 0, "Loop", 0), "error", "Dependencies takes no String (str)"),
        (with_connection("Integer", 0, "Loop", 1), "error", "Condition takes no Integer (int)"),
        (with_connection("String", 0, "ToolNode", 1), "error", "text has more than one connection"),
        (with_connection("ToolNode", 0, "Loop", 0), "warning", "is there twice"),
        (with_connection("ToolNode", 1, "Loop", 5), "warning", "KadiStudio keeps one connection from stdout"),
        (with_connection("Loop", 0, "ToolNode", 0), "error", "wait for each other"),
        (with_connection("ToolNode", 0, "ToolNode", 0), "error", "wait for each other"),
        (without_connections, "error", "it needs text: connect something to it"),
        (with_path("battgen sing"), "error", "there is no command 'battgen sing'"),
        (with_path("battgen inside"), "error", "battgen inside is an environment"),
    ],
)
def test_what_is_found(small_tools, change, severity, sentence):
    findings = check_flow(change(small(small_tools)), small_tools)
    assert any(finding.severity == severity and sentence in finding.sentence for finding in findings), findings
    if severity == "error":
        assert findings[0].severity == "error"
        with pytest.raises(UserError, match="small: "):
            refuse_errors(change(small(small_tools)), small_tools)


def test_a_tool_of_another_program_is_not_judged(small_tools):
    flow = with_path("workflow-nodes system echo")(small(small_tools))
    assert not [finding for finding in check_flow(flow, small_tools) if finding.severity == "error"]
    assert check_flow(flow) == check_flow(flow, small_tools)


SAY = Parameter("text", char="t", required=True)


@pytest.mark.parametrize(
    ("parameters", "severity", "sentence"),
    [
        ((SAY, Parameter("new")), "warning", "made for version 1.0 of battgen say (new is new, loud is gone"),
        ((Parameter("words", char="t"),), "error", "battgen say has no option text any more"),
        ((Parameter("text", char="x", required=True),), "error", "text of battgen say is given in another way now"),
        ((Parameter("text", "long", char="t"),), "error", "text of battgen say is given in another way now"),
        ((SAY, Parameter("number", "long_range", required=True)), "error", "battgen say needs number now"),
    ],
)
def test_a_changed_tool_is_noticed(small_tools, parameters, severity, sentence):
    changed = {**small_tools, "battgen say": Tool("battgen say", "2.0", parameters)}
    findings = check_flow(small(small_tools), changed)
    assert any(finding.severity == severity and sentence in finding.sentence for finding in findings), findings


def test_variables(small_tools):
    flow = FlowBuilder("variables", small_tools, {"known": "1"})
    early = flow.tool("battgen say", text="${known} ${later}")
    flow.variable("later", "x", after=[early])
    loop = flow.loop(end=2, index="i", after=[early])
    flow.tool("battgen say", text="${i}", after=[loop.body])
    findings = check_flow(flow.build(), small_tools)
    assert [(finding.severity, finding.sentence) for finding in findings] == [
        ("warning", "the variable 'later' is only set later: set it before.")
    ]


def test_a_variable_whose_name_is_made_while_running_leaves_all_open(small_tools):
    flow = FlowBuilder("variables", small_tools)
    flow.variable(flow.ask_text("Which", "a"), "x")
    flow.tool("battgen say", text="${a}")
    assert check_flow(flow.build(), small_tools) == []


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (lambda flow: flow.ask_value("v", "a, b", "c"), "its default 'c' is none of its values"),
        (lambda flow: flow.ask_option("o", ["a", "b"], 3), "its default is '3': give one of 'a', 'b'"),
        (lambda flow: flow.ask_whether("w", "perhaps"), "its default is 'perhaps'"),
        (lambda flow: flow.loop(end=3, step=0), "its step is 0"),
        (lambda flow: flow.loop(end="far"), "End Index is 'far'"),
        (lambda flow: flow.loop(condition="perhaps"), "its condition is 'perhaps'"),
    ],
)
def test_values_that_are_known_beforehand(flow: FlowBuilder, write, sentence):
    write(flow)
    with pytest.raises(UserError, match=sentence):
        flow.build()


def test_findings_read_well(small_tools):
    flow = with_node("Integer", value="many")(small(small_tools))
    finding = check_flow(flow, small_tools)[0]
    assert str(finding) == "error: Integer 'many': its value is 'many', which is not an integer: give one such as 16."
    assert finding.node == "{11111111-0000-4000-8000-000000000000}"
