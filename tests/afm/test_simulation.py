"""The simulation against ppafm itself, against the force law, and against its own conventions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from kadi_battgen.afm.descriptors import GASES, type_classes
from kadi_battgen.afm.geometry import Cluster, atomic_numbers, cluster_from_structure
from kadi_battgen.afm.opencl import quiet_ppafm
from kadi_battgen.afm.orientations import best_rotations
from kadi_battgen.afm.settings import DESCRIPTOR_CHANNELS, ScanSettings, TipCharges
from kadi_battgen.afm.simulation import ppafm_version, simulate_stack
from kadi_battgen.electrodes.composition import ELEMENTS
from kadi_battgen.electrodes.oxidation_states import formal_charges

UPRIGHT = np.eye(3)
HEIGHT, SPHERES, DISKS, RED, GREEN, BLUE = range(len(DESCRIPTOR_CHANNELS))


@pytest.fixture(scope="module")
def sample(lithium_iron_phosphate):
    cluster = cluster_from_structure(lithium_iron_phosphate.structure)
    return cluster, best_rotations(cluster.positions, 1, 50)[0]


@pytest.fixture(scope="module")
def images(sample, quick_scan):
    return simulate_stack(*sample, "Li", quick_scan)


def pixel_of(settings: ScanSettings, x: float, y: float) -> tuple[float, float]:
    """Row and column of a position in the window."""
    return tuple((c + settings.window / 2) / settings.pixel_size for c in (y, x))


def peer(sample, settings: ScanSettings, points_per_angstrom: int, tip: TipCharges | None = None):
    """Simulate the same sample by ppafm's AFMulator and AuxMap, called as documented."""
    from ppafm import common
    from ppafm.ml import AuxMap
    from ppafm.ocl.AFMulator import AFMulator

    from kadi_battgen.afm.geometry import under_the_tip

    (cluster, rotation), half, shape = sample, settings.window / 2, (settings.pixels, settings.pixels)
    top = settings.start_distance + settings.probe_length
    with quiet_ppafm():
        afmulator = AFMulator(
            pixPerAngstrome=points_per_angstrom,
            scan_dim=(*shape, settings.tip_positions),
            scan_window=((-half, -half, top - 0.1 * settings.tip_positions), (half, half, top)),
            iZPP=8,
            Qs=[*tip.charges, 0.0] if tip else [0.0] * 4,
            QZs=[*tip.offsets, 0.0] if tip else [0.0] * 4,
            df_steps=settings.oscillation_steps,
            tipR0=[0.0, 0.0, settings.probe_length],
            npbc=(0, 0, 0),
        )
        radii = common.getAtomsREA(8, cluster.numbers, afmulator.typeParams)[:, 0]
        positions = under_the_tip(cluster.positions, radii, rotation)
        charges = np.zeros(len(positions)) if cluster.charges is None else cluster.charges
        atoms = np.concatenate([positions, charges[:, None]], axis=1)
        stack = afmulator(positions, cluster.numbers, atoms[:, 3]).transpose(2, 1, 0)
        flat = {"scan_dim": shape, "scan_window": ((-half, -half), (half, half))}
        maps = [
            AuxMap.HeightMap(afmulator.scanner)(atoms, cluster.numbers)[None],
            AuxMap.vdwSpheres(**flat)(atoms, cluster.numbers)[None],
            AuxMap.AtomicDisks(**flat)(atoms, cluster.numbers)[None],
            np.moveaxis(AuxMap.MultiMapSpheresElements(**flat, elems=type_classes("Li"))(atoms, cluster.numbers), 2, 0),
        ]
    return stack, np.concatenate(maps).transpose(0, 2, 1)


def test_images_are_those_of_ppafm(sample, images, quick_scan):
    stack, maps = peer(sample, quick_scan, 10)
    assert images.stack.shape == (10, 64, 64)
    assert np.sqrt(((images.stack - stack) ** 2).mean()) < 0.02 * stack.std()
    np.testing.assert_allclose(images.descriptors[HEIGHT], maps[HEIGHT], atol=0.1)
    assert np.abs(images.descriptors[HEIGHT] - maps[HEIGHT]).mean() < 0.005
    np.testing.assert_allclose(images.descriptors[1:], maps[1:], atol=2e-6)


