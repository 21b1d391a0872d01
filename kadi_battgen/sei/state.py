"""The state of a run between two events: the lattice, its clusters, and lists of all events that may happen next.

Sites are numbered row by row, with a wall at either end of each row so that every site has four neighbours; the directions
are 0 right, 1 left, 2 up (away from the electrode) and 3 down, and ``direction ^ 1`` is the opposite one.

An event is a *slot*: ``4 * site + direction`` for an acting site and its neighbour, and behind these, nine for each
cluster: four hops, four merges (by direction) and the escape. At most one process fits a slot at a time, so that the event
list of a process is a list of slots, and a slot knows its place in it.
"""

from __future__ import annotations

from decimal import Context, Decimal
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from kadi_battgen.sei.chemistry import (
    BARRIERS,
    BOUNDARY,
    CLUSTER,
    DIMER,
    ELECTRODE,
    PAIR_PROCESSES,
    PROCESS_COUNT,
    SOLVENT,
    TUNNELLING_PROCESSES,
    SeiModel,
)
from kadi_battgen.sei.random_numbers import seed_state

#: What stands at either end of a row.
WALL: Final = 8

#: Slots of a cluster: hops from 0, merges from 4, the escape.
CLUSTER_SLOTS: Final = 9

#: Weight of a hop whose rate is not scaled. Weights are whole numbers, so that their sum has no rounding error.
FULL_WEIGHT: Final = 2**40

#: Places in ``EngineState.scalars``.
EVENTS, FREE_CLUSTERS, HOP_WEIGHT, ESCAPED_CLUSTER_SITES, LAST_PROCESS, LAST_SLOT = range(6)


class Tables(NamedTuple):
    """A model as numbers for the engine.

    Attributes
    ----------
    offsets
        From a site to its neighbour in each direction.
    pair_process
        Process by reach (1 within the tunnelling depth), species of the acting site and of its neighbour.
    reach
        Sites below this number are within the tunnelling depth.
    rates
        Rate constants in 1/s by process; that of hops for a weight of 1.
    size_weight
        Weight of a hop by the number of sites in the cluster.
    halted_bits, held_bits
        Species that keep a cluster from moving and from escaping, one bit each.
    """

    offsets: np.ndarray
    pair_process: np.ndarray
    reach: int
    rates: np.ndarray
    size_weight: np.ndarray
    halted_bits: int
    held_bits: int


class EngineState(NamedTuple):
    """Everything that changes in a run; arrays only, so that a checkpoint is a file of these arrays.

    Attributes
    ----------
    species
        Species code by site.
    solvent_neighbours
        Number of S beside each site.
    partner
        Direction of the other half of an OO by site.
    cluster
        Cluster by site, -1 outside of clusters.
    next_member
        Next site of the same cluster, in a ring.
    cluster_size, cluster_first
        Number of sites and one of the sites, by cluster.
    blocked
        Contacts with anything but S by cluster and direction; a contact is a site of the cluster and a neighbour outside.
    foreign
        Those of them that are with other clusters.
    touching
        Contacts by cluster and species.
    cluster_slots
        Slots that may happen, one bit each, by cluster.
    counted_weight
        Weight at which the hops of a cluster are counted.
    free_clusters
        Numbers of clusters that are not in use, a stack.
    slot_process, slot_position
        Process of each slot, 0 for none, and its place in the list of that process.
    events, event_count
        The lists, one row a process, and their lengths.
    process_counts
        How often each process has happened.
    scalars
        See ``EVENTS`` and the names beside it.
    clock
        Time in s of the last event.
    random
        State of the generator.
    """

    species: np.ndarray
    solvent_neighbours: np.ndarray
    partner: np.ndarray
    cluster: np.ndarray
    next_member: np.ndarray
    cluster_size: np.ndarray
    cluster_first: np.ndarray
    blocked: np.ndarray
    foreign: np.ndarray
    touching: np.ndarray
    cluster_slots: np.ndarray
    counted_weight: np.ndarray
    free_clusters: np.ndarray
    slot_process: np.ndarray
    slot_position: np.ndarray
    events: np.ndarray
    event_count: np.ndarray
    process_counts: np.ndarray
    scalars: np.ndarray
    clock: np.ndarray
    random: np.ndarray


def tables_of(model: SeiModel) -> Tables:
    """Return the engine's tables of a model."""
    row = model.width + 2
    pair_process = np.zeros((2, WALL + 1, WALL + 1), dtype=np.uint8)
    for (acting, neighbour), process in PAIR_PROCESSES.items():
        pair_process[1, acting, neighbour] = process
        pair_process[0, acting, neighbour] = 0 if process in TUNNELLING_PROCESSES else process
    rates = np.array([0.0, *model.rate_constants()])
    rates[BARRIERS] /= FULL_WEIGHT
    rule = model.rule()
    return Tables(
        offsets=np.array([1, -1, row, -row], dtype=np.int64),
        pair_process=pair_process,
        reach=(model.tunnelling_rows() + 1) * row,
        rates=rates,
        size_weight=_size_weights(model.height * model.width, rule.size_scale),
        halted_bits=sum(1 << species for species in rule.halted_by),
        held_bits=sum(1 << species for species in rule.held_by),
    )


