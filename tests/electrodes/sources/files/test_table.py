"""Tables of any usual layout; a broken row never costs another one, and no file exhausts the machine."""

from __future__ import annotations

import gzip
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadi_battgen.electrodes.sources.files.table import read_bytes, read_json_text, read_table
from kadi_battgen.errors import UserError

ROWS = [{"id": "a", "voltage": 1.5}, {"id": "b", "voltage": 2.5}]


def _write(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_any_usual_delimiter_and_line_ending(tmp_path, delimiter, ending):
    lines = ["id,voltage,note", 'a,1.5,"x, y; z"', "", "b,2.5,"]
    text = ending.join(line if '"' in line else line.replace(",", delimiter) for line in lines)
    text = text.replace('a,1.5,"', f'a{delimiter}1.5{delimiter}"')
    table = read_table(_write(tmp_path, "t.csv", text))
    assert [(row.where, row.values["id"]) for row in table.rows] == [("t.csv, line 2", "a"), ("t.csv, line 4", "b")]
    assert table.rows[0].values["note"] == "x, y; z"


@pytest.mark.parametrize(
    "document",
    [
        ROWS,
        {"records": ROWS},
        {"columns": {"id": ["a", "b"], "voltage": [1.5, 2.5]}},
        {"id": ["a", "b"], "voltage": [1.5, 2.5]},
        {"columns": ["id", "voltage"], "index": [0, 1], "data": [["a", 1.5], ["b", 2.5]]},
    ],
)
@pytest.mark.parametrize("ending", [".json", ".json.gz"])
def test_json_tables(tmp_path, document, ending):
    content = json.dumps(document).encode()
    table = read_table(_write(tmp_path, f"t{ending}", gzip.compress(content) if ending.endswith("gz") else content))
    assert [dict(row.values) for row in table.rows] == ROWS
    assert table.rows[1].where == f"t{ending}, record 2"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("b,2", "ends before 'note'"),
        ("b,2,x,y", "has 4 fields and the header 3"),
        ('b,2,"x', "quotation mark"),
        ('b,2,"x"y', "quotation mark"),
        (b"b,2,\xe9t\xe9", "not UTF-8"),
        ("b,2,\0", "not UTF-8"),
    ],
)
@pytest.mark.parametrize("place", [1, 2, 3])
def test_a_broken_line_costs_itself_alone(tmp_path, line, reason, place):
    lines = [b"id,voltage,note", b"a,1,", b'c,3,"two\nlines"']
    lines.insert(place, line if isinstance(line, bytes) else line.encode())
    table = read_table(_write(tmp_path, "t.csv", b"\n".join(lines) + b"\n"))
    assert [row.values["id"] for row in table.rows] == ["a", "c"]
    (refused,) = table.refused
    assert reason in refused.reason
    assert refused.kind == "malformed row"


def test_empty_fields_after_the_last_column_do_no_harm(tmp_path):
    table = read_table(_write(tmp_path, "t.csv", "id,voltage\na,1,,\n"))
    assert dict(table.rows[0].values) == {"id": "a", "voltage": "1"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", "", "is empty"),
        ("t.csv", "\n \n", "is empty"),
        ("t.csv", "id,voltage\n", "has no rows"),
        ("t.csv", "just a text", "no header with several columns"),
        ("t.csv", "id,voltage,voltage\na,1,2\n", "two columns 'voltage'"),
        ("t.csv", b"\xe9,voltage\na,1\n", "not a CSV table in UTF-8"),
        ("t.json", "[]", "has no rows"),
        ("t.json", "{}", "is no table"),
        ("t.json", "3", "is no table"),
        ("t.json", '{"columns": {"id": ["a"], "voltage": []}}', "columns of different lengths"),
        ("t.json", "[{", "is not a JSON document"),
        ("t.json", "[" * 100_000, "is not a JSON document"),
        ("t.json", '{"id": 1, "id": 2}', "'id' occurs twice"),
        ("t.json", b"\xff\xff", "is not a JSON document"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, name, content, message):
    with pytest.raises(UserError, match=message):
        read_table(_write(tmp_path, name, content))


def test_a_record_that_is_no_object_costs_itself_alone(tmp_path):
    table = read_table(_write(tmp_path, "t.json", json.dumps([ROWS[0], 7, None, {"id": "c"}])))
    assert [row.values for row in table.rows] == [ROWS[0], {"id": "c", "voltage": None}]
    assert [row.where for row in table.refused] == ["t.json, record 2", "t.json, record 3"]


def test_a_gzip_bomb_is_refused(tmp_path):
    path = _write(tmp_path, "bomb.json.gz", gzip.compress(bytes(3 * 2**20)))
    with pytest.raises(UserError, match=r"bomb\.json\.gz holds more than 2 MiB uncompressed"):
        read_bytes(path, largest=2 * 2**20)


@given(cut=st.integers(2, 60), flip=st.booleans())
def test_truncated_or_broken_gzip_is_refused(tmp_path_factory, cut, flip):
    content = bytearray(gzip.compress(json.dumps({str(n): "CIF" for n in range(50)}).encode(), mtime=0))
    content = content[: len(content) - cut]
    if flip:
        content[cut % len(content) if cut > 1 else 2] ^= 0xFF
    path = _write(tmp_path_factory.mktemp("gz"), "s.json.gz", bytes(content))
    with pytest.raises(UserError, match=r"s\.json\.gz"):
        read_json_text(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path):
    path = _write(tmp_path, "t.csv", "id,voltage\na,1\n")
    path.chmod(0)
    with pytest.raises(UserError, match="cannot be read"):
        read_table(path)
