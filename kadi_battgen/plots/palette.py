"""Colours that stay apart for colour-blind readers, and one colour for each working ion in every figure."""

from __future__ import annotations

from types import MappingProxyType

from kadi_battgen.electrodes.properties import check_working_ion

#: Colours of the working ions: Paul Tol's muted scheme (technical note SRON/EPS/TN/09-002) with a dark grey as tenth.
ION_COLOURS = MappingProxyType(
    {
        "Li": "#332288",
        "Na": "#DDAA33",
        "K": "#AA4499",
        "Rb": "#CC6677",
        "Cs": "#882255",
        "Mg": "#117733",
        "Ca": "#44AA99",
        "Zn": "#88CCEE",
        "Al": "#555555",
        "Y": "#999933",
    }
)

#: Colours of curves and markers, from Okabe and Ito's palette, dark enough on white.
BLUE = "#0072B2"
VERMILION = "#D55E00"
GREEN = "#009E73"
PURPLE = "#AA4499"
SERIES = (BLUE, VERMILION, GREEN, PURPLE, "#E69F00", "#56B4E9")

INK = "#1A1A1A"
MUTED = "#5F6368"
GRID = "#DADCE0"

#: Colour map of images with one direction (heights, spheres, disks): perceptually even and readable in grey.
IMAGE_COLOURS = "viridis"
#: Colour map of AFM images, as such images are shown in the field.
AFM_COLOURS = "gray"


def ion_colour(symbol: str) -> str:
    """Return the colour of a working ion.

    Raises
    ------
    UserError
        If it is not one of the ten.
    """
    return ION_COLOURS[check_working_ion(symbol)]
