from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kadi_battgen.electrodes.sources.materials_project.identifiers import battery_id, normalised_id


@pytest.mark.parametrize(
    ("identifier", "normalised"),
    [
        ("mp-1002", "mp-1002"),
        ("mp-bmo", "mp-1002"),
        ("mp-aaaaabmo", "mp-1002"),
        ("aaaaabmo", "mp-1002"),
        ("1002", "mp-1002"),
        ("mvc-12905", "mvc-12905"),
        ("mp-3347529", "mp-3347529"),
        ("mp-3347530", "mp-aaahilze"),
    ],
)
def test_both_notations_are_one(identifier: str, normalised: str):
    assert normalised_id(identifier) == normalised


@pytest.mark.parametrize(
    "identifier", ["", "mp-", "mp-12-GGA", "MP-BMO", "mp-1a", "mp-é", "mp-½", "None", "mp_1002", "-5"]
)
def test_what_is_no_identifier(identifier: str):
    with pytest.raises(ValueError, match="no identifier"):
        normalised_id(identifier)


@given(st.integers(0, 10**10))
@settings(max_examples=50)
def test_every_number_has_one_notation(number: int):
    from emmet.core.mpid import AlphaID

    letters = [str(AlphaID(number, prefix="mp", padlen=padding)) for padding in (0, 8)]
    found = {normalised_id(each) for each in (f"mp-{number}", *letters)}
    assert len(found) == 1
    assert normalised_id(found.pop()) in {f"mp-{number}", letters[1]}


@pytest.mark.parametrize(
    ("materials", "electrode"),
    [
        (["mp-1000", "mp-999"], "mp-999_Li"),
        (["mp-aaahilze", "mp-5000"], "mp-5000_Li"),
        (["mvc-1", "mp-5000"], "mp-5000_Li"),
        (["mvc-12", "mvc-7"], "mvc-7_Li"),
    ],
)
def test_electrode_is_called_after_its_smallest_material(materials: list[str], electrode: str):
    assert battery_id(materials, "Li") == electrode
