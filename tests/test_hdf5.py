"""HDF5 files of our own schemas: opened, or refused with the step that makes them."""

from __future__ import annotations

import h5py
import pytest

from kadi_battgen.errors import UserError
from kadi_battgen.hdf5 import open_schema


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "data.h5"
    with h5py.File(path, "w") as file:
        file.attrs.update({"schema": "ours", "schema_version": 3})
        file["values"] = [1, 2, 3]
    return path


def test_a_file_of_the_schema_is_opened_for_reading(path):
    with open_schema(path, "ours", 3, ("values",), "battgen make") as file:
        assert file["values"][:].tolist() == [1, 2, 3]
        assert file.mode == "r"


@pytest.mark.parametrize(
    ("schema", "version", "required", "message"),
    [
        ("theirs", 3, (), "has schema 'ours', not 'theirs'"),
        ("ours", 4, (), "has schema version 3, but version 4 is read here"),
        ("ours", 3, ("values", "weights"), "lacks the data set 'weights'"),
    ],
)
def test_another_layout_is_refused_and_the_file_closed(path, schema, version, required, message):
    with pytest.raises(UserError, match=rf"data\.h5 {message}: make it .*with battgen make"):
        open_schema(path, schema, version, required, "battgen make")
    with h5py.File(path, "r+") as file:
        file["more"] = 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("schema_version", "three"), ("schema_version", 3.5), ("schema_version", [1, 2]), ("schema", ["a", "b"])],
)
def test_attributes_of_a_foreign_kind_are_refused(path, name, value):
    with h5py.File(path, "r+") as file:
        file.attrs[name] = value
    with pytest.raises(UserError, match="has schema"):
        open_schema(path, "ours", 3, (), "battgen make")


@pytest.mark.parametrize("content", [b"", b"text", b"\x89HDF\r\n\x1a\n" + bytes(50)])
def test_what_is_no_hdf5_is_refused(tmp_path, content):
    path = tmp_path / "data.h5"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"data\.h5 is empty, truncated or not HDF5: make it again with battgen make"):
        open_schema(path, "ours", 3, (), "battgen make")
