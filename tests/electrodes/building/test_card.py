import pytest

from kadi_battgen.electrodes.building.card import write_card
from kadi_battgen.electrodes.building.comparison import literature_rows, reduced, table_differences
from kadi_battgen.electrodes.building.literature import MEASURED
from kadi_battgen.electrodes.collection import read_electrodes
from kadi_battgen.errors import UserError


@pytest.mark.parametrize(
    ("one", "other"), [("Mn2O4", "MnO2"), ("LiFePO4", "Li4Fe4P4O16"), ("Na3V2(PO4)3", "Na3V2P3O12")]
)
def test_compositions_compare_however_they_are_written(one, other):
    assert reduced(one) == reduced(other)


def test_every_reference_has_a_doi():
    assert all("doi:10." in measured.reference for measured in MEASURED)


def test_table_is_compared_where_ion_and_both_compositions_coincide(bundled_file, tmp_path):
    electrodes = read_electrodes(bundled_file)
    phosphate = next(e for e in electrodes.electrodes if e.formula_discharge == "LiFePO4")
    table = tmp_path / "table.csv"
    table.write_text(
        "Working Ion,Formula Charge,Formula Discharge,Average Voltage\n"
        f"Li,Fe2P2O8,Li2Fe2P2O8,{phosphate.properties.average_voltage - 0.1}\n"
        "Li,LiFe2P2O8,Li2Fe2P2O8,9.0\n"
        "Na,FePO4,LiFePO4,9.0\n"
        ",,,\n"
    )
    ((electrode, difference),) = table_differences(electrodes, table)
    assert electrode is phosphate
    assert difference == pytest.approx(0.1)


def test_a_table_without_voltages_is_refused(bundled_file, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("working_ion,formula_charge,formula_discharge\n")
    with pytest.raises(UserError, match="average_voltage"):
        table_differences(read_electrodes(bundled_file), table)


def test_card_states_what_is_in_the_set(bundled_file, tmp_path):
    card = tmp_path / "card.md"
    write_card(card, bundled_file)
    text = card.read_text()
    electrodes = read_electrodes(bundled_file)
    assert f"holds {len(electrodes)} insertion electrodes" in text
    assert "CC BY 4.0" in text
    assert text.count("doi:10.") > len(literature_rows(electrodes))


def test_shipped_card_was_written_from_the_shipped_set(bundled_file, tmp_path, shared):
    card = tmp_path / "card.md"
    tables = [shared / "data" / "mp2019" / "electrodes.csv", shared / "data" / "mp2024" / "insertion_electrodes.csv"]
    write_card(card, bundled_file, tables)
    shipped = bundled_file.with_name("electrodes.card.md")
    assert card.read_text(encoding="utf-8") == shipped.read_text(encoding="utf-8")
