"""The order of steps, and what decides about what."""

from __future__ import annotations

import time

import pytest

from kadi_battgen.errors import UserError
from kadi_battgen.flows.builder import FlowBuilder
from kadi_battgen.flows.model import Connection, Flow, FlowNode
from kadi_battgen.flows.plan import Plan, plan_flow


def order(flow: Flow) -> str:
    """Return the texts of the commands in order, bodies in parentheses."""
    plan = plan_flow(flow)

    def body(plan: Plan, scope: tuple[tuple[str, int], ...]) -> str:
        words: list[str] = []
        for node in plan.members.get(scope, ()):
            deciding = {"IfBranch": "if", "Loop": "loop", "BranchSelect": "select"}
            name = deciding.get(node.kind) or flow.literal(node, 1) or "?"
            words.append(name + "".join(f"({body(plan, inner)})" for inner in plan.bodies(node)))
        return " ".join(words)

    return body(plan, ())


def test_dependencies_make_the_order(flow: FlowBuilder):
    last = flow.tool("battgen say", text="d")
    first = flow.tool("battgen say", text="a")
    flow._connections.append(Connection(first.node, 0, last.node, 0))
    middle = flow.tool("battgen say", text="b", after=[first])
    flow._connections.append(Connection(middle.node, 0, last.node, 0))
    assert order(flow.build()) == "a b d"


def test_values_make_the_order_too(flow: FlowBuilder):
    a = flow.tool("battgen say", text="a")
    flow.tool("battgen say", text="b", arg0=flow.format("%0", flow.format("%0", a)))
    assert order(flow.build()) == "a b"


def test_what_is_open_follows_the_places_in_the_editor():
    kinds = [("{a}", 100, 0), ("{b}", 0, 50), ("{c}", 0, 0)]
    flow = Flow(tuple(FlowNode(name, "UserOutputWebView", x, y) for name, x, y in kinds))
    assert [node.id for node in plan_flow(flow).sequence()] == ["{c}", "{b}", "{a}"]


def test_bodies(flow: FlowBuilder):
    loop = flow.loop(end=3)
    a = flow.tool("battgen say", text="a", after=[loop.body])
    flow.tool("battgen say", text="b", after=[a])
    c = flow.tool("battgen say", text="c", after=[loop])
    branch = flow.if_branch(True, after=[c])
    d = flow.tool("battgen say", text="d", after=[branch.branch(1)])
    e = flow.tool("battgen say", text="e", after=[branch.branch(2)])
    flow.tool("battgen say", text="f", after=[d, e])
    assert order(flow.build()) == "loop(a b) c if(d)(e) f"


def test_bodies_in_bodies(flow: FlowBuilder):
    outer = flow.loop(end=3)
    inner = flow.loop(end=2, after=[outer.body])
    select = flow.select_branch(inner.index, 2, after=[inner.body])
    a = flow.tool("battgen say", text="a", after=[select.branch(1)])
    b = flow.tool("battgen say", text="b", after=[select.branch(2)])
    c = flow.tool("battgen say", text="c", after=[a, b])
    d = flow.tool("battgen say", text="d", after=[inner])
    flow.tool("battgen say", text="e", after=[c, outer])
    assert order(flow.build()) == "loop(loop(select(a)(b) c) d) e"
    assert d.node in plan_flow(flow.build()).scopes


def test_what_depends_on_a_body_and_on_something_before_belongs_to_the_body(flow: FlowBuilder):
    before = flow.tool("battgen say", text="a")
    branch = flow.if_branch(False)
    flow.tool("battgen say", text="b", after=[before, branch.branch(1)])
    assert order(flow.build()) == "a if(b)"


def test_what_follows_the_deciding_node_is_no_part_of_its_body(flow: FlowBuilder):
    loop = flow.loop(end=3)
    a = flow.tool("battgen say", text="a", after=[loop.body])
    b = flow.tool("battgen say", text="b", after=[loop])
    c = flow.tool("battgen say", text="c", after=[a, b])
    flow.tool("battgen say", text="d", after=[c, a])
    assert order(flow.build()) == "loop(a) b c d"


def test_without_dependencies_a_step_belongs_where_its_values_come_from(flow: FlowBuilder):
    loop = flow.loop(end=3)
    a = flow.tool("battgen say", text="a", after=[loop.body])
    flow.tool("battgen say", text="b", arg0=a)
    flow.tool("battgen say", text="c", arg0=loop.index)
    assert order(flow.build()) == "loop(a b) c"


def test_values_out_of_a_body_wait_for_its_end(flow: FlowBuilder):
    loop = flow.loop(end=3)
    a = flow.tool("battgen say", text="a", after=[loop.body])
    start = flow.tool("battgen say", text="s")
    flow.tool("battgen say", text="b", arg0=a, after=[start])
    assert order(flow.build()) == "loop(a) s b"


def test_a_circle_is_named(flow: FlowBuilder):
    a = flow.tool("battgen say", text="a")
    b = flow.tool("battgen read", after=[a])
    flow._connections.append(Connection(b.node, 0, a.node, 0))
    graph = Flow(tuple(flow._nodes.values()), tuple(flow._connections), {}, "circle")
    with pytest.raises(
        UserError, match="circle: battgen (say -> battgen read -> battgen say|read -> .*) wait for each other"
    ):
        plan_flow(graph)


def test_a_body_cannot_feed_its_own_loop(flow: FlowBuilder):
    loop = flow.loop(end=3)
    a = flow.tool("battgen say", text="1", after=[loop.body])
    flow._connections.append(Connection(a.node, 1, loop.node, 1))
    with pytest.raises(UserError, match="wait for each other"):
        flow.build()


def test_a_body_cannot_wait_for_what_follows_it(flow: FlowBuilder):
    loop = flow.loop(end=3)
    after = flow.tool("battgen say", text="x", after=[loop])
    flow.tool("battgen say", text="y", arg0=after, after=[loop.body])
    with pytest.raises(UserError, match="wait for each other"):
        flow.build()


def test_too_deep(flow: FlowBuilder):
    item = flow.loop(end=1)
    for _ in range(30):
        item = flow.loop(end=1, after=[item.body])
    with pytest.raises(UserError, match="more than 20 loops and branches deep"):
        flow.build()


@pytest.mark.parametrize("shape", ["chain", "fan"])
def test_large_workflows_are_planned_quickly(shape: str):
    nodes = [FlowNode(f"{{{number}}}", "FormatString" if number % 2 else "Loop") for number in range(2000)]
    if shape == "chain":
        connections = [Connection(f"{{{n}}}", 0, f"{{{n + 1}}}", 0) for n in range(1999)]
    else:
        # Every fifth step depends on a hundred others.
        connections = [Connection(f"{{{n % 100}}}", 0, f"{{{100 + 5 * (n // 100)}}}", 0) for n in range(10_000)]
    began = time.monotonic()
    plan_flow(Flow(tuple(nodes), tuple(connections)))
    assert time.monotonic() - began < 10
