"""The kinetic Monte Carlo engine: rejection-free, as one compiled function.

The algorithm is that of Bortz, Kalos and Lebowitz, J. Comput. Phys. 17, 10 (1975), with an exact residence-time clock. One
event is: a waiting time, exponential with the total rate; a process, drawn by its share of the total rate; one of its
events, all alike, drawn from its list (hops in rule A by their weight); its changes to the lattice; and the lists brought
up to date around the changed sites. What the processes do is told in :mod:`kadi_battgen.sei.chemistry`, how the state is
laid out in :mod:`kadi_battgen.sei.state`.

Random numbers are drawn in this order: waiting time, process (by the cumulative rates of 12 to 15, then those of 1 to 11 and
16 to 19), event (hops: again while one is turned down for its weight),
then for an OO hop its second site or for a merge its contact, where there are several to choose from.

:func:`advance` is one long function on purpose: arrays passed on to helpers in the loop cost a factor of about 10. Where its
innermost loops index by ``np.uint64``, that is because a signed index is checked for counting from the end, which costs a
fifth of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numba import njit

from kadi_battgen.sei.chemistry import (
    BOUNDARY,
    CLUSTER,
    DIMER,
    INORGANIC,
    ORGANIC,
    PROCESS_COUNT,
    RADICAL,
    SOLVENT,
)
from kadi_battgen.sei.random_numbers import exponential, next_word, unit_interval
from kadi_battgen.sei.state import (
    CLUSTER_SLOTS,
    ESCAPED_CLUSTER_SITES,
    EVENTS,
    FREE_CLUSTERS,
    FULL_WEIGHT,
    HOP_WEIGHT,
    LAST_PROCESS,
    LAST_SLOT,
    WALL,
)

#: Why :func:`advance` came back.
NOTHING_CAN_HAPPEN, REACHED_EVENTS, REACHED_TIME = range(3)

#: Hops turned down for their weight before all of them are weighed one by one.
_ATTEMPTS: Final = 16

_PROCESSES: Final = PROCESS_COUNT + 1


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function and keep the machine code on disk where some folder can be written.

    Numba takes the first of NUMBA_CACHE_DIR, the package's own folder and the user's cache folder that can be written to;
    where there is none the function is compiled once in each process.
    """
    try:
        return njit(cache=True)(function)
    except RuntimeError:
        return njit(function)


@compiled
def list_events(state, tables):  # type: ignore[no-untyped-def]
    """Find all events of a placed configuration from nothing but its species, bonds and clusters.

    Parameters
    ----------
    state : EngineState
        A state whose species, partner and cluster members are set; its counters and lists are written.
    tables : Tables
        The model.
    """
    species, solvent_neighbours, partner, cluster = (
        state.species,
        state.solvent_neighbours,
        state.partner,
        state.cluster,
    )
    blocked, foreign, touching = state.blocked, state.foreign, state.touching
    events, event_count = state.events, state.event_count
    slot_process, slot_position = state.slot_process, state.slot_position
    offsets, row, sites = tables.offsets, tables.offsets[2], len(species)
    for site in range(row, sites - row):
        here = species[site]
        if here == WALL:
            continue
        for direction in range(4):
            neighbour = site + offsets[direction]
            there = species[neighbour]
            if there == SOLVENT:
                solvent_neighbours[site] += 1
            if here == CLUSTER and there != SOLVENT and cluster[neighbour] != cluster[site]:
                blocked[cluster[site], direction] += 1
                touching[cluster[site], there] += 1
                if there == CLUSTER:
                    foreign[cluster[site], direction] += 1
    for site in range(row, sites - row):
        for direction in range(4):
            neighbour = site + offsets[direction]
            process = tables.pair_process[np.int64(site < tables.reach), species[site], species[neighbour]]
            if process == 12 and solvent_neighbours[neighbour] == 0:
                process = 0
            if process == 10 and partner[site] == direction:
                process = 0
            if process:
                slot = 4 * site + direction
                slot_process[slot] = process
                slot_position[slot] = event_count[process]
                events[process, event_count[process]] = slot
                event_count[process] += 1
    for k in range(len(state.cluster_size)):
        weight = tables.size_weight[state.cluster_size[k]]
        if state.cluster_size[k] == 0:
            continue
        bits = 0
        for kind in range(1, WALL + 1):
            if touching[k, kind] > 0:
                bits |= 1 << kind
        hops = 0
        for j in range(CLUSTER_SLOTS):
            if j < 4:
                process, may = 15, bits & tables.halted_bits == 0 and blocked[k, j] == 0 and weight > 0
            elif j < 8:
                process, may = 11, bits & tables.halted_bits == 0 and foreign[k, j - 4] > 0
            else:
                process, may = 19, bits & tables.held_bits == 0 and bits >> BOUNDARY & 1 == 1
            if may:
                slot = 4 * sites + CLUSTER_SLOTS * k + j
                slot_process[slot] = process
                slot_position[slot] = event_count[process]
                events[process, event_count[process]] = slot
                event_count[process] += 1
                state.cluster_slots[k] |= 1 << j
                hops += process == 15
        state.counted_weight[k] = weight
        state.scalars[HOP_WEIGHT] += hops * weight


