"""The shipped workflows as Kadi4Mat shows them, in a real browser.

Screenshots go to the folder that ``BATTGEN_TEST_ARTIFACTS`` names, or to pytest's temporary one.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kadi_battgen.flows.reading import read_flow

SHIPPED = Path(__file__).resolve().parents[2] / "kadistudio_workflows"
FLOWS = sorted(path.stem for path in SHIPPED.glob("*.flow"))


@pytest.fixture(scope="module")
def uploaded(kadi_sandbox) -> dict[str, dict]:
    """Upload all files to a record and return what Kadi4Mat says of each, by its name."""
    from kadi_apy import KadiManager

    connection = kadi_sandbox.connection
    with KadiManager(host=connection.host, pat=connection.token) as manager:
        record = manager.record(identifier="shipped-workflows", title="Shipped workflows", create=True)
        for path in (*SHIPPED.glob("*.flow"), *SHIPPED.glob("tools/*.xml")):
            assert record.upload_file(str(path)).ok
        files = record.get_filelist(per_page=100).json()["items"]
    return {entry["name"]: {**entry, "record": record.id} for entry in files}


@pytest.mark.slow
def test_files_get_the_types_of_workflows_and_tools(uploaded: dict[str, dict]) -> None:
    types = {name: entry["mimetype"] for name, entry in uploaded.items()}
    assert {types[name] for name in types if name.endswith(".flow")} == {"application/x-flow+json"}
    assert {types[name] for name in types if name.endswith(".xml")} == {"application/x-tool+xml"}
    assert len(types) == len(FLOWS) + len(list(SHIPPED.glob("tools/*.xml")))


@pytest.mark.slow
@pytest.mark.parametrize("name", FLOWS)
def test_every_node_and_connection_is_drawn(
    uploaded: dict[str, dict], name: str, kadi_sandbox, kadi_page, tmp_path: Path
) -> None:
    flow, file = read_flow(SHIPPED / f"{name}.flow"), uploaded[f"{name}.flow"]
    kadi_page.set_viewport_size({"width": 1600, "height": 1300})
    kadi_page.goto(f"{kadi_sandbox.connection.host}/records/{file['record']}/files/{file['id']}")
    drawn = "document.querySelectorAll('{}').length === {}"
    kadi_page.wait_for_function(drawn.format(".node", len(flow.nodes)), timeout=30_000)
    kadi_page.wait_for_function(drawn.format("svg[seed] > path", len(flow.connections)), timeout=30_000)
    folder = Path(os.environ.get("BATTGEN_TEST_ARTIFACTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    view = kadi_page.locator(".node").first.locator("xpath=ancestor::*[contains(@class, 'card')][1]")
    picture = view if view.count() else kadi_page
    picture.screenshot(path=folder / f"{name}-in-kadi.png")
    assert (folder / f"{name}-in-kadi.png").stat().st_size > 20_000
