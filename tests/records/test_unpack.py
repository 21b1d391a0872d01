"""Archives that want to be somewhere else, or are not what they say."""

from __future__ import annotations

import json
import stat
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kadi_battgen.errors import UserError
from kadi_battgen.records import LocalStore, Run
from kadi_battgen.records.crate import METADATA_FILE, pack, unpack

ROOT = "screen-1"

#: SHA-256 of "a".
DIGEST = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"


def crate(*files: dict[str, object]) -> str:
    """Return the description of a crate with one record and these files."""
    parts = [{"@id": file["@id"]} for file in files]
    record = {"@id": "./screen-1/", "@type": "Dataset", "identifier": "screen-1", "hasPart": parts}
    return json.dumps({"@graph": [{"@id": "./", "hasPart": [{"@id": "./screen-1/"}]}, record, *files]})


def archive(path: Path, members: list[tuple[str | zipfile.ZipInfo, str]], description: str | None = None) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(f"{ROOT}/{METADATA_FILE}", description or crate())
        for name, content in members:
            packed.writestr(name, content)
    return path


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Return all that is in a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")
    }


def special(kind: int, name: str = f"{ROOT}/a") -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.create_system, member.external_attr = 3, (kind | 0o777) << 16
    return member


HOSTILE_NAMES = [
    "../a",
    f"{ROOT}/../a",
    f"{ROOT}/../../a",
    f"{ROOT}/b/../../../a",
    "/etc/a",
    "//etc/a",
    "C:/a",
    "c:a",
    "..\\a",
    f"{ROOT}\\..\\a",
    f"{ROOT}/./a",
    f"{ROOT}//a",
    f"{ROOT}/..",
    ".",
    "..",
    "./a",
    f"{ROOT}/{'a' * 256}",
    f"{ROOT}/a\0.txt",
]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    # Written raw: zipfile itself would mend some of them.
    member = zipfile.ZipInfo("x")
    member.filename = name
    source = archive(tmp_path / "hostile.eln", [(member, "a")])
    before = snapshot(tmp_path)
    with pytest.raises(UserError, match="do not trust"):
        unpack(source, tmp_path / "inside" / "folder")
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    "member",
    [
        pytest.param(special(stat.S_IFLNK), id="symbolic link"),
        pytest.param(special(stat.S_IFLNK, f"{ROOT}/a/"), id="symbolic link called a folder"),
        pytest.param(special(stat.S_IFCHR), id="character device"),
        pytest.param(special(stat.S_IFBLK), id="block device"),
        pytest.param(special(stat.S_IFIFO), id="pipe"),
        pytest.param(special(stat.S_IFSOCK), id="socket"),
        pytest.param(special(stat.S_IFDIR), id="folder called a file"),
    ],
)
def test_what_is_no_plain_file_is_refused(tmp_path: Path, member: zipfile.ZipInfo) -> None:
    source = archive(tmp_path / "hostile.eln", [(member, "/etc/passwd")])
    before = snapshot(tmp_path)
    with pytest.raises(UserError, match="do not trust"):
        unpack(source, tmp_path / "folder")
    assert snapshot(tmp_path) == before


FILE: dict[str, object] = {"@id": "./screen-1/files/a", "@type": "File"}


