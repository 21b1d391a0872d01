"""Random numbers that are the same on every machine: xoshiro256++ and a logarithm made of exact operations.

The generator is that of Blackman and Vigna, ACM Trans. Math. Softw. 47, 36 (2021), seeded through SplitMix64 as they
advise. Its state travels as four scalars, since arrays that pass between compiled functions cost time. The logarithm uses
nothing but additions, multiplications and one division, which IEEE 754 defines to the last bit; that of the system's
mathematical library differs between processors.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

_ROTATE_23: Final = np.uint64(23)
_ROTATE_41: Final = np.uint64(64 - 23)
_ROTATE_45: Final = np.uint64(45)
_ROTATE_19: Final = np.uint64(64 - 45)
_SHIFT_17: Final = np.uint64(17)
_SHIFT_11: Final = np.uint64(11)
_ONE: Final = np.uint64(1)
_UNIT: Final = 2.0**-53
_SQRT_2: Final = 1.4142135623730951
_LOG_2: Final = 0.6931471805599453


def seed_state(seed: int) -> np.ndarray:
    """Return the generator's state for a seed, uint64, shape (4,).

    Parameters
    ----------
    seed
        An integer from 0 to 2^64 - 1.
    """
    mask, state, words = 2**64 - 1, seed, []
    for _ in range(4):
        state = (state + 0x9E3779B97F4A7C15) & mask
        word = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
        word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & mask
        words.append(word ^ (word >> 31))
    return np.array(words, dtype=np.uint64)


@njit(inline="always")
def next_word(s0, s1, s2, s3):  # type: ignore[no-untyped-def]
    """Return the next 64 random bits and the four words of the generator's state after them."""
    total = s0 + s3
    word = ((total << _ROTATE_23) | (total >> _ROTATE_41)) + s0
    shifted = s1 << _SHIFT_17
    s2 = s2 ^ s0
    s3 = s3 ^ s1
    s1 = s1 ^ s2
    s0 = s0 ^ s3
    s2 = s2 ^ shifted
    s3 = (s3 << _ROTATE_45) | (s3 >> _ROTATE_19)
    return word, s0, s1, s2, s3


@njit(inline="always")
def unit_interval(word):  # type: ignore[no-untyped-def]
    """Return a number in [0, 1), a multiple of 2^-53, from 64 random bits."""
    return np.float64(word >> _SHIFT_11) * _UNIT


@njit(inline="always")
def exponential(word):  # type: ignore[no-untyped-def]
    """Return an exponentially distributed number of mean 1, -ln(u) with u in (0, 1], from 64 random bits."""
    bits = np.float64(np.float64((word >> _SHIFT_11) + _ONE) * _UNIT).view(np.int64)
    power = (bits >> 52) - 1023
    mantissa = np.int64((bits & 0xFFFFFFFFFFFFF) | (1023 << 52)).view(np.float64)
    if mantissa > _SQRT_2:
        mantissa *= 0.5
        power += 1
    # ln m = 2 artanh((m - 1) / (m + 1)), whose series ends below 2^-53 here because |s| is at most 0.172.
    s = (mantissa - 1.0) / (mantissa + 1.0)
    z = s * s
    series = 1.0 / 15.0 + z * (1.0 / 17.0 + z * (1.0 / 19.0 + z * (1.0 / 21.0)))
    series = 1.0 / 9.0 + z * (1.0 / 11.0 + z * (1.0 / 13.0 + z * series))
    series = 1.0 + z * (1.0 / 3.0 + z * (1.0 / 5.0 + z * (1.0 / 7.0 + z * series)))
    return -(np.float64(power) * _LOG_2 + 2.0 * s * series)
