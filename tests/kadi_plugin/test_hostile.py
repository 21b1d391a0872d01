"""Files that lie, that want to be followed or that want to take everything: one sentence, soon, and nothing else."""

from __future__ import annotations

import io
import json
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kadi_battgen.kadi_plugin.candidate_table import candidates_preview
from kadi_battgen.kadi_plugin.detection import detect
from kadi_battgen.kadi_plugin.hdf5 import process
from kadi_battgen.kadi_plugin.hdf5.process import UnreadableError, read_page
from kadi_battgen.kadi_plugin.learning_curves import read_curves
from kadi_battgen.kadi_plugin.limits import LONGEST_TEXT, READER_ANSWER
from kadi_battgen.kadi_plugin.model_card import model_preview
from kadi_battgen.kadi_plugin.safetensors_header import read_header

Change = Callable[[h5py.File, Path], None]


def replace(file: h5py.File, name: str, **options: object) -> None:
    del file[name]
    file.create_dataset(name, **options)


def absurd_shape(file: h5py.File, folder: Path) -> None:
    replace(file, "descriptors", shape=(2**40, 6, 4096, 4096), dtype="f4", chunks=(1, 1, 64, 64))


def absurd_sample(file: h5py.File, folder: Path) -> None:
    replace(file, "descriptors", shape=(24, 6, 2**20, 2**20), dtype="f8", chunks=(1, 1, 64, 64))


def absurd_images(file: h5py.File, folder: Path) -> None:
    replace(file, "descriptors", shape=(24, 10**6, 2, 2), dtype="f2", chunks=(1, 100, 2, 2))


def absurd_column(file: h5py.File, folder: Path) -> None:
    replace(file, "electrode_index", shape=(2**40,), dtype="i4", chunks=(1024,))


def absurd_chunk(file: h5py.File, folder: Path) -> None:
    replace(file, "descriptors", shape=(24, 6, 4096, 4096), dtype="f8", chunks=(1, 6, 4096, 4096), compression="gzip")


def bomb(file: h5py.File, folder: Path) -> None:
    """Declare a chunk of some kilobytes that unpacks to a gigabyte."""
    shape = file["descriptors"].shape
    replace(file, "descriptors", shape=shape, dtype="f2", chunks=(1, *shape[1:]), compression="gzip")
    packer = zlib.compressobj(1)
    zeros = bytes(1 << 24)
    packed = b"".join(packer.compress(zeros) for _ in range(64)) + packer.flush()
    file["descriptors"].id.write_direct_chunk((0, 0, 0, 0), packed)


def external_link(file: h5py.File, folder: Path) -> None:
    with h5py.File(folder / "secret.h5", "w") as secret:
        secret["descriptors"] = np.ones(file["descriptors"].shape, "f2")
    del file["descriptors"]
    file["descriptors"] = h5py.ExternalLink(folder / "secret.h5", "descriptors")


def soft_link(file: h5py.File, folder: Path) -> None:
    file["elsewhere"] = file["descriptors"]
    del file["descriptors"]
    file["descriptors"] = h5py.SoftLink("/elsewhere")


def external_storage(file: h5py.File, folder: Path) -> None:
    shape = file["descriptors"].shape
    (folder / "secret.raw").write_bytes(bytes(2 * int(np.prod(shape))))
    replace(
        file, "descriptors", shape=shape, dtype="f2", external=[(str(folder / "secret.raw"), 0, h5py.h5f.UNLIMITED)]
    )


def virtual(file: h5py.File, folder: Path) -> None:
    shape = file["descriptors"].shape
    layout = h5py.VirtualLayout(shape, "f2")
    layout[:] = h5py.VirtualSource(folder / "secret.h5", "descriptors", shape)
    del file["descriptors"]
    file.create_virtual_dataset("descriptors", layout)


def references(file: h5py.File, folder: Path) -> None:
    replace(file, "descriptors", shape=(24, 6, 2, 2), dtype=h5py.ref_dtype)


def compound(file: h5py.File, folder: Path) -> None:
    replace(file, "descriptors", shape=(24, 6, 2, 2), dtype=[("a", "f4"), ("b", "S8")])


def a_group(file: h5py.File, folder: Path) -> None:
    del file["descriptors"]
    file.create_group("descriptors")


def another_schema(file: h5py.File, folder: Path) -> None:
    file.attrs["schema"] = "other"


def other_lengths(file: h5py.File, folder: Path) -> None:
    replace(file, "electrode_index", data=np.zeros(3, "i4"))


def rows_outside(file: h5py.File, folder: Path) -> None:
    file["electrode_index"][:] = 2**31 - 1


