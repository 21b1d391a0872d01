from __future__ import annotations

import numpy as np
import pytest

from kadi_battgen.afm.validity import edge_distance


@pytest.mark.parametrize(
    ("shape", "brightest", "expected"),
    [
        ((128, 128), (64, 64), 63),
        ((128, 128), (64, 3), 3),
        ((128, 128), (64, 124), 3),
        ((128, 128), (1, 64), 1),
        ((128, 128), (126, 64), 1),
        ((128, 128), (127, 64), 0),
        ((128, 128), (0, 0), 0),
        ((10, 128, 128), (9, 40, 30), 30),
        ((5, 7), (2, 3), 2),
    ],
)
def test_distance_of_the_brightest_pixel(shape, brightest, expected):
    image = np.zeros(shape)
    image[brightest] = 1.0
    assert edge_distance(image) == expected


def test_an_image_without_any_repulsion_is_invalid():
    image = -np.exp(-((np.indices((64, 64)) - 31.5) ** 2).sum(axis=0) / 100)
    assert edge_distance(image) == 0
