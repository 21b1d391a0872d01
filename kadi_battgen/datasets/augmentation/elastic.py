"""Elastic deformation: one smooth displacement field for all slices and all descriptor channels."""

from __future__ import annotations

import numpy as np

from kadi_battgen.datasets.augmentation.arrays import bilinear


def displacement_field(
    shape: tuple[int, int],
    pixel_size: float,
    amplitude: float,
    correlation_length: float,
    generator: np.random.Generator | int,
) -> np.ndarray:
    """Draw a smooth random displacement field (Simard, Steinkraus and Platt, ICDAR 2003, section 2).

    Parameters
    ----------
    shape
        (H, W) in pixels.
    pixel_size
        Distance between two pixels in A.
    amplitude
        Root mean square of each component in A.
    correlation_length
        Standard deviation of the Gaussian that smooths white noise into the field, in A.
    generator
        Generator or seed.

    Returns
    -------
    numpy.ndarray
        Displacement along y and along x in A, float64, (2, H, W).
    """
    noise = np.random.default_rng(generator).standard_normal((2, *shape))
    # Smoothed in Fourier space and so wrapped around, the field varies as strongly at the edges as in the middle.
    squares = np.fft.fftfreq(shape[0])[:, None] ** 2 + np.fft.rfftfreq(shape[1]) ** 2
    gaussian = np.exp(-2 * (np.pi * correlation_length / pixel_size) ** 2 * squares)
    field = np.fft.irfft2(np.fft.rfft2(noise) * gaussian, s=shape)
    spread = np.sqrt((field**2).mean(axis=(1, 2), keepdims=True))
    return amplitude * field / np.maximum(spread, np.finfo(float).tiny)


def deformed(images: np.ndarray, displacement: np.ndarray, pixel_size: float) -> np.ndarray:
    """Return images whose pixel at r shows what was at r + displacement(r), interpolated linearly.

    Parameters
    ----------
    images
        (images, H, W); beyond the edge the nearest edge pixel counts.
    displacement
        Along y and along x in A, (2, H, W).
    pixel_size
        Distance between two pixels in A.
    """
    rows, columns = np.indices(images.shape[-2:])
    return bilinear(images, rows + displacement[0] / pixel_size, columns + displacement[1] / pixel_size)


def scanned(displacement: np.ndarray, pixel_size: float) -> np.ndarray:
    """Return where a deformed image shows what was scanned and not a repeated edge pixel, Boolean, (H, W)."""
    height, width = displacement.shape[1:]
    rows, columns = np.indices((height, width)) + displacement / pixel_size
    return (rows >= 0) & (rows <= height - 1) & (columns >= 0) & (columns <= width - 1)
