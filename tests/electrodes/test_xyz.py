from __future__ import annotations

import shlex
from io import StringIO

import numpy as np
import pytest

from kadi_battgen.electrodes.collection import ElectrodeCollection
from kadi_battgen.electrodes.electrode import CrystalStructure, Electrode
from kadi_battgen.electrodes.xyz import electrode_xyz, structure_xyz

SALT = CrystalStructure(
    lattice=((5.64, 0.0, 0.0), (0.0, 2.82, 0.0), (0.0, 0.0, 5.64)),
    species=("Na", "Cl"),
    fractional_coordinates=((0.0, 0.0, 0.0), (0.5, 0.25, -0.5)),
)


def atoms(text: str) -> tuple[dict[str, str], list[list[str]]]:
    """Read the one frame of an extended XYZ file: the facts of its comment line, and the atoms' columns."""
    first, comment, *lines = text.splitlines()
    facts = dict(word.split("=", 1) for word in shlex.split(comment))
    assert facts["Properties"] == "pos:R:3:species:S:1:Z:I:1:working_ion:I:1"
    frame = [line.split() for line in lines[: int(first)]]
    assert all(len(columns) == 6 for columns in frame)
    # What readers of extended XYZ take as the end.
    assert lines[int(first)] == ""
    return facts, frame


def points(text: str) -> np.ndarray:
    """Read a file as Kadi4Mat's 3D preview does: coordinates are in lines of three or six columns."""
    rows = [line.split() for line in text.splitlines() if not line.startswith("#")]
    return np.array([[float(value) for value in row[:3]] for row in rows if len(row) in (3, 6)])


@pytest.mark.parametrize(
    ("smallest_edge", "repeats", "count"), [(1.0, (1, 1, 1), 2), (2.82, (1, 1, 1), 2), (5.0, (1, 2, 1), 4)]
)
def test_the_cell_is_repeated_to_a_size_one_can_read(
    smallest_edge: float, repeats: tuple[int, int, int], count: int
) -> None:
    facts, frame = atoms(structure_xyz(SALT, "Na", {"id": "salt"}, smallest_edge))
    lattice = np.array(facts["Lattice"].split(), dtype=float).reshape(3, 3)
    np.testing.assert_allclose(lattice, np.diag((5.64, 2.82, 5.64)) * np.array(repeats)[:, None])
    assert len(frame) == count
    assert [columns[3:] for columns in frame[:2]] == [["Na", "11", "1"], ["Cl", "17", "0"]]
    # Inside the cell, whose middle is the origin.
    inside = np.array([columns[:3] for columns in frame], dtype=float) + lattice.sum(axis=0) / 2
    assert (inside >= -1e-6).all()
    assert (inside < lattice.diagonal() - 1e-6).all()
    np.testing.assert_allclose(inside[1], (2.82, 0.705, 2.82), atol=1e-6)


def test_the_preview_sees_the_atoms_and_the_cell_around_the_origin() -> None:
    text = structure_xyz(SALT, "Na", {})
    seen = points(text)
    _, frame = atoms(text)
    assert len(seen) > 100 * len(frame)
    corner = np.array((5.64, 5.64, 5.64)) / 2
    for sign in np.array(np.meshgrid((-1, 1), (-1, 1), (-1, 1))).reshape(3, 8).T:
        assert np.abs(seen - sign * corner).sum(axis=1).min() < 0.01
    # Every atom has points around it, at one distance.
    for columns in frame:
        distances = np.linalg.norm(seen - np.array(columns[:3], dtype=float), axis=1)
        near = distances[(distances > 1e-6) & (distances < 0.6)]
        assert len(near) > 40


def test_facts_cannot_break_the_comment_line() -> None:
    text = structure_xyz(SALT, "Na", {"source": 'a "b"\nc\\ d', "id": ""})
    facts, _ = atoms(text)
    assert facts["source"] == "a 'b' c d"
    assert facts["id"] == ""


@pytest.fixture(scope="module")
def sample(bundled: ElectrodeCollection) -> list[Electrode]:
    return list(bundled.select(limit=20).electrodes)


def test_structures_of_real_electrodes_survive(sample: list[Electrode]) -> None:
    io = pytest.importorskip("ase.io", reason="ase comes with the extra 'potentials'")
    for electrode in sample:
        (read,) = io.read(StringIO(electrode_xyz(electrode, 0.1)), index=":", format="extxyz")
        assert read.get_chemical_symbols() == list(electrode.structure.species)
        assert read.info["formula"] == electrode.formula_discharge
        expected = np.array(electrode.structure.fractional_coordinates)
        difference = read.get_scaled_positions() + 0.5 - expected
        np.testing.assert_allclose(difference - np.round(difference), 0.0, atol=1e-4)


def test_files_stay_small(sample: list[Electrode]) -> None:
    assert max(len(electrode_xyz(electrode)) for electrode in sample) < 250_000
