"""Small tables of electrodes that agree with physics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from kadi_battgen.datasets.cleaning.table import Table
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES, WORKING_IONS

PROPERTIES = tuple(FUNCTIONAL_PROPERTIES)


def make_table(
    voltage: Sequence[float],
    capacity: Sequence[float],
    change: Sequence[float],
    density: Sequence[float] | float = 4.0,
    **descriptors: Sequence[float],
) -> Table:
    """Return electrodes whose energies follow from voltage and capacity; ids sort as numbered, ions take turns."""
    v, q, c = (np.array(values, dtype=float) for values in (voltage, capacity, change))
    volumetric = q * density
    numbers = dict(zip(PROPERTIES, (v, q, volumetric, v * q, v * volumetric, c), strict=True))
    count = len(v)
    text = {
        "working_ion": [WORKING_IONS[row % 3] for row in range(count)],
        "formula_charge": [""] * count,
        "formula_discharge": [f"Li{row + 1}FePO4" for row in range(count)],
    }
    return Table.of([f"row-{row:03d}" for row in range(count)], text, {**numbers, **descriptors})


@st.composite
def tables(draw: st.DrawFn, smallest: int = 6, holes: bool = False) -> Table:
    """Draw physical tables of 6 to 30 rows with two descriptors, in any order, some with missing values."""
    count = draw(st.integers(smallest, 30))
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    table = make_table(
        random.normal(3, 2, count),
        random.lognormal(5, 0.7, count),
        random.lognormal(-3, 1, count),
        random.uniform(2, 6, count),
        stability=random.exponential(0.1, count),
        sites=random.integers(3, 60, count).astype(float),
    )
    if holes:
        # Some rows stay whole, so that there is something to learn from.
        missing = random.uniform(size=(count, 6)) < 0.15
        missing[:4] = False
        columns = {
            name: np.where(missing[:, place], np.nan, table.numbers[name]) for place, name in enumerate(PROPERTIES)
        }
        table = table.with_numbers(columns)
    return table.rows(random.permutation(count))


def same(first: Table, second: Table) -> bool:
    """Tell whether two tables hold the same rows in the same order, to the last bit."""
    return (
        first.ids.tolist() == second.ids.tolist()
        and list(first.numbers) == list(second.numbers)
        and all(np.array_equal(first.numbers[name], second.numbers[name], equal_nan=True) for name in first.numbers)
        and {name: cells.tolist() for name, cells in first.text.items()}
        == {name: cells.tolist() for name, cells in second.text.items()}
    )
