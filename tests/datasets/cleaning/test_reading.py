"""From files to rows and back, with what could not be read."""

from __future__ import annotations

import numpy as np
import pytest

from kadi_battgen.datasets.cleaning.pipeline import fit_transform
from kadi_battgen.datasets.cleaning.reading import cleaned_collection, collection_table, read_rows, write_table
from kadi_battgen.datasets.cleaning.settings import parse_steps, preset_steps
from kadi_battgen.datasets.cleaning.split import training_rows, with_parts
from kadi_battgen.datasets.cleaning.summary import core_shares, markdown_summary
from kadi_battgen.electrodes.collection import write_electrodes
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES
from kadi_battgen.errors import UserError

from .tables import make_table, same

HEADER = "id,working ion,Average Voltage (V),Max Delta Volume (%),Stability Discharge\n"


def test_columns_are_recognised_and_cells_that_are_no_number_are_missing(csv_file):
    rows = ["a,Li,3.4,7,0.01", "b,Na,three,nan,", "c,Li,inf,-,0.2", ",Li,1,1,1", "a,Li,1,1,1", "d,Xx,1,1,1", "e,Li"]
    source = read_rows(csv_file(HEADER + "\n".join(rows) + "\n"))
    assert source.table.ids.tolist() == ["a", "b", "c"]
    assert source.rows == 7
    np.testing.assert_allclose(source.table.numbers["average_voltage"], [3.4, np.nan, np.nan])
    np.testing.assert_allclose(source.table.numbers["volume_change"], [0.07, np.nan, np.nan])
    assert source.table.descriptors == ("stability_discharge",)
    actions = [(decision.row, decision.action) for decision in source.decisions]
    assert sum(action == "dropped" for _, action in actions) == 4
    assert [row for row, action in actions if action == "unreadable"] == ["b", "c"]


def test_sodium_is_no_missing_value(csv_file):
    source = read_rows(csv_file(HEADER + "a,Na,3,7,NA\nb,NA,3,7,1\n"))
    assert source.table.text["working_ion"].tolist() == ["Na"]


def test_a_table_with_a_tenth_of_its_rows_broken_loses_only_these(csv_file):
    rows = [f"row-{n},Li,{3 + n / 100},5,0.1" if n % 10 else f"row-{n},Li" for n in range(100)]
    source = read_rows(csv_file(HEADER + "\n".join(rows) + "\n"))
    assert len(source.table) == 90
    assert len(source.decisions) == 10


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,voltage\na,3\n", "no column for"),
        ("id,average_voltage_V\na,3\n", "no column for working_ion"),
        ("", "is empty"),
    ],
)
def test_tables_without_ids_are_refused(csv_file, text, message):
    with pytest.raises(UserError, match=message):
        read_rows(csv_file(text))


def test_a_written_table_reads_back(tmp_path, tiny_electrodes):
    table = collection_table(tiny_electrodes)
    write_table(tmp_path / "t.csv", table)
    again = read_rows(tmp_path / "t.csv").table
    for name in (*FUNCTIONAL_PROPERTIES, "density"):
        np.testing.assert_array_equal(again.numbers[name], table.numbers[name])
    assert again.text["formula_discharge"].tolist() == table.text["formula_discharge"].tolist()


def test_a_collection_goes_through_unchanged_but_for_what_was_dropped(tiny_electrodes, tmp_path):
    cleaned = fit_transform(preset_steps("default"), collection_table(tiny_electrodes))
    after = cleaned_collection(tiny_electrodes, cleaned.table, {})
    kept = set(cleaned.table.ids)
    assert list(after.electrodes) == [electrode for electrode in tiny_electrodes.electrodes if electrode.id in kept]
    write_electrodes(tmp_path / "e.json.gz", after.electrodes)
    assert same(read_rows(tmp_path / "e.json.gz").table, collection_table(after))


def test_clipped_values_of_a_collection_must_still_agree(tiny_electrodes):
    table = collection_table(tiny_electrodes)
    limit = float(np.median(table.numbers["average_voltage"]))
    clip = {"step": "ranges", "limits": {"average_voltage": [None, limit]}, "action": "clip"}
    cleaned = fit_transform(parse_steps([clip], "test"), table)
    with pytest.raises(UserError, match="contradicts itself after the cleaning .* 'action: repair'"):
        cleaned_collection(tiny_electrodes, cleaned.table, {})
    repaired = fit_transform(parse_steps([clip, {"step": "invariants", "action": "repair"}], "test"), table)
    after = cleaned_collection(tiny_electrodes, repaired.table, {})
    assert len(after) == len(tiny_electrodes)
    assert max(electrode.properties.average_voltage for electrode in after.electrodes) == limit


