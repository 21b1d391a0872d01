"""Seeds of candidates."""

from __future__ import annotations

from kadi_battgen.applications.seeds import candidate_seed


def test_no_two_candidates_of_neighbouring_seeds_share_one():
    seeds = {candidate_seed(seed, number) for seed in range(20) for number in range(500)}
    assert len(seeds) == 20 * 500
    assert candidate_seed(2, 5) == 2_000_011