def test_ppafm_approaches_the_images_as_its_grid_is_refined(sample):
    small = ScanSettings(window=8.0, pixels=32)
    stack = simulate_stack(*sample, "Li", small).stack
    gaps = [np.sqrt(((stack - peer(sample, small, grid)[0]) ** 2).mean()) / stack.std() for grid in (5, 8, 16)]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] < 0.01


@pytest.mark.parametrize("start", [1.3, 3.0])
def test_electrostatics_are_those_of_ppafm_for_point_charges(start, lithium_iron_phosphate):
    cluster = cluster_from_structure(lithium_iron_phosphate.structure, charged=True)
    sample = cluster, best_rotations(cluster.positions, 1, 50)[0]
    tip = TipCharges()
    settings = ScanSettings(window=12.0, pixels=32, start_distance=start, electrostatics=tip)
    stack = simulate_stack(*sample, "Li", settings).stack
    neutral = simulate_stack(*sample, "Li", settings.model_copy(update={"electrostatics": None})).stack
    gaps = []
    for grid in (8, 16):
        expected, _ = peer(sample, settings, grid, tip)
        gaps.append(np.sqrt(((stack - expected) ** 2).mean()) / np.sqrt(((stack - neutral) ** 2).mean()))
    # ppafm comes within 1 % of what the charges change, the closer the finer its grid.
    assert gaps[1] < gaps[0] < 0.02
    assert gaps[1] < 0.01


def test_charges_without_a_charged_tip_change_nothing(sample, quick_scan, images):
    (cluster, rotation), scan = sample, quick_scan
    charged = Cluster(cluster.positions, cluster.numbers, formal_charges([ELEMENTS[z - 1] for z in cluster.numbers]))
    assert simulate_stack(charged, rotation, "Li", scan).stack.tobytes() == images.stack.tobytes()


def test_a_cation_and_an_anion_differ_by_the_sign_of_the_charge_force():
    settings = ScanSettings(
        pixels=16, window=8.0, start_distance=5.0, lateral_stiffness=20.0, electrostatics=TipCharges()
    )
    stacks = {}
    for charge in (-2.0, 0.0, 2.0):
        cluster = Cluster(np.zeros((1, 3)), atomic_numbers(["O"]), np.array([charge]))
        stacks[charge] = simulate_stack(cluster, UPRIGHT, "Li", settings).stack[0]
    anion, cation = stacks[-2.0] - stacks[0.0], stacks[2.0] - stacks[0.0]
    # On a stiff spring the probe barely moves: the forces are opposite.
    np.testing.assert_allclose(anion, -cation, atol=0.1 * np.abs(cation).max())
    assert np.abs(cation).max() > 3 * np.abs(stacks[0.0]).max() > 0


def test_the_height_map_does_not_feel_charges(sample, quick_scan, images, lithium_iron_phosphate):
    cluster = cluster_from_structure(lithium_iron_phosphate.structure, charged=True)
    settings = quick_scan.model_copy(update={"electrostatics": TipCharges()})
    charged = simulate_stack(cluster, sample[1], "Li", settings)
    assert charged.descriptors.tobytes() == images.descriptors.tobytes()
    assert charged.stack.tobytes() != images.stack.tobytes()


def test_two_tips_see_what_each_sees_alone(sample, quick_scan, images, lithium_iron_phosphate):
    cluster = cluster_from_structure(lithium_iron_phosphate.structure, charged=True)
    charged = quick_scan.model_copy(update={"electrostatics": TipCharges()})
    both = charged.model_copy(update={"neutral_tip": True})
    seen = simulate_stack(cluster, sample[1], "Li", both)
    alone = [images.stack, simulate_stack(cluster, sample[1], "Li", charged).stack]
    assert seen.stack.tobytes() == np.concatenate(alone).tobytes()
    assert seen.descriptors.tobytes() == images.descriptors.tobytes()
    assert (both.tips, both.slices) == (("neutral", "charged"), 2 * quick_scan.heights)
    np.testing.assert_array_equal(both.slice_distances, [*quick_scan.tip_sample_distances] * 2)


