"""Templates on a real server: installed once, kept up to date, and what they ask for is enforced."""

from __future__ import annotations

from typing import Any

import pytest

from kadi_battgen.records import Record, Run
from kadi_battgen.records.kadi.client import KadiClient
from kadi_battgen.records.kadi.extras import same
from kadi_battgen.records.kadi.instance import Instance
from kadi_battgen.records.kadi.metadata import kadi_fields
from kadi_battgen.records.kadi.record_types import RECORD_TYPES
from kadi_battgen.records.kadi.session import KadiError
from kadi_battgen.records.kadi.templates import PREFIX, install_templates, template_fields


def change(extras: list[dict[str, Any]], value: Any, *path: str) -> None:
    """Change the value of an entry by its keys."""
    *outer, last = path
    for key in outer:
        extras = next(extra["value"] for extra in extras if extra.get("key") == key)
    next(extra for extra in extras if extra.get("key") == last)["value"] = value


def test_templates_are_installed_once_and_kept_up_to_date(client: KadiClient, other_client: KadiClient) -> None:
    install_templates(client)
    assert {template.outcome for template in install_templates(client)} == {"unchanged"}
    identifier = f"{PREFIX}screening"
    found = client.find("templates", identifier)
    count = len(list(client.items(f"/templates/{found['id']}/revisions", "counting")))
    client.edit("templates", found["id"], identifier, {"title": "Something else"})
    assert {t.identifier: t.outcome for t in install_templates(client)}[identifier] == "updated"
    assert client.find("templates", identifier)["title"] == "kadi-battgen: Screening"
    assert {template.outcome for template in install_templates(client)} == {"unchanged"}
    assert len(list(client.items(f"/templates/{found['id']}/revisions", "counting"))) == count + 2
    # Everyone on the instance may use them, only their owner changes them.
    assert {template.outcome for template in install_templates(other_client)} == {"unchanged"}
    client.edit("templates", found["id"], identifier, {"title": "Changed"})
    with pytest.raises(KadiError, match="ask its owner"):
        install_templates(other_client)
    client.edit("templates", found["id"], identifier, {"visibility": "private"})
    with pytest.raises(KadiError, match="belongs to someone else"):
        install_templates(other_client)
    client.request("delete", f"/templates/{found['id']}", "deleting")
    with pytest.raises(KadiError, match=r"The template kadi-battgen-screening is in the trash"):
        install_templates(client)
    client.request("post", f"/templates/{found['id']}/restore", "restoring")


@pytest.mark.parametrize("kind", RECORD_TYPES)
def test_every_type_has_a_template_with_rules(kind: str) -> None:
    fields = template_fields(RECORD_TYPES[kind])
    run = next(extra["value"] for extra in fields["data"]["extras"] if extra["key"] == "run")
    state = next(extra for extra in run if extra["key"] == "state")
    assert state["validation"] == {
        "required": True,
        "options": ["running", "succeeded", "failed", "interrupted", "killed"],
    }


@pytest.fixture(scope="module")
def saved(kadi_sandbox: Any) -> tuple[KadiClient, Record]:
    """Create the record of a screening."""
    connection = kadi_sandbox.connection
    client = KadiClient(Instance("sandbox", connection.host, connection.token))
    configuration = {"working_ion": "Li", "steps": 100, "seed": 1}
    with Run(None, step="screen", record_type="screening", seed=1, configuration=configuration) as run:
        pass
    client.create("records", run.identifier, kadi_fields(run.record))
    return client, run.record


@pytest.mark.parametrize(
    ("value", "path", "reason"),
    [
        ("won", ("run", "state"), "extras.run.state: Must be one of: running, succeeded, failed"),
        (None, ("run", "step"), "extras.run.step: Value is required"),
        (-1.0, ("run", "duration"), "extras.run.duration: Must be equal to or greater than 0"),
        ("Xx", ("configuration", "working_ion"), "extras.configuration.working_ion: Must be one of: Li, Na"),
        (0, ("configuration", "steps"), "extras.configuration.steps: Must be equal to or greater than 1"),
        ("three", ("configuration", "seed"), "extras.configuration.seed: Not a valid integer"),
        (2**53, ("run", "seed"), "extras.run.seed: Integer values must be between"),
    ],
)
def test_kadi_refuses_wrong_values_with_its_reason(
    saved: tuple[KadiClient, Record], value: Any, path: tuple[str, ...], reason: str
) -> None:
    client, record = saved
    extras = kadi_fields(record)["extras"]
    change(extras, value, *path)
    number = client.find("records", record.identifier)["id"]
    for attempt in (
        lambda: client.create("records", "wrong", {"title": "Wrong", "extras": extras}),
        lambda: client.edit("records", number, record.identifier, {"extras": extras}),
    ):
        with pytest.raises(KadiError) as caught:
            attempt()
        assert caught.value.status == 400
        assert reason in str(caught.value)
    assert same(kadi_fields(record)["extras"], client.find("records", record.identifier)["extras"])
