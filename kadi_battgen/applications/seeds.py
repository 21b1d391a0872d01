"""Seeds of what an application generates, one by one."""

from __future__ import annotations


def candidate_seed(seed: int, number: int) -> int:
    """Return the seed of one candidate of a run: distinct for all candidates of neighbouring seeds."""
    return seed * 1_000_003 + number
