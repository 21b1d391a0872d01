"""The SEI model written a second time, as plainly as possible: every event is looked for anew, on dictionaries.

It follows the text of :mod:`kadi_battgen.sei.chemistry` and shares nothing with the engine but the order in which random
numbers are drawn. Sites are (row, column); an event is (process, site, direction), or (process, sites, direction) where a
whole cluster acts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

RIGHT, LEFT, UP, DOWN = range(4)
STEPS = ((0, 1), (0, -1), (1, 0), (-1, 0))


class Xoshiro:
    """The generator xoshiro256++ on Python's integers."""

    def __init__(self, words):
        self.words = [int(word) for word in words]

    def word(self):
        def rotate(value, bits):
            return ((value << bits) | (value >> (64 - bits))) & (2**64 - 1)

        a, b, c, d = self.words
        result = (rotate((a + d) % 2**64, 23) + a) % 2**64
        shifted = (b << 17) % 2**64
        c, d = c ^ a, d ^ b
        b, a = b ^ c, a ^ d
        self.words = [a, b, c ^ shifted, rotate(d, 45)]
        return result

    def below(self, number):
        return int((self.word() >> 11) * 2.0**-53 * number)

    def unit(self):
        return (self.word() >> 11) * 2.0**-53

    def exponential(self):
        return -math.log(((self.word() >> 11) + 1) * 2.0**-53)


