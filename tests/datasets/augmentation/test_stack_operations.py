"""Operations on the stack alone: closed forms, statistics and one mapping for all slices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kadi_battgen.datasets.augmentation.heights import at_heights, height_offset, tilted
from kadi_battgen.datasets.augmentation.intensity import (
    equalised,
    with_contrast,
    with_gaussian_noise,
    with_poisson_noise,
)
from kadi_battgen.datasets.augmentation.microscope import (
    line_drift,
    thermal_drift,
    tip_blurred,
    with_scan_line_noise,
)
from kadi_battgen.errors import UserError

HEIGHTS = np.linspace(0.85, -0.05, 10)
STACKS = arrays(np.float32, (3, 6, 7), elements=st.floats(-50, 50, width=32))


def linear_stack(heights=HEIGHTS, side=9):
    """Return a stack that is linear in the height, differently at every pixel, float64."""
    start, slope = np.random.default_rng(0).standard_normal((2, 1, side, side))
    return start + slope * heights[:, None, None], start, slope


class TestHeights:
    @pytest.mark.parametrize("heights", [HEIGHTS, HEIGHTS[::-1], np.array([2.0, 1.5, 0.2, 0.0])])
    @given(share=st.floats(-1, 1))
    @settings(max_examples=20)
    def test_an_offset_of_a_linear_stack_is_linear_and_stops_at_the_last_slice(self, heights, share):
        stack, start, slope = linear_stack(heights)
        offset = share * np.ptp(heights)
        wanted = np.clip(heights + offset, heights.min(), heights.max())
        expected = start + slope * wanted[:, None, None]
        np.testing.assert_allclose(height_offset(stack, heights, offset), expected, atol=1e-9)

    @given(angle=st.floats(0, 5), direction=st.floats(0, 360))
    @settings(max_examples=20)
    def test_a_tilt_of_a_linear_stack_is_the_plane(self, angle, direction):
        stack, start, slope = linear_stack()
        y, x = np.indices((9, 9)) - 4.0
        turn = np.deg2rad(direction)
        rise = np.tan(np.deg2rad(angle)) * 0.5 * (x * np.cos(turn) + y * np.sin(turn))
        wanted = np.clip(HEIGHTS[:, None, None] + rise, HEIGHTS.min(), HEIGHTS.max())
        np.testing.assert_allclose(tilted(stack, HEIGHTS, 0.5, angle, direction), start + slope * wanted, atol=1e-9)

    @given(STACKS)
    def test_the_own_heights_change_no_bit(self, stack):
        heights = np.array([0.5, 0.25, 0.0])
        np.testing.assert_array_equal(height_offset(stack, heights, 0.0), stack)
        np.testing.assert_array_equal(tilted(stack, heights, 0.2, 0.0, 30.0), stack)
        np.testing.assert_array_equal(height_offset(stack, heights, -0.25)[:2], stack[1:])

    def test_beyond_the_range_the_last_slice_shows(self):
        stack, _, _ = linear_stack()
        np.testing.assert_allclose(height_offset(stack, HEIGHTS, -0.3)[-3:], np.repeat(stack[-1:], 3, axis=0))
        np.testing.assert_array_equal(at_heights(stack[:1], HEIGHTS[:1], np.full((1, 9, 9), 3.0)), stack[:1])

    @given(share=st.floats(-1, 1), angle=st.floats(0, 5))
    @settings(max_examples=10)
    def test_the_slices_of_two_tips_do_not_mix(self, share, angle):
        first, second = linear_stack()[0], linear_stack(HEIGHTS)[0] ** 2
        together, heights = np.concatenate([first, second]), np.tile(HEIGHTS, 2)
        for call in (
            lambda stack, known: height_offset(stack, known, share * 0.9),
            lambda stack, known: tilted(stack, known, 0.5, angle, 40.0),
        ):
            alone = [call(stack, HEIGHTS) for stack in (first, second)]
            np.testing.assert_array_equal(call(together, heights), np.concatenate(alone))

    @pytest.mark.parametrize("call", [lambda s: height_offset(s, HEIGHTS, 1.0), lambda s: tilted(s, HEIGHTS, 1, 20, 0)])
    def test_more_than_the_whole_range_is_refused(self, call):
        with pytest.raises(UserError, match=r"larger than the 0\.9 A that the stack spans: give a smaller"):
            call(linear_stack()[0])


class TestDrift:
    @given(STACKS, st.integers(-3, 3))
    def test_drift_by_whole_pixels_moves_each_line_and_repeats_its_edge(self, stack, pixels):
        moved = line_drift(stack, 0.25, pixels * 0.25)
        for row in range(stack.shape[1]):
            columns = np.clip(np.arange(7) - pixels * row, 0, 6)
            np.testing.assert_allclose(moved[:, row], stack[:, row][:, columns], rtol=1e-6, atol=1e-4)

    @given(STACKS, st.floats(0, 0.1), st.integers(0, 9))
    def test_jitter_leaves_the_first_line_and_follows_its_seed(self, stack, jitter, seed):
        moved = line_drift(stack, 0.25, 0.0, jitter, seed)
        np.testing.assert_array_equal(moved[:, 0], stack[:, 0])
        np.testing.assert_array_equal(moved, line_drift(stack, 0.25, 0.0, jitter, seed))
        assert moved.min() >= stack.min() - 1e-4
        assert moved.max() <= stack.max() + 1e-4

    def test_jitter_is_a_random_walk_of_its_step(self):
        ramp = np.broadcast_to(np.arange(4001.0), (1, 500, 4001))
        displacement = 2000.0 - line_drift(ramp, 0.5, 0.0, 0.75, 1)[0, :, 2000]
        assert np.diff(displacement).std() == pytest.approx(0.75 / 0.5, rel=0.1)

    @pytest.mark.parametrize("direction", [0, 90, 180, 300])
    def test_creep_shows_what_was_there_when_the_line_was_scanned(self, direction):
        rows, columns = np.indices((40, 40)).astype(float)
        stack, way = np.stack([columns, rows]), 0.003 * 2.0 / 0.5
        moved = thermal_drift(stack, 0.5, 0.003, direction, 2.0)
        inner = (slice(10, 30), slice(10, 30))
        turn = np.deg2rad(direction)
        np.testing.assert_allclose(moved[0][inner], (columns - way * np.cos(turn) * rows)[inner], atol=1e-9)
        np.testing.assert_allclose(moved[1][inner], (rows - way * np.sin(turn) * rows)[inner], atol=1e-9)

    def test_slices_that_are_not_registered_creep_on(self):
        stack = np.repeat(np.arange(64.0)[None, None], 3, axis=0) * np.ones((1, 8, 1))
        moved = thermal_drift(stack, 1.0, 0.25, 0.0, 1.0, registered=False)
        expected = 30 - 0.25 * np.arange(24).reshape(3, 8)
        np.testing.assert_allclose(moved[:, :, 30], expected)
        np.testing.assert_array_equal(thermal_drift(stack, 1.0, 0.0, 5.0, 1.0, registered=False), stack)


class TestScanLineNoise:
    @pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
    @pytest.mark.parametrize("lines", [63, 64])
    def test_lines_are_offset_as_a_whole_by_the_asked_deviation(self, lines, exponent):
        stack = np.zeros((3000, lines, 2))
        offsets = with_scan_line_noise(stack, 0.3, exponent, 1)
        np.testing.assert_array_equal(offsets[..., 0], offsets[..., 1])
        np.testing.assert_allclose(offsets.mean(axis=1), 0, atol=1e-12)
        assert np.sqrt((offsets**2).mean()) == pytest.approx(0.3, rel=0.03)
        power = (np.abs(np.fft.rfft(offsets[..., 0], axis=1)) ** 2).mean(axis=0)[1:-1]
        slope = np.polyfit(np.log(np.arange(1, len(power) + 1)), np.log(power), 1)[0]
        assert slope == pytest.approx(-exponent, abs=0.05)

    @given(STACKS, st.integers(0, 9))
    def test_the_seed_decides(self, stack, seed):
        first, again = (with_scan_line_noise(stack, 0.1, 1.0, seed) for _ in range(2))
        np.testing.assert_array_equal(first, again)
        assert (first != with_scan_line_noise(stack, 0.1, 1.0, seed + 1)).any()


class TestBlur:
    @pytest.mark.parametrize("shape", ["gaussian", "dilation"])
    @given(value=st.floats(-10, 10, width=32), radius=st.floats(0, 1.5))
    @settings(max_examples=15)
    def test_constant_images_stay(self, shape, value, radius):
        stack = np.full((2, 9, 9), value, dtype=np.float32)
        np.testing.assert_allclose(tip_blurred(stack, 0.3, radius, shape), value, rtol=1e-5)

    @pytest.mark.parametrize("shape", ["gaussian", "dilation"])
    def test_a_sharp_tip_changes_nothing(self, shape):
        stack, _, _ = linear_stack()
        np.testing.assert_allclose(tip_blurred(stack, 0.3, 0.0, shape), stack)

    def test_a_point_becomes_the_tip(self):
        stack = np.zeros((1, 41, 41))
        stack[0, 20, 20] = 1.0
        y, x = np.indices((41, 41)) - 20
        disk = tip_blurred(stack, 0.5, 2.5, "dilation")[0]
        np.testing.assert_array_equal(disk > 0, x**2 + y**2 <= 25)
        gaussian = tip_blurred(stack, 0.5, 2.0)[0]
        # Cut off at three standard deviations, the variance is 2.7 % short.
        assert np.sqrt((gaussian * x**2).sum()) == pytest.approx(2.0 / 0.5, rel=0.03)
        assert gaussian.sum() == pytest.approx(1.0)


class TestIntensity:
    def test_gaussian_noise_has_its_deviation(self):
        stack = np.full((10, 64, 64), 3.0)
        noise = with_gaussian_noise(stack, 0.2, 5) - stack
        assert noise.std() == pytest.approx(0.2, rel=0.02)
        assert abs(noise.mean()) < 0.005

    @pytest.mark.parametrize("value", [-4.0, 0.5, 4.0])
    def test_poisson_noise_has_the_mean_and_variance_of_counts(self, value):
        noisy = with_poisson_noise(np.full((10, 64, 64), value), 50.0, 5)
        assert noisy.mean() == pytest.approx(value, rel=0.01)
        assert noisy.var() == pytest.approx(abs(value) / 50, rel=0.05)
        assert (np.abs(noisy * 50 - np.round(noisy * 50)) < 1e-6).all()

    @given(STACKS)
    def test_nothing_is_counted_where_there_is_nothing(self, stack):
        noisy = with_poisson_noise(stack, 10.0, 1)
        np.testing.assert_array_equal(noisy[stack == 0], 0)
        assert (np.sign(noisy) * np.sign(stack) >= 0).all()

    @given(STACKS, st.floats(0, 3))
    def test_contrast_keeps_the_mean_of_the_stack(self, stack, factor):
        changed = with_contrast(stack.astype(np.float64), factor)
        mean = stack.mean(dtype=np.float64)
        np.testing.assert_allclose(changed, mean + factor * (stack - mean), atol=1e-9)

    @given(STACKS, st.floats(0, 1))
    def test_equalisation_is_one_rising_mapping_for_all_slices(self, stack, strength):
        before, after = stack.ravel(), equalised(stack, strength).ravel()
        order = np.argsort(before, kind="stable")
        assert (np.diff(after[order]) >= 0).all()
        for value in np.unique(before):
            assert len(np.unique(after[before == value])) == 1
        assert after.min() >= before.min() - 1e-4
        assert after.max() <= before.max() + 1e-4

    def test_equalisation_evens_the_histogram_out(self):
        stack = np.random.default_rng(0).exponential(size=(4, 64, 64))
        counts, _ = np.histogram(equalised(stack, 1.0), bins=8)
        even = stack.size / 8
        assert np.abs(counts[4:] - even).max() < 0.2 * even
        np.testing.assert_allclose(equalised(stack, 0.0), stack)