@pytest.mark.parametrize(
    ("names", "description", "message"),
    [
        ([f"{ROOT}/a", f"{ROOT}/a"], crate(), "twice"),
        ([f"{ROOT}/a", f"{ROOT}/a/b"], crate(), "as a file and as a folder"),
        ([f"{ROOT}/a", "other/b"], crate(), "one root folder"),
        (["a"], crate(), "one root folder"),
        ([ROOT], crate(), "one root folder"),
        ([], "{", "no description"),
        ([], "[]", "no description"),
        ([], '{"@graph": {}}', "no description"),
        ([], '{"@graph": [1]}', "no description"),
        ([], '{"@graph": [{"@type": "File"}]}', "no description"),
        ([], "[" * 100_000, "no description"),
        ([], crate(FILE), "states a file 'screen-1/files/a' that is not in it"),
        ([], crate({**FILE, "@id": "../../../../etc/passwd"}), "not in it"),
        ([f"{ROOT}/screen-1/files/a"], crate({**FILE, "sha256": "0" * 64}), "not the file that the crate states"),
        ([f"{ROOT}/screen-1/files/a"], crate({**FILE, "sha256": None}), "not the file that the crate states"),
        ([f"{ROOT}/screen-1/files/a"], crate({**FILE, "contentSize": 2}), "not the file that the crate states"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_contradictions_are_refused(tmp_path: Path, names: list[str], description: str, message: str) -> None:
    source = archive(tmp_path / "odd.eln", [(name, "a") for name in names], description)
    before = snapshot(tmp_path)
    with pytest.raises(UserError, match=message):
        unpack(source, tmp_path / "folder")
    assert snapshot(tmp_path) == before


def test_a_sound_archive_is_unpacked(tmp_path: Path) -> None:
    file = {**FILE, "sha256": DIGEST, "contentSize": "1"}
    elsewhere = {"@id": "https://example.org/b", "@type": ["File", "ImageObject"]}
    source = archive(tmp_path / "x.zip", [(f"{ROOT}/screen-1/files/a", "a")], crate(file, elsewhere))
    (tmp_path / "folder").mkdir()
    assert unpack(source, tmp_path / "folder") == ["screen-1"]
    assert snapshot(tmp_path / "folder")["screen-1/files/a"] == b"a"
    with pytest.raises(UserError, match="exists already"):
        unpack(source, tmp_path / "folder")


def test_archives_that_would_fill_the_disk_are_refused(tmp_path: Path) -> None:
    source = archive(tmp_path / "x.eln", [(f"{ROOT}/{number}", "a" * 1000) for number in range(20)])
    for limits in ({"largest_count": 20}, {"largest_size": 20_000}):
        with pytest.raises(UserError, match="more than"):
            unpack(source, tmp_path / "folder", **limits)
    # An archive may state any size that its content does not have.
    with zipfile.ZipFile(tmp_path / "y.eln", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(f"{ROOT}/{METADATA_FILE}", crate())
        packed.writestr(f"{ROOT}/a", "\0" * 10_000_000)
        packed.infolist()[1].file_size = 10
    with pytest.raises(UserError, match="damaged"):
        unpack(tmp_path / "y.eln", tmp_path / "folder")
    assert sorted(snapshot(tmp_path)) == ["x.eln", "y.eln"]


@pytest.mark.parametrize("place", ["a file", "a full folder", "a link"])
def test_what_is_there_is_kept(tmp_path: Path, place: str) -> None:
    source, target = archive(tmp_path / "x.eln", []), tmp_path / "target"
    if place == "a file":
        target.write_text("mine")
    elif place == "a full folder":
        target.mkdir()
        (target / "mine").write_text("mine")
    else:
        (tmp_path / "elsewhere").mkdir()
        target.symlink_to(tmp_path / "elsewhere")
    before = snapshot(tmp_path)
    with pytest.raises(UserError, match="exists already"):
        unpack(source, target)
    assert snapshot(tmp_path) == before


@given(
    st.lists(
        st.lists(
            st.sampled_from(["..", ".", "", "a", "b", ROOT, "C:", "~", "\\", "a\\..\\..", "%2e%2e", "…", "aux"]),
            max_size=5,
        ).map("/".join)
        | st.text(min_size=1, max_size=12),
        min_size=1,
        max_size=4,
    )
)
@example([f"{ROOT}/%2e%2e/%2e%2e/a"])
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_whatever_the_names_nothing_leaves_the_folder(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        members: list[tuple[str | zipfile.ZipInfo, str]] = []
        for entry in names:
            member = zipfile.ZipInfo("x")
            member.filename = entry
            try:
                entry.encode()
            except UnicodeEncodeError:
                continue
            members.append((member, "a"))
        source = archive(folder / "x.eln", members)
        before = snapshot(folder)
        try:
            unpack(source, folder / "deep" / "inside")
        except UserError:
            assert snapshot(folder) == before
        else:
            after = snapshot(folder)
            assert all(path in before or path == "deep" or path.startswith("deep/inside") for path in after)
            assert not any(path.is_symlink() for path in folder.rglob("*"))


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return an archive of a record with files."""
    folder = tmp_path_factory.mktemp("packed")
    with Run(LocalStore(folder / "records"), step="screen") as run:
        (folder / "a.csv").write_text("formula\n" * 20)
        run.add_file(folder / "a.csv")
        (folder / "b.h5").write_bytes(bytes(range(200)))
        run.add_file(folder / "b.h5")
    return pack(LocalStore(folder / "records"), [run.identifier], folder / "x.eln").read_bytes()


@given(st.data())
@settings(max_examples=200)
def test_a_damaged_archive_is_refused_or_has_its_content(packed: bytes, data: st.DataObject) -> None:
    content = bytearray(packed)
    if data.draw(st.booleans(), label="cut"):
        del content[data.draw(st.integers(0, len(content) - 1), label="length") :]
    for _ in range(data.draw(st.integers(0, 3), label="changes")):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "sound.eln").write_bytes(packed)
        (folder / "x.eln").write_bytes(content)
        unpack(folder / "sound.eln", folder / "sound")
        before = snapshot(folder)
        try:
            unpack(folder / "x.eln", folder / "out")
        except UserError:
            assert snapshot(folder) == before
        else:
            stated = snapshot(folder / "sound")
            files = {path: content for path, content in snapshot(folder / "out").items() if "/files/" in path}
            assert all(stated.get(path, content) == content for path, content in files.items())


_SEGMENT = st.text(
    st.characters(exclude_characters="/\0\\", exclude_categories=["Cs"]), min_size=1, max_size=20
).filter(lambda text: text.strip(" .") and not text.startswith("."))


@given(st.lists(_SEGMENT, min_size=1, max_size=6, unique=True))
@settings(max_examples=60)
def test_any_name_of_a_file_survives(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        result = folder / "result"
        result.mkdir()
        for number, name in enumerate(names):
            (result / name).write_text(str(number))
        store = LocalStore(folder / "records")
        with Run(store, step="screen") as run:
            run.add_file(result)
        pack(store, [run.identifier], folder / "x.eln")
        assert unpack(folder / "x.eln", folder / "out") == [run.identifier]
        found = snapshot(folder / "out" / run.identifier / "files" / "result")
        assert found == {name: str(number).encode() for number, name in enumerate(names)}
