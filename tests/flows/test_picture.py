"""Pictures of workflows: everything is in them, within their frame, and they are well-formed."""

from __future__ import annotations

import re
from itertools import combinations
from xml.etree import ElementTree

import pytest

from kadi_battgen.errors import UserError
from kadi_battgen.flows.builder import FlowBuilder
from kadi_battgen.flows.model import Connection, Flow, FlowNode
from kadi_battgen.flows.picture import WIDTH, draw_flow

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def drawn(small_tools) -> ElementTree.Element:
    """Return the picture of a workflow with questions, a loop, a branch, a note and an environment."""
    flow = FlowBuilder("pictured", small_tools, {"folder": "out"})
    ion = flow.ask_text("Which ion is wanted, in a question so long that it needs more than one line", "Li")
    loop = flow.loop(end=3, index="i")
    first = flow.tool("battgen say", text=ion, share=0.5, arg0="${i}", after=[loop.body])
    branch = flow.if_branch(flow.ask_whether("Go on", True), after=[loop])
    flow.tool("battgen say", text=flow.format("<%0>", first), after=[branch.branch(1)], profile="Skip")
    inside = flow.environment("battgen inside", place="there")
    flow.tool("battgen read", stdin=first, environment=inside, after=[branch.branch(2)])
    flow.note("What & why: <a note>\nin two lines")
    return ElementTree.fromstring(draw_flow(flow.build(), "A title & more"))


def texts(drawing: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in drawing.iter(f"{SVG}text")]


def test_everything_is_in_the_picture(drawn):
    found = texts(drawn)
    for text in (
        "A title & more",
        "What & why: <a note>",
        "in two lines",
        "Variables: folder = out",
        "User Input: Text",
        "Default: Li",
        "User Input: Bool",
        "Loop",
        "End Index: 3",
        "repeated",
        "battgen say",
        "share: 0.5",
        "arg0: ${i}",
        "If-Branch",
        "Condition: ‹Go on›",
        "if true",
        "text: <‹stdout of battgen say›>",
        "(left out)",
        "if false",
        "env: battgen inside place=there",
    ):
        assert text in found, found
    assert any(text.startswith("text: ‹Which ion is wanted") and text.endswith("…") for text in found)
    assert drawn.find(f"{SVG}title").text == "A title & more"


def test_everything_is_within_the_frame_and_nothing_overlaps(drawn):
    height = int(drawn.get("height"))
    assert int(drawn.get("width")) == WIDTH
    boxes = [
        tuple(int(rect.get(name)) for name in ("x", "y", "width", "height"))
        for rect in list(drawn.iter(f"{SVG}rect"))[1:]
    ]
    for x, y, width, tall in boxes:
        assert 0 <= x < x + width <= WIDTH
        assert 0 <= y < y + tall <= height
    nodes = [box for box in boxes if box[3] == 26]
    for (x, y, width, tall), (left, top, wide, high) in combinations(nodes, 2):
        assert x + width <= left or left + wide <= x or y + tall <= top or top + high <= y
    for element in drawn.iter(f"{SVG}text"):
        assert 0 < int(element.get("y")) < height
    numbers = [int(number) for path in drawn.iter(f"{SVG}path") for number in re.findall(r"-?\d+", path.get("d"))]
    assert min(numbers) > 0


def test_the_same_workflow_gives_the_same_picture(flow: FlowBuilder):
    flow.tool("battgen say", text="x")
    assert draw_flow(flow.build()) == draw_flow(flow.build())
    assert "battgen say" in draw_flow(flow.build())
    assert draw_flow(flow.build()).count("trial") == 2


def test_a_picture_without_questions_uses_the_whole_width(flow: FlowBuilder):
    flow.tool("battgen say", text="x")
    drawing = ElementTree.fromstring(draw_flow(flow.build()))
    assert max(int(rect.get("width")) for rect in list(drawing.iter(f"{SVG}rect"))[1:]) > 800


def test_characters_that_are_no_xml(flow: FlowBuilder):
    flow.tool("battgen say", text="a\x1b\x07]]><script>b\ufffe")
    assert "text: a��]]><script>b�" in texts(ElementTree.fromstring(draw_flow(flow.build())))


def test_what_has_no_order_cannot_be_drawn():
    nodes = tuple(FlowNode(name, "UserOutputWebView") for name in ("{a}", "{b}"))
    circle = (Connection("{a}", 0, "{b}", 0), Connection("{b}", 0, "{a}", 0))
    with pytest.raises(UserError, match="wait for each other"):
        draw_flow(Flow(nodes, circle))


def test_deep_bodies_stay_within_the_frame(flow: FlowBuilder):
    loop = flow.loop(end=1)
    for _ in range(19):
        loop = flow.loop(end=1, after=[loop.body])
    flow.tool("battgen say", text="x", after=[loop.body])
    drawing = ElementTree.fromstring(draw_flow(flow.build()))
    assert all(int(rect.get("width")) > 0 for rect in drawing.iter(f"{SVG}rect"))
