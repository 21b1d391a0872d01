"""What a workflow does step by step, seen in dry runs: loops, branches, variables, format strings."""

from __future__ import annotations

import pytest

from kadi_battgen.errors import UserError
from kadi_battgen.flows.builder import FlowBuilder
from kadi_battgen.flows.commands import Programs
from kadi_battgen.flows.evaluation import Limits
from kadi_battgen.flows.model import Flow, FlowNode
from kadi_battgen.flows.run import dry_run

HERE = Programs(battgen=["battgen"])


def said(flow: FlowBuilder, limits: Limits | None = None) -> list[str]:
    found = dry_run(flow.build(), tools=flow.tools, programs=HERE, limits=limits)
    return [command.argv[-1].removeprefix("--text=") for command in found]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"end": 3}, "0 1 2"),
        ({"start": 1, "end": 3}, "1 2"),
        ({"start": 3, "end": 3}, ""),
        ({"start": 5, "end": 3}, ""),
        ({"start": 0, "end": 7, "step": 3}, "0 3 6"),
        ({"start": 3, "end": 0, "step": -1}, "3 2 1"),
        ({"start": 0, "end": 3, "step": -1}, ""),
        ({"start": 0, "end": 0.4, "step": 0.1}, "0 0.1 0.2 0.3"),
        ({"start": "-1", "end": "1.0", "step": "0.5"}, "-1 -0.5 0 0.5"),
        ({"start": "${two}", "end": "${four}"}, "2 3"),
        ({"end": 3, "condition": False}, ""),
        ({"end": 2, "condition": "yes"}, "0 1"),
    ],
)
def test_loops_count(small_tools, settings, expected):
    flow = FlowBuilder("loop", small_tools, {"two": "2", "four": "4"})
    loop = flow.loop(index="i", **settings)
    flow.tool("battgen say", text="${i}", after=[loop.body])
    assert " ".join(said(flow)) == expected


def test_a_loop_gives_its_index_and_keeps_its_last_one(flow: FlowBuilder):
    loop = flow.loop(start=1, end=3, index="i")
    flow.tool("battgen say", text=loop.index, after=[loop.body])
    flow.tool("battgen say", text="last ${i}", after=[loop])
    assert said(flow) == ["1", "2", "last 2"]


def test_a_condition_is_looked_at_before_each_repetition(flow: FlowBuilder):
    begin = flow.variable("next", "1", after=[flow.variable("go", "1")])
    loop = flow.loop(condition="${go}", index="i", after=[begin])
    branch = flow.select_branch(flow.format("%0", flow.format("${next}")), 2, after=[loop.body])
    stop = flow.variable("go", "0", after=[branch.branch(2)])
    again = flow.variable("next", "2", after=[branch.branch(1)])
    flow.tool("battgen say", text="${i}: ${go}", after=[stop, again])
    assert said(flow) == ["0: 1", "1: 0"]


def test_loops_in_loops(flow: FlowBuilder):
    outer = flow.loop(end=2, index="i")
    inner = flow.loop(end="${i}", index="j", after=[outer.body])
    flow.tool("battgen say", text="${i}${j}", after=[inner.body])
    flow.tool("battgen say", text="row ${i}", after=[inner])
    assert said(flow) == ["row 0", "10", "row 1"]


@pytest.mark.parametrize(
    ("condition", "expected"), [(True, ["a", "c"]), ("no", ["b", "c"]), ("${set}", ["a", "c"]), ("", ["b", "c"])]
)
def test_if_branches(small_tools, condition, expected):
    flow = FlowBuilder("if", small_tools, {"set": "true"})
    branch = flow.if_branch(condition)
    a = flow.tool("battgen say", text="a", after=[branch.branch(1)])
    b = flow.tool("battgen say", text="b", after=[branch.branch(2)])
    flow.tool("battgen say", text="c", after=[a, b])
    assert said(flow) == expected


def test_branches_are_selected(flow: FlowBuilder):
    select = flow.select_branch(flow.ask_option("Which", ["x", "y", "z"], 3).selected, 3)
    for number in (1, 2, 3):
        flow.tool("battgen say", text=f"branch {number}", after=[select.branch(number)])
    assert said(flow) == ["branch 3"]


def test_format_strings_are_made_when_they_are_needed(flow: FlowBuilder):
    loop = flow.loop(end=2, index="i")
    text = flow.format("%0/%1-${i}", "a", flow.format("<%0>", loop.index))
    flow.tool("battgen say", text=text, after=[loop.body])
    assert said(flow) == ["a/<0>-0", "a/<1>-1"]


def test_a_format_string_with_dependencies_is_made_in_its_place(flow: FlowBuilder):
    first = flow.variable("x", "old")
    text = flow.format("%0", "${x}", after=[first])
    second = flow.variable("x", "new", after=[text])
    flow.tool("battgen say", text=text, after=[second])
    flow.tool("battgen say", text="${x}", after=[second])
    assert said(flow) == ["old", "new"]


