import pytest

from kadi_battgen.electrodes.building.oxidation import excluded_family, extractable_electrons, extractable_ions


@pytest.mark.parametrize(
    ("counts", "ion", "ions"),
    [
        ({"Li": 1, "Fe": 1, "P": 1, "O": 4}, "Li", 1),  # Fe 2+ to 3+
        ({"Li": 1, "Co": 1, "O": 2}, "Li", 1),  # Co 3+ to 4+
        ({"Li": 2, "Mn": 1, "O": 3}, "Li", 0),  # Mn is 4+ already
        ({"Li": 2, "Mn": 1, "O": 2}, "Li", 2),  # Mn 2+ to 4+
        ({"Al": 2, "Fe": 4, "O": 8}, "Al", 2),  # Fe 2.5+ to 4+
        ({"Al": 4, "Fe": 2, "O": 8}, "Al", 1),  # one of four: Fe 2+ to 3.5+
        ({"Y": 4, "Mn": 4, "O": 12}, "Y", 1),  # one of four: Mn 3+ to 3.75+
        ({"Mg": 1, "Mn": 2, "O": 4}, "Mg", 1),
        ({"Na": 3, "V": 2, "P": 3, "O": 12}, "Na", 3),  # V 3+ to 4.5+
        ({"Li": 1, "Fe": 1, "S": 1, "O": 4, "F": 1}, "Li", 1),  # sulfate
        ({"Na": 1, "Al": 1, "O": 2}, "Na", 0),  # no redox metal
        ({"Li": 1, "Fe": 1}, "Li", 0),  # no anion
        ({"K": 2, "Cr": 1, "O": 4}, "K", 0),  # Cr is 6+ already
        ({"Na": 1, "Co": 1, "O": 2}, "Li", 0),  # the ion is absent
    ],
)
def test_ions_that_can_leave(counts, ion, ions):
    assert extractable_ions(counts, ion) == ions


def test_mean_oxidation_state_and_electrons():
    assert extractable_electrons({"Li": 1, "Mn": 2, "O": 4}, "Li") == pytest.approx((3.5, 1.0))


@pytest.mark.parametrize(
    ("counts", "family"),
    [
        ({"K": 2, "Fe": 2, "C": 6, "N": 6}, "cyanide"),
        ({"Mg": 1, "Mo": 6, "S": 8}, "Chevrel phase"),
        ({"Li": 1, "Mo": 1, "S": 2}, None),
        ({"Ca": 1, "Mn": 1, "C": 2, "O": 6}, None),
    ],
)
def test_families_left_out(counts, family):
    assert excluded_family(counts) == family
