"""Intensity operations on the stack; descriptors, which say what is there, stay as they are.

All keep one mapping for the whole stack: scaled slice by slice, the slices would lose the force scale between them.
"""

from __future__ import annotations

import numpy as np

from kadi_battgen.datasets.augmentation.arrays import computed, stored_as

#: Levels of the histogram that is equalised.
_LEVELS = 256


def with_gaussian_noise(
    stack: np.ndarray, standard_deviation: float, generator: np.random.Generator | int
) -> np.ndarray:
    """Return the stack with independent Gaussian noise on every pixel.

    Parameters
    ----------
    stack
        (slices, H, W).
    standard_deviation
        In the unit of the stack.
    generator
        Generator or seed.
    """
    values = computed(stack)
    noise = np.random.default_rng(generator).standard_normal(stack.shape, dtype=values.dtype)
    return stored_as(values + values.dtype.type(standard_deviation) * noise, stack.dtype)


def with_poisson_noise(stack: np.ndarray, counts_per_unit: float, generator: np.random.Generator | int) -> np.ndarray:
    """Return the stack as it is counted: each pixel is a Poisson number of events over `counts_per_unit`, with its sign.

    The mean is the pixel itself and the variance is its absolute value over `counts_per_unit`, so that strong signals
    scatter more in absolute and less in relative terms.

    Parameters
    ----------
    stack
        (slices, H, W).
    counts_per_unit
        Events per unit of the stack.
    generator
        Generator or seed.
    """
    values = computed(stack)
    # A Poisson number beyond 1e12 scatters by less than one part in a million, and NumPy stops at 9e18.
    expected = np.minimum(np.abs(values, dtype=np.float64) * counts_per_unit, 1e12)
    counted = np.random.default_rng(generator).poisson(expected)
    scale = np.where(expected > 0, counted / np.maximum(expected, np.finfo(float).tiny), 1.0)
    return stored_as((values * scale).astype(values.dtype), stack.dtype)


def with_contrast(stack: np.ndarray, factor: float) -> np.ndarray:
    """Return the stack with deviations from its mean multiplied by `factor`, the mean of all slices together."""
    values = computed(stack)
    mean = float(values.mean(dtype=np.float64))
    return stored_as(mean + factor * (values - mean), stack.dtype)


def equalised(stack: np.ndarray, strength: float) -> np.ndarray:
    """Return the stack with its histogram made more even by one rising mapping for all slices.

    The mapping is the cumulative histogram of the whole stack, stretched to its range (Gonzalez and Woods, Digital Image
    Processing, section 3.3). Order and equality of values hold across slices, differences in Hz do not.

    Parameters
    ----------
    stack
        (slices, H, W).
    strength
        Share of the equalised value, from 0 (nothing changes) to 1.
    """
    values = computed(stack)
    low, high = float(values.min()), float(values.max())
    if high <= low:
        return stack
    counts, edges = np.histogram(values, bins=_LEVELS, range=(low, high))
    share = np.concatenate([[0.0], np.cumsum(counts)]) / values.size
    levels = (1.0 - strength) * edges + strength * (low + (high - low) * share)
    return stored_as(np.interp(values, edges, levels).astype(values.dtype), stack.dtype)
