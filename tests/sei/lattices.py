"""Lattices for the tests, drawn with letters, and what the engine and the brute force say of them in the same words."""

from __future__ import annotations

import numpy as np

from kadi_battgen.sei.chemistry import CLUSTER, DIMER, SPECIES
from kadi_battgen.sei.engine import list_events
from kadi_battgen.sei.state import CLUSTER_SLOTS, configuration_of, empty_state, place, tables_of

CODES = {species.symbol: species.code for species in SPECIES}
SYMBOLS = {species.code: species.symbol for species in SPECIES}
STEPS = ((0, 1), (0, -1), (1, 0), (-1, 0))


def state_with(model, pieces, seed=0):
    """Return an engine's state of solvent with some sites set.

    `pieces` are (symbol, sites); the two sites of an OO are bonded, the sites of a C are one cluster.
    """
    state = empty_state(model, seed)
    configuration = configuration_of(state, model)
    bonds = np.zeros(configuration.shape, dtype=np.uint8)
    clusters = np.full(configuration.shape, -1)
    for number, (symbol, sites) in enumerate(pieces):
        for site in sites:
            configuration[site] = CODES[symbol]
            clusters[site] = number if symbol == "C" else -1
        if symbol == "OO":
            one, two = sites
            bonds[one] = STEPS.index((two[0] - one[0], two[1] - one[1]))
            bonds[two] = bonds[one] ^ 1
    place(state, model, configuration, bonds, clusters)
    list_events(state, tables_of(model))
    return state


def random_pieces(model, rng, density):
    """Return pieces that fill a share of the lattice at random, clusters and OO among them."""
    free = {(row, column) for row in range(1, model.height - 1) for column in range(model.width)}
    pieces = []
    for _ in range(int(density * len(free))):
        symbol = rng.choice(["P", "F", "O", "O", "OO", "OO", "C"])
        sites = grow(free, rng, {"OO": 2, "C": int(rng.integers(3, 9))}.get(symbol, 1))
        if sites:
            pieces.append((symbol, sites))
            free -= set(sites)
    return pieces


def grow(free, rng, size):
    """Return that many connected free sites, or none where they do not fit."""
    ordered = sorted(free)
    if not ordered:
        return []
    sites = [ordered[rng.integers(len(ordered))]]
    for _ in range(50 * size):
        if len(sites) == size:
            return sites
        row, column = sites[rng.integers(len(sites))]
        down, right = STEPS[rng.integers(4)]
        site = (row + down, column + right)
        if site in free and site not in sites:
            sites.append(site)
    return []


def contents(state, model):
    """Return symbols and bonds by site, and the clusters as sets of sites."""
    configuration = configuration_of(state, model)
    row = model.width + 2
    partner, labels = (values.reshape(model.height, row)[:, 1:-1] for values in (state.partner, state.cluster))
    symbols = {site: SYMBOLS[int(code)] for site, code in np.ndenumerate(configuration)}
    bonds = {}
    for row_, column in np.argwhere(configuration == DIMER).tolist():
        step = STEPS[partner[row_, column]]
        bonds[row_, column] = (row_ + step[0], column + step[1])
    assert np.array_equal(labels >= 0, configuration == CLUSTER)
    clusters = [{(int(y), int(x)) for y, x in np.argwhere(labels == label)} for label in np.unique(labels[labels >= 0])]
    return symbols, bonds, clusters


def event_lists(state, model):
    """Return the engine's lists as events in the words of the brute force, by process."""
    row, sites = model.width + 2, len(state.species)

    def position(site):
        return int(site) // row, int(site) % row - 1

    def event(process, slot):
        if slot < 4 * sites:
            return process, position(slot >> 2), int(slot & 3)
        number, kind = divmod(slot - 4 * sites, CLUSTER_SLOTS)
        members = frozenset(position(site) for site in np.flatnonzero(state.cluster == number))
        return process, members, None if kind == 8 else int(kind % 4)

    return {
        process: [event(process, int(slot)) for slot in state.events[process, : state.event_count[process]]]
        for process in range(1, 20)
    }
