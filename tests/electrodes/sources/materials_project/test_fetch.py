"""Fetching from a real server: what arrives, in which requests, and what is asked again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kadi_battgen.electrodes.collection import read_electrodes, write_electrodes
from kadi_battgen.electrodes.composition import parse_formula
from kadi_battgen.electrodes.sources.materials_project import client as client_module
from kadi_battgen.electrodes.sources.materials_project import electrodes_from_materials_project
from kadi_battgen.electrodes.sources.materials_project.cache import DocumentCache
from kadi_battgen.electrodes.sources.materials_project.client import MaterialsProject
from kadi_battgen.electrodes.sources.materials_project.fetch import _patience
from kadi_battgen.errors import UserError
from kadi_battgen.parallel import ClusterSettings, open_cluster

ELECTRODES, SUMMARY = "/materials/insertion_electrodes/", "/materials/summary/"

FIELDS = {
    "average_voltage": "average_voltage",
    "gravimetric_capacity": "capacity_grav",
    "volumetric_capacity": "capacity_vol",
    "gravimetric_energy": "energy_grav",
    "volumetric_energy": "energy_vol",
    "volume_change": "max_delta_volume",
}


def _queries(proxy: Any, path: str) -> list[dict[str, list[str]]]:
    return [parse_qs(urlsplit(at).query) for _, at in proxy.requests if urlsplit(at).path == path]


@pytest.fixture(scope="module")
def valid(everything) -> Any:
    """Return all valid electrodes, duplicates too, and the rows that were refused."""
    return electrodes_from_materials_project(everything, progress=False)


def test_all_electrodes_arrive_with_the_server_s_own_values(valid, reference):
    collection, refused = valid
    assert collection.metadata["received"] == len(reference) == 1001
    # Their densities are 3.6 and 3.8 % off.
    assert len(refused) == 2
    assert all("volumetric_capacity is" in row.reason for row in refused)
    assert len(collection) == 999
    values = Counter(
        (electrode.working_ion, *(getattr(electrode.properties, name) for name in FIELDS))
        for electrode in collection.electrodes
    )
    given = Counter((row["working_ion"], *(float(row[field]) for field in FIELDS.values())) for row in reference)
    assert sum((given - values).values()) == 2
    assert not values - given


def test_volume_change_stays_a_fraction(valid):
    collection, _ = valid
    changes = sorted(electrode.properties.volume_change for electrode in collection.electrodes)
    assert changes[len(changes) // 2] == pytest.approx(0.05, abs=0.03)


def test_metadata_say_where_and_when(valid):
    metadata = valid[0].metadata
    assert metadata["source"] == "Materials Project"
    assert metadata["database_version"] == "2019.12.03"
    assert metadata["licence"] == "CC-BY-4.0"
    assert "10.1063/1.4812323" in str(metadata["citations"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", metadata["retrieved"])
    assert metadata["endpoint"].startswith("http://127.0.0.1:")
    assert metadata["electrodes_per_ion"] == {"Li": 984, "Na": 9, "K": 2, "Mg": 1, "Ca": 1, "Zn": 2}


@pytest.mark.parametrize(
    ("rule", "kept", "left"),
    [
        ("discharge-formula", "most-stable", 768),
        ("discharge-formula", "highest-voltage", 768),
        ("both-formulas", "most-stable", 788),
    ],
)
def test_duplicates_are_removed_by_a_stated_rule(everything, reference, rule, kept, left):
    changed = everything.model_copy(update={"duplicates": rule, "kept": kept})
    collection, refused = electrodes_from_materials_project(changed, progress=False)
    removed = [row for row in refused if row.reason.startswith("duplicate of ")]
    assert len(collection) == left
    assert len(removed) == collection.metadata["duplicates_removed"] == 999 - left
    assert collection.metadata["duplicates"]["rule"] == rule
    ids = {electrode.id for electrode in collection.electrodes}
    assert {row.reason.split()[2] for row in removed} <= ids
    assert not ids & {row.id for row in removed}
    if rule == "discharge-formula":
        assert len({(e.working_ion, _reduced(e.formula_discharge)) for e in collection.electrodes}) == left
        # The best of each composition stayed.
        best: dict[Any, float] = {}
        field, sign = ("average_voltage", -1) if kept == "highest-voltage" else ("stability_discharge", 1)
        refused_ids = {"mp-26201", "mp-540530"}
        for row in reference:
            key = row["working_ion"], _reduced(row["formula_discharge"])
            if row["battery_id"].partition("_")[0] not in refused_ids:
                best[key] = min(best.get(key, float("inf")), sign * float(row[field]))
        if kept == "highest-voltage":
            for electrode in collection.electrodes:
                expected = best[electrode.working_ion, _reduced(electrode.formula_discharge)]
                assert -electrode.properties.average_voltage == pytest.approx(expected)


def _reduced(formula: str) -> Any:
    amounts = parse_formula(formula)
    total = sum(amounts.values())
    return tuple(sorted((element, round(count / total, 6)) for element, count in amounts.items()))


def test_ids_are_distinct_and_in_one_notation(valid):
    collection, _ = valid
    assert len({electrode.id for electrode in collection.electrodes}) == len(collection)
    # The server sends eight letters for all of them.
    notation = r"mp-(\d+|[a-z]{8})"
    for electrode in collection.electrodes:
        assert re.fullmatch(rf"{notation}_{electrode.working_ion}(_.*)?", electrode.id)
        assert re.fullmatch(rf".*\(discharged {notation}\)", electrode.source_id)
    assert any(electrode.id.startswith("mp-26214_Li") for electrode in collection.electrodes)


def test_collection_is_written_and_read(valid, tmp_path: Path):
    collection, _ = valid
    few = collection.select(("Na", "Zn"))
    write_electrodes(tmp_path / "few.json.gz", few.electrodes, few.metadata)
    assert read_electrodes(tmp_path / "few.json.gz") == few


def test_cluster_gives_the_same(everything):
    few = everything.model_copy(update={"working_ions": ("Na", "Mg", "Zn")})
    with open_cluster(ClusterSettings(workers=1)) as cluster:
        spread = electrodes_from_materials_project(few, progress=False, cluster=cluster)
    assert spread == electrodes_from_materials_project(few, progress=False)


def test_more_electrodes_than_a_page(proxy, settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(client_module, "PAGE_SIZE", 300)
    chosen = settings()
    patience = _patience(chosen, proxy.host, DocumentCache(chosen.cache, proxy.host))
    found = MaterialsProject(proxy.host, patience).electrodes("Li")
    assert len({str(sorted(document.items())) for document in found}) == 986
    pages = [query for query in _queries(proxy, ELECTRODES) if "_limit" in query]
    assert sorted(int(query.get("_skip", ["0"])[0]) for query in pages) == [0, 300, 600, 900]


def test_only_what_is_wanted_is_asked_for(proxy, fetch):
    collection, _ = fetch(duplicates="none")
    assert {ion: count for ion, count in collection.counts().items() if count} == {"Na": 9, "Zn": 2}
    assert {query["working_ion"][0] for query in _queries(proxy, ELECTRODES)} == {"Na", "Zn"}
    assert all("_fields" in query for query in _queries(proxy, SUMMARY))
    assert {query["_fields"][0] for query in _queries(proxy, SUMMARY)} == {"material_id,structure"}


def test_structures_come_in_batches(proxy, fetch, tmp_path: Path):
    whole = fetch(cache=tmp_path / "whole")[0].electrodes
    proxy.requests.clear()
    assert fetch(batch_size=4)[0].electrodes == whole
    batches = len(list((tmp_path / "cache").glob("*/*/structures-Na-*")))
    assert batches == 3
    assert max(len(query["material_ids"][0].split(",")) for query in _queries(proxy, SUMMARY)) <= 4


def test_second_fetch_asks_nothing(proxy, fetch, capfd: pytest.CaptureFixture[str]):
    first = fetch()
    proxy.requests.clear()
    assert fetch() == first
    assert proxy.requests == []
    proxy.stop()
    assert fetch() == first
    assert capfd.readouterr() == ("", "")


def test_another_ion_asks_for_that_ion_only(proxy, fetch):
    fetch(working_ions=("Na",))
    proxy.requests.clear()
    fetch(working_ions=("Zn", "Na"))
    assert {query["working_ion"][0] for query in _queries(proxy, ELECTRODES)} == {"Zn"}


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))


def _forge(path: Path) -> None:
    import gzip

    text = gzip.decompress(path.read_bytes())
    assert b'"working_ion":"Na"' in text
    path.write_bytes(gzip.compress(text.replace(b'"average_voltage":', b'"average_voltage":1', 1)))


@pytest.mark.parametrize("harm", [_truncate, _flip, _forge, lambda path: path.write_bytes(b""), Path.unlink])
def test_damaged_part_is_fetched_again(proxy, fetch, tmp_path: Path, harm):
    first, _ = fetch()
    (part,) = (tmp_path / "cache").glob("*/*/electrodes-Na-*")
    harm(part)
    proxy.requests.clear()
    again, _ = fetch()
    assert again.electrodes == first.electrodes
    assert {query["working_ion"][0] for query in _queries(proxy, ELECTRODES)} == {"Na"}
    assert _queries(proxy, SUMMARY) == []


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"database_version": 7}'])
def test_damaged_note_of_the_version_costs_one_request(proxy, fetch, tmp_path: Path, damage):
    first, _ = fetch()
    (note,) = (tmp_path / "cache").glob("*/current.json")
    note.write_text(damage)
    proxy.requests.clear()
    assert fetch()[0] == first
    assert [path for _, path in proxy.requests] == ["/heartbeat"]


NEWER = b'{"status": "OK", "version": "0.87.3", "db_version": "2026.11.01", "access_controlled_batch_ids": []}'


def test_newer_database_is_fetched_when_asked_for(proxy, fetch):
    fetch()
    with proxy.failing(path="heartbeat", status=200, body=NEWER):
        assert fetch()[0].metadata["database_version"] == "2019.12.03"
        proxy.requests.clear()
        assert fetch(refresh=True)[0].metadata["database_version"] == "2026.11.01"
        assert len(_queries(proxy, SUMMARY)) > 0
        proxy.requests.clear()
        assert fetch(refresh=True)[0].metadata["database_version"] == "2026.11.01"
        assert [path for _, path in proxy.requests] == ["/heartbeat"]


def test_two_versions_are_never_mixed(proxy, fetch):
    fetch(working_ions=("Na",))
    with proxy.failing(path="heartbeat", status=200, body=NEWER):
        proxy.requests.clear()
        collection, _ = fetch(working_ions=("Na", "Zn"))
    assert collection.metadata["database_version"] == "2026.11.01"
    assert {query["working_ion"][0] for query in _queries(proxy, ELECTRODES)} == {"Na", "Zn"}


PROGRAM = """
import sys
from pathlib import Path
from kadi_battgen.electrodes.sources.materials_project import FetchSettings, electrodes_from_materials_project
assert not {"pymatgen", "mp_api", "emmet", "requests"} & set(sys.modules)
settings = FetchSettings(working_ions=("Na", "Zn"), endpoint=sys.argv[1], cache=Path(sys.argv[2]), batch_size=4)
collection, refused = electrodes_from_materials_project(settings)
assert "mp_api" not in sys.modules
print(len(collection))
"""


@pytest.mark.slow
def test_killed_fetch_goes_on(proxy, fetch, tmp_path: Path):
    command = [sys.executable, "-c", PROGRAM, proxy.host, str(tmp_path / "cache")]
    with proxy.failing(path="summary", delay=30.0) as fault:
        fault.times = 0
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while not list((tmp_path / "cache").glob("*/*/structures-*")):
            assert running.poll() is None, running.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.002)
        fault.times = None
        time.sleep(0.2)
        os.kill(running.pid, signal.SIGKILL)
        running.communicate()
    done = len(list((tmp_path / "cache").glob("*/*/structures-*")))
    assert 1 <= done <= 4
    proxy.requests.clear()
    collection, _ = fetch(batch_size=4)
    assert len(collection) > 0
    assert _queries(proxy, ELECTRODES) == []
    asked = {identifier for query in _queries(proxy, SUMMARY) for identifier in query["material_ids"][0].split(",")}
    assert len(asked) == sum(size for size in (4, 4, 1, 2)[done:])
    # Complete now: the same program neither loads mp-api nor asks for anything.
    proxy.stop()
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stdout) == (0, f"{len(collection)}\n"), finished.stderr


def test_default_cache_is_the_user_s_own(settings, tmp_path: Path):
    assert settings(cache=None).cache_folder == tmp_path / "user-cache" / "kadi-battgen" / "materials-project"


def test_no_electrode_is_an_error(fetch):
    with pytest.raises(UserError, match=r"has no electrode of Y that can be used \(0 refused\)"):
        fetch(working_ions=("Y",))
