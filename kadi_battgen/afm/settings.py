"""Settings of the AFM simulation and the conventions that are stored with its images."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from kadi_battgen.afm.opencl import OpenCLDevice

#: The four descriptors as six image channels, in the order in which they are stored.
DESCRIPTOR_CHANNELS = (
    "height_map",
    "vdw_spheres",
    "atomic_disks",
    "type_map_red",
    "type_map_green",
    "type_map_blue",
)

#: Units of the channels; atomic disks are a dimensionless brightness.
DESCRIPTOR_UNITS = ("A", "A", "1", "A", "A", "A")

#: Unit of the stacks.
STACK_UNIT = "Hz"


#: Distance of the outer tip charges from the probe particle in A, as in ppafm.
_CHARGE_OFFSET = 0.1


class TipCharges(BaseModel):
    """Point charges that move with the probe particle and feel the point charges of the sample.

    They sit on the vertical axis 0.1 A above, at and 0.1 A below the probe particle. The default is ppafm's CO tip,
    charges of -10, 20 and -10 e: a pure quadrupole (Peng et al., Nat. Commun. 9, 122 (2018)).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    charge: float = Field(0.0, ge=-2.0, le=2.0, description="total charge of the tip in e")
    quadrupole: float = Field(
        -0.2, ge=-2.0, le=2.0, description="quadrupole of the tip, sum of charge times height squared, in e A^2"
    )

    @property
    def charges(self) -> tuple[float, float, float]:
        """The three charges in e, in the order of :attr:`offsets`."""
        outer = self.quadrupole / (2.0 * _CHARGE_OFFSET**2)
        return outer, self.charge - 2.0 * outer, outer

    @property
    def offsets(self) -> tuple[float, float, float]:
        """Heights of the charges above the probe particle in A."""
        return _CHARGE_OFFSET, 0.0, -_CHARGE_OFFSET


