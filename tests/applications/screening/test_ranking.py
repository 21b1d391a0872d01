"""The order of candidates."""

from __future__ import annotations

from kadi_battgen.applications.screening.ranking import rank_candidates


def test_ranking_puts_ion_then_charge_then_repetition_then_miss_then_distance(assess):
    formulas = ["LiFePO4", "CoO2", "LiCoO2", "LiO7", "LiCoO2", "LiNiO2", "NaCl", "LiFePO4"]
    ranked = rank_candidates([assess(formula, position) for position, formula in enumerate(formulas)])
    assert [candidate.rank for candidate in ranked] == list(range(1, 9))
    keys = [
        (not c.working_ion_present, not c.charge_balanced, c.repeats_rank is not None, c.target_miss, c.distance)
        for c in ranked
    ]
    assert keys == sorted(keys)
    assert {candidate.formula for candidate in ranked[:2]} == {"LiCoO2", "LiNiO2"}
    assert ranked[2].formula == "LiFePO4"
    assert {candidate.formula for candidate in ranked[3:5]} == {"LiCoO2", "LiFePO4"}
    for repeated in ranked[3:5]:
        assert ranked[repeated.repeats_rank - 1].formula == repeated.formula
        assert ranked[repeated.repeats_rank - 1].position < repeated.position
    assert ranked[5].formula == "LiO7"
    assert {candidate.formula for candidate in ranked[6:]} == {"CoO2", "NaCl"}


def test_ranking_does_not_depend_on_the_order_of_arrival(assess):
    candidates = [assess(f, n) for n, f in enumerate(["LiFePO4", "LiCoO2", "NaCl", "LiCoO2", "", "LiNiO2"])]
    forward, backward = rank_candidates(candidates), rank_candidates(candidates[::-1])
    assert [c.position for c in forward] == [c.position for c in backward]
