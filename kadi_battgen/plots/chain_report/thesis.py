"""Results of the thesis that an evaluation is read beside, and how they were obtained."""

from __future__ import annotations

from types import MappingProxyType

#: Mean absolute error and mean squared error in atoms, and coefficient of determination, by working ion (table 4.1).
ATOM_REGRESSION = MappingProxyType(
    {
        "Li": (0.021, 0.0236, 0.9989),
        "Na": (0.0181, 0.1593, 0.9707),
        "Mg": (0.0138, 0.03, 0.9996),
        "Al": (0.0475, 0.2687, 0.8097),
        "K": (0.0211, 0.1054, 0.849),
        "Ca": (0.0089, 0.011, 0.9931),
        "Zn": (0.0072, 0.0073, 0.9989),
        "Rb": (0.0169, 0.0738, 0.7284),
        "Y": (0.0158, 0.0411, 0.9015),
        "Cs": (0.0115, 0.0705, 0.5087),
    }
)

#: Frechet distance of translated grey descriptors and type maps, with features of the Inception network (section 4.2.3).
FID = MappingProxyType({"grey": 2.301, "type_map": 26.845})

#: How the thesis measured, and what does not compare.
PROTOCOL = (
    "The thesis has 3,154 electrodes of the Materials Project with 30 orientations each and a split of 70/15/15 in which no "
    "composition is in two parts; it does not say which electrodes, over which samples its scores run, or how they scatter. "
    "Its columns are quoted for orientation: the data are others here, and so is the number of orientations."
)