def test_properties_of_a_collection_cannot_be_dropped(tiny_electrodes):
    step = {"step": "reduce-columns", "columns": ["average_voltage", "density"]}
    with pytest.raises(UserError, match="average_voltage belongs to every electrode of a collection"):
        fit_transform(parse_steps([step], "test"), collection_table(tiny_electrodes))


def test_nothing_left_is_said(tiny_electrodes):
    with pytest.raises(UserError, match="No electrode is left"):
        cleaned_collection(tiny_electrodes, collection_table(tiny_electrodes).rows(np.zeros(12, dtype=bool)), {})


def test_parts_hold_whole_compositions():
    table = make_table(range(40), [100] * 40, [0.1] * 40)
    formulas = [f"Li{1 + row // 4}CoO2" for row in range(40)]
    table = with_parts(table.with_text("formula_discharge", np.array(formulas, dtype=object)), "0.6,0.2,0.2", 1)
    parts = {formula: set(table.text["part"][np.array(formulas) == formula]) for formula in formulas}
    assert all(len(part) == 1 for part in parts.values())
    assert training_rows(table).sum() == 24
    with pytest.raises(UserError, match="is not three fractions"):
        with_parts(table, "most,rest", 1)


class TestMaterialsProject:
    """2,185 real rows: the result must be sensible, and explained."""

    @pytest.fixture(scope="class")
    def cleaned(self, materials_project):
        return fit_transform(preset_steps("default"), materials_project.table)

    def test_all_rows_are_read(self, materials_project):
        assert (materials_project.rows, len(materials_project.table), materials_project.decisions) == (2185, 2185, ())

    def test_the_raw_core_sits_in_a_corner(self, materials_project):
        assert min(core_shares(materials_project.table).values()) < 0.05

    def test_the_core_fills_most_of_the_interval(self, cleaned):
        """Both with the fitted scaling and with the min-max scaling that build-dataset takes by default."""
        shares = core_shares(cleaned.table)
        assert set(shares) == set(FUNCTIONAL_PROPERTIES)
        assert min(shares.values()) >= 0.5
        for name in FUNCTIONAL_PROPERTIES:
            scaled = cleaned.table.numbers[f"{name}_scaled"]
            low, high = np.quantile(scaled, (0.01, 0.99))
            assert (low, high) == pytest.approx((0.0, 1.0), abs=1e-9)
            assert scaled.min() > -1
            assert scaled.max() < 2

    def test_only_repetitions_take_many_rows(self, cleaned):
        lost = {
            entry.step: entry.rows_in - entry.rows_out for entry in cleaned.summary if entry.rows_in > entry.rows_out
        }
        assert lost == {"04-ranges": 47, "05-duplicates": 589, "06-outliers": 21, "07-outliers": 1}
        assert (sum(lost.values()) - lost["05-duplicates"]) / 2185 < 0.1

    def test_no_composition_is_lost_to_repetition(self, cleaned, materials_project):
        def pairs(table, rows):
            where = np.isin(table.ids.astype(str), rows)
            return set(zip(table.text["working_ion"][where], table.text["formula_discharge"][where], strict=True))

        by_step = {}
        for decision in cleaned.decisions:
            by_step.setdefault(decision.step, []).append(decision.row)
        elsewhere = [row for step, rows in by_step.items() if step != "05-duplicates" for row in rows]
        repeated = pairs(materials_project.table, by_step["05-duplicates"])
        assert repeated <= pairs(cleaned.table, cleaned.table.ids.astype(str)) | pairs(
            materials_project.table, elsewhere
        )

    def test_mild_negative_voltages_are_kept_on_purpose(self, cleaned):
        voltage = cleaned.table.numbers["average_voltage"]
        assert (voltage < 0).sum() == 44
        assert voltage.min() > -2

    def test_the_summary_says_why(self, cleaned, materials_project):
        text = markdown_summary(materials_project.table, (), 2185, cleaned)
        assert "kept on purpose" in text
        assert "volume_change 199.4 is above the physical limit 1" in text
        assert "| Volume change (fraction) | before |" in text
        assert "![" not in text
