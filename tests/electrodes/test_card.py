"""Data cards: every number on them is that of the data set."""

from __future__ import annotations

import pytest

from kadi_battgen.electrodes.card import card_path, electrode_faults, markdown_table, without_ending, write_card
from kadi_battgen.electrodes.collection import ElectrodeCollection
from kadi_battgen.electrodes.refusals import RefusedRow


def _card(path, collection, refused=()):
    write_card(path, collection, "electrodes.json.gz", refused)
    return path.read_text()


@pytest.mark.parametrize(
    ("output", "card"),
    [
        ("a/e.json.gz", "a/e.card.md"),
        ("e.json", "e.card.md"),
        ("afm.h5", "afm.card.md"),
        ("e", "e.card.md"),
        ("e.v2.json", "e.v2.card.md"),
    ],
)
def test_a_card_lies_beside_its_data_set(output, card):
    assert card_path(output) == card
    assert without_ending(output) + ".card.md" == card


def test_a_card_tells_counts_ranges_and_origin(tmp_path, bundled):
    some = bundled.select(("Li", "Mg"), limit=20)
    text = _card(tmp_path / "card.md", some)
    voltages = sorted(electrode.properties.average_voltage for electrode in some.electrodes)
    line = next(line for line in text.splitlines() if line.startswith("| Average voltage | V |"))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert (cells[2], cells[6]) == (f"{voltages[0]:.4g}", f"{voltages[-1]:.4g}")
    assert "| Li | 10 |" in text
    assert "| Rb | 0 |" in text
    assert "| all | 20 |" in text
    assert "Licence: CC BY 4.0." in text
    assert "J. E. Saal" in text
    assert "None." in text.partition("## Refused rows")[2]


def test_the_same_collection_gives_the_same_card(tmp_path, bundled):
    assert _card(tmp_path / "a", bundled) == _card(tmp_path / "b", bundled)


def test_refused_rows_are_counted_by_reason(tmp_path, electrode):
    refused = [RefusedRow("t, line 2", "a", "id", "no id", "missing value")] * 3
    refused += [RefusedRow("t, line 9", "b", "average_voltage", "not a number")]
    text = _card(tmp_path / "card.md", ElectrodeCollection((electrode,)), refused)
    assert "4 rows of the source are not in the set." in text
    assert "| missing value | id | 3 |" in text
    assert "| wrong value | average_voltage | 1 |" in text


def test_what_the_metadata_tell_stands_on_the_card(tmp_path, electrode):
    metadata = {
        "source": "Materials Project",
        "database_version": "2025.09.25",
        "retrieved": "2026-01-01T00:00:00Z",
        "licence": "CC-BY-4.0",
        "citations": {"Materials Project": ["A. Jain et al."]},
        "duplicates": {"rule": "discharge-formula", "kept": "most-stable"},
        "known_faults": ["the clock was wrong"],
    }
    text = _card(tmp_path / "card.md", ElectrodeCollection((electrode,), metadata))
    for expected in (
        *("* version of the database: 2025.09.25", "* retrieved: 2026-01-01T00:00:00Z", "* A. Jain et al."),
        *("* duplicates: rule: discharge-formula; kept: most-stable", "* the clock was wrong.", "Licence: CC-BY-4.0."),
        "Voltages are DFT values",
    ):
        assert expected in text


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"average_voltage": -1.0}, "1 of 1 have a negative voltage"),
        ({"average_voltage": 6.5}, "1 of 1 have a voltage above 6 V"),
        ({"volume_change": 1.5}, "1 of 1 change their volume by more than 100 %"),
    ],
)
def test_odd_values_are_faults(electrode, change, fault):
    odd = electrode.model_copy(update={"properties": electrode.properties.model_copy(update=change)})
    assert any(line.startswith(fault) for line in electrode_faults([odd]))
    assert not any(line.startswith(fault) for line in electrode_faults([electrode]))


def test_a_text_does_not_break_its_table():
    assert markdown_table(["a"], [["x|y\n| z"]]).splitlines()[2] == "| x\\|y \\| z |"
