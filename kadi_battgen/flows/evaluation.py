"""What the inputs of a workflow's nodes are given: values made when they are needed, from the variables as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kadi_battgen.errors import UserError
from kadi_battgen.flows.model import FlowNode
from kadi_battgen.flows.nodes import SOURCES
from kadi_battgen.flows.plan import Plan
from kadi_battgen.flows.values import Placeholder, checked_value, expand, shown


@dataclass(frozen=True)
class Stream:
    """What a tool printed, or what a file holds.

    Attributes
    ----------
    path
        The file that has it; None in a dry run.
    origin
        Where it comes from, for people.
    """

    path: Path | None
    origin: str

    def text(self) -> str:
        """Return it as a value, without line ends at its end, as a shell does.

        Raises
        ------
        UserError
            If it is no text or too long for a value.
        """
        if self.path is None:
            return Placeholder(f"<{self.origin}>")
        try:
            # Far more than a value may have need not be read.
            with self.path.open("rb") as stream:
                text = stream.read(2**20).decode("utf-8")
        except UnicodeDecodeError as error:
            raise UserError(f"The {self.origin} is no text in UTF-8, so it cannot be given as a value.") from error
        return checked_value(text.rstrip("\r\n"), f"The {self.origin}")


@dataclass(frozen=True)
class Limits:
    """How much a workflow may do before it is taken for one that never ends.

    Attributes
    ----------
    repetitions
        Repetitions of one loop.
    steps
        Steps of the whole run.
    text
        Characters of all values made.
    """

    repetitions: int = 10_000
    steps: int = 100_000
    text: int = 2**28


class Values:
    """The values of one run.

    Parameters
    ----------
    plan
        The workflow.
    variables
        The variables that it starts with.
    limits
        How much text it may make.
    """

    def __init__(self, plan: Plan, variables: Mapping[str, str], limits: Limits) -> None:
        self.plan, self.flow, self.limits = plan, plan.flow, limits
        self.variables = dict(variables)
        self._outputs: dict[tuple[str, int], str | Stream] = {}
        self._made_so_far = 0

    def put(self, node: FlowNode, output: int, value: str | Stream) -> None:
        """Keep what a step gave to one of its outputs."""
        self._outputs[node.id, output] = self.made(value, node) if isinstance(value, str) else value

    def forget(self, nodes: list[FlowNode]) -> None:
        """Forget what steps gave, before they run anew."""
        for node in nodes:
            for output in self.flow.ports[node.id].outputs:
                self._outputs.pop((node.id, output), None)

    def made(self, text: str, node: FlowNode) -> str:
        """Return a value that `node` made, if there is room for it.

        Raises
        ------
        UserError
            If it is too long, or too much was made.
        """
        self._made_so_far += len(text)
        if self._made_so_far > self.limits.text:
            raise UserError(f"{self.flow.name} makes more than {self.limits.text} characters of text: shorten it.")
        return checked_value(text, self.flow.names[node.id])

    def value(self, node: FlowNode, entry: int) -> str | Stream | None:
        """Return what an input of `node` is given, None if nothing gives it anything."""
        for connection in self.flow.entering.get((node.id, entry), ()):
            if self.flow.is_sound(connection):
                return self._output(self.flow.by_id[connection.source], connection.output)
        return None

    def text(self, node: FlowNode, entry: int) -> str | None:
        """Return what an input of `node` is given as a text."""
        value = self.value(node, entry)
        return value.text() if isinstance(value, Stream) else value

    def needed(self, node: FlowNode, entry: int) -> str:
        """Return what an input of `node` is given as a text.

        Raises
        ------
        UserError
            If nothing gives it anything.
        """
        text = self.text(node, entry)
        if text is None:
            label = self.flow.ports[node.id].inputs[entry].label
            raise UserError(f"{self.flow.names[node.id]} needs {label}, which nothing gives it: connect it.")
        return text

    def _output(self, node: FlowNode, output: int) -> str | Stream | None:
        if node.kind in SOURCES:
            return self.made(expand(node.value, self._variable_for(node)), node)
        if node.kind == "FormatString" and not self.plan.is_step(node):
            return self.formatted(node)
        return self._outputs.get((node.id, output))

    def _variable_for(self, node: FlowNode) -> Callable[[str], str]:
        def value(name: str) -> str:
            if name not in self.variables:
                raise UserError(
                    f"{self.flow.names[node.id]} uses the variable {shown(name)}, which is not set: set it among the "
                    "workflow's variables or with a Variable node before."
                )
            return self.variables[name]

        return value

    def formatted(self, node: FlowNode) -> str:
        """Return the text of a format string, and make those that are no steps and that it is made from."""
        found, pending = {node.id: node}, [node]
        while pending:
            for source in self._behind(pending.pop()):
                if source.id not in found:
                    found[source.id] = source
                    pending.append(source)
        made: dict[str, str] = {}
        for source in sorted(found.values(), key=lambda entry: self.plan.ranks[entry.id]):
            made[source.id] = self._format(source, made)
        return made[node.id]

    def _behind(self, node: FlowNode) -> list[FlowNode]:
        sources = [
            self.flow.by_id[connection.source]
            for entry in self.flow.ports[node.id].inputs
            for connection in self.flow.entering.get((node.id, entry), ())[:1]
            if self.flow.is_sound(connection)
        ]
        return [node for node in sources if node.kind == "FormatString" and not self.plan.is_step(node)]

    def _format(self, node: FlowNode, made: Mapping[str, str]) -> str:
        texts: list[str] = []
        for entry in range(1, node.count + 1):
            connections = self.flow.entering.get((node.id, entry), ())
            source = connections[0].source if connections else None
            text = made.get(source) if source is not None else None
            texts.append(text if text is not None else self.text(node, entry) or "")
        return self.made(expand(node.value, self._variable_for(node), texts), node)
