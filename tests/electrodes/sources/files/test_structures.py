"""Structures by name and in three formats; no name leads out of the folder, no file exhausts the machine."""

from __future__ import annotations

import gzip
import json
import os

import numpy as np
import pytest

from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.electrodes.sources.files.parsing import LARGEST_CELL, parse_structure
from kadi_battgen.electrodes.sources.files.structures import open_library
from kadi_battgen.electrodes.xyz import electrode_xyz
from kadi_battgen.errors import UserError


def _extended_xyz(structure, **changes):
    crystal = structure.to_pymatgen()
    lattice = " ".join(f"{value:.8f}" for value in crystal.lattice.matrix.ravel())
    comment = {"Lattice": f'"{lattice}"', "Properties": "species:S:1:pos:R:3", "pbc": '"T T T"', **changes}
    lines = [str(len(crystal)), " ".join(f"{key}={value}" for key, value in comment.items() if value)]
    lines += [f"{site.specie} {' '.join(f'{x:.8f}' for x in site.coords)}" for site in crystal]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def texts(olivine):
    crystal = olivine.to_pymatgen()
    return {"cif": crystal.to(fmt="cif"), "poscar": crystal.to(fmt="poscar"), "extxyz": _extended_xyz(olivine)}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        *(
            ("cif", "a.cif"),
            ("cif", "a.CIF"),
            ("cif", "a"),
            ("poscar", "a.vasp"),
            ("poscar", "POSCAR"),
            ("poscar", "b"),
        ),
        *(("extxyz", "a.xyz"), ("extxyz", "a.extxyz"), ("extxyz", "a")),
    ],
)
def test_the_formats_give_the_same_crystal(texts, olivine, text, name):
    from pymatgen.analysis.structure_matcher import StructureMatcher

    found = parse_structure(texts[text], name)
    assert sorted(found.species) == sorted(olivine.species)
    assert found.volume == pytest.approx(olivine.volume, rel=1e-5)
    assert StructureMatcher(primitive_cell=False).fit(found.to_pymatgen(), olivine.to_pymatgen())