def huge_attribute(file: h5py.File, folder: Path) -> None:
    file.attrs.create("heights", np.zeros(2**17), dtype="f8")


REFUSED: dict[Change, str] = {
    absurd_shape: "The file holds|too large|descriptors of",
    absurd_sample: "too large for a preview",
    absurd_images: "1000000 images",
    absurd_column: "electrode_index is too large",
    absurd_chunk: "chunks of descriptors are too large",
    bomb: "broken|memory",
    external_link: "link to another place",
    soft_link: "link to another place",
    external_storage: "values in other files",
    virtual: "values in other files",
    references: "neither numbers nor texts",
    compound: "neither numbers nor texts",
    a_group: "not a data set of 4 dimensions",
    another_schema: "not one of the schema",
    other_lengths: "has 3 rows, not 24",
    rows_outside: "has no row",
    huge_attribute: "attribute heights is too large",
}


@pytest.mark.parametrize("change", REFUSED, ids=lambda change: change.__name__)
def test_hostile_hdf5(change: Change, tiny_campaign: Path, tmp_path: Path) -> None:
    path = tmp_path / "hostile.h5"
    with h5py.File(tiny_campaign) as source, h5py.File(path, "w", libver="v110") as file:
        for name in source:
            source.copy(name, file)
        file.attrs.update(source.attrs)
        change(file, tmp_path)
    start = time.monotonic()
    with open(path, "rb") as stream, pytest.raises(UnreadableError, match=REFUSED[change]) as refused:
        read_page(stream, {"kind": "afm-campaign"})
    assert time.monotonic() - start < process.READER_PATIENCE
    assert len(str(refused.value)) < 400
    assert "Traceback" not in str(refused.value)


def test_texts_of_an_electrode_are_bounded(tiny_campaign: Path, tmp_path: Path) -> None:
    path = tmp_path / "texts.h5"
    path.write_bytes(tiny_campaign.read_bytes())
    with h5py.File(path, "r+") as file:
        electrodes = [json.dumps({"formula_discharge": "Li" * 10**6, "id": ["x"] * 10**5, "properties": [1]})]
        replace(file, "electrodes", data=electrodes * 12, dtype=h5py.string_dtype())
    with open(path, "rb") as stream:
        found = read_page(stream, {"kind": "afm-campaign"})
    assert len(json.dumps([{**entry, "stack": 0, "descriptors": 0} for entry in found["samples"]])) < 20_000


def test_one_that_never_ends_is_given_up(tiny_campaign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "READER_PATIENCE", 0.01)
    with open(tiny_campaign, "rb") as stream, pytest.raises(UnreadableError, match="takes too long"):
        read_page(stream, {"kind": "afm-campaign"})


def test_no_more_readers_than_a_server_can_bear(tiny_campaign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "READER_QUEUE", 0.01)
    for _ in range(process.READERS):
        assert process._free.acquire(blocking=False)
    try:
        with open(tiny_campaign, "rb") as stream, pytest.raises(UnreadableError, match="try again in a minute"):
            read_page(stream, {"kind": "afm-campaign"})
    finally:
        for _ in range(process.READERS):
            process._free.release()


@pytest.mark.parametrize(
    ("running", "started"), [("/usr/bin/python3.11", "python3.11"), ("/usr/bin/uwsgi", "python3"), ("", "python3")]
)
def test_the_reader_is_started_by_python_itself(running: str, started: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process.sys, "executable", running)
    assert Path(process._interpreter()).name == started


mutations = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=16)), max_size=6)


def mutated(content: bytes, changes: list[tuple[float, bytes]], kept: float) -> bytes:
    changed = bytearray(content)
    for place, data in changes:
        start = int(place * len(changed))
        changed[start : start + len(data)] = data
    return bytes(changed[: int(kept * len(changed))])


@settings(max_examples=15)
@given(
    kind=st.sampled_from(["afm-campaign", "training-dataset", "sei-campaign", "sei-dataset"]),
    # Most of the structure of a file lies at its start.
    changes=st.lists(st.tuples(st.floats(0, 0.15), st.binary(min_size=1, max_size=8)), min_size=1, max_size=8),
    kept=st.floats(0.02, 1.0) | st.just(1.0),
)
def test_mutated_hdf5_is_shown_or_refused(kind, changes, kept, files, tmp_path_factory) -> None:
    path = tmp_path_factory.mktemp("mutated") / "file.h5"
    path.write_bytes(mutated(files[kind].read_bytes(), changes, kept))
    with open(path, "rb") as stream:
        detect(stream, path.stat().st_size, "application/x-hdf5")
        stream.seek(0)
        try:
            found = read_page(stream, {"kind": kind, "start": 0, "filters": {}})
        except UnreadableError as error:
            found = {"refused": str(error)}
        assert 20 < len(json.dumps(found, allow_nan=False)) < READER_ANSWER