def test_variable_lists(small_tools):
    def builder(names: str, values: str, delimiter: str | None = None) -> FlowBuilder:
        flow = FlowBuilder("list", small_tools)
        item = flow._node("VariableList", {1: names, 2: values, 3: delimiter}, (), "list")
        flow.tool("battgen say", text="${a}${b}", after=[item])
        return flow

    assert said(builder("a;b", "1;2")) == ["12"]
    assert said(builder("a, b", "1, 2", ",")) == ["1 2"]
    with pytest.raises(UserError, match="not as many values as names"):
        said(builder("a;b", "1"))


def test_what_is_left_out_is_left_out(flow: FlowBuilder):
    a = flow.tool("battgen say", text="a", profile="Skip")
    flow.tool("battgen say", text="b", arg0=a, after=[a])
    flow.tool("battgen say", text="c", profile="Detached", after=[a])
    assert said(flow) == ["b", "c"]


def test_what_a_branch_did_not_give_is_not_given(flow: FlowBuilder):
    first = flow.variable("which", "1")
    loop = flow.loop(end=2, after=[first])
    branch = flow.select_branch(flow.format("${which}"), 2, after=[loop.body])
    once = flow.tool("battgen say", text="once", after=[branch.branch(1)])
    other = flow.variable("nothing", "x", after=[branch.branch(2)])
    after = flow.tool("battgen say", text="t", arg0=once, after=[once, other])
    flow.variable("which", "2", after=[after])
    assert said(flow) == ["once", "<output of battgen say>", "t"]


def test_a_dry_run_shows_all_that_may_come(flow: FlowBuilder):
    unknown = flow.tool("battgen say", text="1")
    branch = flow.if_branch(unknown)
    flow.tool("battgen say", text="a", after=[branch.branch(1)])
    flow.tool("battgen say", text="b", after=[branch.branch(2)])
    loop = flow.loop(end=unknown, index="i", after=[branch])
    flow.tool("battgen say", text="i is ${i}", after=[loop.body])
    text = flow.format("from %0", flow.read_file("x.txt", after=[loop]))
    flow.tool("battgen say", text=text, after=[loop])
    assert said(flow) == ["1", "a", "b", "i is <index of Loop>", "from <content of x.txt>"]


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (lambda flow: flow.select_branch(4, 3), "Branch Select selects branch 4, but has branches 1 to 3"),
        (lambda flow: flow.select_branch("0", 3), "selects branch 0"),
        (lambda flow: flow.select_branch("first", 3), "not an integer"),
        (lambda flow: flow.loop(end="${far}"), "Loop runs more than 50 times"),
        (lambda flow: flow.loop(condition="${yes}"), "Loop runs more than 50 times"),
        (lambda flow: flow.loop(end=5, step="${zero}"), "The step of Loop is 0"),
        (lambda flow: flow.loop(end="${word}"), "End Index of Loop is 'word', which is not a number"),
        (lambda flow: flow.if_branch("${word}"), "The condition of If-Branch is 'word'"),
        (lambda flow: flow.variable("${brace}", "x"), "sets a variable called 'a}'"),
        (lambda flow: flow.tool("battgen say", text="x", number="${word}"), "number of battgen say is 'word'"),
        (lambda flow: flow.tool("battgen say", text="x", arg1="y"), "arg1 of battgen say is given without arg0"),
    ],
)
def test_what_stops_a_run(small_tools, write, sentence):
    variables = {"far": "1000000", "yes": "1", "zero": "0", "word": "word", "brace": "a}"}
    flow = FlowBuilder("stop", small_tools, variables)
    write(flow)
    with pytest.raises(UserError, match=sentence):
        said(flow, Limits(repetitions=50))


def test_a_variable_that_is_set_too_late(flow: FlowBuilder):
    early = flow.tool("battgen say", text="${x}")
    flow.variable("x", "1", after=[early])
    with pytest.raises(UserError, match="uses the variable 'x', which is not set"):
        said(flow)


def test_steps_of_a_run_are_limited(flow: FlowBuilder):
    outer = flow.loop(end=100)
    inner = flow.loop(end=100, after=[outer.body])
    flow.tool("battgen say", text="x", after=[inner.body])
    with pytest.raises(UserError, match="takes more than 500 steps"):
        said(flow, Limits(steps=500))


def test_text_does_not_grow_without_bounds(flow: FlowBuilder):
    text = flow.format("ab")
    for _ in range(40):
        text = flow.format("%0%1", text, text)
    flow.tool("battgen say", text=text)
    with pytest.raises(UserError, match="longer than"):
        said(flow)


def test_a_variable_does_not_grow_without_bounds(flow: FlowBuilder):
    first = flow.variable("x", "xx")
    loop = flow.loop(end=100, after=[first])
    flow.variable("x", "${x}${x}", after=[loop.body])
    with pytest.raises(UserError, match="longer than"):
        said(flow)


def test_what_needs_a_person_stops_a_run(small_tools):
    flow = Flow((FlowNode("{11111111-0000-4000-8000-000000000000}", "UserInputForm"),))
    with pytest.raises(UserError, match="run the workflow in KadiStudio"):
        dry_run(flow, programs=HERE)
