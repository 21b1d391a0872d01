"""Artefacts of real microscopes on the stack: drift, noise from line to line and a blunt tip.

The fast axis is x (along a row), the slow axis is y: row 0 is scanned first. Slices are scanned one after another. Where a
line moves, the nearest scanned pixel fills the gap. Descriptors stay as they are: they are the surface that a model has to
find behind the artefacts.
"""

from __future__ import annotations

import numpy as np

from kadi_battgen.datasets.augmentation.arrays import along_rows, bilinear, computed, stored_as


def line_drift(
    stack: np.ndarray,
    pixel_size: float,
    per_line: float,
    jitter: float = 0.0,
    generator: np.random.Generator | int = 0,
) -> np.ndarray:
    """Return the stack with each line displaced against the one before it along the fast axis.

    Parameters
    ----------
    stack
        (slices, H, W).
    pixel_size
        Distance between two pixels in A.
    per_line
        Displacement of the content in +x from one line to the next, in A.
    jitter
        Standard deviation of a further, random displacement per line in A; displacements add up (a random walk).
    generator
        Generator or seed of the jitter, which differs from slice to slice.
    """
    slices, height, width = stack.shape
    steps = per_line + jitter * np.random.default_rng(generator).standard_normal((slices, height))
    steps[:, 0] = 0.0
    displacement = np.cumsum(steps, axis=1) / pixel_size
    return along_rows(stack, np.arange(width) - displacement[:, :, None])


def thermal_drift(
    stack: np.ndarray,
    pixel_size: float,
    speed: float,
    direction: float,
    line_time: float,
    *,
    registered: bool = True,
) -> np.ndarray:
    """Return the stack of a sample that creeps at constant speed while it is scanned.

    Parameters
    ----------
    stack
        (slices, H, W).
    pixel_size
        Distance between two pixels in A.
    speed
        In A/s.
    direction
        In degrees from +x to +y.
    line_time
        Time that a line takes, to and fro, in s.
    registered
        Whether the slices were aligned by their first lines afterwards, as is usual; else the sample creeps on from slice
        to slice.
    """
    slices, height, _ = stack.shape
    rows, columns = np.indices(stack.shape[1:]).astype(float)
    way = speed * line_time / pixel_size
    along_x, along_y = way * np.cos(np.deg2rad(direction)), way * np.sin(np.deg2rad(direction))
    if registered:
        return bilinear(stack, rows - along_y * rows, columns - along_x * rows)
    lines = [rows + number * height for number in range(slices)]
    return np.concatenate(
        [
            bilinear(image[None], rows - along_y * line, columns - along_x * line)
            for image, line in zip(stack, lines, strict=True)
        ]
    )


def with_scan_line_noise(
    stack: np.ndarray, standard_deviation: float, exponent: float, generator: np.random.Generator | int
) -> np.ndarray:
    """Return the stack with one random offset a line, whose power falls as 1/f^exponent along the slow axis.

    Parameters
    ----------
    stack
        (slices, H, W).
    standard_deviation
        Of the offsets, in the unit of the stack.
    exponent
        0 is white, 1 flicker noise, 2 a random walk.
    generator
        Generator or seed; each slice has its own offsets.
    """
    slices, height, _ = stack.shape
    random = np.random.default_rng(generator)
    frequency = np.fft.rfftfreq(height)[1:]
    if not len(frequency):
        return stack
    shape = frequency ** (-exponent / 2)
    parts = random.standard_normal((2, slices, len(frequency)))
    spectrum = np.concatenate([np.zeros((slices, 1)), shape * (parts[0] + 1j * parts[1])], axis=1)
    offsets = np.fft.irfft(spectrum, n=height, axis=1)
    # What irfft makes of this spectrum on average; the last coefficient of an even length counts once and has no phase.
    powers = 4.0 * shape**2
    if height % 2 == 0:
        powers[-1] = shape[-1] ** 2
    offsets *= standard_deviation / (np.sqrt(powers.sum()) / height)
    values = computed(stack)
    return stored_as(values + offsets[:, :, None].astype(values.dtype), stack.dtype)


def tip_blurred(stack: np.ndarray, pixel_size: float, radius: float, shape: str = "gaussian") -> np.ndarray:
    """Return the stack as a blunt tip sees it.

    Parameters
    ----------
    stack
        (slices, H, W).
    pixel_size
        Distance between two pixels in A.
    radius
        Standard deviation of the Gaussian, or radius of the disk, in A.
    shape
        ``gaussian`` averages over the apex, as for forces that many atoms of a tip take part in; ``dilation`` takes the
        most repulsive (largest) value under a flat disk, the classical picture of a tip that touches.
    """
    from scipy import ndimage

    pixels = radius / pixel_size
    values = computed(stack)
    if shape == "gaussian":
        blurred = ndimage.gaussian_filter(values, (0.0, pixels, pixels), mode="nearest", truncate=3.0)
    else:
        reach = int(pixels + 1e-9)
        y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
        disk = (x**2 + y**2 <= pixels**2 + 1e-9)[None]
        blurred = ndimage.grey_dilation(values, footprint=disk, mode="nearest")
    return stored_as(blurred, stack.dtype)
