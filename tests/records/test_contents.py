"""Values of two files side by side."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from kadi_battgen.records.contents import compare_contents
from kadi_battgen.records.differences import ContentDifference, Differences, Tolerance


def write(path: Path, content: Any) -> Path:
    """Write text, JSON values, arrays by name (HDF5, npz, safetensors) or a function of an HDF5 file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if callable(content):
        with h5py.File(path, "w") as file:
            content(file)
    elif path.suffix == ".npz":
        np.savez(path, **content)
    elif path.suffix == ".safetensors":
        save_file(content, path)
    elif path.suffix == ".gz":
        path.write_bytes(gzip.compress(json.dumps(content).encode()))
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.fixture
def compare(tmp_path: Path) -> Callable[..., ContentDifference]:
    def run(name: str, recorded: Any, again: Any, relative: float = 1e-6) -> ContentDifference:
        paths = [write(tmp_path / folder / name, content) for folder, content in (("a", recorded), ("b", again))]
        return compare_contents(*paths, Tolerance(relative))

    return run


Compare = Callable[..., ContentDifference]
TABLE = "formula,voltage_V,composition,seed\nLiCoO2,3.9,1;1;2,17\nNaFeO2,0.001,1;1;2,18\n"
CHECKSUMS = "a" * 64, "b" * 64


def hdf5(
    values: Any = (1.0, 1e-9), unit: str = "V", card: str = '{"scale": [1.5, 2.0]}'
) -> Callable[[h5py.File], None]:
    def fill(file: h5py.File) -> None:
        file.attrs["conventions"] = card
        dataset = file.create_dataset("group/values", data=np.asarray(values))
        dataset.attrs["unit"] = unit
        file.create_dataset("rows", data=['{"id": "a", "voltage": 3.5}', "text"], dtype=h5py.string_dtype())

    return fill


@pytest.mark.parametrize(
    ("name", "recorded", "again", "agrees"),
    [
        ("t.csv", TABLE, TABLE.replace("0.001", "0.0010000001"), True),
        ("t.csv", TABLE, TABLE.replace("0.001", "0.0011"), False),
        ("t.csv", TABLE, TABLE.replace("1;1;2,18", "1.00000001;1;2,18"), True),
        ("t.csv", TABLE, TABLE.replace("1;1;2,18", "1;1;3,18"), False),
        ("t.csv", TABLE, TABLE.replace("1;1;2,18", "1;1,18"), False),
        ("t.csv", TABLE, TABLE.replace("NaFeO2", "NaMnO2"), False),
        ("t.csv", TABLE, TABLE.replace("voltage_V", "voltage_mV"), False),
        ("t.csv", TABLE, TABLE + "LiFeO2,1,1;1;2,19\n", False),
        ("t.csv", TABLE, TABLE.replace(",18", ""), False),
        ("t.csv", "a\n", "a\n1\n", False),
        ("d.json", {"a": 1.0, "b": [1, 2.5]}, {"b": [1, 2.5000000001], "a": 1}, True),
        ("d.json", {"a": 1.0}, {"a": 1.1}, False),
        ("d.json", {"a": 1.0}, {"a": 1.0, "b": 2}, False),
        ("d.json", {"a": [1, 2]}, {"a": [1, 2, 3]}, False),
        ("d.json", {"a": True}, {"a": 1}, False),
        ("d.json", {"a": None}, {"a": 0}, False),
        ("d.json", {"a": "x"}, {"a": "y"}, False),
        ("d.json", {"sha256": CHECKSUMS[0], "a": 1}, {"sha256": CHECKSUMS[1], "a": 1}, True),
        ("d.json", "{", "[", False),
        ("d.json.gz", {"a": 1.0}, {"a": 1.00000001}, True),
        ("d.json.gz", {"a": 1.0}, {"a": 1.01}, False),
        ("f.h5", hdf5(), hdf5([1.0, 2e-9]), True),
        ("f.h5", hdf5(), hdf5([1.0, 2e-3]), False),
        ("f.h5", hdf5(), hdf5([1.0, 1e-9, 1.0]), False),
        ("f.h5", hdf5(), hdf5(unit="mV"), False),
        ("f.h5", hdf5(), hdf5(card='{"scale": [1.5, 2.0000000001]}'), True),
        ("f.h5", hdf5(), hdf5(card='{"scale": [1.5, 2.1]}'), False),
        ("f.h5", hdf5(), lambda file: file.create_group("group/values"), False),
        ("f.h5", hdf5(), b"not HDF5", False),
        ("w.safetensors", {"w": np.ones(3, "f4")}, {"w": np.ones(3, "f4") * np.float32(1 + 2e-7)}, True),
        ("w.safetensors", {"w": np.ones(3, "f4")}, {"w": np.ones(3, "f4") * np.float32(1.01)}, False),
        ("w.safetensors", {"w": np.ones(3, "f4")}, {"v": np.ones(3, "f4")}, False),
        ("a.npz", {"w": np.ones(3)}, {"w": np.ones(3) + 1e-9}, True),
        ("a.npz", {"w": np.ones(3)}, {"w": np.zeros(3)}, False),
        ("a.npz", {"w": np.ones(3)}, {"w": np.array([None], object)}, False),
        ("p.html", "<p>1</p>", "<p>1</p>", True),
        ("p.html", "<p>1.0</p>", "<p>1</p>", False),
        ("noname", "1", "1.0", False),
    ],
)
def test_values_agree_within_the_tolerance_and_all_else_exactly(
    compare: Compare, name: str, recorded: Any, again: Any, agrees: bool
) -> None:
    found = compare(name, recorded, again)
    assert found.agrees is agrees, str(found)
    assert agrees or str(found)