def test_the_xyz_that_records_show_is_read(electrode: Electrode):
    found = parse_structure(electrode_xyz(electrode, smallest_edge=1.0), "preview.xyz")
    assert sorted(found.species) == sorted(electrode.structure.species)
    assert np.allclose(found.lattice, electrode.structure.lattice, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("a.cif", lambda text: "", "does not parse"),
        ("a.cif", lambda text: text[: len(text) // 2], "does not parse"),
        ("a.cif", lambda text: "\0" * 50, "does not parse"),
        ("a.cif", lambda text: text + text.replace("data_", "data_second_"), "holds 2 structures"),
        ("a.vasp", lambda text: "\n".join(text.splitlines()[:4]), "does not parse"),
        (
            "a.vasp",
            lambda text: text.replace("Li Fe P O", "").replace("Li4 Fe4 P4 O16", "x"),
            "does not|names no elements",
        ),
        ("a.xyz", lambda text: text.replace('pbc="T T T"', 'pbc="T T F"'), "is not periodic"),
        ("a.xyz", lambda text: text.replace("Lattice=", "Cell="), "is not periodic"),
        ("a.xyz", lambda text: text + text, "does not hold one structure of 28 atoms"),
        ("a.xyz", lambda text: text[: len(text) // 2], "does not hold one structure|does not parse"),
        ("a.xyz", lambda text: text.replace("Li ", "Qq "), "holds Qq, no element"),
        (
            "a.xyz",
            lambda text: text.replace("28\n", "999999999\n", 1),
            f"lists 999999999 atoms, {LARGEST_CELL} are read",
        ),
    ],
)
def test_what_is_no_crystal_is_refused(texts, name, change, message):
    kind = {"cif": "cif", "vasp": "poscar", "xyz": "extxyz"}[name.rpartition(".")[2]]
    with pytest.raises(UserError, match=rf"a\.{name[2:]}.*({message})"):
        parse_structure(change(texts[kind]), name)


def test_a_cif_of_very_many_atoms_is_refused_before_it_is_built(texts):
    atom = next(line for line in texts["cif"].splitlines() if line.strip().startswith("Li "))
    with pytest.raises(UserError, match=f"atoms, {LARGEST_CELL} are read"):
        parse_structure(texts["cif"] + f"{atom}\n" * 30_000, "huge.cif")


@pytest.fixture
def library(tmp_path, texts):
    """Return a library of files that are called in every usual way."""
    names = {
        **{"plain.cif": "cif", "POSCAR_after": "poscar", "before.POSCAR": "poscar", "point.vasp": "poscar"},
        **{"deep/er/nested.cif": "cif", "mp-1/POSCAR": "poscar", "mp-2/relaxed.cif": "cif", "box.extxyz": "extxyz"},
        **{"twice.cif": "cif", "other/twice.vasp": "poscar", "mp-1.cif.d/readme.txt": "cif"},
    }
    for name, kind in names.items():
        path = tmp_path / "structures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts[kind])
    (tmp_path / "structures/packed.cif.gz").write_bytes(gzip.compress(texts["cif"].encode()))
    (tmp_path / "secret.cif").write_text(texts["cif"])
    os.symlink(tmp_path / "secret.cif", tmp_path / "structures/link.cif")
    os.mkfifo(tmp_path / "structures/pipe.cif")
    return open_library(tmp_path / "structures")


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("plain.cif", "plain.cif"),
        ("plain", "plain.cif"),
        ("./plain.cif", "plain.cif"),
        (" plain ", "plain.cif"),
        ("PLAIN.CIF", "plain.cif"),
        ("after", "POSCAR_after"),
        ("before", "before.POSCAR"),
        ("point", "point.vasp"),
        ("nested", "deep/er/nested.cif"),
        ("deep/er/nested", "deep/er/nested.cif"),
        ("deep\\er\\nested.cif", "deep/er/nested.cif"),
        ("mp-1", "mp-1/POSCAR"),
        ("mp-2", "mp-2/relaxed.cif"),
        ("packed", "packed.cif.gz"),
        ("box", "box.extxyz"),
        ("twice.cif", "twice.cif"),
        ("other/twice", "other/twice.vasp"),
    ],
)
def test_a_file_answers_to_its_usual_names(library, name, entry):
    assert library.find(name) == entry
    assert len(parse_structure(library.read(entry), entry).species) == 28


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "no structure is named"),
        ("absent", "does not exist"),
        ("*", "does not exist"),
        ("plain.cif\0.txt", "does not exist"),
        ("x" * 5000, "does not exist"),
        ("twice", r"may be other/twice\.vasp or twice\.cif|may be twice\.cif or other/twice\.vasp"),
        ("../secret.cif", "lies outside"),
        ("deep/../../secret.cif", "lies outside"),
        ("deep/../plain.cif", "lies outside"),
        ("..\\secret.cif", "lies outside"),
        ("/etc/hostname", "lies outside"),
        ("C:\\secret.cif", "lies outside"),
        ("link.cif", "lies outside .* it is a link"),
        ("link", "lies outside .* it is a link"),
    ],
)
def test_no_name_leads_out_of_the_folder(library, name, message):
    with pytest.raises(UserError, match=message):
        library.find(name)


def test_a_pipe_is_no_structure(library):
    with pytest.raises(UserError, match="no ordinary file"):
        library.read(library.find("pipe"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a JSON document"),
        (b"[]", "holds no structures by id"),
        (b"{}", "holds no structures by id"),
        (b'{"a": "x", "a": "y"}', "'a' occurs twice"),
        (gzip.compress(b'{"a": "x"}')[:-6], "truncated or broken gzip"),
    ],
)
def test_what_is_no_collection_of_structures_is_refused(tmp_path, content, message):
    path = tmp_path / "structures.json.gz"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        open_library(path)


def test_structures_of_a_json_file_are_found_by_id(tmp_path, texts):
    path = tmp_path / "structures.json"
    path.write_text(json.dumps({"mp-1": texts["cif"], "mp-2": 7}))
    library = open_library(path)
    assert len(parse_structure(library.read(library.find("mp-1")), "mp-1").species) == 28
    with pytest.raises(UserError, match="holds no structure '../mp-1'"):
        library.find("../mp-1")
    with pytest.raises(UserError, match="is no text"):
        library.read("mp-2")


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()])
def test_an_empty_or_absent_folder_is_refused(tmp_path, make):
    make(tmp_path / "structures")
    with pytest.raises(UserError, match="is not a folder|holds no files"):
        open_library(tmp_path / "structures")
