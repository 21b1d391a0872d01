"""Electrodes from structures and a table: what loads, and what is refused with file, line, field and reason."""

from __future__ import annotations

import gzip
import json

import pytest

from kadi_battgen.electrodes.sources import load_source
from kadi_battgen.electrodes.sources.files import electrodes_from_files, read_structure
from kadi_battgen.errors import UserError
from kadi_battgen.parallel import ClusterSettings, open_cluster


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_folder_and_a_table_give_electrodes(folder, table, electrode, encoding):
    collection, refused = load_source("files", folder=folder, table=table(encoding=encoding))
    assert refused == []
    assert [e.id for e in collection.electrodes] == ["olivine", "second"]
    assert {e.formula_discharge for e in collection.electrodes} == {"LiFePO4"}
    for loaded in collection.electrodes:
        assert loaded.properties == electrode.properties
        assert loaded.structure.density == pytest.approx(electrode.structure.density, rel=1e-4)
        assert (loaded.source, loaded.method) == ("properties.csv", "experiment")


def test_a_method_is_optional(folder, table):
    collection, _ = electrodes_from_files(folder, table(drop=("method",)))
    assert collection.electrodes[0].method == "as given in the table"


BROKEN_ROWS = [
    ({"structure": "broken.cif"}, "structure", "structure not readable", "broken.cif does not parse as a crystal"),
    ({"structure": "nowhere.cif"}, "structure", "structure not found", "'nowhere.cif' does not exist"),
    ({"structure": ""}, "structure", "structure not found", "'second' does not exist"),
    ({"structure": "../outside.cif"}, "structure", "structure not found", "'../outside.cif' lies outside"),
    ({"structure": "/etc/hostname"}, "structure", "structure not found", "'/etc/hostname' lies outside"),
    ({"average_voltage_V": "high"}, "average_voltage", "no number", "'high', which is not a valid number"),
    ({"average_voltage_V": "3_4"}, "average_voltage", "no number", "'3_4', which is not a valid number"),
    ({"average_voltage_V": "nan"}, "average_voltage", "no number", "not a finite number"),
    ({"average_voltage_V": "1e999"}, "average_voltage", "no number", "not a finite number"),
    ({"average_voltage_V": "4.0"}, "gravimetric_energy", "contradiction", "follows from the other values"),
    ({"volume_change_fraction": "-1"}, "volume_change", "value out of range", "greater than or equal to 0"),
    ({"volume_change_fraction": ""}, "volume_change", "missing value", "does not follow from the others"),
    ({"working_ion": "Xe"}, "working_ion", "unknown working ion", "'Xe' is not a working ion"),
    ({"working_ion": ""}, "working_ion", "missing value", "no ion is given"),
    ({"formula_charge": "CoO2"}, "formula_charge", "contradiction", "do not share one host"),
    ({"formula_charge": "Qx"}, "formula_charge", "wrong formula", "'Qx' holds Qx, no element"),
    ({"formula_charge": ""}, "formula_charge", "missing value", "neither a formula nor a charged structure"),
    ({"id": "olivine"}, "id", "repeated id", "id 'olivine' occurs more than once"),
    ({"id": ""}, "id", "missing value", "the row has no id"),
    ({"working_ion": "Na"}, "formula_discharge", "contradiction", "holds no Na"),
]


@pytest.mark.parametrize(("change", "field", "kind", "reason"), BROKEN_ROWS)
def test_a_wrong_row_is_refused_with_file_and_line(folder, table, change, field, kind, reason):
    collection, (refused,) = electrodes_from_files(folder, table(**change))
    assert [e.id for e in collection.electrodes] == ["olivine"]
    assert (refused.where, refused.field, refused.kind) == ("properties.csv, line 3", field, kind)
    assert refused.id == change.get("id", "second")
    assert reason in refused.reason
    with pytest.raises(UserError, match=r"properties\.csv, line 3"):
        electrodes_from_files(folder, table(**change), strict=True)


def test_nine_of_ten_rows_load_and_the_tenth_is_listed(folder, row, write_rows):
    rows = [row | {"id": f"good-{number}"} for number in range(18)]
    rows.insert(4, row | {"id": "no number", "average_voltage_V": "?"})
    rows.insert(11, row | {"id": "no file", "structure": "absent"})
    collection, refused = electrodes_from_files(folder, write_rows(rows))
    assert len(collection) == 18
    assert [(entry.where, entry.id) for entry in refused] == [
        ("properties.csv, line 6", "no number"),
        ("properties.csv, line 13", "no file"),
    ]


def test_no_row_left_tells_the_first_reasons(folder, row, write_rows):
    rows = [row | {"id": f"bad-{number}", "structure": "absent"} for number in range(7)]
    with pytest.raises(UserError, match=r"all 7 rows are refused: .*line 2 \(bad-0\).*line 6 \(bad-4\)[^;]*$"):
        electrodes_from_files(folder, write_rows(rows))


