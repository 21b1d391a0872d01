"""Geometric operations: groups, direct slicing, and what is shown where nothing was scanned."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kadi_battgen.datasets.augmentation.arrays import bilinear
from kadi_battgen.datasets.augmentation.elastic import deformed, displacement_field, scanned
from kadi_battgen.datasets.augmentation.geometric import cropped, magnified, mirrored, quarter_turned, translated

IMAGES = st.integers(2, 9).flatmap(
    lambda side: arrays(np.float32, (2, side, side), elements=st.floats(-100, 100, width=32))
)


@given(IMAGES)
def test_four_quarter_turns_are_none_and_two_reflections_too(images):
    np.testing.assert_array_equal(quarter_turned(images, 4), images)
    np.testing.assert_array_equal(quarter_turned(quarter_turned(images, 1), 3), images)
    np.testing.assert_array_equal(mirrored(mirrored(images)), images)
    # Turned, mirrored, turned, mirrored: the square's symmetries do not commute, but this is the identity.
    np.testing.assert_array_equal(mirrored(quarter_turned(mirrored(quarter_turned(images, 1)), 1)), images)


@given(IMAGES, st.integers(-12, 12), st.integers(-12, 12))
def test_a_translation_is_a_slice_where_something_was_scanned(images, rows, columns):
    side = images.shape[-1]
    moved = translated(images, rows, columns)
    known = translated(np.ones(images.shape[1:], dtype=bool), rows, columns, False)
    for y, x in np.ndindex(side, side):
        inside = 0 <= y - rows < side and 0 <= x - columns < side
        assert known[y, x] == inside
        nearest = images[:, min(max(y - rows, 0), side - 1), min(max(x - columns, 0), side - 1)]
        np.testing.assert_array_equal(moved[:, y, x], nearest)
    np.testing.assert_array_equal(translated(images, rows, columns, 7.0)[:, ~known], 7.0)
    assert moved.dtype == translated(images, rows, columns, 7.0).dtype == images.dtype


@given(IMAGES, st.data())
def test_a_crop_is_a_slice_at_its_place(images, data):
    side = images.shape[-1]
    top, left = data.draw(st.integers(0, side - 1)), data.draw(st.integers(0, side - 1))
    height, width = data.draw(st.integers(1, side - top)), data.draw(st.integers(1, side - left))
    box, inner = (top, left, height, width), (slice(None), slice(top, top + height), slice(left, left + width))
    known = cropped(np.ones(images.shape[1:], dtype=bool), box, False)
    assert known.sum() == height * width
    for fill in (None, 3.0):
        np.testing.assert_array_equal(cropped(images, box, fill)[inner], images[inner])
    np.testing.assert_array_equal(cropped(images, box, 3.0)[:, ~known], 3.0)
    # No pixel is invented: whatever shows around the box is in it.
    assert np.isin(cropped(images, box), images[inner]).all()
    np.testing.assert_array_equal(cropped(images, (0, 0, side, side)), images)


@given(IMAGES)
def test_the_whole_image_magnified_is_itself(images):
    side = images.shape[-1]
    np.testing.assert_allclose(magnified(images, (0, 0, side, side)), images, rtol=1e-5, atol=1e-4)


def test_a_magnified_plane_is_a_flatter_plane():
    rows, columns = np.indices((9, 9)).astype(float)
    half = magnified(np.stack([rows, columns]), (2, 1, 5, 5))
    np.testing.assert_allclose(half[0], 2 + rows / 2)
    np.testing.assert_allclose(half[1], 1 + columns / 2)


@given(IMAGES, st.integers(0, 10), st.floats(0.5, 5))
@settings(max_examples=25)
def test_a_deformation_of_no_amplitude_changes_no_bit(images, seed, length):
    field = displacement_field(images.shape[1:], 0.2, 0.0, length, seed)
    np.testing.assert_array_equal(deformed(images, field, 0.2), images)
    assert scanned(field, 0.2).all()


@given(st.integers(0, 100), st.floats(0.01, 0.5), st.floats(2.0, 4.0))
@settings(max_examples=25)
def test_the_displacement_has_its_amplitude_and_is_smooth(seed, amplitude, length):
    field = displacement_field((64, 64), 0.25, amplitude, length, seed)
    np.testing.assert_allclose(np.sqrt((field**2).mean(axis=(1, 2))), amplitude, rtol=1e-9)
    np.testing.assert_array_equal(field, displacement_field((64, 64), 0.25, amplitude, length, seed))
    # The strain of a field that varies over `length` is its amplitude over that length, within the scatter of one draw.
    strain = np.diff(field[0], axis=0) / 0.25
    assert 0.3 < np.sqrt((strain**2).mean()) * length * np.sqrt(2) / amplitude < 2.5


@given(st.integers(0, 100))
@settings(max_examples=10)
def test_a_deformation_shows_what_was_at_the_displaced_place(seed):
    place = np.indices((32, 32)).astype(float)
    field = displacement_field((32, 32), 0.5, 0.6, 3.0, seed)
    expected = np.clip(place + field / 0.5, 0, 31)
    np.testing.assert_allclose(deformed(place, field, 0.5), expected, atol=1e-9)
    known = scanned(field, 0.5)
    np.testing.assert_array_equal(known, (expected == place + field / 0.5).all(axis=0))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_interpolation_between_pixels(dtype):
    image = np.array([[[0, 1], [2, 5]]], dtype=dtype)
    result = bilinear(image, np.array([[0.5, -3.0, 1.0]]), np.array([[0.5, 0.25, 9.0]]))
    assert result.dtype == dtype
    np.testing.assert_allclose(result, [[[2.0, 0.25, 5.0]]])