@pytest.mark.parametrize(
    ("name", "recorded", "again", "text"),
    [
        ("t.csv", TABLE, TABLE.replace("3.9", "3.8"), "largest difference 0.1, 0.026 of the magnitude (voltage_V)"),
        ("t.csv", TABLE, TABLE.replace(",18", ",20"), "largest difference 2, 0.11 of the magnitude (seed)"),
        ("t.csv", TABLE, TABLE.replace("NaFeO2", "NaMnO2"), "formula: 'NaFeO2' is 'NaMnO2' now"),
        ("d.json", {"a": {"b": 0.0}}, {"a": {"b": 2.0}}, "largest difference 2 (a.b)"),
        ("d.json", {"a": 1}, {}, "a is gone"),
        ("d.json", {"a": [1.0, float("nan")]}, {"a": [1.0, 2.0]}, "a: a number is undefined in one of the two"),
        ("d.json", {"a": float("inf")}, {"a": 2.0}, "a: a number is infinite in one of the two"),
        ("f.h5", hdf5(), hdf5([3.0, 1e-9]), "largest difference 2, 2 of the magnitude (group/values)"),
        ("f.h5", hdf5(), hdf5(unit="mV"), "group/values@unit: 'V' is 'mV' now"),
        ("p.png", "a", "b", "other bytes, in a kind of file that has no values to compare"),
    ],
)
def test_the_worst_difference_is_named(compare: Compare, name: str, recorded: Any, again: Any, text: str) -> None:
    assert str(compare(name, recorded, again)) == text


@pytest.mark.parametrize("name", ["t.csv", "d.json", "d.json.gz", "f.h5", "w.safetensors", "a.npz"])
@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff", b"\x1f\x8b\x08broken", b"PK\x03\x04broken", b'"' + b"x" * 200_000]
)
def test_a_broken_file_differs(tmp_path: Path, name: str, content: bytes) -> None:
    good = {"t.csv": TABLE, "d.json": {"a": 1}, "d.json.gz": {"a": 1}, "f.h5": hdf5()}
    paths = [tmp_path / folder / name for folder in ("a", "b")]
    write(paths[0], good.get(name, {"w": np.ones(3)}))
    paths[1].parent.mkdir()
    paths[1].write_bytes(content)
    for pair in (paths, paths[::-1]):
        assert not compare_contents(*pair).agrees


def test_whole_numbers_have_no_tolerance(compare: Compare) -> None:
    assert not compare("d.json", {"seed": 10**9}, {"seed": 10**9 + 1}, 0.1).agrees
    assert not compare("t.csv", "seed\n1000000000\n", "seed\n1000000001\n", 0.1).agrees
    assert not compare("f.h5", hdf5([10**9]), hdf5([10**9 + 1]), 0.1).agrees
    assert compare("d.json", {"scale": 1e9}, {"scale": 1e9 + 1}, 0.1).agrees


def test_records_with_fields_are_compared_field_by_field(compare: Compare) -> None:
    kind = np.dtype([("voltage", "f8"), ("ion", "S2")])
    rows = np.array([(3.5, b"Li"), (2.5, b"Na")], kind)
    near, other = rows.copy(), rows.copy()
    near["voltage"][0] += 1e-9
    other["ion"][1] = b"Mg"
    assert compare("f.h5", hdf5(rows), hdf5(near)).agrees
    assert str(compare("f.h5", hdf5(rows), hdf5(other))) == "group/values.ion: 'Na' is 'Mg' now"


def test_large_data_sets_are_compared_block_by_block(compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kadi_battgen.records.differences._BLOCK", 64)
    values = np.arange(1000.0).reshape(100, 10)
    changed = values.copy()
    changed[97, 3] = -1.0
    assert compare("f.h5", hdf5(values), hdf5(values)).agrees
    found = compare("f.h5", hdf5(values), hdf5(changed))
    assert (found.agrees, found.difference, found.relative) == (False, 974.0, 974 / 999)


numbers = st.floats(allow_nan=True, allow_infinity=True, width=32)


@given(st.lists(numbers, max_size=8))
def test_anything_agrees_with_itself(values: list[float]) -> None:
    found = Differences(Tolerance(0.0, 0.0))
    found.values("list", values, values)
    found.array("array", np.asarray(values), np.asarray(values))
    found.document("document", {"values": values}, {"values": values})
    assert found.summary().agrees


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8),
    st.integers(0, 7),
    st.floats(1e-9, 0.5),
    st.sampled_from([0.5, 2.0]),
)
def test_arrays_and_lists_have_one_limit(values: list[float], position: int, relative: float, factor: float) -> None:
    scale = max(abs(value) for value in values)
    changed = list(values)
    changed[position % len(values)] += factor * relative * scale
    difference = abs(changed[position % len(values)] - values[position % len(values)])
    for compare in (Differences.values, lambda found, where, a, b: found.array(where, np.array(a), np.array(b))):
        found = Differences(Tolerance(relative, 0.0))
        compare(found, "numbers", values, changed)
        assert found.summary().agrees is (difference <= relative * scale)
