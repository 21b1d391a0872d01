"""Single processes of the engine against their closed forms; all other barriers are too high to be passed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from kadi_battgen.sei import SeiModel, simulate
from kadi_battgen.sei.engine import advance
from kadi_battgen.sei.state import configuration_of, tables_of

from .lattices import state_with


def only(processes, **fields):
    """Return a model in which only some processes (number: barrier in eV) happen."""
    barriers = [processes.get(number, 3.0) for number in range(1, 20)]
    return SeiModel(barriers=barriers[:15], escape_barriers=barriers[15:], **fields)


def test_waiting_times_are_exponential():
    """Site after site of the electrode forms P; each waiting time is exponential with what is left."""
    model, scaled = only({1: 0.5}, width=40, height=8), []
    rate, tables = model.rate_constants()[0], tables_of(model)
    for seed in range(50):
        state, before = state_with(model, [], seed), 0.0
        for number in range(model.width):
            advance(state, tables, number + 1, math.inf)
            scaled.append((state.clock[0] - before) * rate * (model.width - number))
            before = state.clock[0]
    assert stats.kstest(scaled, "expon").pvalue > 0.01
    assert abs(np.corrcoef(scaled[:-1], scaled[1:])[0, 1]) < 3 / math.sqrt(len(scaled))


@pytest.mark.parametrize("lifetimes", [0.2, 1.0, 2.5])
def test_first_order_decay(lifetimes):
    """Sites beside the electrode that are still S after a time t: exp(-k t) of them."""
    model = only({1: 0.4}, width=1000, height=8)
    time, share = lifetimes / model.rate_constants()[0], math.exp(-lifetimes)
    left = [np.mean(simulate(model, seed=s, max_time=time).configuration[1] == 0) for s in range(20)]
    assert np.mean(left) == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / 20_000))


def test_competing_processes_share_by_their_rates():
    """A lone P at the electrode is reduced (process 3) or hops away in one of three directions (process 14)."""
    model = only({3: 0.36, 14: 0.35}, width=9, height=8)
    rates, tables, reduced = model.rate_constants(), tables_of(model), []
    for seed in range(2000):
        state = state_with(model, [("P", [(1, 4)])], seed)
        advance(state, tables, 1, math.inf)
        reduced.append(state.process_counts[3])
    share = rates[2] / (rates[2] + 3 * rates[13])
    assert np.mean(reduced) == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / 2000))


def dimer_square_step():
    """Return the sum over the hops of a lone OO of the square of its centre's displacement."""
    sites, steps, total = ((0, 0), (0, 1)), ((0, 1), (0, -1), (1, 0), (-1, 0)), 0.0
    for acting in sites:
        for step in steps:
            first = (acting[0] + step[0], acting[1] + step[1])
            if first not in sites:
                seconds = [(first[0] + s[0], first[1] + s[1]) for s in steps]
                seconds = [second for second in seconds if second not in sites]
                squares = [((first[0] + b[0]) / 2) ** 2 + ((first[1] + b[1] - 1) / 2) ** 2 for b in seconds]
                total += np.mean(squares)
    return total


LINE = [(40, 39), (40, 40), (40, 41), (41, 40), (39, 40)]


@pytest.mark.parametrize(
    ("symbol", "sites", "process", "rule", "square_step"),
    [
        ("P", [(40, 40)], 14, "A", 4.0),
        ("O", [(40, 40)], 13, "A", 4.0),
        ("OO", [(40, 40), (40, 41)], 12, "A", dimer_square_step()),
        ("C", LINE, 15, "B", 4.0),
        ("C", LINE, 15, "A", 4.0 * math.exp(-5 / 30)),
    ],
)
def test_mean_square_displacement_of_a_lone_diffuser(symbol, sites, process, rule, square_step):
    """<r^2> = k t times the mean square step, before the walls are felt: 4 k t for steps to four neighbours."""
    model = only({process: 0.35}, width=81, height=81, cluster_rule=rule)
    steps, runs, tables, squares = 60.0, 1000, tables_of(model), []
    time = steps / (4 * model.rate_constants()[process - 1])
    for seed in range(runs):
        state = state_with(model, [(symbol, sites)], seed)
        advance(state, tables, 10**9, time)
        moved = np.argwhere(~np.isin(configuration_of(state, model), (0, 1, 2))).mean(axis=0)
        squares.append(np.sum((moved - np.mean(sites, axis=0)) ** 2))
    expected = square_step * steps / 4
    # r^2 of a two-dimensional walk is exponentially distributed: its standard deviation is its mean.
    assert np.mean(squares) == pytest.approx(expected, rel=4 / math.sqrt(runs))


@pytest.mark.parametrize(("symbol", "number"), [("P", 16), ("O", 17), ("OO", 18), ("C", 19)])
def test_escape_leaves_solvent(symbol, number):
    model = only({number: 0.2}, width=9, height=9, cluster_rule="B")
    sites = {"OO": [(7, 3), (7, 4)], "C": [(7, 3), (7, 4), (6, 4)]}.get(symbol, [(7, 4)])
    state = state_with(model, [(symbol, sites)], 1)
    advance(state, tables_of(model), 1, math.inf)
    assert state.process_counts[number] == 1
    assert np.all(configuration_of(state, model)[1:-1] == 0)
