"""Run one simulation of SEI growth from a bare electrode."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from kadi_battgen.errors import UserError
from kadi_battgen.sei.chemistry import SPECIES, SeiModel

if TYPE_CHECKING:
    from kadi_battgen.sei.state import EngineState

#: Why a run ended, in the order of the engine's codes.
STOP_REASONS: Final = ("nothing can happen", "event cap", "time cap")

#: Events between two checkpoints; some seconds of simulation.
CHECKPOINT_EVENTS: Final = 20_000_000

_EVENT_CAP: Final = 1


@dataclass(frozen=True)
class SeiRun:
    """What a simulation came to.

    Attributes
    ----------
    configuration
        Species codes, uint8, shape (height, width); row 0 is the electrode, the last row the absorbing boundary.
    time
        Simulated time in s: the cap where the run reached it, else the time of the last event.
    events
        Number of events.
    stop_reason
        One of ``STOP_REASONS``.
    process_counts
        How often each process happened, int64, shape (19,).
    escaped
        Sites that left as P, O, OO and C through the boundary, int64, shape (4,).
    snapshots
        Configurations at the times asked for, uint8, shape (times, height, width). Those after the end of the run
        equal its configuration.
    clusters
        Number of the cluster of each site, -1 outside of clusters, int32, shape (height, width).
    """

    configuration: np.ndarray
    time: float
    events: int
    stop_reason: str
    process_counts: np.ndarray
    escaped: np.ndarray
    snapshots: np.ndarray
    clusters: np.ndarray = field(repr=False)

    @property
    def species_counts(self) -> dict[str, int]:
        """Number of sites of each species by its symbol; an OO counts as two sites."""
        counts = np.bincount(self.configuration.ravel(), minlength=len(SPECIES))
        return {species.symbol: int(counts[species.code]) for species in SPECIES}


def simulate(
    model: SeiModel,
    barriers: Sequence[float] | np.ndarray | None = None,
    seed: int = 0,
    max_events: int | None = None,
    max_time: float | None = None,
    snapshots: Sequence[float] | np.ndarray | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
) -> SeiRun:
    """Simulate the growth of an SEI; the same arguments give the same result to the bit.

    Parameters
    ----------
    model
        The chemistry and the lattice.
    barriers
        Barriers of the processes 1 to 15 in eV; None for those of the model.
    seed
        Seed of the random numbers, from 0 to 2^64 - 1.
    max_events
        Number of events at which to stop; None for that of the model.
    max_time
        Simulated time in s that no event may pass; None for that of the model.
    snapshots
        Ascending times in s at which to keep the configuration. They do not change what happens.
    checkpoint
        File that keeps the state on the way. Where it exists the run goes on from it, which gives the same result as a
        run that was never stopped, also with larger caps than before.

    Raises
    ------
    UserError
        If a barrier, the seed, a cap or a time is out of range, or the checkpoint belongs to another run.
    """
    from kadi_battgen.sei.checkpoint import read_checkpoint, write_checkpoint
    from kadi_battgen.sei.engine import advance, list_events
    from kadi_battgen.sei.state import EVENTS, empty_state, tables_of

    if barriers is not None:
        model = model.with_barriers(barriers)
    events = model.max_events if max_events is None else max_events
    until = model.max_time if max_time is None else max_time
    until = math.inf if until is None else float(until)
    times = np.asarray([] if snapshots is None else snapshots, dtype=np.float64)
    _check_arguments(seed, events, until, times)

    tables = tables_of(model)
    state = None if checkpoint is None else read_checkpoint(checkpoint, model, seed)
    if state is None:
        state = empty_state(model, seed)
        list_events(state, tables)
    elif times.size and float(state.clock[0]) > times[0]:
        raise UserError(f"{checkpoint} is past the snapshot at {times[0]:g} s: start without it.")
    elif int(state.scalars[EVENTS]) > events or float(state.clock[0]) > until:
        raise UserError(
            f"{checkpoint} is at {state.scalars[EVENTS]} events and {state.clock[0]:g} s, past what is asked for: "
            "raise the caps or start without it."
        )

    frames: list[np.ndarray] = []
    for stop in [*times[times < until], until]:
        reason = _EVENT_CAP
        while reason == _EVENT_CAP:
            leg = events if checkpoint is None else min(events, int(state.scalars[EVENTS]) + CHECKPOINT_EVENTS)
            reason = int(advance(state, tables, leg, float(stop)))
            if checkpoint is not None:
                write_checkpoint(checkpoint, state, model, seed)
            if state.scalars[EVENTS] >= events:
                break
        frames.append(_grid(state.species, model))
    return _result(state, model, reason, until, frames, len(times))


def _check_arguments(seed: Any, events: Any, until: float, times: np.ndarray) -> None:
    """Complain about arguments that no run can have."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**64:
        raise UserError(f"The seed is {seed}: give an integer from 0 to 2^64 - 1.")
    if isinstance(events, bool) or not isinstance(events, int | np.integer) or not 0 <= events <= 10**15:
        raise UserError(f"The number of events is capped at {events}: give an integer from 0 to 10^15.")
    if not until > 0.0:
        raise UserError(f"The simulated time is capped at {until:g} s: give a time above 0 s.")
    if times.ndim != 1 or not np.all(np.isfinite(times)) or np.any(times < 0) or np.any(np.diff(times) < 0):
        raise UserError(
            "The times of the snapshots are not ascending numbers of seconds: give them in ascending order."
        )


def _grid(values: np.ndarray, model: SeiModel) -> np.ndarray:
    """Return values by site as a copy of shape (height, width), without the walls."""
    return values.reshape(model.height, model.width + 2)[:, 1:-1].copy()


def _result(
    state: EngineState, model: SeiModel, reason: int, until: float, frames: list[np.ndarray], snapshots: int
) -> SeiRun:
    """Return the run that ended in a state."""
    from kadi_battgen.sei.state import ESCAPED_CLUSTER_SITES, EVENTS

    counts = state.process_counts[1:].copy()
    last = frames[-1]
    kept = [*frames[:snapshots], *[last] * (snapshots - len(frames))]
    return SeiRun(
        configuration=last,
        time=until if STOP_REASONS[reason] == "time cap" else float(state.clock[0]),
        events=int(state.scalars[EVENTS]),
        stop_reason=STOP_REASONS[reason],
        process_counts=counts,
        escaped=np.array(
            [counts[15], counts[16], 2 * counts[17], state.scalars[ESCAPED_CLUSTER_SITES]], dtype=np.int64
        ),
        snapshots=np.array(kept, dtype=np.uint8).reshape(snapshots, model.height, model.width),
        clusters=_grid(state.cluster, model),
    )
