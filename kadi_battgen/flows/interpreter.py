"""Walking through a workflow: which step comes next, and what every input of it is given.

What a step does to the world is left to :class:`Actions`, so that a real run and a dry run take the same way.

Where KadiStudio's own description leaves things open, these rules hold: a loop ends when its index reaches the end
index, which is not one of its repetitions; options and branches are counted from 1, as the editors number them; variables
are replaced in the texts that the workflow holds, not in answers of the user or in what a tool printed; a value that a
branch would have given but did not is not given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from kadi_battgen.errors import UserError
from kadi_battgen.flows.commands import Command, Programs, tool_command
from kadi_battgen.flows.evaluation import Limits, Stream, Values
from kadi_battgen.flows.inputs import Answers, checked_answer, chosen, default_input
from kadi_battgen.flows.model import FlowNode
from kadi_battgen.flows.nodes import NODE_TYPES, Port
from kadi_battgen.flows.plan import Plan, Scope
from kadi_battgen.flows.tools import Tool
from kadi_battgen.flows.values import Placeholder, index, integer, plain, shown, truth


@dataclass(frozen=True)
class Step:
    """One run of one node.

    Attributes
    ----------
    node
        The node.
    name
        What to call it.
    key
        What no other step of this run has: the node and, in loops, which repetitions.
    """

    node: FlowNode
    name: str
    key: str


class Actions(Protocol):
    """What steps do to the world."""

    def run(self, step: Step, command: Command, stdin: Stream | None) -> Stream | None:
        """Run a command; return what it prints, None if that cannot be known."""

    def read(self, step: Step, path: str) -> Stream:
        """Return what a file holds."""

    def write(self, step: Step, path: str, append: bool, stream: Stream) -> None:
        """Write to a file."""

    def show(self, step: Step, text: str, path: str | None) -> None:
        """Show the user a text, or the file at `path`."""


class Interpreter:
    """One way through a workflow.

    Parameters
    ----------
    plan
        The workflow.
    actions
        What its steps do.
    answers
        What its user was asked beforehand.
    programs, tools
        What may be run, and what is known about it.
    limits
        How much it may do.
    started
        Is told of every step before it is done.
    """

    def __init__(
        self,
        plan: Plan,
        actions: Actions,
        answers: Answers,
        programs: Programs,
        tools: Mapping[str, Tool],
        limits: Limits,
        started: Callable[[Step], None] = lambda step: None,
    ) -> None:
        self.plan, self.flow, self.actions = plan, plan.flow, actions
        self.answers, self.programs, self.tools, self.limits = answers, programs, tools, limits
        self.started = started
        self.values = Values(plan, answers.variables(), limits)
        self.steps = 0

    def run(self) -> None:
        """Go through the whole workflow.

        Raises
        ------
        UserError
            If a step cannot be done.
        """
        self._body((), "")

    def _body(self, scope: Scope, repetitions: str) -> None:
        for node in self.plan.members.get(scope, ()):
            self.steps += 1
            if self.steps > self.limits.steps:
                raise UserError(f"{self.flow.name} takes more than {self.limits.steps} steps: shorten its loops.")
            step = Step(node, self.flow.names[node.id], f"{node.id}{repetitions}")
            if node.profile != "Skip":
                self.started(step)
                self._do(step, scope, repetitions)

    def _do(self, step: Step, scope: Scope, repetitions: str) -> None:
        kind = step.node.kind
        if step.node.tool is not None:
            self._run_tool(step)
        elif kind == "Loop":
            self._loop(step, scope, repetitions)
        elif kind in ("IfBranch", "BranchSelect"):
            self._branch(step, scope, repetitions)
        elif not NODE_TYPES[kind].headless:
            raise UserError(f"{step.name} needs a person at a screen: run the workflow in KadiStudio.")
        elif kind.startswith("UserInput"):
            self._ask(step)
        else:
            _SIMPLE[kind](self, step)

    # Tools --------------------------------------------------------------------------------------------------------

    def _run_tool(self, step: Step) -> None:
        node, ports = step.node, self.flow.ports[step.node.id]

        def value(owner: FlowNode, port: Port) -> str | None:
            return self.values.text(owner, port.index)

        command = tool_command(self.flow, node, value, self.programs, self.tools)
        stdin = next((port.index for port in ports.inputs.values() if port.family == "pipe"), None)
        given = None if stdin is None else self.values.value(node, stdin)
        if isinstance(given, str):
            raise UserError(
                f"{step.name} is given a value as its standard input, which takes a tool's output or a file."
            )
        printed = self.actions.run(step, command, given)
        for port in ports.outputs.values():
            if port.family == "pipe" and printed is not None:
                self.values.put(node, port.index, printed)

    # Questions ----------------------------------------------------------------------------------------------------

    def _ask(self, step: Step) -> None:
        node = step.node
        prompt = self.values.text(node, 1)
        answer = self.answers.to(node, prompt)
        if answer is None:
            answer = self.values.text(node, default_input(node))
        if answer is None:
            raise UserError(f"{step.name} has no default: give an input for {shown(prompt or node.id)}.")
        what = f"The answer to {shown(prompt or node.id)}"
        if node.kind == "UserInputChoose":
            options = [self.values.text(node, entry) or "" for entry in range(3, 3 + node.count)]
            number = 0 if isinstance(answer, Placeholder) else chosen(answer, options, what)
            self.values.put(node, 1, str(number) if number else answer)
            self.values.put(node, 2, options[number - 1] if number else answer)
            return
        if node.kind == "UserInputSelect":
            values = self.values.needed(step.node, 2)
            parts = [part.strip() for part in values.split(self.values.text(node, 4) or ",")]
            if (
                answer.strip() not in parts
                and not isinstance(answer, Placeholder)
                and not isinstance(values, Placeholder)
            ):
                raise UserError(f"{what} is {shown(answer)}: give one of {', '.join(parts)}.")
        self.values.put(node, 1, checked_answer(node, answer, what))

    # What decides about others ------------------------------------------------------------------------------------

    def _enter(self, step: Step, output: int, scope: Scope, repetitions: str) -> None:
        """Run the body of one output; what an earlier run of it left is not seen."""
        self.values.forget(self.plan.inside(step.node))
        self._body((*scope, (step.node.id, output)), repetitions)

    def _branch(self, step: Step, scope: Scope, repetitions: str) -> None:
        node = step.node
        text = self.values.needed(step.node, 1)
        outputs = [output for output in self.flow.ports[node.id].outputs if output]
        if isinstance(text, Placeholder):
            # A dry run cannot know, so it shows what may come.
            taken = outputs
        elif node.kind == "IfBranch":
            taken = [1 if truth(text, f"The condition of {step.name}") else 2]
        else:
            taken = [integer(text, f"What {step.name} selects")]
            if taken[0] not in outputs:
                raise UserError(f"{step.name} selects branch {taken[0]}, but has branches 1 to {len(outputs)}.")
        for output in taken:
            self._enter(step, output, scope, repetitions)

    def _loop(self, step: Step, scope: Scope, repetitions: str) -> None:
        node, name = step.node, self.values.text(step.node, 5)
        texts = [self.values.text(node, entry) for entry in (2, 3, 4)]
        conditioned = bool(self.flow.entering.get((node.id, 1)))
        unknown = any(isinstance(text, Placeholder) for text in texts)
        first, end, stride = (
            None
            if text is None or unknown
            else index(text, f"{self.flow.ports[node.id].inputs[entry].label} of {step.name}")
            for entry, text in zip((2, 3, 4), texts, strict=True)
        )
        stride = Decimal(1) if stride is None else stride
        if not stride:
            raise UserError(f"The step of {step.name} is 0, with which it would never end: give another one.")
        if not unknown and end is None and not conditioned:
            raise UserError(
                f"{step.name} has neither an end index nor a condition, so it would never end: connect one."
            )
        number = 0
        while True:
            value = (first or Decimal(0)) + number * stride
            if end is not None and (value >= end if stride > 0 else value <= end):
                return
            condition = self.values.needed(step.node, 1) if conditioned else "1"
            undecided = unknown or isinstance(condition, Placeholder)
            if not undecided and not truth(condition, f"The condition of {step.name}"):
                return
            if number >= self.limits.repetitions:
                raise UserError(f"{step.name} runs more than {self.limits.repetitions} times: give it a nearer end.")
            now = Placeholder(f"<index of {step.name}>") if unknown else plain(value)
            self.values.put(node, 2, now)
            if name:
                self.values.variables[_variable_name(name, step)] = now
            self._enter(step, 1, scope, f"{repetitions}/{number}")
            if undecided:
                return
            number += 1

    # Everything else ----------------------------------------------------------------------------------------------

    def _set_variable(self, step: Step) -> None:
        name = _variable_name(self.values.needed(step.node, 1), step)
        self.values.variables[name] = self.values.text(step.node, 2) or ""

    def _set_variables(self, step: Step) -> None:
        delimiter = self.values.text(step.node, 3) or ";"
        names, values = self.values.needed(step.node, 1), self.values.text(step.node, 2) or ""
        if isinstance(values, Placeholder):
            parts: list[str] = [values] * len(names.split(delimiter))
        else:
            parts = values.split(delimiter)
        if len(parts) != len(names.split(delimiter)):
            raise UserError(f"{step.name} has not as many values as names: separate each by {shown(delimiter)}.")
        for name, part in zip(names.split(delimiter), parts, strict=True):
            self.values.variables[_variable_name(name.strip(), step)] = part

    def _format_now(self, step: Step) -> None:
        self.values.put(step.node, 1, self.values.formatted(step.node))

    def _read_file(self, step: Step) -> None:
        self.values.put(step.node, 1, self.actions.read(step, self.values.needed(step.node, 1)))

    def _write_file(self, step: Step) -> None:
        stream = self.values.value(step.node, 3)
        if not isinstance(stream, Stream):
            raise UserError(f"{step.name} has nothing to write: connect a tool's or a file's stdout to its stdin.")
        append = self.values.text(step.node, 2)
        adds = append is not None and not isinstance(append, Placeholder) and truth(append, f"Append of {step.name}")
        self.actions.write(step, self.values.needed(step.node, 1), adds, stream)

    def _show_file(self, step: Step) -> None:
        self.actions.show(step, "", self.values.needed(step.node, 1))

    def _show_page(self, step: Step) -> None:
        texts = [self.values.text(step.node, entry) for entry in (1, 2)]
        self.actions.show(step, " ".join(text for text in texts if text), None)


_SIMPLE: Mapping[str, Callable[[Interpreter, Step], None]] = {
    "Variable": Interpreter._set_variable,
    "VariableList": Interpreter._set_variables,
    "FormatString": Interpreter._format_now,
    "FileInput": Interpreter._read_file,
    "FileOutput": Interpreter._write_file,
    "UserOutputText": Interpreter._show_file,
    "UserOutputWebView": Interpreter._show_page,
}


def _variable_name(text: str, step: Step) -> str:
    """Return the name of a variable that ``${name}`` can refer to."""
    if not text or len(text) > 100 or set(text) & set("${}\n\r"):
        raise UserError(f"{step.name} sets a variable called {shown(text)}: give it a name of letters and digits.")
    return text
