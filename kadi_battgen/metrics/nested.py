"""Results of an evaluation as nested metrics: numbers by name, with their intervals beside them.

Any group of numbers may hold ``intervals``: by the name of a number in the group its estimate, low, high and level.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kadi_battgen.metrics.intervals import Interval, seed_interval

#: Groups that hold no results of their own.
_ASIDE = ("intervals", "trainings")


def numbers(metrics: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield path and value of every number in nested metrics; names are joined with dots."""
    for name, value in metrics.items():
        path = f"{prefix}.{name}" if prefix else name
        if isinstance(value, Mapping):
            if name not in _ASIDE:
                yield from numbers(value, path)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield path, float(value)


def interval_of(group: Mapping[str, Any], name: str) -> Interval | None:
    """Return the interval of a number in a group of metrics; None where there is none."""
    found = group.get("intervals", {}).get(name)
    return None if found is None else Interval(found["estimate"], found["low"], found["high"], found["level"])


def over_repetitions(results: Sequence[Mapping[str, Any]], level: float = 0.95) -> dict[str, dict[str, Any]]:
    """Return mean, interval and single values of every number that all repetitions of an evaluation have.

    Parameters
    ----------
    results
        Nested metrics of at least two repetitions, such as trainings with different seeds.
    level
        Nominal coverage of the Student t interval over the repetitions.

    Returns
    -------
    dict
        By path: ``estimate`` (the mean), ``low``, ``high``, ``level`` and ``values``.

    Raises
    ------
    ValueError
        If there are fewer than two repetitions.
    """
    found = [dict(numbers(result)) for result in results]
    if len(found) < 2:
        raise ValueError(f"{len(found)} repetition has no spread")
    common = [path for path in found[0] if all(path in other for other in found[1:])]
    return {
        path: {**seed_interval(values, level).to_json(), "values": values}
        for path, values in ((path, [other[path] for other in found]) for path in common)
    }
