"""Questions of a workflow and the answers to them."""

from __future__ import annotations

import pytest

from kadi_battgen.errors import UserError
from kadi_battgen.flows.builder import FlowBuilder
from kadi_battgen.flows.commands import Programs
from kadi_battgen.flows.inputs import questions
from kadi_battgen.flows.plan import plan_flow
from kadi_battgen.flows.run import dry_run

HERE = Programs(battgen=["battgen"])


def said(flow: FlowBuilder, **inputs: str) -> list[str]:
    """Return what the workflow would say."""
    given = {name.replace("_", " "): value for name, value in inputs.items()}
    found = dry_run(flow.build(), inputs=given, tools=flow.tools, programs=HERE)
    return [command.argv[-1].removeprefix("--text=") for command in found]


@pytest.mark.parametrize(
    ("ask", "answer", "expected"),
    [
        (lambda flow: flow.ask_text("Which ion", "Li"), None, "Li"),
        (lambda flow: flow.ask_text("Which ion", "Li"), "Na", "Na"),
        (lambda flow: flow.ask_text("Which ion", "Li"), "", ""),
        (lambda flow: flow.ask_text("Which ion"), "${x} $(id)", "${x} $(id)"),
        (lambda flow: flow.ask_integer("Which ion", 5), None, "5"),
        (lambda flow: flow.ask_integer("Which ion", 5), " 007 ", "7"),
        (lambda flow: flow.ask_number("Which ion", 0.5), "1e-3", "1e-3"),
        (lambda flow: flow.ask_whether("Which ion", False), "yes", "1"),
        (lambda flow: flow.ask_whether("Which ion", False), None, "0"),
        (lambda flow: flow.ask_file("Which ion", "a b.txt"), None, "a b.txt"),
        (lambda flow: flow.ask_value("Which ion", "Li, Na", "Li"), "Na", "Na"),
        (lambda flow: flow.ask_option("Which ion", ["Li", "Na"], 2), None, "Na"),
        (lambda flow: flow.ask_option("Which ion", ["Li", "Na"], 2), "1", "Li"),
        (lambda flow: flow.ask_option("Which ion", ["2", "Na"]), "2", "2"),
        (lambda flow: flow.ask_option("Which ion", ["Li", "Na"]).selected, "Na", "2"),
    ],
)
def test_answers(flow: FlowBuilder, ask, answer, expected):
    flow.tool("battgen say", text=ask(flow))
    assert said(flow, **({} if answer is None else {"Which_ion": answer})) == [expected]


@pytest.mark.parametrize(
    ("ask", "answer", "sentence"),
    [
        (lambda flow: flow.ask_integer("q", 5), "five", "The answer to 'q' is 'five', which is not an integer"),
        (lambda flow: flow.ask_number("q", 5), "nan", "not a number"),
        (lambda flow: flow.ask_whether("q", True), "perhaps", "neither true nor false"),
        (lambda flow: flow.ask_value("q", "Li,Na", "Li"), "Fe", "is 'Fe': give one of Li, Na"),
        (lambda flow: flow.ask_option("q", ["Li", "Na"], 1), "3", "give one of 'Li', 'Na', or its number"),
        (lambda flow: flow.ask_text("q", "x"), "a\0b", "NUL"),
        (lambda flow: flow.ask_text("q", "x"), "x" * 200_000, "longer than"),
    ],
)
def test_wrong_answers(flow: FlowBuilder, ask, answer, sentence):
    flow.tool("battgen say", text=ask(flow))
    with pytest.raises(UserError, match=sentence):
        said(flow, q=answer)


def test_a_missing_answer_names_all_that_may_be_given(flow: FlowBuilder):
    ion = flow.ask_text("Working ion")
    count = flow.ask_integer("Samples", 16)
    flow.tool("battgen say", text=ion, arg0=count)
    with pytest.raises(UserError) as caught:
        said(flow)
    assert str(caught.value) == (
        "trial needs 1 more input: give 'Working ion' (a text); "
        "it takes 'Working ion' (a text), 'Samples' (an integer, else '16')."
    )


def test_an_answer_to_nothing_is_refused(flow: FlowBuilder):
    flow.tool("battgen say", text=flow.ask_text("Working ion", "Li"))
    with pytest.raises(UserError, match="trial asks no 'working ion': it takes 'Working ion' \\(a text, else 'Li'\\)"):
        said(flow, working_ion="Na")


def test_an_answer_by_the_variable_that_keeps_it_or_by_id(flow: FlowBuilder):
    asked = flow.ask_text("A long question about the ion", "Li")
    kept = flow.variable("ion", asked)
    flow.tool("battgen say", text="${ion}", after=[kept])
    assert said(flow, ion="Na") == ["Na"]
    assert dry_run(flow.build(), inputs={asked.node: "K"}, programs=HERE)[0].argv[-1] == "K"
    (question,) = questions(plan_flow(flow.build()))
    assert question.names == ("A long question about the ion", "ion", asked.node)


def test_variables_of_the_workflow_may_be_given(small_tools):
    flow = FlowBuilder("v", small_tools, {"folder": "out"})
    flow.tool("battgen say", text="${folder}/x")
    assert said(flow) == ["out/x"]
    assert said(flow, folder="other") == ["other/x"]


def test_a_question_in_a_branch_is_only_needed_there(flow: FlowBuilder):
    branch = flow.if_branch(flow.ask_whether("More", False))
    more = flow.ask_text("What", after=[branch.branch(1)])
    flow.tool("battgen say", text=more, after=[more])
    flow.tool("battgen say", text="end", after=[branch])
    assert said(flow) == ["end"]
    assert said(flow, More="1", What="this") == ["this", "end"]
    with pytest.raises(UserError, match="has no default: give an input for 'What'"):
        said(flow, More="1")


def test_a_question_that_is_made_while_running(flow: FlowBuilder):
    flow.variable("ion", "Li")
    asked = flow.ask_text("Voltage of ${ion}", "3.7")
    flow._connections.append(flow._connections[0].__class__(flow._connections[0].target, 0, asked.node, 0))
    flow.tool("battgen say", text=asked)
    assert dry_run(flow.build(), inputs={asked.node: "4"}, programs=HERE)[0].argv[-1] == "4"