@pytest.mark.parametrize("column", ["id", "working_ion", "formula_charge", "volume_change_fraction"])
def test_a_missing_column_is_named(folder, table, column):
    with pytest.raises(UserError, match=rf"properties\.csv lacks the column '{column}'"):
        electrodes_from_files(folder, table(drop=(column,)))


def test_without_voltage_and_energies_the_voltage_is_missing(folder, table):
    columns = ("average_voltage_V", "gravimetric_energy_Wh_per_kg", "volumetric_energy_Wh_per_L")
    with pytest.raises(UserError, match=r"lacks the column 'average_voltage_V'"):
        electrodes_from_files(folder, table(drop=columns))


@pytest.mark.parametrize(
    ("columns", "derived"),
    [
        (("gravimetric_capacity_mAh_per_g",), {"gravimetric_capacity"}),
        (
            ("gravimetric_capacity_mAh_per_g", "volumetric_capacity_mAh_per_cm3", "gravimetric_energy_Wh_per_kg"),
            {"gravimetric_capacity", "volumetric_capacity", "gravimetric_energy"},
        ),
        (("average_voltage_V", "gravimetric_energy_Wh_per_kg"), {"average_voltage", "gravimetric_energy"}),
        (("volumetric_energy_Wh_per_L",), {"volumetric_energy"}),
    ],
)
def test_what_follows_exactly_is_derived_and_said(folder, table, electrode, columns, derived):
    collection, refused = electrodes_from_files(folder, table(drop=columns))
    assert refused == []
    assert set(collection.metadata["derived"]) == derived
    for loaded in collection.electrodes:
        assert loaded.properties.as_vector() == pytest.approx(electrode.properties.as_vector(), rel=1e-4)
        assert all(name in loaded.method for name in derived)


def test_nothing_is_said_to_be_derived_where_nothing_is(folder, table):
    collection, _ = electrodes_from_files(folder, table())
    assert "derived" not in collection.metadata


def test_the_charged_formula_may_come_from_the_charged_structure(folder, table, olivine):
    charged = olivine.to_pymatgen()
    charged.remove_species(["Li"])
    charged.to(str(folder / "heterosite.cif"), fmt="cif")
    collection, refused = electrodes_from_files(folder, table(formula_charge="", id_charge="heterosite"))
    assert len(collection) == 1  # the first row has no column for it
    assert refused[0].field == "formula_charge"
    path = table()
    text = path.read_text().replace("formula_charge", "id_charge").replace("FePO4", "heterosite")
    path.write_text(text)
    collection, refused = electrodes_from_files(folder, path)
    assert (refused, {e.formula_charge for e in collection.electrodes}) == ([], {"FePO4"})


@pytest.mark.parametrize("written", ["Li", "Li+", "li", "Li1+", "Li (1+)", "Li⁺"])
def test_an_ion_may_carry_its_charge(folder, table, written):
    collection, refused = electrodes_from_files(folder, table(working_ion=written))
    assert (refused, collection.electrodes[1].working_ion) == ([], "Li")


def test_sodium_is_no_missing_value(folder, row, write_rows, olivine):
    sodium = olivine.to_pymatgen()
    sodium.replace_species({"Li": "Na"})
    sodium.to(str(folder / "Na.cif"), fmt="cif")
    kept = {name: row[name] for name in ("id", "formula_charge", "average_voltage_V", "volume_change_fraction")}
    collection, refused = electrodes_from_files(folder, write_rows([{**kept, "working_ion": "Na", "structure": "Na"}]))
    assert (refused, collection.electrodes[0].formula_discharge) == ([], "NaFePO4")


def test_steps_of_one_host_keep_both_rows_under_one_id(folder, row, write_rows, olivine):
    half = olivine.to_pymatgen()
    half.remove_sites([0, 1])
    half.to(str(folder / "half.cif"), fmt="cif")
    kept = {name: row[name] for name in ("id", "working_ion", "average_voltage_V", "volume_change_fraction")}
    rows = [
        {**kept, "structure": "half", "formula_charge": "FePO4"},
        {**kept, "structure": "olivine.cif", "formula_charge": "LiFe2P2O8"},
    ]
    collection, refused = electrodes_from_files(folder, write_rows(rows))
    assert refused == []
    assert [(e.id, e.source_id) for e in collection.electrodes] == [
        ("olivine", "olivine"),
        ("olivine:LiFePO4", "olivine"),
    ]
    assert collection.metadata["further_steps"] == 1


@pytest.mark.parametrize(("rule", "left"), [("none", 2), ("discharge-formula", 1), ("both-formulas", 1)])
def test_duplicates_go_where_asked(folder, table, rule, left):
    collection, refused = electrodes_from_files(folder, table(), duplicates=rule)
    assert len(collection) == left
    assert [(entry.id, entry.kind) for entry in refused] == [("second", "duplicate composition")][: 2 - left]