@settings(max_examples=150)
@given(
    changes=mutations,
    kept=st.floats(0.0, 1.0),
    which=st.sampled_from(["card.json", "weights.safetensors", "metrics.csv"]),
)
def test_mutated_models_and_tables(changes, kept, which, model_folder, candidates_table) -> None:
    card = (model_folder / "card.json").read_bytes()
    content = mutated((model_folder / which).read_bytes(), changes, kept)
    table = mutated(candidates_table.read_bytes(), changes, kept)
    for data, base in ((content, "application/json"), (content, "application/octet-stream"), (table, "text/csv")):
        detect(io.BytesIO(data), len(data), base)
    shown = [
        read_header(io.BytesIO(content), len(content)),
        model_preview(content, None, lambda _: content, lambda _: content),
        model_preview(card, None, lambda _: content, lambda _: table),
        read_curves(content),
        candidates_preview(table),
    ]
    # What is sent is JSON that a browser reads: no NaN, no infinity.
    json.dumps(shown, allow_nan=False)


@pytest.mark.parametrize(
    "document",
    [
        b"[" * 200_000,
        b'{"schema": "kadi-battgen/model", "architecture": ' + b'{"a":' * 900 + b"1" + b"}" * 901,
        b'{"schema": "kadi-battgen/model", "best": NaN, "settings": [' + b"Infinity," * 50_000 + b"-1e999]}",
        b'{"schema": "kadi-battgen/model", "kind": ["x"], "seed": ' + b"9" * 4000 + b"}",
        b'{"schema": "kadi-battgen/model", "seed": ' + b"9" * 500_000 + b"}",
        b'{"schema": "kadi-battgen/model", "best": "' + b"<script>" * 10_000 + b'"}',
        json.dumps({"schema": "kadi-battgen/model", **{f"key {n}": {"a": n} for n in range(20_000)}}).encode(),
        b'{"schema": "kadi-battgen/model", "kind": "\\ud800", "preset": "\\u0000\\u202e"}',
    ],
    ids=["list", "dict", "infinite", "large", "larger", "text", "keys", "characters"],
)
def test_hostile_cards(document: bytes) -> None:
    shown = model_preview(document, None, lambda _: None, lambda _: None)
    text = json.dumps(shown, allow_nan=False, ensure_ascii=False)
    text.encode("utf-8")
    assert len(text) < 600_000
    assert max(
        len(row["value"]) for section in [{"rows": [{"value": ""}]}, *shown["sections"]] for row in section["rows"]
    ) <= (33 * LONGEST_TEXT)


@pytest.mark.parametrize(
    "header",
    [
        {"a": {"dtype": "F32", "shape": [2**60, 2**60], "data_offsets": [0, 1]}},
        {"a": {"dtype": ["F32"] * 1000, "shape": "no list", "data_offsets": []}},
        {"a": {"shape": [-1, True, None, {}]}, "b": 3, "__metadata__": ["x"]},
        {f"tensor {number}": {"dtype": "F32", "shape": [1] * 100} for number in range(5000)},
    ],
)
def test_hostile_safetensors(header: dict) -> None:
    data = json.dumps(header).encode()
    content = struct.pack("<Q", len(data)) + data
    shown = read_header(io.BytesIO(content), len(content))
    assert shown is not None
    assert len(shown["tensors"]) <= 500
    assert len(json.dumps(shown, allow_nan=False)) < 200_000


@pytest.mark.parametrize(
    "rows",
    [
        "1,<img src=x onerror=alert(1)>,{$ constructor.constructor('alert(1)')() $}\n",
        "1," + "x" * 10**6 + ",LiFePO4\n",
        '1,"never closed,' + "LiFePO4\n" * 1000,
        "nan,inf,1e999\n" * 3000,
        "\x00,\x00,\x00\n",
        ",".join("x" * 5000) + "\n",
    ],
    ids=["markup", "long cell", "open quotation", "no numbers", "null", "many columns"],
)
def test_hostile_tables(rows: str) -> None:
    shown = candidates_preview(("rank,formula,nearest_known_formula\n" + rows).encode())
    if shown is not None:
        assert len(json.dumps(shown, allow_nan=False)) < 5_000_000
        assert shown["total"] <= 2000
        assert max(len(cell) for row in shown["rows"] for cell in row) <= 160
