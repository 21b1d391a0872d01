"""Generated workflows in a real Kadi4Mat: recognised by their content, and drawn whole by its editor."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from kadi_battgen.flows.builder import FlowBuilder
from kadi_battgen.flows.layout import height, width
from kadi_battgen.flows.model import Flow, write_flow

#: What the editor draws connections with.
PATHS = "'svg[seed] > path'"

XML = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<program name="battgen try" version="1.0"><param name="number" type="long" char="n"/></program>\n'
)


def workflow(tools: dict, small: dict) -> Flow:
    """Return a workflow of real commands with every kind of node that the builder makes."""
    flow = FlowBuilder("Everything", {**tools, **small}, {"folder": "out"})
    ion = flow.ask_value("Working ion", "Li,Na", "Li")
    count = flow.ask_integer("Candidates", 16)
    sure = flow.ask_whether("Write a list", True)
    option = flow.ask_option("Which", ["one", "two"], 1)
    path = flow.ask_file("Model folder", "model")
    number = flow.ask_number("Voltage", 3.5)
    fetched = flow.tool("battgen fetch-electrodes", output="${folder}/electrodes.json.gz", limit=5)
    loop = flow.loop(start=0, end=3, index="i", after=[fetched])
    name = flow.format("%0/candidates-${i}-%1.csv", "${folder}", number)
    found = flow.tool("battgen screen", model=path, output=name, samples=count, seed=loop.index, after=[loop.body])
    branch = flow.if_branch(sure, after=[loop])
    read = flow.read_file(found, after=[branch.branch(1)])
    flow.write_file("${folder}/list.txt", read, append=False, after=[read])
    select = flow.select_branch(option.selected, 2, after=[branch])
    flow.variable("ion", ion, after=[select.branch(1)])
    inside = flow.environment("battgen inside", place="here")
    flow.tool(
        "battgen say", text=flow.ask_text("Say", "x"), environment=inside, after=[select.branch(2)], profile="Skip"
    )
    flow.show_file("${folder}/list.txt", after=[select])
    flow.show_page("See", "https://example.org", after=[select])
    flow.note("All kinds of nodes.\nNothing of it is meant to be run.", beside=found)
    return flow.build()


@pytest.mark.slow
def test_the_editor_draws_every_node_and_connection(real_tools, small_tools, kadi_sandbox, kadi_page, tmp_path: Path):
    from kadi_apy import KadiManager

    connection = kadi_sandbox.connection
    flow = workflow(real_tools, small_tools)
    write_flow(tmp_path / "everything.flow", flow)
    (tmp_path / "try.xml").write_text(XML)
    manager = KadiManager(host=connection.host, pat=connection.token)
    record = manager.record(identifier="flows", title="Workflows", create=True)
    for name in ("everything.flow", "try.xml"):
        assert record.upload_file(str(tmp_path / name)).ok
    files = {entry["name"]: entry for entry in record.get_filelist().json()["items"]}
    manager._session.close()
    assert files["everything.flow"]["mimetype"] == "application/x-flow+json"
    assert files["try.xml"]["mimetype"] == "application/x-tool+xml"

    problems: list[str] = []
    kadi_page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    kadi_page.on("pageerror", lambda error: problems.append(str(error)))
    kadi_page.goto(f"{connection.host}/records/{record.id}/files/{files['everything.flow']['id']}")
    kadi_page.wait_for_function(f"document.querySelectorAll('.node').length === {len(flow.nodes)}", timeout=30_000)
    kadi_page.wait_for_function(
        f"document.querySelectorAll({PATHS}).length === {len(flow.connections)}", timeout=30_000
    )
    assert problems == []
    sizes = kadi_page.evaluate(
        "[...document.querySelectorAll('.node')].map(node => [node.offsetWidth, node.offsetHeight])"
    )
    boxes = [
        (node.x, node.y, node.x + wide, node.y + tall) for node, (wide, tall) in zip(flow.nodes, sizes, strict=True)
    ]
    for (left, top, right, bottom), (x, y, end, below) in combinations(boxes, 2):
        assert right <= x or end <= left or bottom <= y or below <= top
    for node, (wide, tall) in zip(flow.nodes, sizes, strict=True):
        assert wide <= width(node) + 30
        assert tall <= height(node)
