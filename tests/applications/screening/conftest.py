"""Candidates of known formulas."""

from __future__ import annotations

import numpy as np
import pytest

from kadi_battgen.applications.screening.candidates import Candidate, Expectation, GeneratedFormula
from kadi_battgen.applications.screening.neighbours import KnownElectrodes
from kadi_battgen.applications.screening.targets import Target
from kadi_battgen.electrodes.composition import composition_vector
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES

#: Quantiles at 0, 5, 50, 95 and 100 % of each property, as on a screening model's card: a spread of 100 in each unit.
RANGES = {"any": {"electrodes": 9, **{name: [0.0, 0.0, 50.0, 100.0, 100.0] for name in FUNCTIONAL_PROPERTIES}}}

TARGET = Target.parse("Li", {"gravimetric_capacity": "200:", "average_voltage": "0:9"})


@pytest.fixture(scope="module")
def assess(bundled):
    known = KnownElectrodes(bundled.electrodes)

    def make(formula, position=0, target=TARGET, *, ion="Li", extracted=1.0, voltage=3.5):
        counts = composition_vector(formula) if formula else np.zeros(112, dtype=np.float32)
        mean = np.array([voltage, 0.0, 500.0, 600.0, 2000.0, 0.05])
        return Candidate.assess(
            GeneratedFormula(counts, ion, extracted, counts, counts, 1.0),
            expected=Expectation(mean, mean - 0.02, mean + 0.02),
            target=target,
            asked=np.array([np.nan, 210.0, np.nan, np.nan, np.nan, np.nan]),
            known=known,
            training_ranges=RANGES,
            seed=7,
            position=position,
        )

    return make