@lru_cache(maxsize=4)
def _size_weights(largest: int, scale: float | None) -> np.ndarray:
    """Return the weight of a hop by cluster size, shape (largest + 1,)."""
    weights = np.full(largest + 1, FULL_WEIGHT, dtype=np.int64)
    if scale is None:
        return weights
    context, weights[:] = Context(prec=30), 0
    for size in range(largest + 1):
        weight = FULL_WEIGHT * context.exp(context.divide(Decimal(-size), Decimal(repr(scale))))
        if weight < Decimal("0.5"):
            break
        weights[size] = round(weight)
    return weights


def empty_state(model: SeiModel, seed: int) -> EngineState:
    """Return a lattice of solvent between the electrode and the boundary, with no event listed yet.

    Parameters
    ----------
    model
        The model; its width and height count.
    seed
        Seed of the random numbers, from 0 to 2^64 - 1.
    """
    row = model.width + 2
    sites, clusters = row * model.height, row * model.height // 3 + 1
    lattice = np.full((model.height, row), SOLVENT, dtype=np.uint8)
    lattice[0], lattice[-1] = ELECTRODE, BOUNDARY
    lattice[:, 0] = lattice[:, -1] = WALL
    slots = 4 * sites + CLUSTER_SLOTS * clusters
    scalars = np.zeros(6, dtype=np.int64)
    scalars[FREE_CLUSTERS] = clusters
    return EngineState(
        species=lattice.ravel(),
        solvent_neighbours=np.zeros(sites, dtype=np.uint8),
        partner=np.zeros(sites, dtype=np.uint8),
        cluster=np.full(sites, -1, dtype=np.int32),
        next_member=np.full(sites, -1, dtype=np.int32),
        cluster_size=np.zeros(clusters, dtype=np.int32),
        cluster_first=np.full(clusters, -1, dtype=np.int32),
        blocked=np.zeros((clusters, 4), dtype=np.int32),
        foreign=np.zeros((clusters, 4), dtype=np.int32),
        touching=np.zeros((clusters, WALL + 1), dtype=np.int32),
        cluster_slots=np.zeros(clusters, dtype=np.int32),
        counted_weight=np.zeros(clusters, dtype=np.int64),
        free_clusters=np.arange(clusters - 1, -1, -1, dtype=np.int32),
        slot_process=np.zeros(slots, dtype=np.uint8),
        slot_position=np.zeros(slots, dtype=np.int32),
        events=np.empty((PROCESS_COUNT + 1, 4 * sites), dtype=np.int32),
        event_count=np.zeros(PROCESS_COUNT + 1, dtype=np.int64),
        process_counts=np.zeros(PROCESS_COUNT + 1, dtype=np.int64),
        scalars=scalars,
        clock=np.zeros(1),
        random=seed_state(seed),
    )


def configuration_of(state: EngineState, model: SeiModel) -> np.ndarray:
    """Return the species codes, uint8, shape (height, width), row 0 the electrode."""
    return state.species.reshape(model.height, model.width + 2)[:, 1:-1].copy()


def place(
    state: EngineState, model: SeiModel, configuration: np.ndarray, bonds: np.ndarray, clusters: np.ndarray
) -> None:
    """Put a configuration into an empty state; :func:`kadi_battgen.sei.engine.list_events` finds its events.

    Parameters
    ----------
    state
        A state from :func:`empty_state`.
    model
        The model of the state.
    configuration
        Species codes, shape (height, width).
    bonds
        Direction from each OO site to its other half, shape (height, width); elsewhere unused.
    clusters
        Number of the cluster of each C site from 0, shape (height, width); elsewhere unused.
    """
    shape = (model.height, model.width + 2)
    state.species.reshape(shape)[:, 1:-1] = configuration
    state.partner.reshape(shape)[:, 1:-1] = np.where(configuration == DIMER, bonds, 0)
    labels = np.unique(clusters[configuration == CLUSTER])
    for number, label in enumerate(labels):
        rows, columns = np.nonzero((configuration == CLUSTER) & (clusters == label))
        members = (rows * shape[1] + columns + 1).astype(np.int32)
        state.cluster[members] = number
        state.next_member[members] = np.roll(members, -1)
        state.cluster_size[number], state.cluster_first[number] = len(members), members[0]
    state.scalars[FREE_CLUSTERS] -= len(labels)
