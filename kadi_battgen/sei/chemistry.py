"""The chemistry of the SEI model as data: species, processes, barriers and their sources, cluster rules.

The engine holds no chemistry. It reads the tables below, so that another barrier, temperature, lattice, tunnelling depth
or cluster rule is a change here, in a :class:`SeiModel` or in its YAML file, and never in the engine.

The model is that of Esmaeilpour et al., Adv. Energy Mater. 13, 2203966 (2023): a square lattice of sites about 1 nm
apart, with the electrode as its first row and an absorbing boundary as its last, and walls at both sides. Every process
with barrier E goes on at k = (k_B T / h) exp(-E / k_B T).

Most processes belong to an *acting site* and one of its four neighbours, whose species decide which process it is
(``PAIR_PROCESSES``). In full:

======= ====================== ========================== ==================================================================
process acting site, neighbour condition                  what happens
======= ====================== ========================== ==================================================================
1       S, E                                              the acting site becomes P
2       S, F                   acting site within reach   the acting site becomes P
3       P, E                                              the acting site becomes F
4       P, P                   from both sides            the acting site becomes O, the neighbour S
5       O, O                   from both sides            both sites become one OO
6       O, OO                                             the O and both sites of the OO become a cluster
7       P, F                   acting site within reach   the acting site becomes F
8       O, C                                              the acting site joins the neighbour's cluster
9       OO, C                                             both sites of the OO join the neighbour's cluster
10      OO, OO                 two OO, from both sides    all four sites become a cluster
12      OO, S                  the S has an S beside it   the OO moves to the neighbour and one of the S beside that, drawn
                                                          with equal probability, and so turns too; its old sites become S
13      O, S                                              the two change places
14      P, S                                              the two change places
16, 17  P or O, A                                         the acting site becomes S
18      OO, A                                             both sites of the OO become S
======= ====================== ========================== ==================================================================

*Within reach* is the tunnelling depth: a row at most that many nm above the electrode row. *From both sides* means that
either site of a pair may be the acting one, so that such a pair reacts at 2 k (``like_pairs`` makes it k). A site with
several neighbours of a kind counts once for each of them.

The remaining three belong to a cluster and a direction. A cluster is what processes 6 and 10 form and 8, 9 and 11 grow;
clusters that touch remain two until they merge.

- 15, hop: the whole cluster moves by one site, where every site ahead of it is S. In rule A the rate is scaled by
  exp(-n / 30) with n sites in the cluster (in steps of 2^-40, so that the sum of such rates is exact).
- 11, merge: where at least one site ahead belongs to another cluster, the two become one; if several do, one of these
  contacts is drawn with equal probability. Its rate does not depend on the size or on the number of contacts.
- 19, escape: all sites of a cluster that touches the absorbing boundary become S.

Which of these a cluster may do depends on what it touches (``CLUSTER_RULES``). In rule A a cluster that touches F, O, OO
or the boundary neither hops nor merges from its own side, and one that touches E, O or OO does not escape. In rule B a
cluster that touches E or F does none of the three.

The rules are those of two public codes by the model's authors (A: SEI-Model-Active-Learning, B: KMC-CIDEMOD), without what
depends there on the order of their lists or on the machine: both add an event of process 8 or 9 from a cluster's own side,
with whichever O they find first; A stops by wall clock and lists the events of the electrode again at every step, which
multiplies processes 1 and 3 by 30 to 90 (``reduction_multipliers`` mimics that); B lets electrons pass through anchored
clusters, too, and keeps calling a cluster anchored by what it touched when it last changed. Neither merges clusters in a
direction in which one of them touches a wall.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from kadi_battgen.electrodes.collection import describe_validation
from kadi_battgen.errors import UserError
from kadi_battgen.files import existing_file

#: Boltzmann constant in eV/K and Planck constant in eV s (CODATA 2018, rounded from exact values).
BOLTZMANN_CONSTANT: Final = 8.617333262145e-5
PLANCK_CONSTANT: Final = 4.135667696e-15

#: Distance of two neighbouring sites in nm.
SITE_SIZE: Final = 1.0

#: Species codes of a configuration.
SOLVENT, ELECTRODE, BOUNDARY, RADICAL, INORGANIC, ORGANIC, DIMER, CLUSTER = range(8)


@dataclass(frozen=True)
class Species:
    """What a site of the lattice can hold.

    Attributes
    ----------
    code
        Its number in a configuration.
    symbol
        Its short name in equations.
    name, formula
        Its name in words and its chemical formula, empty where it has none.
    mobile
        Whether it moves.
    """

    code: int
    symbol: str
    name: str
    formula: str
    mobile: bool


SPECIES: Final = (
    Species(SOLVENT, "S", "solvent", "C3H4O3", False),
    Species(ELECTRODE, "E", "electrode", "", False),
    Species(BOUNDARY, "A", "absorbing boundary", "", False),
    Species(RADICAL, "P", "open-ring radical salt", "C2H4OCOOLi", True),
    Species(INORGANIC, "F", "lithium carbonate", "Li2CO3", False),
    Species(ORGANIC, "O", "lithium ethylene dicarbonate", "Li2EDC", True),
    Species(DIMER, "OO", "two bonded lithium ethylene dicarbonates", "(Li2EDC)2", True),
    Species(CLUSTER, "C", "organic cluster", "(Li2EDC)n", True),
)

#: Where the barriers come from.
DEFAULT_SOURCE: Final = "default of the public KMC-CIDEMOD workflow (KIT), 2023"
RANGE_SOURCE: Final = "published runs of the SEI active learning workflow (KIT), Adv. Energy Mater. 13, 2203966 (2023)"


@dataclass(frozen=True)
class Process:
    """One process of the model.

    Attributes
    ----------
    number
        Its number, from 1.
    equation
        Reactants and products.
    barrier
        Its usual barrier in eV.
    lower_barrier
        Lower end of its published range in eV; None where the barrier is never varied.
    source, range_source
        Where the barrier and the range come from.
    """

    number: int
    equation: str
    barrier: float
    lower_barrier: float | None = None
    source: str = DEFAULT_SOURCE
    range_source: str = RANGE_SOURCE


PROCESSES: Final = (
    Process(1, "E + S -> E + P", 0.50, 0.2818),
    Process(2, "F + S -> F + P", 0.27, 0.2652),
    Process(3, "E + P -> E + F", 0.32, 0.3065),
    Process(4, "P + P -> O + S", 0.41, 0.2960),
    Process(5, "O + O -> OO", 0.63, 0.5451),
    Process(6, "O + OO -> C", 0.71, 0.4680),
    Process(7, "F + P -> F + F", 0.53, 0.4925),
    Process(8, "O + C -> C", 0.47, 0.4569),
    Process(9, "OO + C -> C", 0.46, 0.4567),
    Process(10, "OO + OO -> C", 0.51, 0.4575),
    Process(11, "C + C -> C", 0.48, 0.4590),
    Process(12, "OO + S -> S + OO", 0.41, 0.3954),
    Process(13, "O + S -> S + O", 0.36, 0.3453),
    Process(14, "P + S -> S + P", 0.35, 0.3488),
    Process(15, "C + S -> S + C", 0.38, 0.3806),
    Process(16, "P + A -> S + A", 0.01),
    Process(17, "O + A -> S + A", 0.01),
    Process(18, "OO + A -> S + A", 0.01),
    Process(19, "C + A -> S + A", 0.01),
)

#: Number of barriers that are varied, of all processes, and the names of the former as columns of a table.
BARRIERS: Final = 15
PROCESS_COUNT: Final = len(PROCESSES)
BARRIER_NAMES: Final = tuple(f"e{process.number}" for process in PROCESSES[:BARRIERS])

#: Factor between the ends of a published barrier range.
PUBLISHED_SPAN: Final = 10**0.25

#: Highest barrier in eV that is accepted; a process behind a higher one never happens.
HIGHEST_BARRIER: Final = 3.0

#: Which process an acting site of one species has with a neighbour of another.
PAIR_PROCESSES: Final[Mapping[tuple[int, int], int]] = {
    (SOLVENT, ELECTRODE): 1,
    (SOLVENT, INORGANIC): 2,
    (RADICAL, ELECTRODE): 3,
    (RADICAL, RADICAL): 4,
    (ORGANIC, ORGANIC): 5,
    (ORGANIC, DIMER): 6,
    (RADICAL, INORGANIC): 7,
    (ORGANIC, CLUSTER): 8,
    (DIMER, CLUSTER): 9,
    (DIMER, DIMER): 10,
    (DIMER, SOLVENT): 12,
    (ORGANIC, SOLVENT): 13,
    (RADICAL, SOLVENT): 14,
    (RADICAL, BOUNDARY): 16,
    (ORGANIC, BOUNDARY): 17,
    (DIMER, BOUNDARY): 18,
}

#: Processes that need the acting site within the tunnelling depth, and those of two alike.
TUNNELLING_PROCESSES: Final = (2, 7)
LIKE_PAIR_PROCESSES: Final = (4, 5, 10)


@dataclass(frozen=True)
class ClusterRule:
    """What a cluster may do, by what it touches.

    Attributes
    ----------
    halted_by
        Species beside a cluster that keep it from hopping and from merging from its own side.
    held_by
        Species beside a cluster that keep it from escaping through the boundary.
    size_scale
        Number of sites over which the rate of a hop falls by e; None where the size does not matter.
    """

    halted_by: frozenset[int]
    held_by: frozenset[int]
    size_scale: float | None


CLUSTER_RULES: Final[Mapping[str, ClusterRule]] = {
    "A": ClusterRule(
        halted_by=frozenset({ORGANIC, DIMER, BOUNDARY, INORGANIC}),
        held_by=frozenset({ORGANIC, DIMER, ELECTRODE}),
        size_scale=30.0,
    ),
    "B": ClusterRule(
        halted_by=frozenset({ELECTRODE, INORGANIC}), held_by=frozenset({ELECTRODE, INORGANIC}), size_scale=None
    ),
}


def check_barrier(process: Process, barrier: float) -> None:
    """Complain about a barrier in eV that no process of this kind has.

    Raises
    ------
    ValueError
        If it is negative, above `HIGHEST_BARRIER` or not a number.
    """
    if not 0.0 <= barrier <= HIGHEST_BARRIER:
        raise ValueError(
            f"the barrier of process {process.number} ({process.equation}) is {barrier:g} eV: "
            f"give 0 to {HIGHEST_BARRIER:g} eV"
        )


class SeiModel(BaseModel):
    """One SEI model: everything that decides what a run with a given seed does.

    See the table of the processes above for what the fields mean.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    barriers: tuple[float, ...] = Field(
        tuple(process.barrier for process in PROCESSES[:BARRIERS]),
        description="barriers of the processes 1 to 15 in eV",
    )
    escape_barriers: tuple[float, ...] = Field(
        tuple(process.barrier for process in PROCESSES[BARRIERS:]),
        description="barriers of the processes 16 to 19 in eV",
    )
    temperature: float = Field(300.0, ge=50.0, le=2000.0, description="temperature in K")
    width: int = Field(50, ge=8, le=1000, description="sites along the electrode")
    height: int = Field(50, ge=8, le=1000, description="rows, with the electrode and the absorbing boundary")
    tunnelling_depth: float = Field(
        4.0, ge=0.0, le=1000.0, description="height above the electrode in nm up to which Li2CO3 passes electrons on"
    )
    cluster_rule: Literal["A", "B"] = Field(
        "A",
        description="A halts a cluster beside Li2CO3, O, OO or the boundary and slows large ones; B beside E or Li2CO3",
    )
    cluster_anchors: tuple[Literal["E", "F"], ...] | None = Field(
        None, description="species beside a cluster that keep it from moving, where they are not those of the rule"
    )
    like_pairs: Literal["both sides", "once"] = Field(
        "both sides", description="whether P + P, O + O and OO + OO react at twice their rate constant or at once it"
    )
    reduction_multipliers: tuple[Annotated[float, Field(gt=0.0, le=1e6)], Annotated[float, Field(gt=0.0, le=1e6)]] = (
        Field(
            (1.0, 1.0),
            description="factors on the rates of processes 1 and 3; 30 to 90 mimic events that the public code counts again",
        )
    )
    max_events: int = Field(1_000_000, ge=0, le=10**15, description="events after which a run stops")
    max_time: float | None = Field(None, gt=0.0, description="simulated time in s at which a run stops")

    @field_validator("barriers", "escape_barriers")
    @classmethod
    def _check_barriers(cls, values: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        processes = PROCESSES[:BARRIERS] if info.field_name == "barriers" else PROCESSES[BARRIERS:]
        if len(values) != len(processes):
            raise ValueError(f"{len(values)} barriers were given: give {len(processes)}, one a process")
        for process, value in zip(processes, values, strict=True):
            check_barrier(process, value)
        return values

    @classmethod
    def create(cls, origin: str = "SEI model", **fields: Any) -> Self:
        """Return a model, and complain in one sentence where a field is wrong.

        Parameters
        ----------
        origin
            What the fields come from, for the message.
        **fields
            The fields of the model.

        Raises
        ------
        UserError
            If a field is unknown or its value out of range.
        """
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            raise UserError(f"{origin}: {describe_validation(error)}.") from error

    def with_barriers(self, barriers: Sequence[float] | np.ndarray) -> Self:
        """Return the model with other barriers 1 to 15 in eV.

        Raises
        ------
        UserError
            If there are not 15, or one is not a number from 0 to 3 eV.
        """
        values = np.asarray(barriers, dtype=np.float64)
        if values.shape != (BARRIERS,):
            raise UserError(
                f"Barriers of shape {values.shape} were given: give {BARRIERS}, one for each process 1 to 15."
            )
        try:
            for process, value in zip(PROCESSES[:BARRIERS], values, strict=True):
                check_barrier(process, value)
        except ValueError as error:
            raise UserError(f"Barriers: {error}.") from error
        return self.model_copy(update={"barriers": tuple(values.tolist())})

    def rate_constants(self) -> tuple[float, ...]:
        """Return the rate constants of the 19 processes in 1/s.

        They are computed in decimal arithmetic, so that they do not depend on the processor's exponential.
        """
        context = Context(prec=40)
        thermal = context.multiply(Decimal(repr(BOLTZMANN_CONSTANT)), Decimal(repr(self.temperature)))
        prefactor = context.divide(thermal, Decimal(repr(PLANCK_CONSTANT)))
        exponents = [context.divide(-Decimal(repr(float(e))), thermal) for e in self.barriers + self.escape_barriers]
        rates = [float(context.multiply(prefactor, context.exp(exponent))) for exponent in exponents]
        rates[0] *= self.reduction_multipliers[0]
        rates[2] *= self.reduction_multipliers[1]
        if self.like_pairs == "once":
            for number in LIKE_PAIR_PROCESSES:
                rates[number - 1] *= 0.5
        return tuple(rates)

    def tunnelling_rows(self) -> int:
        """Return the last row (0 is the electrode) that electrons reach through Li2CO3."""
        return min(self.height - 1, math.floor(self.tunnelling_depth / SITE_SIZE))

    def rule(self) -> ClusterRule:
        """Return the cluster rule, with the model's own anchors where it has any."""
        rule = CLUSTER_RULES[self.cluster_rule]
        if self.cluster_anchors is None:
            return rule
        anchors = {ELECTRODE if symbol == "E" else INORGANIC for symbol in self.cluster_anchors}
        return ClusterRule(rule.halted_by - {ELECTRODE, INORGANIC} | anchors, rule.held_by, rule.size_scale)


def published_minimum(barrier: str) -> float:
    """Return the lower end of a barrier's published range in eV; the upper end is 10^(1/4) times it.

    Parameters
    ----------
    barrier
        One of ``BARRIER_NAMES``.
    """
    minimum = PROCESSES[BARRIER_NAMES.index(barrier)].lower_barrier
    assert minimum is not None
    return minimum


def read_model(path: str | os.PathLike[str]) -> SeiModel:
    """Read a model from a YAML file that holds the fields that differ from the default ones.

    Raises
    ------
    UserError
        If the file is missing or no YAML, or a field is unknown or out of range.
    """
    source = existing_file(path)
    try:
        document = yaml.safe_load(source.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{source} is not YAML ({str(error).splitlines()[0]}): mend the file.") from error
    if not isinstance(document, dict) or not all(isinstance(name, str) for name in document):
        raise UserError(f"{source} holds no fields: write it as 'field: value' lines.")
    return SeiModel.create(str(source), **{str(name): value for name, value in document.items()})


def model_yaml(model: SeiModel) -> str:
    """Return a model as YAML that :func:`read_model` reads."""
    return yaml.safe_dump(model.model_dump(mode="json"), sort_keys=False, default_flow_style=None)
