"""Files are written whole or not at all, and what cannot be read is named."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadi_battgen.errors import UserError
from kadi_battgen.files import atomic_path, existing_file, read_json, sha256_file, write_json, write_text

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def test_a_file_appears_when_it_is_whole(tmp_path):
    target = tmp_path / "new" / "folder" / "file.txt"
    with atomic_path(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
        assert temporary.parent == target.parent
    assert target.read_text() == "half"
    assert [path.name for path in target.parent.iterdir()] == ["file.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, UserError])
def test_a_failed_writing_leaves_the_old_file_and_nothing_else(tmp_path, error):
    target = tmp_path / "file.txt"
    target.write_text("old")

    def write():
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        write()
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


def test_a_folder_and_a_file_in_the_way_are_refused(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="is a folder: name a file to write to"):
        write_text(tmp_path, "text")
    with pytest.raises(UserError, match=r"The folder .*file cannot be created \(.*\): choose another output"):
        write_text(tmp_path / "file" / "inside.txt", "text")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_refused(tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    with pytest.raises(UserError, match=r"permission denied"):
        write_text(folder / "file.txt", "text")


def test_text_is_utf_8_with_unix_line_ends(tmp_path):
    write_text(tmp_path / "file.txt", "Å\n°\n")
    assert (tmp_path / "file.txt").read_bytes() == "Å\n°\n".encode()


@given(JSON)
def test_json_comes_back(tmp_path_factory, document):
    path = tmp_path_factory.getbasetemp() / "document.json"
    write_json(path, document)
    assert read_json(path) == document


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_json_knows_no_nan_and_nothing_is_written(tmp_path, value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "document.json", {"value": value})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", json.dumps({"a": 1}).encode()[:-1]])
def test_what_is_no_json_is_refused(tmp_path, content):
    (tmp_path / "document.json").write_bytes(content)
    with pytest.raises(UserError, match=r"document\.json is not a JSON document"):
        read_json(tmp_path / "document.json")


def test_only_files_exist(tmp_path):
    (tmp_path / "file").touch()
    assert existing_file(str(tmp_path / "file")) == tmp_path / "file"
    with pytest.raises(UserError, match="is a folder, not a file"):
        existing_file(tmp_path)
    with pytest.raises(UserError, match="nowhere does not exist"):
        existing_file(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("content", "digest"),
    [
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ],
)
def test_sha256_of_examples(tmp_path, content, digest):
    (tmp_path / "file").write_bytes(content)
    assert sha256_file(tmp_path / "file") == digest