@compiled
def advance(state, tables, max_events, until):  # type: ignore[no-untyped-def]
    """Let events happen until there are `max_events`, or the next one would come after `until`.

    The state is left as it is between two events, with its generator as before the next waiting time was drawn, so that
    going on is the same as not having stopped.

    Parameters
    ----------
    state : EngineState
        The state, changed in place.
    tables : Tables
        The model.
    max_events : int
        Number of events since the start of the run at which to stop.
    until : float
        Time in s since the start of the run that no event may pass.

    Returns
    -------
    int
        ``NOTHING_CAN_HAPPEN``, ``REACHED_EVENTS`` or ``REACHED_TIME``.
    """
    # ---- names for the arrays, fetched once
    species, solvent_neighbours, partner = state.species, state.solvent_neighbours, state.partner
    cluster, next_member = state.cluster, state.next_member
    cluster_size, cluster_first, cluster_slots = state.cluster_size, state.cluster_first, state.cluster_slots
    blocked, foreign, touching = state.blocked, state.foreign, state.touching
    counted_weight, free_clusters = state.counted_weight, state.free_clusters
    slot_process, slot_position = state.slot_process, state.slot_position
    events, event_count, process_counts = state.events, state.event_count, state.process_counts
    offsets, pair_process, reach, rates = tables.offsets, tables.pair_process, tables.reach, tables.rates
    size_weight, halted_bits, held_bits = tables.size_weight, tables.halted_bits, tables.held_bits
    sites = len(species)
    first_cluster_slot = 4 * sites

    scalars = state.scalars
    happened, free, hop_weight = scalars[EVENTS], scalars[FREE_CLUSTERS], scalars[HOP_WEIGHT]
    escaped_sites, last_process, last_slot = scalars[ESCAPED_CLUSTER_SITES], scalars[LAST_PROCESS], scalars[LAST_SLOT]
    clock = state.clock[0]
    s0, s1, s2, s3 = state.random[0], state.random[1], state.random[2], state.random[3]

    # ---- work lists: sites that change, what they become, and clusters whose surroundings change
    cumulative = np.zeros(_PROCESSES)
    changed = np.empty(6 * sites, dtype=np.int32)
    new_species = np.empty(sites, dtype=np.uint8)
    new_cluster = np.empty(sites, dtype=np.int32)
    members = np.empty(sites, dtype=np.int32)
    dirty = np.empty(len(cluster_size), dtype=np.int32)
    is_dirty = np.zeros(len(cluster_size), dtype=np.uint8)
    reason = REACHED_EVENTS

    while happened < max_events:
        # ---- when: total rate and waiting time
        # Two sums, because one would wait for each addition in turn; most events move something, so that sum comes first.
        moving, reacting = 0.0, 0.0
        for process in range(12, 16):
            moving += rates[process] * (hop_weight if process == 15 else event_count[process])
            cumulative[process] = moving
        for process in range(1, 12):
            reacting += rates[process] * event_count[process]
            cumulative[process] = reacting
        for process in range(16, _PROCESSES):
            reacting += rates[process] * event_count[process]
            cumulative[process] = reacting
        total = moving + reacting
        if total <= 0.0:
            reason = NOTHING_CAN_HAPPEN
            break
        word, n0, n1, n2, n3 = next_word(s0, s1, s2, s3)
        later = clock + exponential(word) / total
        if later > until:
            reason = REACHED_TIME
            break
        clock = later

        # ---- what: process and slot
        word, s0, s1, s2, s3 = next_word(n0, n1, n2, n3)
        target = unit_interval(word) * total
        if target < moving:
            process = 15
            while process > 12 and cumulative[process - 1] > target:
                process -= 1
        else:
            target -= moving
            process = 1
            # The difference is rounded, so it may come out as the whole sum: the last process that can happen takes it.
            while cumulative[process] <= target and cumulative[process] < reacting:
                process = 16 if process == 11 else process + 1
        count = event_count[process]
        slot = -1
        for _ in range(_ATTEMPTS):
            word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            slot = events[process, np.int64(unit_interval(word) * count)]
            if process != 15:
                break
            weight = counted_weight[(slot - first_cluster_slot) // CLUSTER_SLOTS]
            if weight == FULL_WEIGHT:
                break
            word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            if np.int64(unit_interval(word) * FULL_WEIGHT) < weight:
                break
            slot = -1
        if slot < 0:
            word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            remaining = np.int64(unit_interval(word) * hop_weight)
            for index in range(count):
                slot = events[15, index]
                remaining -= counted_weight[(slot - first_cluster_slot) // CLUSTER_SLOTS]
                if remaining < 0:
                    break
        happened += 1
        process_counts[process] += 1
        last_process, last_slot = process, slot

        # ---- what it changes
        changes, dirties = 0, 0
        if process == 14 or process == 13:
            site = slot >> 2
            neighbour = site + offsets[slot & 3]
            changed[0], new_species[0], new_cluster[0] = site, SOLVENT, -1
            changed[1], new_species[1], new_cluster[1] = neighbour, species[site], -1
            changes = 2
        elif process == 12:
            site = slot >> 2
            neighbour = site + offsets[slot & 3]
            choice = np.int64(0)
            if solvent_neighbours[neighbour] > 1:
                word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                choice = np.int64(unit_interval(word) * solvent_neighbours[neighbour])
            for direction in range(4):
                if species[neighbour + offsets[direction]] == SOLVENT:
                    if choice == 0:
                        second = neighbour + offsets[direction]
                        changed[0], new_species[0], new_cluster[0] = site, SOLVENT, -1
                        changed[1], new_species[1], new_cluster[1] = site + offsets[partner[site]], SOLVENT, -1
                        changed[2], new_species[2], new_cluster[2] = neighbour, DIMER, -1
                        changed[3], new_species[3], new_cluster[3] = second, DIMER, -1
                        partner[neighbour], partner[second] = direction, direction ^ 1
                        break
                    choice -= 1
            changes = 4
        elif process <= 3 or process == 7:
            changed[0], new_cluster[0] = slot >> 2, -1
            new_species[0] = RADICAL if process <= 2 else INORGANIC
            changes = 1
        elif process == 4:
            site = slot >> 2
            changed[0], new_species[0], new_cluster[0] = site, ORGANIC, -1
            changed[1], new_species[1], new_cluster[1] = site + offsets[slot & 3], SOLVENT, -1
            changes = 2
        elif process == 5:
            site, direction = slot >> 2, slot & 3
            neighbour = site + offsets[direction]
            partner[site], partner[neighbour] = direction, direction ^ 1
            changed[0], new_species[0], new_cluster[0] = site, DIMER, -1
            changed[1], new_species[1], new_cluster[1] = neighbour, DIMER, -1
            changes = 2
        elif process == 6 or process == 8 or process == 9 or process == 10:
            site = slot >> 2
            neighbour = site + offsets[slot & 3]
            if process == 8 or process == 9:
                k = cluster[neighbour]
            else:
                free -= 1
                k = free_clusters[free]
            changed[0] = site
            changes = 1
            if process == 9 or process == 10:
                changed[changes] = site + offsets[partner[site]]
                changes += 1
            if process == 6 or process == 10:
                changed[changes] = neighbour
                changed[changes + 1] = neighbour + offsets[partner[neighbour]]
                changes += 2
            for index in range(changes):
                member = changed[index]
                new_species[index], new_cluster[index] = CLUSTER, k
                if cluster_size[k] == 0:
                    cluster_first[k] = member
                    next_member[member] = member
                else:
                    next_member[member] = next_member[cluster_first[k]]
                    next_member[cluster_first[k]] = member
                cluster_size[k] += 1
            dirty[0], is_dirty[k], dirties = k, 1, 1
        elif process == 15:
            k, direction = (slot - first_cluster_slot) // CLUSTER_SLOTS, (slot - first_cluster_slot) % CLUSTER_SLOTS
            ahead = offsets[direction]
            member = cluster_first[k]
            for index in range(cluster_size[k]):
                members[index] = member
                if cluster[member - ahead] != k:
                    changed[changes], new_species[changes], new_cluster[changes] = member, SOLVENT, -1
                    changes += 1
                if cluster[member + ahead] != k:
                    changed[changes], new_species[changes], new_cluster[changes] = member + ahead, CLUSTER, k
                    changes += 1
                member = next_member[member]
            size = cluster_size[k]
            for index in range(size):
                next_member[members[index] + ahead] = members[index + 1 if index + 1 < size else 0] + ahead
            cluster_first[k] = members[0] + ahead
        elif process == 16 or process == 17 or process == 18:
            site = slot >> 2
            changed[0], new_species[0], new_cluster[0] = site, SOLVENT, -1
            changes = 1
            if process == 18:
                changed[1], new_species[1], new_cluster[1] = site + offsets[partner[site]], SOLVENT, -1
                changes = 2
        elif process == 19:
            k = (slot - first_cluster_slot) // CLUSTER_SLOTS
            member = cluster_first[k]
            for index in range(cluster_size[k]):
                changed[index], new_species[index], new_cluster[index] = member, SOLVENT, -1
                member = next_member[member]
            changes = cluster_size[k]
            escaped_sites += changes
            cluster_size[k] = 0
            dirty[0], is_dirty[k], dirties = k, 1, 1
        else:  # 11, merge: no site changes, but contacts between the two become inner ones
            k, direction = (slot - first_cluster_slot) // CLUSTER_SLOTS, (slot - first_cluster_slot) % CLUSTER_SLOTS - 4
            choice = np.int64(0)
            if foreign[k, direction] > 1:
                word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                choice = np.int64(unit_interval(word) * foreign[k, direction])
            # The contacts of a direction are numbered along the sites, so that the draw does not depend on their history.
            size = cluster_size[k]
            member = cluster_first[k]
            for index in range(size):
                members[index] = member
                member = next_member[member]
            members[:size].sort()
            other = k
            for index in range(size):
                neighbour = members[index] + offsets[direction]
                if species[neighbour] == CLUSTER and cluster[neighbour] != k:
                    if choice == 0:
                        other = cluster[neighbour]
                        break
                    choice -= 1
            kept, gone = k, other
            if cluster_size[other] > cluster_size[k]:
                kept, gone = other, k
            member = cluster_first[gone]
            for _ in range(cluster_size[gone]):
                for direction in range(4):
                    if cluster[member + offsets[direction]] == kept:
                        blocked[gone, direction] -= 1
                        foreign[gone, direction] -= 1
                        touching[gone, CLUSTER] -= 1
                        blocked[kept, direction ^ 1] -= 1
                        foreign[kept, direction ^ 1] -= 1
                        touching[kept, CLUSTER] -= 1
                member = next_member[member]
            for _ in range(cluster_size[gone]):
                cluster[member] = kept
                member = next_member[member]
            for direction in range(4):
                blocked[kept, direction] += blocked[gone, direction]
                foreign[kept, direction] += foreign[gone, direction]
                blocked[gone, direction] = 0
                foreign[gone, direction] = 0
            for kind in range(WALL + 1):
                touching[kept, kind] += touching[gone, kind]
                touching[gone, kind] = 0
            # Two rings become one when two of their links are exchanged.
            after = next_member[cluster_first[kept]]
            next_member[cluster_first[kept]] = next_member[cluster_first[gone]]
            next_member[cluster_first[gone]] = after
            cluster_size[kept] += cluster_size[gone]
            cluster_size[gone] = 0
            dirty[0], dirty[1], is_dirty[kept], is_dirty[gone], dirties = kept, gone, 1, 1, 2

        # ---- change the sites, and with them the contacts of clusters and the numbers of solvent neighbours
        to_update = changes
        for index in range(changes):
            site, after, joined = changed[index], new_species[index], new_cluster[index]
            before, left = species[site], cluster[site]
            for direction in range(4):
                neighbour = site + offsets[direction]
                beside = cluster[np.uint64(neighbour)]
                if beside >= 0:
                    if before != SOLVENT and left != beside:
                        blocked[beside, direction ^ 1] -= 1
                        touching[beside, before] -= 1
                        if left >= 0:
                            foreign[beside, direction ^ 1] -= 1
                    if after != SOLVENT and joined != beside:
                        blocked[beside, direction ^ 1] += 1
                        touching[beside, after] += 1
                        if joined >= 0:
                            foreign[beside, direction ^ 1] += 1
                    if is_dirty[beside] == 0:
                        is_dirty[beside] = 1
                        dirty[dirties] = beside
                        dirties += 1
                if left >= 0 and species[np.uint64(neighbour)] != SOLVENT and beside != left:
                    blocked[left, direction] -= 1
                    touching[left, species[np.uint64(neighbour)]] -= 1
                    if beside >= 0:
                        foreign[left, direction] -= 1
                if joined >= 0 and species[np.uint64(neighbour)] != SOLVENT and beside != joined:
                    blocked[joined, direction] += 1
                    touching[joined, species[np.uint64(neighbour)]] += 1
                    if beside >= 0:
                        foreign[joined, direction] += 1
                if before == SOLVENT and after != SOLVENT:
                    solvent_neighbours[np.uint64(neighbour)] -= 1
                    if solvent_neighbours[np.uint64(neighbour)] == 0 and species[np.uint64(neighbour)] == SOLVENT:
                        changed[to_update] = neighbour
                        to_update += 1
                elif before != SOLVENT and after == SOLVENT:
                    solvent_neighbours[np.uint64(neighbour)] += 1
                    if solvent_neighbours[np.uint64(neighbour)] == 1 and species[np.uint64(neighbour)] == SOLVENT:
                        changed[to_update] = neighbour
                        to_update += 1
            if left >= 0 and is_dirty[left] == 0:
                is_dirty[left] = 1
                dirty[dirties] = left
                dirties += 1
            species[site], cluster[site] = after, joined

        # ---- bring the lists up to date: slots of and towards the changed sites
        for index in range(to_update):
            site = changed[index]
            here = species[site]
            for direction in range(4):
                neighbour = site + offsets[direction]
                there = species[np.uint64(neighbour)]
                for side in range(2):
                    if side == 0:
                        slot = 4 * site + direction
                        now = pair_process[np.uint64(site < reach), here, there]
                        if (now == 12 and solvent_neighbours[neighbour] == 0) or (
                            now == 10 and partner[site] == direction
                        ):
                            now = 0
                    else:
                        slot = 4 * neighbour + (direction ^ 1)
                        now = pair_process[np.uint64(neighbour < reach), there, here]
                        if (now == 12 and solvent_neighbours[site] == 0) or (
                            now == 10 and partner[neighbour] == direction ^ 1
                        ):
                            now = 0
                    listed = slot_process[np.uint64(slot)]
                    if now != listed:
                        if listed:
                            event_count[listed] -= 1
                            moved = events[listed, np.uint64(event_count[listed])]
                            events[listed, np.uint64(slot_position[np.uint64(slot)])] = moved
                            slot_position[np.uint64(moved)] = slot_position[np.uint64(slot)]
                        if now:
                            events[now, np.uint64(event_count[now])] = slot
                            slot_position[np.uint64(slot)] = event_count[now]
                            event_count[now] += 1
                        slot_process[np.uint64(slot)] = now

        # ---- the same for the slots of clusters
        for index in range(dirties):
            k = dirty[index]
            is_dirty[k] = 0
            wanted = 0
            weight = size_weight[cluster_size[k]]
            if cluster_size[k] > 0:
                bits = 0
                for kind in range(1, WALL + 1):
                    if touching[k, kind] > 0:
                        bits |= 1 << kind
                if bits & halted_bits == 0:
                    for direction in range(4):
                        if blocked[k, direction] == 0 and weight > 0:
                            wanted |= 1 << direction
                        if foreign[k, direction] > 0:
                            wanted |= 16 << direction
                if bits & held_bits == 0 and bits >> BOUNDARY & 1 == 1:
                    wanted |= 256
            else:
                free_clusters[free] = k
                free += 1
            listed_bits = cluster_slots[k]
            if wanted == listed_bits and weight == counted_weight[k]:
                continue
            for j in range(CLUSTER_SLOTS):
                if j < 4:
                    hop_weight -= (listed_bits >> j & 1) * counted_weight[k]
                    hop_weight += (wanted >> j & 1) * weight
                if (listed_bits ^ wanted) >> j & 1:
                    slot = first_cluster_slot + CLUSTER_SLOTS * k + j
                    kind = 15 if j < 4 else (11 if j < 8 else 19)
                    if wanted >> j & 1:
                        events[kind, event_count[kind]] = slot
                        slot_position[slot] = event_count[kind]
                        event_count[kind] += 1
                        slot_process[slot] = kind
                    else:
                        event_count[kind] -= 1
                        moved = events[kind, event_count[kind]]
                        events[kind, slot_position[slot]] = moved
                        slot_position[moved] = slot_position[slot]
                        slot_process[slot] = 0
            cluster_slots[k] = wanted
            counted_weight[k] = weight

    scalars[EVENTS], scalars[FREE_CLUSTERS], scalars[HOP_WEIGHT] = happened, free, hop_weight
    scalars[ESCAPED_CLUSTER_SITES], scalars[LAST_PROCESS], scalars[LAST_SLOT] = escaped_sites, last_process, last_slot
    state.clock[0] = clock
    state.random[0], state.random[1], state.random[2], state.random[3] = s0, s1, s2, s3
    return reason
