"""Archives of records in a real Kadi4Mat, brought there by kadi-apy's own importer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from kadi_apy import KadiManager

from kadi_battgen.records import LocalStore, Run
from kadi_battgen.records.artifacts import PROV_USED
from kadi_battgen.records.crate import pack
from kadi_battgen.records.crate.export import KADI_LICENCES

if TYPE_CHECKING:
    from tests.conftest import RunningKadi
    from tests.records.conftest import Chain


@pytest.fixture(scope="module")
def manager(kadi_sandbox: RunningKadi) -> KadiManager:
    return KadiManager(host=kadi_sandbox.connection.host, pat=kadi_sandbox.connection.token)


def items(manager: KadiManager, endpoint: str) -> list[dict[str, Any]]:
    """Return all items that an endpoint lists."""
    found: list[dict[str, Any]] = []
    while True:
        page = manager._get(endpoint, params={"per_page": 100, "page": len(found) // 100 + 1}).json()
        found += page["items"]
        if len(found) >= page["_pagination"]["total_items"]:
            return found


def import_archive(manager: KadiManager, archive: Path) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """Import an archive and return what is new: the records by their titles, and the collections."""
    before = {(kind, item["id"]) for kind in ("records", "collections") for item in items(manager, f"/{kind}")}
    manager.misc.import_eln(str(archive))
    new = {
        kind: [item for item in items(manager, f"/{kind}") if (kind, item["id"]) not in before]
        for kind in ("records", "collections")
    }
    records = [manager._get(f"/records/{item['id']}").json() for item in new["records"]]
    assert len({record["title"] for record in records}) == len(records)
    return {record["title"]: record for record in records}, new["collections"]


def values(extras: list[dict[str, Any]]) -> dict[str, Any]:
    """Return extra metadata as plain values by key."""
    return {
        extra.get("key", str(number)): values(extra["value"]) if extra["type"] in ("dict", "list") else extra["value"]
        for number, extra in enumerate(extras)
    }


@pytest.fixture(scope="module")
def imported(
    manager: KadiManager, module_chain: Chain, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """Five linked records, as they are in Kadi4Mat after an import."""
    chain = module_chain
    archive = pack(chain.store, chain.identifiers, tmp_path_factory.mktemp("archive") / "chain.eln")
    return import_archive(manager, archive)


@pytest.mark.slow
def test_five_linked_records_arrive_complete(
    manager: KadiManager, module_chain: Chain, imported: tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]
) -> None:
    records, collections = imported
    assert {title: record["type"] for title, record in records.items()} == {
        "Candidates": "screening",
        "Training": "model-training",
        "Training data": "dataset",
        "AFM stacks": "afm-campaign",
        "Electrodes with Li": "electrodes",
    }
    assert [collection["title"] for collection in collections] == ["kadi-battgen"]
    contents = items(manager, f"/collections/{collections[0]['id']}/records")
    assert {item["id"] for item in contents} == {record["id"] for record in records.values()}

    first = records["Electrodes with Li"]
    assert first["license"] == "CC-BY-4.0"
    assert {"battery", "li"} <= set(first["tags"])
    for record in module_chain.records:
        found = records[record.title]
        run = values(found["extras"])["run"]
        assert (run["step"], run["state"], run.get("seed")) == (record.step, record.state, record.seed)
    assert values(records["Training"]["extras"])["metrics"]["validation"]["validation_loss"] == 2.0
    # A run that failed says so, to people and to programs.
    failed = records["Candidates"]
    assert "failed" in failed["description"]
    assert "the latent diverged" in failed["description"]
    assert "failed" in failed["tags"]


def test_links_and_files_arrive_as_they_were(
    manager: KadiManager, module_chain: Chain, imported: tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]
) -> None:
    chain, (records, _) = module_chain, imported
    titles = {record.identifier: record.title for record in chain.records}
    for record in chain.records:
        number = records[record.title]["id"]
        links = items(manager, f"/records/{number}/records")
        assert {(link["name"], link["term"], link["record_to"]["title"]) for link in links} == {
            (link.name, PROV_USED, titles[link.record]) for link in record.links
        }
        assert {link["record_to"]["id"] for link in links} <= {found["id"] for found in records.values()}
        folder = chain.store.files_folder(record.identifier)
        kept = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        files = {file["name"]: file["id"] for file in items(manager, f"/records/{number}/files")}
        assert files.keys() == kept.keys()
        for name, content in kept.items():
            assert manager._get(f"/records/{number}/files/{files[name]}/download").content == content


def test_every_licence_that_kadi_is_said_to_know_is_known(manager: KadiManager) -> None:
    assert {item["name"] for item in items(manager, "/licenses")} >= KADI_LICENCES


@pytest.mark.parametrize(("licence", "there"), [("MIT", "MIT"), ("House licence 2", None), (None, None)])
def test_no_licence_costs_a_record_its_metadata(
    manager: KadiManager, tmp_path: Path, licence: str | None, there: str | None
) -> None:
    store = LocalStore(tmp_path / "records")
    with Run(store, step="train", record_type="model-training", title="Licence", license=licence) as run:
        pass
    records, collections = import_archive(manager, pack(store, [run.identifier], tmp_path / "one.eln"))
    assert collections == []
    record = records["Licence"]
    assert (record["type"], record["license"]) == ("model-training", there)
    assert values(record["extras"]).get("license") == (None if there else licence)
    assert values(record["extras"])["run"]["step"] == "train"