def test_numbers_with_a_decimal_comma(folder, row, write_rows, electrode):
    german = {name: str(value).replace(".", ",") if isinstance(value, float) else value for name, value in row.items()}
    german["structure"] = "POSCAR"
    collection, refused = electrodes_from_files(folder, write_rows([german], delimiter=";"))
    assert (refused, collection.electrodes[0].properties) == ([], electrode.properties)


@pytest.mark.parametrize(
    ("header", "value", "warned"),
    [
        ("max_delta_volume", 7.2, True),
        ("max_delta_volume", 0.072, False),
        ("volume change (%)", 0.072, True),
        ("volume change (%)", 7.2, False),
    ],
)
def test_values_that_speak_against_the_unit_of_the_volume_change_are_told(
    folder, row, write_rows, header, value, warned
):
    kept = {name: entry for name, entry in row.items() if name != "volume_change_fraction"}
    rows = [{**kept, "id": str(number), header: value} for number in range(12)]
    lines = []
    collection, _ = electrodes_from_files(folder, write_rows(rows), tell=lines.append)
    assert any("per cent" in line or "fractions" in line for line in lines) == warned
    assert ("known_faults" in collection.metadata) == warned


def test_the_mapping_is_told_and_kept(folder, table):
    lines = []
    collection, _ = electrodes_from_files(folder, table(), tell=lines.append)
    assert collection.metadata["columns"][0] == "'id' is id"
    assert "properties.csv: column 'average_voltage_V' is average_voltage in V" in lines


def test_a_short_row_is_refused(folder, table):
    path = table()
    path.write_text("\n".join([*path.read_text().splitlines()[:2], "third,Li"]) + "\n")
    collection, (refused,) = electrodes_from_files(folder, path)
    assert len(collection) == 1
    assert (refused.where, refused.id) == ("properties.csv, line 3", "third")
    assert "ends before 'formula_charge'" in refused.reason


def test_bytes_of_another_encoding_cost_their_row(folder, table):
    path = table()
    path.write_bytes(path.read_bytes() + b"\xff\xfe\xfa\n")
    collection, (refused,) = electrodes_from_files(folder, path)
    assert len(collection) == 2
    assert (refused.where, refused.kind) == ("properties.csv, line 4", "malformed row")
    assert "not UTF-8" in refused.reason


def test_a_missing_folder_or_table_is_refused(folder, table, tmp_path):
    with pytest.raises(UserError, match=r"nowhere is not a folder"):
        electrodes_from_files(tmp_path / "nowhere", table())
    with pytest.raises(UserError, match=r"nowhere\.csv does not exist"):
        electrodes_from_files(folder, tmp_path / "nowhere.csv")


@pytest.mark.parametrize("ending", [".json", ".json.gz"])
def test_structures_may_be_one_file(folder, table, tmp_path, ending):
    texts = {"olivine.cif": (folder / "olivine.cif").read_text(), "POSCAR": (folder / "POSCAR").read_text()}
    content = json.dumps(texts).encode()
    path = tmp_path / f"structures{ending}"
    path.write_bytes(gzip.compress(content) if ending.endswith("gz") else content)
    collection, refused = electrodes_from_files(path, table())
    assert (len(collection), refused) == (2, [])


def test_a_disordered_structure_is_refused(tmp_path):
    from pymatgen.core import Lattice, Structure

    path = tmp_path / "disordered.cif"
    Structure(Lattice.cubic(4.0), [{"Li": 0.5, "Na": 0.5}], [(0, 0, 0)]).to(str(path), fmt="cif")
    with pytest.raises(UserError, match=r"disordered\.cif: .*partially occupied"):
        read_structure(path)


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("files", {}, "needs --folder"),
        ("oqmd", {}, "choose from bundled, files, materials-project"),
        ("bundled", {"table": "mine.csv"}, "takes no table, files does"),
        ("files", {"refresh": True}, "takes no refresh, materials-project does"),
        ("bundled", {"duplicates": "none"}, "leave out --duplicates"),
        ("files", {"folder": ".", "table": "t.csv", "duplicates": "some"}, "Rule 'some' for duplicates is not known"),
    ],
)
def test_a_source_that_cannot_be_read_is_refused(source, options, message):
    with pytest.raises(UserError, match=message):
        load_source(source, **options)


def test_parsing_on_two_workers_gives_the_same(tmp_path, row, write_rows, olivine):
    """Two blocks of structures, one of them broken and one missing."""
    text = olivine.to_pymatgen().to(fmt="cif")
    structures = tmp_path / "structures.json"
    structures.write_text(json.dumps({f"e{n}": text if n != 7 else "data_broken" for n in range(120)}))
    table = write_rows([{k: v for k, v in row.items() if k != "structure"} | {"id": f"e{n}"} for n in range(121)])
    alone = electrodes_from_files(structures, table)
    with open_cluster(ClusterSettings(workers=2)) as cluster:
        together = electrodes_from_files(structures, table, cluster=cluster)
    assert together == alone
    assert [refused.id for refused in together[1]] == ["e7", "e120"]
