"""Files are known by their first bytes, and others cost next to nothing."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path

import h5py
import pytest

from kadi_battgen.kadi_plugin.detection import detect, may_be_ours
from kadi_battgen.kadi_plugin.kinds import KINDS, kind_of
from kadi_battgen.kadi_plugin.limits import HEADER

HDF5, JSON, BINARY, TEXT = "application/x-hdf5", "application/json", "application/octet-stream", "text/plain"


class Counting(io.BytesIO):
    """A file that counts the bytes that are read."""

    read_bytes = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.read_bytes += len(data)
        return data


def kind_name(content: bytes, base: str) -> str | None:
    stream = Counting(content)
    kind = detect(stream, len(content), base)
    assert stream.read_bytes <= HEADER
    return None if kind is None else kind.name


def test_hdf5_files_of_all_kinds(files: dict[str, Path]) -> None:
    for kind, path in files.items():
        assert kind_name(path.read_bytes(), HDF5) == kind


def test_a_model_and_its_table(model_folder: Path, candidates_table: Path) -> None:
    assert kind_name((model_folder / "card.json").read_bytes(), JSON) == "model"
    assert kind_name((model_folder / "weights.safetensors").read_bytes(), BINARY) == "weights"
    assert kind_name((model_folder / "metrics.csv").read_bytes(), TEXT) is None
    assert kind_name(candidates_table.read_bytes(), "text/csv") == "candidates"
    assert kind_name(b"\xef\xbb\xbf" + candidates_table.read_bytes(), TEXT) == "candidates"


def foreign_hdf5(**attributes: str) -> bytes:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.attrs.update(attributes)
        file["values"] = [1.0, 2.0]
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "base"),
    [
        pytest.param(foreign_hdf5(), HDF5, id="HDF5 of others"),
        pytest.param(foreign_hdf5(schema="kadi-battgen/afm-campaign-notes"), HDF5, id="a longer schema"),
        pytest.param(b"kadi-battgen/afm-campaign" * 3, HDF5, id="no signature"),
        pytest.param(json.dumps({"schema": "other", "kind": "model"}).encode(), JSON, id="JSON of others"),
        pytest.param(b"[" * 100_000, JSON, id="nested JSON"),
        pytest.param(b"rank,formula\n1,LiFePO4\n", "text/csv", id="other columns"),
        pytest.param(b'"' * 70_000, "text/csv", id="an endless cell"),
        pytest.param(b"\xff\xfe" * 40, TEXT, id="not UTF-8"),
        pytest.param(struct.pack("<Q", 2**63) + b'{"a":{"data_offsets"', BINARY, id="a header of 8 EiB"),
        pytest.param(struct.pack("<Q", 40) + b"x" * 64, BINARY, id="no JSON header"),
        pytest.param(b"%PDF-1.7 kadi-battgen/model, long enough", "application/pdf", id="PDF"),
        pytest.param(b"", HDF5, id="empty"),
    ],
)
def test_what_is_not_ours(content: bytes, base: str) -> None:
    assert kind_name(content, base) is None


@pytest.mark.parametrize(
    ("base", "size", "opened"),
    [
        (HDF5, 10**12, True),
        (JSON, 10**4, True),
        (JSON, 10**9, False),
        ("image/png", 10**4, False),
        (None, 10**4, False),
    ],
)
def test_most_files_are_not_even_opened(base: str | None, size: int, opened: bool) -> None:
    assert may_be_ours(base, size) is opened


def test_mimetypes_name_the_kinds() -> None:
    assert all(kind_of(kind.mimetype) is kind for kind in KINDS.values())
    assert kind_of("application/x-hdf5") is None
    assert kind_of(None) is None
