"""The engine against a second, slow implementation of the same model, and against what no model may break."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kadi_battgen.sei import SeiModel, simulate
from kadi_battgen.sei.engine import NOTHING_CAN_HAPPEN, advance, list_events
from kadi_battgen.sei.state import EVENTS, LAST_PROCESS, configuration_of, empty_state, place, tables_of

from .brute_force import BruteForce
from .lattices import contents, event_lists, random_pieces, state_with

#: Low and alike, so that every process comes up within a few events.
LIVELY = tuple(0.3 + 0.002 * number for number in range(15))


def replay(model, state, events, seed):
    """Let engine and brute force do the same run, compare them after each event, and count the processes."""
    tables, counts = tables_of(model), Counter()
    symbols, bonds, clusters = contents(state, model)
    twin = BruteForce(model, symbols, bonds, clusters, state.random)
    for number in range(events):
        lists = event_lists(state, model)
        listed = [event for process in lists.values() for event in process]
        assert len(listed) == len(set(listed))
        assert set(listed) == twin.events()
        if not listed:
            assert advance(state, tables, number + 1, math.inf) == NOTHING_CAN_HAPPEN
            break
        happened = twin.step(lists)
        advance(state, tables, number + 1, math.inf)
        assert state.scalars[LAST_PROCESS] == happened[0]
        assert state.random.tolist() == twin.random.words
        assert state.clock[0] == pytest.approx(twin.time, rel=1e-12)
        symbols, bonds, clusters = contents(state, model)
        assert (symbols, bonds) == (twin.symbols, twin.bonds)
        assert sorted(map(sorted, clusters)) == sorted(map(sorted, twin.clusters))
        counts[happened[0]] += 1
    return counts


models = st.builds(
    SeiModel,
    barriers=st.tuples(*[st.floats(0.3, 0.45)] * 15),
    escape_barriers=st.tuples(*[st.floats(0.3, 0.45)] * 4),
    temperature=st.floats(200.0, 2000.0),
    width=st.integers(8, 12),
    height=st.integers(8, 12),
    tunnelling_depth=st.floats(0.0, 8.0),
    cluster_rule=st.sampled_from("AB"),
    cluster_anchors=st.sampled_from([None, None, (), ("E",), ("F",), ("E", "F")]),
    like_pairs=st.sampled_from(["both sides", "once"]),
)


@settings(max_examples=100, deadline=None)
@given(models, st.integers(0, 2**64 - 1), st.sampled_from([0.0, 0.1, 0.25]))
def test_engine_and_brute_force_do_the_same(model, seed, density):
    pieces = random_pieces(model, np.random.default_rng(seed), density)
    replay(model, state_with(model, pieces, seed), 40, seed)


@pytest.mark.parametrize("rule", ["A", "B"])
def test_every_process_does_what_the_brute_force_does(rule):
    counts = Counter()
    for seed in range(12):
        model = SeiModel(
            barriers=LIVELY, escape_barriers=(0.3,) * 4, temperature=2000.0, width=12, height=12, cluster_rule=rule
        )
        pieces = random_pieces(model, np.random.default_rng(seed), 0.2)
        counts += replay(model, state_with(model, pieces, seed), 80, seed)
    assert set(counts) == set(range(1, 20))


@pytest.mark.parametrize("rule", ["A", "B"])
def test_lists_and_contacts_stay_right_on_the_way(rule):
    model = SeiModel(cluster_rule=rule, width=40, height=40)
    model = model.with_barriers([0.4, 0.27, 0.32, 0.35, 0.36, 0.37, 0.5, 0.4, 0.4, 0.4, 0.4, 0.37, 0.36, 0.35, 0.36])
    tables, state = tables_of(model), empty_state(model, 5)
    list_events(state, tables)
    for events in np.random.default_rng(0).integers(1, 400_000, 12).cumsum():
        advance(state, tables, int(events), math.inf)
        fresh = empty_state(model, 0)
        shape = (model.height, model.width + 2)
        partner, labels = (values.reshape(shape)[:, 1:-1] for values in (state.partner, state.cluster))
        place(fresh, model, configuration_of(state, model), partner, labels)
        list_events(fresh, tables)
        inside = [values.solvent_neighbours.reshape(shape)[1:-1, 1:-1] for values in (fresh, state)]
        assert np.array_equal(*inside)
        expected = event_lists(fresh, model)
        for process, events_of_one in event_lists(state, model).items():
            assert set(events_of_one) == set(expected[process])
        order = np.unique(state.cluster[state.cluster >= 0])
        for name in ("cluster_size", "blocked", "foreign", "touching"):
            assert np.array_equal(getattr(state, name)[order], getattr(fresh, name)[: len(order)]), name
        symbols, bonds, clusters = contents(state, model)
        assert BruteForce(model, symbols, bonds, clusters, state.random).events() == {
            event for events_of_one in event_lists(state, model).values() for event in events_of_one
        }
        assert all(bonds[bonds[site]] == site for site in bonds)
        assert all(_connected(cluster) for cluster in clusters)
    assert len(clusters) > 3


def _connected(cluster):
    reached, waiting = set(), [next(iter(cluster))]
    while waiting:
        row, column = waiting.pop()
        if (row, column) in cluster - reached:
            reached.add((row, column))
            waiting += [(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)]
    return reached == cluster


#: Sites that each process makes (of P, F, O, OO, C) each time it happens; the C that escape are counted on their own.
STOICHIOMETRY = {
    "P": {1: 1, 2: 1, 3: -1, 4: -2, 7: -1, 16: -1},
    "F": {3: 1, 7: 1},
    "O": {4: 1, 5: -2, 6: -1, 8: -1, 17: -1},
    "OO": {5: 2, 6: -2, 9: -2, 10: -4, 18: -2},
    "C": {6: 3, 8: 1, 9: 2, 10: 4},
}


@pytest.mark.parametrize("rule", ["A", "B"])
@pytest.mark.parametrize("seed", range(4))
def test_sites_are_conserved(rule, seed):
    rng = np.random.default_rng(seed)
    model = SeiModel(cluster_rule=rule, barriers=tuple(rng.uniform(0.3, 0.42, 15)), width=30, height=20)
    run = simulate(model, seed=seed, max_events=200_000)
    made = {
        symbol: sum(number * run.process_counts[process - 1] for process, number in of_one.items())
        for symbol, of_one in STOICHIOMETRY.items()
    }
    made["C"] -= run.escaped[3]
    assert {symbol: run.species_counts[symbol] for symbol in made} == made
    assert sum(run.species_counts.values()) == run.configuration.size
    assert run.process_counts.sum() == run.events
    assert run.events == 200_000 or run.stop_reason == "nothing can happen"


@pytest.mark.parametrize("rule", ["A", "B"])
def test_boundaries_stay(rule):
    run = simulate(SeiModel(cluster_rule=rule, barriers=LIVELY), seed=2, max_events=100_000)
    assert np.all(run.configuration[0] == 1)
    assert np.all(run.configuration[-1] == 2)
    assert not np.isin(run.configuration[1:-1], (1, 2, 8)).any()


def test_a_full_lattice_has_nothing_to_do():
    model = SeiModel(width=8, height=8)
    state = state_with(model, [("F", [(row, column) for row in range(1, 7) for column in range(8)])])
    assert advance(state, tables_of(model), 10, math.inf) == NOTHING_CAN_HAPPEN
    assert state.scalars[EVENTS] == 0
