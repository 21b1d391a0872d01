"""Chains of operations: the same for stack and descriptors, the same for a seed, and what settings are refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from kadi_battgen.afm.store import AfmCampaign
from kadi_battgen.datasets.augmentation import Augmentation, AugmentationSettings
from kadi_battgen.datasets.augmentation.settings import CHAINS
from kadi_battgen.errors import UserError

HEIGHTS = np.linspace(0.85, -0.05, 10)

#: Every operation that there is, in strengths that show.
OPERATIONS = {
    "quarter_turns": {},
    "reflection": {},
    "translation": {"distance": [0.5, 2.0]},
    "crop": {"side": [0.6, 0.9]},
    "elastic_deformation": {"amplitude": 0.4, "correlation_length": 2.0},
    "height_offset": {"offset": [-0.3, 0.3]},
    "tilt": {"angle": [1, 4]},
    "tip_blur": {"radius": [0.3, 0.6]},
    "line_drift": {"per_line": [-10, 10], "jitter": 10},
    "thermal_drift": {"speed": [0.01, 0.05]},
    "scan_line_noise": {"standard_deviation": 0.2},
    "gaussian_noise": {"standard_deviation": 0.2},
    "poisson_noise": {"counts": [50, 100]},
    "contrast": {"factor": [1.2, 1.5]},
    "histogram_equalisation": {"strength": [0.5, 1]},
}
GEOMETRIC = ("quarter_turns", "reflection", "translation", "crop", "elastic_deformation")


def chain(*operations, **options):
    return Augmentation(AugmentationSettings.model_validate({"operations": list(operations)}), 0.25, HEIGHTS, **options)


def one(name, **changes):
    return {"name": name, **OPERATIONS[name], **changes}


def stack_of(dtype=np.float32, side=24, seed=0):
    from scipy.ndimage import gaussian_filter

    images = gaussian_filter(np.random.default_rng(seed).standard_normal((10, side, side)), (0, 2, 2))
    return (images / np.abs(images).max()).astype(dtype)


ALL = tuple(one(name) for name in OPERATIONS)


def test_the_table_holds_every_operation():
    from kadi_battgen.datasets.augmentation.pipeline import _OPERATIONS

    assert set(_OPERATIONS) == set(OPERATIONS)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", OPERATIONS)
@given(seed=st.integers(0, 2**40))
@settings(max_examples=6)
def test_shapes_types_and_finite_values(name, dtype, seed):
    stack, descriptors = stack_of(dtype, seed=seed % 7), stack_of(dtype, seed=8)[:6]
    kept, kept_descriptors = stack.copy(), descriptors.copy()
    sample = chain(one(name)).apply(stack, descriptors, seed)
    for before, after in ((stack, sample.stack), (descriptors, sample.descriptors)):
        assert after.dtype == before.dtype
        assert after.shape == before.shape
        assert np.isfinite(after).all()
        assert after.flags.c_contiguous
    np.testing.assert_array_equal(stack, kept)
    np.testing.assert_array_equal(descriptors, kept_descriptors)
    assert [entry["name"] for entry in sample.applied] == [name]


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("stack", [np.zeros((10, 8, 8)), np.full((10, 8, 8), 6e4)], ids=["zeros", "largest"])
def test_extreme_stacks_stay_finite(name, stack):
    stack = stack.astype(np.float16)
    sample = chain(one(name)).apply(stack, stack[:6], 1)
    assert np.isfinite(sample.stack).all()
    assert np.isfinite(sample.descriptors).all()


@pytest.mark.parametrize("name", GEOMETRIC)
@pytest.mark.parametrize("restore", ["pad", "resize"])
@given(seed=st.integers(0, 2**40))
@settings(max_examples=8)
def test_the_same_happens_to_stack_and_descriptors(name, restore, seed):
    place = np.concatenate([np.indices((24, 24)) / 24.0] * 5).astype(np.float32)
    operation = one(name, restore=restore) if name == "crop" else one(name)
    sample = chain(operation).apply(place, place[:6], seed)
    for number in range(0, 10, 2):
        np.testing.assert_array_equal(sample.stack[number : number + 2], sample.stack[:2])
    np.testing.assert_array_equal(sample.descriptors, sample.stack[:6])
    if name in ("quarter_turns", "reflection"):
        assert sorted(sample.stack[0].ravel()) == sorted(place[0].ravel())
        assert sample.scanned.all()


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in GEOMETRIC])
@given(seed=st.integers(0, 2**40))
@settings(max_examples=6)
def test_other_operations_leave_every_bit_of_the_descriptors(name, seed):
    stack, descriptors = stack_of(np.float16), stack_of(np.float16, seed=1)[:6]
    sample = chain(one(name)).apply(stack, descriptors, seed)
    assert sample.descriptors.tobytes() == descriptors.tobytes()
    assert sample.scanned.all()
    assert (sample.stack != stack).any()


@pytest.mark.parametrize("fill", ["edge", "empty"])
@pytest.mark.parametrize("name", ["translation", "crop"])
@given(seed=st.integers(0, 2**40))
@settings(max_examples=10)
def test_the_mask_says_which_pixels_were_scanned(name, fill, seed):
    stack, descriptors = stack_of(), stack_of(seed=1)[:6] + 2
    sample = chain(one(name, fill=fill)).apply(stack, descriptors, seed)
    outside = ~sample.scanned
    assert sample.scanned.any()
    if fill == "empty":
        np.testing.assert_array_equal(sample.stack[:, outside], 0)
        lowest = np.broadcast_to(descriptors.min(axis=(1, 2))[:, None], (6, outside.sum()))
        np.testing.assert_array_equal(sample.descriptors[:, outside], lowest)
    for number in range(6):
        assert np.isin(sample.descriptors[number], descriptors[number]).all()


@given(seed=st.integers(0, 2**40), distance=st.floats(0, 3))
def test_a_translation_never_goes_farther_than_asked(seed, distance):
    drawn = chain({"name": "translation", "distance": distance}).apply(stack_of(), None, seed).applied[0]
    assert np.hypot(drawn["rows"], drawn["columns"]) * 0.25 <= distance + 1e-9


class TestSeeds:
    def test_the_same_seed_gives_the_same_bytes_and_another_others(self):
        augmentation, stack = chain(*ALL), stack_of()
        results = [augmentation.apply(stack, stack[:6], seed) for seed in ((0, 1, 2, 0), (0, 1, 2, 0), (0, 2, 1, 0))]
        assert results[0].stack.tobytes() == results[1].stack.tobytes()
        assert results[0].descriptors.tobytes() == results[1].descriptors.tobytes()
        assert results[0].applied == results[1].applied
        assert results[0].stack.tobytes() != results[2].stack.tobytes()

    def test_neither_order_nor_number_of_workers_matters(self):
        augmentation, stack = chain(*ALL), stack_of()
        seeds = [(7, epoch, sample, 0) for epoch in range(2) for sample in range(8)]

        def make(seed):
            return augmentation.apply(stack, stack[:6], seed).stack.tobytes()

        alone = dict(zip(seeds, map(make, seeds), strict=True))
        with ThreadPoolExecutor(4) as pool:
            assert dict(zip(seeds[::-1], pool.map(make, seeds[::-1]), strict=True)) == alone
        assert len(set(alone.values())) == len(seeds)

    def test_a_changed_operation_leaves_the_draws_of_the_others(self):
        before = chain(*ALL).apply(stack_of(), None, 3).applied
        after = chain(*(dict(entry, probability=0.0) if entry["name"] == "tilt" else entry for entry in ALL))
        after = after.apply(stack_of(), None, 3).applied
        assert [entry for entry in before if entry["name"] != "tilt"] == list(after)

    @pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
    def test_operations_come_as_often_as_asked(self, probability):
        augmentation = chain(one("contrast", probability=probability))
        count = sum(bool(augmentation.apply(stack_of(side=4), None, seed).applied) for seed in range(400))
        assert count / 400 == pytest.approx(probability, abs=0.07)


class TestUnits:
    def test_noise_in_hertz_is_divided_by_the_scale_of_the_stack(self):
        noise = {"name": "gaussian_noise", "standard_deviation": 0.5, "unit": "Hz"}
        sample = chain(noise, stack_scale=4.0).apply(np.zeros((10, 32, 32)), None, 1)
        assert sample.stack.std() == pytest.approx(0.5 / 4, rel=0.05)

    def test_relative_noise_follows_the_signal(self):
        stack = stack_of(np.float64)
        sample = chain({"name": "gaussian_noise", "standard_deviation": 0.1}).apply(stack, None, 1)
        assert (sample.stack - stack).std() == pytest.approx(0.1 * stack.std(), rel=0.05)

    def test_counts_are_per_hertz(self):
        stack = np.full((10, 32, 32), 0.5)
        sample = chain({"name": "poisson_noise", "counts": 100}, stack_scale=4.0).apply(stack, None, 1)
        assert (4 * sample.stack).var() == pytest.approx(2.0 / 100, rel=0.08)

    def test_line_drift_is_in_picometres(self):
        stack = np.arange(64.0) * np.ones((10, 8, 1))
        sample = chain({"name": "line_drift", "per_line": 50, "jitter": 0}).apply(stack, None, 1)
        np.testing.assert_allclose(sample.stack[:, :, 40], 40 - np.arange(8) * 0.5 / 0.25 * np.ones((10, 1)))


def test_a_campaign_s_conventions_give_lengths_and_heights(tiny_campaign):
    with AfmCampaign.open(tiny_campaign) as campaign:
        settings_of_chain = AugmentationSettings.model_validate("microscope")
        augmentation = Augmentation.from_conventions(settings_of_chain, campaign.conventions)
        assert augmentation.pixel_size == pytest.approx(21 / 31)
        assert len(augmentation.heights) == 10
        augmentation.check((32, 32))
        stack, descriptors = campaign.stack(0), campaign.descriptors(0)
        applied = set()
        for seed in range(40):
            sample = augmentation.apply(stack, descriptors, seed)
            assert np.isfinite(sample.stack).all()
            # An augmented scan is still a scan of the crystal.
            assert np.abs(sample.stack).max() < 2 * np.abs(stack).max()
            applied |= {entry["name"] for entry in sample.applied}
        assert applied == {entry["name"] for entry in CHAINS["microscope"]}


@pytest.mark.parametrize(
    ("settings_document", "message"),
    [
        ("nonsense", "'nonsense' is no chain: choose from geometry, microscope"),
        ({"operations": []}, "at least 1 item"),
        ({"operations": [{"name": "sharpen"}]}, "Input tag 'sharpen' .* does not match"),
        ({"operations": [{"name": "tilt", "angle": [0, 45]}]}, "less than 45"),
        ({"operations": [{"name": "tilt", "slope": 3}]}, "Extra inputs are not permitted"),
        ({"operations": [{"name": "gaussian_noise", "standard_deviation": [2, 1]}]}, r"\[2.0, 1.0\] falls"),
        ({"operations": [{"name": "gaussian_noise", "standard_deviation": -1}]}, "greater than or equal to 0"),
        ({"operations": [{"name": "gaussian_noise", "unit": "N"}]}, "'Hz' or 'relative'"),
        ({"operations": [{"name": "poisson_noise", "counts": 0}]}, "greater than 0"),
        ({"operations": [{"name": "crop", "side": [0.5, 1.5]}]}, "less than or equal to 1"),
        ({"operations": [{"name": "contrast", "probability": 2}]}, "less than or equal to 1"),
        ({"operations": [{"name": "contrast", "factor": float("nan")}]}, "finite number|greater than or equal"),
        (
            {"operations": [{"name": "elastic_deformation", "amplitude": 1.0, "correlation_length": 2.0}]},
            "folds the image over itself",
        ),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings_document, message):
    with pytest.raises(ValidationError, match=message):
        AugmentationSettings.model_validate(settings_document)


@pytest.mark.parametrize("name", CHAINS)
def test_chains_that_ship_survive_yaml(name):
    import yaml

    chain_settings = AugmentationSettings.model_validate(name)
    text = yaml.safe_dump(chain_settings.model_dump(mode="json"))
    assert AugmentationSettings.model_validate(yaml.safe_load(text)) == chain_settings


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ({"name": "height_offset", "offset": [-1.0, 0]}, r"height_offset moves the tip by up to 1 A, but .* 0\.9 A"),
        ({"name": "tilt", "angle": 30}, "tilt moves the tip by up to .* lower it or simulate more heights"),
    ],
)
def test_operations_that_leave_the_heights_are_refused_before_a_training(operation, message):
    with pytest.raises(UserError, match=message):
        chain(operation).check((64, 64))


def test_a_stack_of_other_heights_is_refused():
    with pytest.raises(UserError, match="has 4 slices, but 10 heights are given"):
        chain(one("contrast")).apply(np.zeros((4, 8, 8)), None, 0)