class ScanSettings(BaseModel):
    """Everything that decides what an AFM stack and its descriptors look like.

    The probe is a CO molecule: a rigid tip with an oxygen atom hanging below it on a spring (Hapala et al., Phys. Rev.
    B 90, 085421 (2014)). Forces are Lennard-Jones forces and, where the tip has charges, Coulomb forces of the formal
    charges that the sample's atoms have by their oxidation states.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    window: float = Field(21.0, gt=4.0, le=100.0, description="edge of the square scan window in A")
    pixels: int = Field(128, ge=16, le=1024, multiple_of=8, description="pixels along each edge of an image")
    heights: int = Field(10, ge=1, le=100, description="number of constant heights in a stack")
    height_step: float = Field(0.1, gt=0.0, le=1.0, description="distance between two heights in A")
    oscillation_steps: int = Field(
        10, ge=2, le=60, description="peak-to-peak amplitude of the tip's oscillation in height steps"
    )
    probe: int = Field(8, ge=1, le=112, description="atomic number of the probe particle, 8 for the O of a CO tip")
    probe_length: float = Field(4.0, ge=1.0, le=8.0, description="length of the lever of the probe particle in A")
    lateral_stiffness: float = Field(0.25, gt=0.0, description="bending stiffness of the probe particle in N/m")
    radial_stiffness: float = Field(30.0, gt=0.0, description="stretching stiffness of the probe particle in N/m")
    start_distance: float = Field(
        1.3, gt=-1.0, le=10.0, description="tip-sample distance at the highest tip position in A"
    )
    electrostatics: TipCharges | None = Field(
        None, description="charges of the tip in a sample charged by oxidation states; none for neutral atoms"
    )
    neutral_tip: bool = Field(
        False,
        description="whether a second, neutral tip scans the same sample: its slices come before those of the charged tip",
    )
    margin: float = Field(
        1.5, ge=0.0, le=10.0, description="least room between an atom centre and the window edge in A"
    )
    resonance_frequency: float = Field(30300.0, gt=0.0, description="resonance frequency of the cantilever in Hz")
    cantilever_stiffness: float = Field(1800.0, gt=0.0, description="stiffness of the cantilever in N/m")
    height_map_force: float = Field(0.1, gt=0.0, description="vertical force in eV/A at which the height map is taken")
    height_map_depth: float = Field(2.0, gt=0.0, le=10.0, description="depth range of the height map in A")
    sphere_depth: float = Field(1.5, gt=0.0, description="depth range of the van der Waals spheres in A")
    disk_depth: float = Field(1.2, gt=0.0, description="depth range of the atomic disks in A")

    @model_validator(mode="after")
    def _check_tips(self) -> Self:
        if self.neutral_tip and self.electrostatics is None:
            raise ValueError(
                "neutral_tip adds to a charged tip: give electrostatics, or leave both out for a neutral tip alone"
            )
        return self

    @property
    def tips(self) -> tuple[str, ...]:
        """Tips in the order of their slices, ``neutral`` or ``charged``."""
        if self.electrostatics is None:
            return ("neutral",)
        return ("neutral", "charged") if self.neutral_tip else ("charged",)

    @property
    def slices(self) -> int:
        """Number of slices of a stack: each tip scans all heights."""
        return len(self.tips) * self.heights

    @property
    def slice_distances(self) -> np.ndarray:
        """Tip-sample distance of each slice in A, float64, (slices,): those of one tip after those of the other."""
        return np.tile(self.tip_sample_distances, len(self.tips))

    @property
    def pixel_size(self) -> float:
        """Distance between two pixel centres in A; the outermost pixel centres lie on the edges of the window."""
        return self.window / (self.pixels - 1)

    @property
    def tip_positions(self) -> int:
        """Number of tip positions from the highest to the lowest point of the oscillation."""
        return self.heights + self.oscillation_steps - 1

    @property
    def amplitude(self) -> float:
        """Peak-to-peak amplitude of the oscillation in A."""
        return self.oscillation_steps * self.height_step

    @property
    def tip_sample_distances(self) -> np.ndarray:
        """Tip-sample distance of each height at the middle of the oscillation in A, float64, farthest first."""
        middle = (self.oscillation_steps - 1) / 2.0
        return self.start_distance - self.height_step * (np.arange(self.heights) + middle)

    def to_json(self) -> dict[str, Any]:
        """Return the settings as plain JSON values; electrostatics and a second tip are named only where there are any."""
        unnamed = None if self.neutral_tip else {"neutral_tip"}
        return self.model_dump(mode="json", exclude_none=True, exclude=unnamed)

    def conventions(self, device: OpenCLDevice, ppafm_version: str) -> dict[str, Any]:
        """Return what a reader has to know about images made with these settings, as a JSON object.

        Parameters
        ----------
        device
            What the images were simulated on.
        ppafm_version
            Version of ppafm.
        """
        half = self.window / 2.0
        return {
            "quantity": "frequency shift of the cantilever; positive where the sample repels the tip",
            "unit": STACK_UNIT,
            "axis_order": {
                "stacks": ["height", "y", "x"],
                "descriptors": ["channel", "y", "x"],
                "direction": "row index grows with +y, column index with +x, z points from the sample to the tip",
                "first_slice": "farthest from the sample",
                **(
                    {"tips": f"all heights of the {' tip, then all of the '.join(self.tips)} tip"}
                    if self.neutral_tip
                    else {}
                ),
            },
            "window": {"x": [-half, half], "y": [-half, half], "unit": "A"},
            "centre": "middle of the bounding box of the atom centres after rotation",
            "pixels": [self.pixels, self.pixels],
            "pixel_size": {
                "value": self.pixel_size,
                "unit": "A",
                "position": "first and last pixel centre on the edge",
            },
            "heights": {"values": [round(float(d), 6) for d in self.slice_distances], "unit": "A"},
            "tip_sample_distance": (
                "vertical distance of the undeflected probe particle, at the middle of the oscillation, above the "
                "contact plane; at the contact plane the probe particle reaches the Lennard-Jones minimum distance "
                "straight above the atom for which z plus that distance is largest"
            ),
            "tip_base": {
                "above_contact_plane": self.start_distance + self.probe_length,
                "unit": "A",
                "meaning": "z of the tip's end at its highest position; ppafm's distAbove",
            },
            "tip": {
                "probe_particle": self.probe,
                "probe_length": {"value": self.probe_length, "unit": "A"},
                "lateral_stiffness": {"value": self.lateral_stiffness, "unit": "N/m"},
                "radial_stiffness": {"value": self.radial_stiffness, "unit": "N/m"},
                **self._tip_charges(),
            },
            "oscillation": {
                "amplitude_peak_to_peak": {"value": self.amplitude, "unit": "A"},
                "resonance_frequency": {"value": self.resonance_frequency, "unit": "Hz"},
                "stiffness": {"value": self.cantilever_stiffness, "unit": "N/m"},
            },
            "forces": (
                "Lennard-Jones, ppafm's atomtypes.ini, summed over the atoms of the isolated unit cell; "
                + ("no electrostatics" if self.electrostatics is None else _ELECTROSTATICS)
            ),
            "descriptors": {
                "height_map": (
                    f"height of the surface of constant vertical force {self.height_map_force:g} eV/A above the "
                    f"deepest level shown, {self.height_map_depth:g} A below its highest point"
                ),
                "vdw_spheres": (
                    f"height of the atoms' spheres (van der Waals radius - 0.5 A) relative to their highest point, "
                    f"down to {-self.sphere_depth:g} A"
                ),
                "atomic_disks": f"conical disks of the atoms, fading over a depth of {self.disk_depth:g} A",
                "type_map_red": "spheres of all other elements up to Z = 112",
                "type_map_green": "spheres of the elements that are gases as such: H, N, O, F, Cl, noble gases",
                "type_map_blue": "spheres of the working ion",
            },
            "rotation": "position of an atom under the tip = rotation @ position in the crystal, up to a shift",
            "device": device.as_dict(),
            "ppafm": ppafm_version,
        }

    def _tip_charges(self) -> dict[str, Any]:
        tip = self.electrostatics
        if tip is None:
            return {"charge": 0.0}
        return {
            "charge": tip.charge,
            "quadrupole": {"value": tip.quadrupole, "unit": "e A^2", "meaning": "sum of charge times height squared"},
            "point_charges": {
                "values": list(tip.charges),
                "unit": "e",
                "heights_above_probe_particle": list(tip.offsets),
                "height_unit": "A",
            },
        }


_ELECTROSTATICS = (
    "Coulomb between the tip's point charges, which move with the probe particle, and the atoms' formal charges: the most "
    "likely charge-balanced oxidation states of the cell's composition, averaged over the atoms of an element (pymatgen), "
    "zero where no assignment balances; 14.399644 eV A/e^2, no screening; the height map is of the Lennard-Jones force alone"
)
