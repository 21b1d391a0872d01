"""Augmented crystals: stoichiometry, volume, distances under periodic boundaries, and what stays true of an electrode."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kadi_battgen.datasets.augmentation.crystals import (
    CrystalAugmentation,
    augment_electrode,
    augmented_copies,
    axes_swapped,
    is_copy,
    origin_id,
    perturbed,
    random_rotation,
    rotated,
    shortest_distance,
    strain_factors,
    strained,
)
from kadi_battgen.datasets.splitting import split_by_composition
from kadi_battgen.electrodes.composition import formula_from_vector
from kadi_battgen.electrodes.electrode import CrystalStructure, Electrode, broken_invariants
from kadi_battgen.errors import UserError


@pytest.fixture(scope="module")
def crystals(bundled):
    """Return real crystals of several shapes of cell."""
    return [electrode.structure for electrode in bundled.electrodes[:: len(bundled) // 12]]


def distances(structure: CrystalStructure) -> np.ndarray:
    """Return all distances under periodic boundary conditions, as pymatgen finds them."""
    return np.sort(structure.to_pymatgen().distance_matrix.ravel())


PICK = st.integers(0, 11)


class TestStructures:
    @given(pick=PICK, strain=st.floats(-0.1, 0.1), anisotropy=st.floats(0, 0.05), seed=st.integers(0, 99))
    @settings(max_examples=40)
    def test_the_volume_is_as_asked_and_the_atoms_stay_where_they_are_in_the_cell(
        self, crystals, pick, strain, anisotropy, seed
    ):
        original = crystals[pick]
        factors = strain_factors(strain, anisotropy, np.random.default_rng(seed))
        copy = strained(original, factors)
        assert copy.volume / original.volume == pytest.approx(1 + strain, rel=1e-6)
        assert copy.species == original.species
        assert copy.fractional_coordinates == original.fractional_coordinates
        lengths = [np.linalg.norm(s.lattice, axis=1) for s in (original, copy)]
        np.testing.assert_allclose(lengths[1] / lengths[0], factors, rtol=1e-6)

    @given(pick=PICK, strain=st.floats(-0.1, 0.1))
    @settings(max_examples=20)
    def test_an_isotropic_strain_scales_all_distances_and_is_undone_by_its_inverse(self, crystals, pick, strain):
        factor = (1 + strain) ** (1 / 3)
        copy = strained(crystals[pick], factor)
        np.testing.assert_allclose(distances(copy), factor * distances(crystals[pick]), atol=1e-5)
        np.testing.assert_allclose(strained(copy, 1 / factor).lattice, crystals[pick].lattice, atol=1e-6)

    @given(pick=PICK, seed=st.integers(0, 999))
    @settings(max_examples=20)
    def test_a_rotation_keeps_all_distances(self, crystals, pick, seed):
        rotation = random_rotation(seed)
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(rotation) == pytest.approx(1)
        copy = rotated(crystals[pick], rotation)
        np.testing.assert_allclose(distances(copy), distances(crystals[pick]), atol=1e-4)
        assert copy.volume == pytest.approx(crystals[pick].volume)
        vectors = [np.array(s.fractional_coordinates) @ np.array(s.lattice) for s in (crystals[pick], copy)]
        np.testing.assert_allclose(vectors[1], vectors[0] @ rotation.T, atol=1e-5)

    @pytest.mark.parametrize("order", permutations(range(3)))
    def test_swapped_axes_move_no_atom(self, crystals, order):
        for crystal in crystals[:4]:
            copy = axes_swapped(crystal, order)
            places = [np.array(s.fractional_coordinates) @ np.array(s.lattice) for s in (crystal, copy)]
            np.testing.assert_allclose(places[1], places[0], atol=1e-5)
            assert copy.volume == pytest.approx(crystal.volume)
            assert axes_swapped(copy, tuple(np.argsort(order))) == axes_swapped(crystal, (0, 1, 2))

    @given(pick=PICK, displacement=st.floats(0, 0.1), seed=st.integers(0, 99))
    @settings(max_examples=30)
    def test_displaced_sites_keep_their_distance_and_the_seed_decides(self, crystals, pick, displacement, seed):
        limit = 0.85 * shortest_distance(crystals[pick])
        copy = perturbed(crystals[pick], displacement, limit, seed)
        assert distances(copy)[len(copy.species)] >= limit - 1e-4
        assert copy == perturbed(crystals[pick], displacement, limit, seed)
        assert copy.species == crystals[pick].species
        assert copy.lattice == pytest.approx(np.array(crystals[pick].lattice), abs=1e-7)

    def test_displacements_have_their_deviation(self, crystals):
        lattice = np.array(crystals[0].lattice)
        moved = [np.array(perturbed(crystals[0], 0.03, 0.1, seed).fractional_coordinates) for seed in range(200)]
        shifts = (np.array(moved) - np.array(crystals[0].fractional_coordinates)) @ lattice
        np.testing.assert_allclose(shifts.std(axis=(0, 1)), 0.03, rtol=0.06)

    def test_displacements_that_cannot_keep_the_distance_are_refused(self, crystals):
        with pytest.raises(UserError, match=r"0\.3 A bring atoms closer than 20 A in 100 draws: give a smaller"):
            perturbed(crystals[0], 0.3, 20.0, 0)

    def test_the_shortest_distance_is_pymatgen_s_and_counts_an_atom_s_own_images(self, crystals):
        for crystal in crystals:
            found = crystal.to_pymatgen().distance_matrix
            others = found[~np.eye(len(found), dtype=bool)]
            own = min(np.linalg.norm(np.array(v) @ np.array(crystal.lattice)) for v in np.ndindex(3, 3, 3) if any(v))
            expected = min([*others, own])
            assert shortest_distance(crystal) == pytest.approx(expected, rel=1e-6)

    def test_an_atom_alone_is_as_far_as_its_image_also_in_a_skewed_cell(self):
        skewed = CrystalStructure(
            lattice=((3, 0, 0), (15.1, 4, 0), (0, 0, 6)), species=("Li",), fractional_coordinates=((0.2, 0.9, 0.4),)
        )
        assert shortest_distance(skewed) == pytest.approx(3.0)


class TestElectrodes:
    @given(pick=st.integers(0, 700), number=st.integers(1, 5), seed=st.integers(0, 99))
    @settings(max_examples=40)
    def test_a_copy_holds_every_invariant(self, bundled, pick, number, seed):
        original = bundled.electrodes[pick]
        settings_of_copy = CrystalAugmentation(strain=(-0.1, 0.1), displacement=0.03)
        copy = augment_electrode(original, settings_of_copy, number, seed)
        assert copy == augment_electrode(original, settings_of_copy, number, seed)
        assert broken_invariants(copy) == []
        assert Electrode.model_validate_json(copy.model_dump_json()) == copy
        np.testing.assert_array_equal(copy.composition, original.composition)
        assert copy.structure.amounts == original.structure.amounts
        ratio = copy.structure.volume / original.structure.volume
        assert 0.9 - 1e-6 <= ratio <= 1.1 + 1e-6
        before, after = original.properties, copy.properties
        for name in ("average_voltage", "gravimetric_capacity", "gravimetric_energy", "volume_change"):
            assert getattr(after, name) == getattr(before, name)
        for name in ("volumetric_capacity", "volumetric_energy"):
            assert getattr(after, name) * ratio == pytest.approx(getattr(before, name))
        assert shortest_distance(copy.structure) >= 0.85 * shortest_distance(original.structure) - 1e-5
        assert (copy.id, origin_id(copy.id), is_copy(copy.id)) == (f"{original.id}~{number}", original.id, True)
        assert f"augmented copy of {original.id}" in copy.method

    def test_copies_do_not_depend_on_the_other_electrodes(self, tiny_electrodes):
        settings_of_copy = CrystalAugmentation()
        together = list(augmented_copies(tiny_electrodes.electrodes, settings_of_copy, 2, seed=3))
        assert [e.id for e in together[:3]] == [f"{together[0].id}{end}" for end in ("", "~1", "~2")]
        assert len({e.id for e in together}) == 3 * len(tiny_electrodes)
        alone = list(augmented_copies(tiny_electrodes.electrodes[4:5], settings_of_copy, 2, seed=3))
        assert alone == together[12:15]
        assert alone[1].structure != alone[2].structure

    def test_a_strain_beyond_which_voltages_do_not_hold_is_refused(self, tiny_electrodes):
        with pytest.raises(UserError, match=r"strain of -0\.2 to 0\.2 goes beyond 0\.1"):
            list(augmented_copies(tiny_electrodes.electrodes, CrystalAugmentation(strain=(-0.2, 0.2)), 1, 0))

    def test_copies_of_copies_are_refused(self, tiny_electrodes):
        copies = list(augmented_copies(tiny_electrodes.electrodes[:1], CrystalAugmentation(), 1, 0))
        with pytest.raises(UserError, match="~1 is an augmented copy already"):
            list(augmented_copies(copies, CrystalAugmentation(), 1, 0))


class TestLeaks:
    """No composition, and no augmented copy of one, in two parts of a split."""

    @staticmethod
    def parts(electrodes, seed):
        formulas = [formula_from_vector(electrode.composition) for electrode in electrodes]
        part = split_by_composition(formulas, [electrode.working_ion for electrode in electrodes], seed)
        seen: dict[str, set[int]] = {}
        for electrode, formula, number in zip(electrodes, formulas, part, strict=True):
            seen.setdefault(f"formula {formula}", set()).add(int(number))
            seen.setdefault(f"origin {origin_id(electrode.id)}", set()).add(int(number))
        return seen, part

    @given(
        picks=st.sets(st.integers(0, 740), min_size=40, max_size=60), copies=st.integers(1, 3), seed=st.integers(0, 9)
    )
    @settings(max_examples=8)
    def test_random_collections(self, bundled, picks, copies, seed):
        chosen = [bundled.electrodes[pick] for pick in picks]
        electrodes = list(augmented_copies(chosen, CrystalAugmentation(), copies, seed))
        np.random.default_rng(seed).shuffle(electrodes)
        seen, part = self.parts(electrodes, seed)
        assert all(len(numbers) == 1 for numbers in seen.values())
        assert set(part) == {0, 1, 2}

    def test_the_bundled_set(self, bundled):
        electrodes = list(augmented_copies(bundled.electrodes, CrystalAugmentation(), 1, 0))
        assert len(electrodes) == 2 * len(bundled)
        seen, part = self.parts(electrodes, 0)
        assert all(len(numbers) == 1 for numbers in seen.values())
        assert len(np.unique(part)) == 3
