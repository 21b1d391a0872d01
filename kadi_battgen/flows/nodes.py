"""The kinds of nodes that workflows have, their ports, and which ports may be connected.

The table follows the editor in Kadi4Mat 1.13 and KadiStudio's; both agree on the ports.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from kadi_battgen.flows.values import TYPES

if TYPE_CHECKING:
    from kadi_battgen.flows.model import FlowNode
    from kadi_battgen.flows.tools import Tool

#: What flows through a port.
Family = Literal["str", "int", "float", "bool", "dependency", "pipe", "env"]

#: What an input may be connected to besides an output of its own family: the editors convert these.
_CONVERTED: Mapping[str, frozenset[str]] = {
    "str": frozenset({"int", "float", "bool"}),
    "int": frozenset({"str", "float"}),
    "float": frozenset({"str", "int"}),
    "bool": frozenset({"str"}),
    "pipe": frozenset({"str", "int", "float", "bool"}),
}

#: Ports that a node may have where their number can be chosen, and how many it has by default.
MOST_COUNTED = 99
DEFAULT_COUNTED = 3


@dataclass(frozen=True)
class Port:
    """One input or output of a node.

    Attributes
    ----------
    index
        Its number among the inputs or outputs, which connections refer to.
    label
        What the editor writes beside it; for a tool's parameter its name.
    family
        What flows through it.
    required
        Whether the node needs it.
    several
        Whether it takes several connections.
    kind
        For a tool's parameter: the type in the tool's XML.
    char
        For a tool's option: its short form.
    """

    index: int
    label: str
    family: str
    required: bool = False
    several: bool = False
    kind: str | None = None
    char: str | None = None

    @property
    def is_parameter(self) -> bool:
        """Whether it is a parameter of a tool."""
        return self.kind is not None


class Ports(NamedTuple):
    """The inputs and outputs of a node by their indices."""

    inputs: Mapping[int, Port]
    outputs: Mapping[int, Port]


@dataclass(frozen=True)
class NodeType:
    """A kind of node that is built into the editors.

    Attributes
    ----------
    title
        What the editor calls it.
    inputs, outputs
        (label, family) of its ports in order.
    counted
        Where the number of ports can be chosen: the field of the node that holds it, whether they are inputs or
        outputs, and their label and family.
    required
        Indices of the inputs it cannot do without.
    headless
        Whether it can be done without a person at a screen.
    """

    title: str
    inputs: tuple[tuple[str, Family], ...] = ()
    outputs: tuple[tuple[str, Family], ...] = ()
    counted: tuple[str, Literal["inputs", "outputs"], str, Family] | None = None
    required: tuple[int, ...] = ()
    headless: bool = True


_DEPENDENCIES: tuple[str, Family] = ("Dependencies", "dependency")
_DEPENDENTS: tuple[str, Family] = ("Dependents", "dependency")
_PROMPT: tuple[str, Family] = ("Prompt", "str")


def _asks(title: str, family: Family, *more: tuple[str, Family]) -> NodeType:
    """Return a user input with a prompt, a default and one value."""
    return NodeType(title, (_DEPENDENCIES, _PROMPT, ("Default", family), *more), (_DEPENDENTS, ("Value", family)))


#: The kinds of nodes by the name that a .flow file gives them; tools and environments come on top.
NODE_TYPES: Mapping[str, NodeType] = {
    "String": NodeType("String", outputs=(("String", "str"),)),
    "Integer": NodeType("Integer", outputs=(("Integer", "int"),)),
    "Float": NodeType("Float", outputs=(("Float", "float"),)),
    "Boolean": NodeType("Boolean", outputs=(("Boolean", "bool"),)),
    "UserInputInteger": _asks("User Input: Integer", "int"),
    "UserInputFloat": _asks("User Input: Float", "float"),
    "UserInputBool": _asks("User Input: Bool", "bool"),
    "UserInputFile": _asks("User Input: File", "str"),
    "UserInputText": _asks("User Input: Text", "str", ("Multiline", "bool")),
    "UserInputPeriodicTable": _asks("User Input: Periodic Table", "str"),
    "UserInputChoose": NodeType(
        "User Input: Choose",
        (_DEPENDENCIES, _PROMPT, ("Default", "int")),
        (_DEPENDENTS, ("Selected", "int"), ("Value", "str")),
        counted=("nOptions", "inputs", "Option", "str"),
    ),
    "UserInputSelect": NodeType(
        "User Input: Select",
        (_DEPENDENCIES, _PROMPT, ("Values", "str"), ("Default", "str"), ("Delimiter [,]", "str")),
        (_DEPENDENTS, ("Value", "str")),
        required=(2,),
    ),
    "UserInputForm": NodeType(
        "User Input: Form",
        (_DEPENDENCIES, ("JSON File", "str")),
        (_DEPENDENTS, ("JSON String", "str")),
        headless=False,
    ),
    "UserInputSelectBoundingBox": NodeType(
        "User Input: Select Bounding Box",
        (_DEPENDENCIES, _PROMPT, ("Image Path", "str")),
        (_DEPENDENTS, ("X", "int"), ("Y", "int"), ("Width", "int"), ("Height", "int")),
        headless=False,
    ),
    "Variable": NodeType("Variable", (_DEPENDENCIES, ("Name", "str"), ("Value", "str")), (_DEPENDENTS,), required=(1,)),
    "VariableList": NodeType(
        "Variable List",
        (_DEPENDENCIES, ("Names", "str"), ("Values", "str"), ("Delimiter [;]", "str")),
        (_DEPENDENTS,),
        required=(1,),
    ),
    "VariableJson": NodeType(
        "Variable JSON",
        (_DEPENDENCIES, ("JSON String", "str"), ('Key ["data"]', "str")),
        (_DEPENDENTS,),
        required=(1,),
        headless=False,
    ),
    "Loop": NodeType(
        "Loop",
        (
            _DEPENDENCIES,
            ("Condition", "bool"),
            ("Start Index [0]", "int"),
            ("End Index", "int"),
            ("Step [1]", "int"),
            ("Index Variable Name", "str"),
        ),
        (_DEPENDENTS, ("Loop", "dependency"), ("Index", "int")),
    ),
    "IfBranch": NodeType(
        "If-Branch",
        (_DEPENDENCIES, ("Condition", "bool")),
        (_DEPENDENTS, ("True", "dependency"), ("False", "dependency")),
        required=(1,),
    ),
    "BranchSelect": NodeType(
        "Branch Select",
        (_DEPENDENCIES, ("Selected", "int")),
        (_DEPENDENTS,),
        counted=("nBranches", "outputs", "Branch", "dependency"),
        required=(1,),
    ),
    "FormatString": NodeType(
        "Format String",
        (_DEPENDENCIES,),
        (_DEPENDENTS, ("Formatted String", "str")),
        counted=("nInputs", "inputs", "%", "str"),
    ),
    "FileInput": NodeType(
        "File Input", (_DEPENDENCIES, ("File Path", "str")), (_DEPENDENTS, ("stdout", "pipe")), required=(1,)
    ),
    "FileOutput": NodeType(
        "File Output",
        (_DEPENDENCIES, ("File Path", "str"), ("Append", "bool"), ("stdin", "pipe")),
        (_DEPENDENTS,),
        required=(1, 3),
    ),
    "UserOutputText": NodeType(
        "User Output: Text", (_DEPENDENCIES, ("Text File", "str")), (_DEPENDENTS,), required=(1,)
    ),
    "UserOutputWebView": NodeType(
        "User Output: WebView", (_DEPENDENCIES, ("Description", "str"), ("URL", "str")), (_DEPENDENTS,)
    ),
    "Note": NodeType("Note"),
}

#: Nodes that only hold a value.
SOURCES = frozenset({"String", "Integer", "Float", "Boolean"})

#: Nodes that decide which others run: the outputs that lead into what they control.
CONTROLS = frozenset({"Loop", "IfBranch", "BranchSelect"})

TOOL, ENVIRONMENT = "ToolNode", "EnvNode"


def is_tool(name: str) -> bool:
    """Tell whether a node of this kind stands for a command."""
    return name in (TOOL, ENVIRONMENT)


def is_branch(node: FlowNode, output: int) -> bool:
    """Tell whether what hangs on this output of a node is controlled by it, instead of coming after it."""
    if node.kind == "Loop":
        return output == 1
    return node.kind in CONTROLS and output > 0


def compatible(output: str, entry: str) -> bool:
    """Tell whether an output of one family may be connected to an input of another."""
    return output == entry or entry in _CONVERTED.get(output, ())


def builtin_ports(kind: str, count: int = DEFAULT_COUNTED) -> Ports:
    """Return the ports of a built-in node.

    Parameters
    ----------
    kind
        Its name in a .flow file.
    count
        The number of ports where it can be chosen.
    """
    node_type = NODE_TYPES[kind]
    inputs, outputs = list(node_type.inputs), list(node_type.outputs)
    if node_type.counted:
        _, side, label, family = node_type.counted
        first = 0 if label == "%" else 1
        added = [(f"{label}{' ' if first else ''}{first + number}", family) for number in range(count)]
        (inputs if side == "inputs" else outputs).extend(added)
    return Ports(
        {
            index: Port(index, label, family, index in node_type.required, family == "dependency")
            for index, (label, family) in enumerate(inputs)
        },
        {index: Port(index, label, family, several=True) for index, (label, family) in enumerate(outputs)},
    )


def node_ports(node: FlowNode) -> Ports:
    """Return the ports of a node; one of an unknown kind has none."""
    if node.tool is not None:
        return _tool_ports(node)
    return builtin_ports(node.kind, node.count) if node.kind in NODE_TYPES else Ports({}, {})


def _tool_ports(node: FlowNode) -> Ports:
    assert node.tool is not None
    inputs: dict[int, Port] = {}
    outputs: dict[int, Port] = {}
    for port in node.tool.ports:
        family = TYPES.get(port.type, "str")
        if port.direction == "out":
            outputs[port.index] = Port(port.index, port.name, family, several=family != "pipe")
        elif family in ("dependency", "pipe", "env"):
            inputs[port.index] = Port(port.index, port.name, family, several=family == "dependency")
        else:
            inputs[port.index] = Port(port.index, port.name, family, port.required, kind=port.type, char=port.char)
    return Ports(inputs, outputs)


@dataclass(frozen=True)
class PortLayout:
    """A port of a tool's node as a .flow file holds it."""

    name: str
    char: str | None
    type: str
    required: bool
    direction: Literal["in", "out"]
    index: int


def tool_layout(tool: Tool) -> tuple[PortLayout, ...]:
    """Return the ports that the editors give a tool's node, inputs first.

    A program has its dependencies, its parameters in the order of the XML, its environment and its standard input, and
    on the other side its dependents and its standard output. An environment has its parameters and one output.
    """
    parameters = [(entry.name, entry.char, entry.type, entry.required) for entry in tool.parameters]
    if tool.environment:
        inputs, outputs = parameters, [("env", None, "env", False)]
    else:
        inputs = [
            ("Dependencies", None, "dependency", False),
            *parameters,
            ("env", None, "env", False),
            ("stdin", None, "pipe", False),
        ]
        outputs = [("Dependents", None, "dependency", False), ("stdout", None, "pipe", False)]
    return (
        *(PortLayout(*port, "in", index) for index, port in enumerate(inputs)),
        *(PortLayout(*port, "out", index) for index, port in enumerate(outputs)),
    )