class BruteForce:
    """A lattice of symbols with bonds and clusters."""

    def __init__(self, model, symbols, bonds, clusters, words):
        self.model = model
        self.symbols = dict(symbols)
        self.bonds = dict(bonds)
        self.clusters = [set(cluster) for cluster in clusters]
        self.random = Xoshiro(words)
        self.time = 0.0

    def at(self, site):
        return self.symbols.get(site, "wall")

    def beside(self, site, direction):
        return site[0] + STEPS[direction][0], site[1] + STEPS[direction][1]

    def neighbours(self, site):
        return [self.beside(site, direction) for direction in range(4)]

    def cluster_of(self, site):
        return next(cluster for cluster in self.clusters if site in cluster)

    # ---- what can happen

    def events(self) -> set:
        return set(self.pair_events()) | set(self.cluster_events())

    def pair_events(self) -> Iterator[tuple]:
        for site, here in self.symbols.items():
            in_reach = site[0] * 1.0 <= self.model.tunnelling_depth
            for direction in range(4):
                other = self.beside(site, direction)
                there = self.at(other)
                match here, there:
                    case "S", "E":
                        process = 1
                    case "S", "F" if in_reach:
                        process = 2
                    case "P", "E":
                        process = 3
                    case "P", "P":
                        process = 4
                    case "O", "O":
                        process = 5
                    case "O", "OO":
                        process = 6
                    case "P", "F" if in_reach:
                        process = 7
                    case "O", "C":
                        process = 8
                    case "OO", "C":
                        process = 9
                    case "OO", "OO" if self.bonds[site] != other:
                        process = 10
                    case "OO", "S" if any(self.at(beyond) == "S" for beyond in self.neighbours(other)):
                        process = 12
                    case "O", "S":
                        process = 13
                    case "P", "S":
                        process = 14
                    case "P", "A":
                        process = 16
                    case "O", "A":
                        process = 17
                    case "OO", "A":
                        process = 18
                    case _:
                        continue
                yield process, site, direction

    def cluster_events(self) -> Iterator[tuple]:
        for cluster in self.clusters:
            sites = frozenset(cluster)
            touched = {self.at(other) for site in cluster for other in self.neighbours(site) if other not in cluster}
            if self.model.cluster_rule == "A":
                anchors = self.model.cluster_anchors if self.model.cluster_anchors is not None else ("F",)
                moves = not touched & {"O", "OO", "A", *anchors}
                escapes = "A" in touched and not touched & {"O", "OO", "E"}
            else:
                anchors = self.model.cluster_anchors if self.model.cluster_anchors is not None else ("E", "F")
                moves = not touched & set(anchors)
                escapes = "A" in touched and not touched & {"E", "F"}
            if escapes:
                yield 19, sites, None
            for direction in range(4):
                ahead = [self.at(self.beside(site, direction)) for site, _ in self.contacts(cluster, direction)]
                if moves and all(symbol == "S" for symbol in ahead):
                    yield 15, sites, direction
                if moves and "C" in ahead:
                    yield 11, sites, direction

    def contacts(self, cluster, direction):
        pairs = [(site, self.beside(site, direction)) for site in sorted(cluster)]
        return [(site, other) for site, other in pairs if other not in cluster]

    def weight(self, event) -> int:
        process, acting, _ = event
        if process != 15:
            return 1
        if self.model.cluster_rule == "B":
            return 2**40
        return round(2**40 * math.exp(-len(acting) / 30.0))

    # ---- what happens

    def step(self, lists) -> tuple:
        """Let one event happen and return it.

        `lists` holds the events of each process in the order in which they are numbered.
        """
        moving, reacting = (
            self.cumulative((12, 13, 14, 15), lists),
            self.cumulative((*range(1, 12), *range(16, 20)), lists),
        )
        total = moving[-1][1] + reacting[-1][1]
        self.time += self.random.exponential() / total
        target = self.random.unit() * total
        group = moving
        if target >= moving[-1][1]:
            target, group = target - moving[-1][1], reacting
        process = next(number for number, limit in group if limit > target or limit == group[-1][1])
        event = self.choose(lists[process], process)
        self.perform(event)
        return event

    def cumulative(self, processes, lists) -> list:
        rates, found, total = (0.0, *self.model.rate_constants()), [], 0.0
        for process in processes:
            weights = sum(self.weight(event) for event in lists[process])
            total += (rates[process] / 2**40 if process == 15 else rates[process]) * weights
            found.append((process, total))
        return found

    def choose(self, events, process):
        if process != 15:
            return events[self.random.below(len(events))]
        for _ in range(16):
            event = events[self.random.below(len(events))]
            if self.weight(event) == 2**40 or self.random.below(2**40) < self.weight(event):
                return event
        remaining = self.random.below(sum(map(self.weight, events)))
        for event in events:
            remaining -= self.weight(event)
            if remaining < 0:
                return event
        raise AssertionError

    def pick(self, choices):
        return choices[0] if len(choices) == 1 else choices[self.random.below(len(choices))]

    def perform(self, event) -> None:
        process, acting, direction = event
        if process in (11, 15, 19):
            self.perform_cluster(process, set(acting), direction)
            return
        other = self.beside(acting, direction)
        if process in (1, 2):
            self.symbols[acting] = "P"
        elif process in (3, 7):
            self.symbols[acting] = "F"
        elif process == 4:
            self.symbols[acting], self.symbols[other] = "O", "S"
        elif process == 5:
            self.bond(acting, other)
        elif process == 6:
            self.join([acting, *self.unbond(other)], set())
        elif process == 8:
            self.join([acting], self.cluster_of(other))
        elif process == 9:
            self.join(self.unbond(acting), self.cluster_of(other))
        elif process == 10:
            self.join(self.unbond(acting) + self.unbond(other), set())
        elif process == 12:
            second = self.pick([site for site in self.neighbours(other) if self.at(site) == "S"])
            for site in self.unbond(acting):
                self.symbols[site] = "S"
            self.bond(other, second)
        elif process in (13, 14):
            self.symbols[acting], self.symbols[other] = self.symbols[other], self.symbols[acting]
        elif process in (16, 17):
            self.symbols[acting] = "S"
        elif process == 18:
            for site in self.unbond(acting):
                self.symbols[site] = "S"

    def perform_cluster(self, process, cluster, direction) -> None:
        number = self.clusters.index(cluster)
        if process == 11:
            contacts = [other for _, other in self.contacts(cluster, direction) if self.at(other) == "C"]
            other = self.cluster_of(self.pick(contacts))
            self.clusters.remove(other)
            self.clusters[self.clusters.index(cluster)] = cluster | other
            return
        for site in cluster:
            self.symbols[site] = "S"
        if process == 19:
            self.clusters.remove(cluster)
            return
        self.clusters[number] = {self.beside(site, direction) for site in cluster}
        for site in self.clusters[number]:
            self.symbols[site] = "C"

    def bond(self, one, two) -> None:
        self.symbols[one] = self.symbols[two] = "OO"
        self.bonds[one], self.bonds[two] = two, one

    def unbond(self, site) -> list:
        other = self.bonds.pop(site)
        del self.bonds[other]
        return [site, other]

    def join(self, sites, cluster) -> None:
        if not cluster:
            self.clusters.append(cluster)
        for site in sites:
            self.symbols[site] = "C"
            cluster.add(site)
