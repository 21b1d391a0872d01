"""fetch-electrodes from a real server: collection, card, refused rows and record; a second fetch asks nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from battgen_nodes.main import battgen
from click.testing import CliRunner

from kadi_battgen.electrodes.collection import read_electrodes
from kadi_battgen.records import LocalStore


@pytest.fixture
def fetch_by_command(mp_server, tmp_path, monkeypatch):
    """Return a function that fetches the electrodes of Na and Zn into the current folder."""
    monkeypatch.chdir(tmp_path)

    def fetch(*options, endpoint=mp_server):
        words = ["fetch-electrodes", "--source", "materials-project", "--working-ion", "Na,Zn", "--endpoint", endpoint]
        return CliRunner().invoke(battgen, [*words, "--cache", "cache", "--output", "mp.json.gz", *options])

    return fetch


def test_the_command_fetches_with_card_and_record(fetch_by_command):
    outcome = fetch_by_command("--duplicates", "none")
    assert outcome.exit_code == 0, outcome.output
    collection = read_electrodes("mp.json.gz")
    assert {ion for ion, count in collection.counts().items() if count} == {"Na", "Zn"}
    card = Path("mp.card.md").read_text()
    assert f"* version of the database: {collection.metadata['database_version']}" in card
    assert "Licence: CC-BY-4.0." in card
    assert "A. Jain et al., APL Mater. 1, 011002 (2013)" in card
    store = LocalStore(Path("battgen-records"))
    record = store.load(store.identifiers()[0])
    assert record.license == "CC-BY-4.0"
    assert "mp.card.md" in {entry.name for entry in record.files}


def test_the_same_command_gives_the_same_bytes_without_the_server(fetch_by_command):
    assert fetch_by_command().exit_code == 0
    first = [Path(name).read_bytes() for name in ("mp.json.gz", "mp.card.md")]
    outcome = fetch_by_command("--no-record")
    assert outcome.exit_code == 0, outcome.output
    assert [Path(name).read_bytes() for name in ("mp.json.gz", "mp.card.md")] == first


def test_what_is_no_address_ends_with_one_sentence(fetch_by_command):
    outcome = fetch_by_command(endpoint="ftp://nowhere")
    assert outcome.exit_code == 2
    assert "is no address that starts with https://" in outcome.stderr
    assert not Path("mp.json.gz").exists()
