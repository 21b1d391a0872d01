"""Which tips scanned, told from conventions and heights."""

from __future__ import annotations

import numpy as np
import pytest

from kadi_battgen.afm.opencl import start_ppafm
from kadi_battgen.afm.settings import ScanSettings, TipCharges
from kadi_battgen.afm.tips import tip_parts, tips_of


@pytest.mark.parametrize(
    ("settings", "tips"),
    [
        (ScanSettings(), ("neutral",)),
        (ScanSettings(electrostatics=TipCharges()), ("charged",)),
        (ScanSettings(electrostatics=TipCharges(), neutral_tip=True), ("neutral", "charged")),
    ],
)
def test_conventions_and_heights_name_the_tips_of_the_settings(settings, tips):
    conventions = settings.conventions(start_ppafm(), "0.4.1")
    assert tips_of(conventions) == settings.tips == tips
    parts = tip_parts(conventions["heights"]["values"])
    assert [part.stop - part.start for part in parts] == [settings.heights] * len(tips)
    assert len(tip_parts(np.array([0.5]))) == 1