def test_the_same_sample_gives_the_same_bytes(sample, images, quick_scan, lithium_cobalt_oxide):
    simulate_stack(cluster_from_structure(lithium_cobalt_oxide.structure), UPRIGHT, "Li", quick_scan)
    again = simulate_stack(*sample, "Li", quick_scan)
    assert again.stack.tobytes() == images.stack.tobytes()
    assert again.descriptors.tobytes() == images.descriptors.tobytes()


@pytest.mark.parametrize(("x", "y"), [(5.0, 0.0), (0.0, 5.0), (-4.0, 3.0), (4.0, -5.0)])
def test_an_atom_appears_where_it_is_in_stack_and_descriptors(x, y, quick_scan):
    # A low oxygen opposite keeps the centre at the origin; the high iron is the brightest feature of every image.
    cluster = Cluster(np.array([[x, y, 0.0], [-x, -y, -3.0]]), atomic_numbers(["Fe", "O"]))
    images = simulate_stack(cluster, UPRIGHT, "Li", quick_scan)
    for image in (images.stack[-1], *images.descriptors[[HEIGHT, SPHERES, DISKS, RED]]):
        top = np.argwhere(image >= image.max() - 0.02 * np.ptp(image)).mean(axis=0)
        assert top == pytest.approx(pixel_of(quick_scan, x, y), abs=0.6)


def test_a_rotation_turns_the_sample(quick_scan):
    quarter_turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    cluster = Cluster(np.array([[5.0, 0, 0], [-5, 0, -3]]), atomic_numbers(["Fe", "O"]))
    stack = simulate_stack(cluster, quarter_turn, "Li", quick_scan).stack
    row, column = np.unravel_index(stack[-1].argmax(), stack[-1].shape)
    assert (row, column) == pytest.approx(pixel_of(quick_scan, 0.0, 5.0), abs=1)


@pytest.mark.parametrize("tip", [None, TipCharges(), TipCharges(charge=-0.05, quadrupole=0.0)])
def test_heights_are_tip_sample_distances_above_the_contact_plane(tip):
    """Above a lone atom the probe stays on the axis, so the frequency shift follows from force law and springs."""
    # The four central pixels are 0.19 A off the axis; a stiff bending spring keeps the probe there.
    settings = ScanSettings(pixels=16, window=4.1, lateral_stiffness=5.0, electrostatics=tip)
    cluster = Cluster(np.zeros((1, 3)), atomic_numbers(["Fe"]), np.array([3.0]))
    stack = simulate_stack(cluster, UPRIGHT, "Li", settings).stack
    from ppafm.common import eVA_Nm, get_simple_df_weight, loadSpecies

    probe, iron = (loadSpecies("atomtypes.ini")[z - 1] for z in (8, 26))
    radius, depth = probe[0] + iron[0], np.sqrt(probe[1] * iron[1])
    off_axis = settings.pixel_size / np.sqrt(2)

    def force(z: float) -> float:
        r = np.hypot(z, off_axis)
        coulomb = 0.0
        for charge, height in zip(tip.charges, tip.offsets, strict=True) if tip else ():
            coulomb += 14.399644 * 3.0 * charge * (z + height) / np.hypot(z + height, off_axis) ** 3
        return 12 * depth * ((radius / r) ** 12 - (radius / r) ** 6) * z / r**2 + coulomb

    def relaxed_force(distance: float) -> float:
        rest, spring = radius + distance, settings.radial_stiffness / eVA_Nm
        return force(brentq(lambda z: force(z) - spring * (z - rest), rest - 1.0, rest + 1.0))

    steps = settings.start_distance - settings.height_step * np.arange(settings.tip_positions)
    forces = np.array([relaxed_force(distance) for distance in steps])
    n = settings.oscillation_steps
    weights = get_simple_df_weight(n, settings.height_step) * eVA_Nm * 30300.0 / 1800.0
    expected = [forces[k : k + n] @ weights for k in range(settings.heights)]
    np.testing.assert_allclose(stack[:, 8, 8], expected, atol=0.02 * np.ptp(expected))
    assert settings.tip_sample_distances == pytest.approx([steps[k : k + n].mean() for k in range(settings.heights)])
    assert (np.diff(settings.tip_sample_distances) < 0).all()


