"""What a workflow asks its user, and the answers given beforehand."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from kadi_battgen.errors import UserError
from kadi_battgen.flows.model import Flow, FlowNode
from kadi_battgen.flows.nodes import NODE_TYPES
from kadi_battgen.flows.plan import Plan
from kadi_battgen.flows.values import VARIABLE, Placeholder, checked_value, integer, number, shown, truth

_ELEMENTS = re.compile(r"[A-Z][a-z]?(\s*,\s*[A-Z][a-z]?)*")

#: Input that holds the default of a question, and what is asked for, by the node's kind.
_DEFAULTS = {"UserInputSelect": 3}
_ASKED = {
    "UserInputInteger": "an integer",
    "UserInputFloat": "a number",
    "UserInputBool": "true or false",
    "UserInputFile": "a path",
    "UserInputChoose": "an option or its number",
    "UserInputSelect": "one of its values",
    "UserInputPeriodicTable": "elements such as Li,Na",
}


@dataclass(frozen=True)
class Question:
    """Something that a workflow asks, or a variable that it starts with.

    Attributes
    ----------
    name
        The question as the user reads it, or the variable's name.
    names
        All names under which an answer is accepted.
    asked
        What kind of answer it wants.
    default
        What is taken without an answer; None if there is no default, or if it is only known when the workflow runs.
    required
        Whether the workflow needs an answer before it starts.
    """

    name: str
    names: tuple[str, ...]
    asked: str
    default: str | None
    required: bool

    def __str__(self) -> str:
        ending = "" if self.default is None else f", else {shown(self.default, 40)}"
        return f"{shown(self.name)} ({self.asked}{ending})"


def default_input(node: FlowNode) -> int:
    """Return the input that holds the default of a question."""
    return _DEFAULTS.get(node.kind, 2)


def questions(plan: Plan) -> list[Question]:
    """Return what a workflow asks in the order in which it does, then the variables it starts with."""
    flow = plan.flow
    found = [
        _question(plan, node)
        for node in plan.sequence()
        if node.kind.startswith("UserInput") and node.profile != "Skip" and NODE_TYPES[node.kind].headless
    ]
    variables = [Question(name, (name,), "a variable", value, False) for name, value in flow.variables.items()]
    return found + variables


def _question(plan: Plan, node: FlowNode) -> Question:
    flow = plan.flow
    prompt = _fixed_text(flow, node, 1)
    default = default_input(node)
    names = [name for name in (prompt, _variable_of(flow, node), node.id) if name]
    branched = any(flow.by_id[decider].kind != "Loop" for decider, _ in plan.scopes[node.id])
    return Question(
        names[0],
        tuple(names),
        _ASKED.get(node.kind, "a text"),
        _fixed_text(flow, node, default),
        not flow.entering.get((node.id, default)) and not branched,
    )


def _fixed_text(flow: Flow, node: FlowNode, index: int) -> str | None:
    """Return the text at an input if it is known before the workflow runs."""
    text = flow.literal(node, index)
    if text is None or any(name not in flow.variables for name in VARIABLE.findall(text)):
        return None
    return VARIABLE.sub(lambda match: flow.variables[match[1]], text)


def _variable_of(flow: Flow, node: FlowNode) -> str | None:
    """Return the variable that keeps the answer of `node`, if there is one."""
    for connection in flow.connections:
        target = flow.by_id.get(connection.target)
        if connection.source == node.id and target and target.kind == "Variable" and connection.input == 2:
            return flow.literal(target, 1)
    return None


class Answers:
    """The answers that the caller gives beforehand.

    Parameters
    ----------
    plan
        The workflow.
    given
        Answers by the question as it is asked, by the variable that keeps it, or by the node's id; and values for the
        variables that the workflow starts with.

    Raises
    ------
    UserError
        If an answer belongs to no question, or one that must be given is missing.
    """

    def __init__(self, plan: Plan, given: Mapping[str, str]) -> None:
        asked = questions(plan)
        known = {name for question in asked for name in question.names}
        for name, value in given.items():
            if name not in known:
                raise UserError(f"{plan.flow.name} asks no {shown(name)}: {_listed(asked)}.")
            checked_value(value, f"The input {shown(name)}")
        missing = [question for question in asked if question.required and not set(question.names) & set(given)]
        if missing:
            raise UserError(
                f"{plan.flow.name} needs {len(missing)} more input{'s' * (len(missing) > 1)}: give "
                f"{', '.join(str(question) for question in missing)}; {_listed(asked)}."
            )
        self._flow = plan.flow
        self._given = dict(given)

    def variables(self) -> dict[str, str]:
        """Return the variables that the workflow starts with."""
        return {name: self._given.get(name, value) for name, value in self._flow.variables.items()}

    def to(self, node: FlowNode, prompt: str | None) -> str | None:
        """Return the answer to a question, None if there is none.

        Parameters
        ----------
        node
            The node that asks.
        prompt
            The question as it is asked now.
        """
        for name in (prompt, _variable_of(self._flow, node), node.id):
            if name is not None and name in self._given:
                return self._given[name]
        return None

    def digest(self) -> str:
        """Return the SHA-256 of all answers, 64 hexadecimal digits."""
        return hashlib.sha256(json.dumps(sorted(self._given.items())).encode()).hexdigest()


def _listed(asked: list[Question]) -> str:
    if not asked:
        return "it takes no inputs"
    names = [str(question) for question in asked[:30]]
    return f"it takes {', '.join(names)}{', ...' * (len(asked) > len(names))}"


def checked_answer(node: FlowNode, text: str, what: str) -> str:
    """Return an answer as the node's output: checked, and truth values as 1 or 0.

    Raises
    ------
    UserError
        If it is no answer to this kind of question.
    """
    if isinstance(text, Placeholder):
        return text
    if node.kind == "UserInputInteger":
        return str(integer(text, what))
    if node.kind == "UserInputFloat":
        number(text, what)
        return text.strip()
    if node.kind == "UserInputBool":
        return "1" if truth(text, what) else "0"
    if node.kind == "UserInputPeriodicTable" and not _ELEMENTS.fullmatch(text.strip()):
        raise UserError(f"{what} is {shown(text)}: give symbols of elements such as Li,Na.")
    return text


def chosen(text: str, options: list[str], what: str) -> int:
    """Return the number of the option that an answer names by its text or its number, counted from 1.

    Raises
    ------
    UserError
        If there is no such option.
    """
    if text in options:
        return options.index(text) + 1
    if re.fullmatch(r"[0-9]{1,3}", text.strip()) and 1 <= int(text) <= len(options):
        return int(text)
    raise UserError(f"{what} is {shown(text)}: give one of {', '.join(map(shown, options))}, or its number from 1 on.")