def test_the_type_map_separates_working_ion_gases_and_the_rest(quick_scan):
    corners = [(-5.0, -5.0), (-5.0, 5.0), (5.0, -5.0), (5.0, 5.0)]
    cluster = Cluster(np.array([(x, y, 0.0) for x, y in corners]), atomic_numbers(["Mg", "O", "Mn", "Cl"]))
    maps = simulate_stack(cluster, UPRIGHT, "Mg", quick_scan).descriptors
    brightest = [
        DESCRIPTOR_CHANNELS[
            RED + int(np.argmax([m[tuple(np.round(pixel_of(quick_scan, x, y)).astype(int))] for m in maps[RED:]]))
        ]
        for x, y in corners
    ]
    assert brightest == ["type_map_blue", "type_map_green", "type_map_red", "type_map_green"]
    # Magnesium is an ordinary metal where lithium moves.
    other = simulate_stack(cluster, UPRIGHT, "Li", quick_scan).descriptors
    assert np.ptp(other[BLUE]) == 0.0


@pytest.mark.parametrize("ion", ["Li", "Mg", "Cs"])
def test_each_element_has_one_class(ion):
    classes = type_classes(ion)
    assert sorted(z for members in classes for z in members) == list(range(1, len(ELEMENTS) + 1))
    assert classes[2] == [ELEMENTS.index(ion) + 1]
    assert {ELEMENTS[z - 1] for z in classes[1]} == set(GASES)


def test_values_fit_the_stored_type_and_background_is_dark(images):
    assert np.abs(images.stack).max() < 100.0
    assert np.abs(images.stack[:, 0, 0]).max() < 0.05
    np.testing.assert_allclose(images.descriptors[:, 0, 0], [0, -1.5, 0, -1.5, -1.5, -1.5], atol=1e-6)


def test_conventions_name_everything_a_reader_needs(quick_scan):
    from kadi_battgen.afm.opencl import start_ppafm

    conventions = quick_scan.conventions(start_ppafm(), ppafm_version())
    needed = {"unit", "axis_order", "window", "heights", "tip", "pixel_size", "device", "ppafm", "tip_sample_distance"}
    assert needed <= conventions.keys()
    assert len(conventions["heights"]["values"]) == quick_scan.heights


def test_conventions_state_electrostatics_only_where_there_are_any(quick_scan):
    from kadi_battgen.afm.opencl import start_ppafm

    device = start_ppafm()
    neutral = quick_scan.conventions(device, ppafm_version())
    assert neutral["tip"]["charge"] == 0.0
    assert neutral["forces"].endswith("no electrostatics")
    assert not {"electrostatics", "neutral_tip"} & quick_scan.to_json().keys()
    assert "tips" not in neutral["axis_order"]
    charged = quick_scan.model_copy(update={"electrostatics": TipCharges(charge=0.1)}).conventions(
        device, ppafm_version()
    )
    assert charged["tip"]["charge"] == 0.1
    assert charged["tip"]["point_charges"]["values"] == pytest.approx([-10.0, 20.1, -10.0])
    assert charged["tip"]["quadrupole"] == {
        "value": -0.2,
        "unit": "e A^2",
        "meaning": "sum of charge times height squared",
    }
    assert "oxidation states" in charged["forces"]
    both = ScanSettings(electrostatics=TipCharges(), neutral_tip=True)
    assert both.conventions(device, ppafm_version())["axis_order"]["tips"].startswith(
        "all heights of the neutral tip, then"
    )
    assert ScanSettings.model_validate(both.to_json()) == both


@pytest.mark.parametrize(
    "change",
    [{"pixels": 100}, {"window": 0.0}, {"heights": 0}, {"window": float("nan")}, {"zoom": 2}, {"neutral_tip": True}],
)
def test_senseless_settings_are_refused(change):
    with pytest.raises(ValueError):
        ScanSettings(**change)
