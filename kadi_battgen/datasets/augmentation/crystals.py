"""Augmented copies of crystals: strained, perturbed, turned and written in other axes (thesis section 3.1.3).

What stays true of an electrode whose discharge structure is augmented:

=====================  ==============================================================================================
formulas, composition  unchanged: no atom is added, removed or exchanged
gravimetric capacity   unchanged: it follows from the formulas alone
average voltage        kept: a small strain shifts both ends' energies by far less than the error of the voltage; this is
                       no longer so for large strains, which is why they are limited
gravimetric energy     kept with them
volumetric capacity    divided by the volume ratio, so that it remains charge per volume of the structure that is shown
volumetric energy      likewise
volume change          kept: the strain is one that the charged end shares (temperature, pressure, a potential's bias)
=====================  ==============================================================================================

Strained structures are a way to show a model more of the configuration space (Dinic et al., Patterns 4, 100663 (2023);
Abenza et al. (2023)); they are not relaxed, and their energies are not calculated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from kadi_battgen.afm.geometry import shortest_lattice
from kadi_battgen.datasets.augmentation.settings import Range
from kadi_battgen.electrodes.electrode import CrystalStructure, Electrode
from kadi_battgen.errors import UserError

#: Largest volumetric strain, a fraction: beyond it a voltage can no longer be called that of the crystal.
LARGEST_STRAIN = 0.1

#: How often displacements are drawn anew before they are called too large.
_ATTEMPTS = 100

_COPY = re.compile(r"(?:~\d+)+$")


class CrystalAugmentation(BaseModel):
    """How copies of a crystal differ from it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    strain: Annotated[Range, Field(description="volumetric strain V / V0 - 1, a fraction")] = (-0.02, 0.02)
    anisotropy: float = Field(
        0.005, ge=0, le=0.05, description="standard deviation of the relative lengths of the axes at unchanged volume"
    )
    displacement: float = Field(0.02, ge=0, le=0.3, description="standard deviation of each coordinate of a site in A")
    rotation: bool = Field(True, description="whether the crystal is turned at random")
    axis_swap: bool = Field(True, description="whether the axes are written in another order")
    closest: float = Field(
        0.85, gt=0, lt=1, description="least interatomic distance as a fraction of the crystal's shortest one"
    )


def strained(structure: CrystalStructure, factors: float | tuple[float, float, float] | np.ndarray) -> CrystalStructure:
    """Return the crystal with its lattice vectors multiplied by `factors`; angles and fractional coordinates stay.

    Parameters
    ----------
    structure
        The crystal.
    factors
        One factor for all three vectors (isotropic) or one each; the volume is multiplied by their product.
    """
    scale = np.broadcast_to(np.asarray(factors, dtype=float), (3,))
    return _with(structure, lattice=np.array(structure.lattice) * scale[:, None])


def strain_factors(strain: float, anisotropy: float, generator: np.random.Generator) -> np.ndarray:
    """Draw factors of the three lattice vectors whose product is 1 + `strain`, float64, (3,)."""
    deviations = anisotropy * generator.standard_normal(3)
    return (1.0 + strain) ** (1 / 3) * np.exp(deviations - deviations.mean())


def perturbed(
    structure: CrystalStructure, displacement: float, closest: float, generator: np.random.Generator | int
) -> CrystalStructure:
    """Return the crystal with every site displaced at random.

    Parameters
    ----------
    structure
        The crystal.
    displacement
        Standard deviation of each Cartesian coordinate in A.
    closest
        Least distance between two atoms, periodic images included, in A; displacements that bring atoms closer are drawn
        anew.
    generator
        Generator or seed.

    Raises
    ------
    UserError
        If no draw keeps the distance.
    """
    random = np.random.default_rng(generator)
    lattice = np.array(structure.lattice)
    sites = np.array(structure.fractional_coordinates)
    for _ in range(_ATTEMPTS):
        moved = sites + displacement * random.standard_normal(sites.shape) @ np.linalg.inv(lattice)
        result = _with(structure, fractional=moved)
        if shortest_distance(result) >= closest:
            return result
    raise UserError(
        f"Displacements of {displacement:g} A bring atoms closer than {closest:.3g} A in {_ATTEMPTS} draws: "
        "give a smaller displacement."
    )


def rotated(structure: CrystalStructure, rotation: np.ndarray) -> CrystalStructure:
    """Return the crystal turned by a rotation matrix, (3, 3): a vector r of it becomes ``rotation @ r``."""
    return _with(structure, lattice=np.array(structure.lattice) @ np.asarray(rotation).T)


def axes_swapped(structure: CrystalStructure, order: tuple[int, int, int]) -> CrystalStructure:
    """Return the same crystal with its lattice vectors, and the coordinates along them, written in another order.

    No atom moves: it is another description of the same crystal, as two databases may hold it. (Swapping coordinates
    alone, under an unchanged lattice, would change bond lengths in all but cubic cells.)
    """
    chosen = list(order)
    return _with(
        structure,
        lattice=np.array(structure.lattice)[chosen],
        fractional=np.array(structure.fractional_coordinates)[:, chosen],
    )


def shortest_distance(structure: CrystalStructure) -> float:
    """Return the shortest distance between two atoms in A, periodic images (also an atom's own) included."""
    lattice = np.array(structure.lattice)
    short = shortest_lattice(lattice)
    fractional = np.array(structure.fractional_coordinates) @ lattice @ np.linalg.inv(short)
    between = fractional[:, None] - fractional[None]
    between -= np.round(between)
    # In the shortest cell the nearest image is one of the 27 around the wrapped difference.
    images = np.stack(np.meshgrid(*[(-1, 0, 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    squares = (((between[:, :, None] + images) @ short) ** 2).sum(axis=-1)
    own = np.arange(len(fractional))
    squares[own, own, len(images) // 2] = np.inf
    return float(np.sqrt(squares.min()))


def random_rotation(generator: np.random.Generator | int) -> np.ndarray:
    """Draw a rotation matrix evenly from all rotations (QR decomposition; Mezzadri, Notices AMS 54, 592 (2007))."""
    q, r = np.linalg.qr(np.random.default_rng(generator).standard_normal((3, 3)))
    q = q * np.sign(np.diag(r))
    return q * np.sign(np.linalg.det(q))


def augment_electrode(electrode: Electrode, settings: CrystalAugmentation, number: int, seed: int) -> Electrode:
    """Return one augmented copy of an electrode; see the table above for its properties.

    Parameters
    ----------
    electrode
        The original.
    settings
        How copies differ.
    number
        Number of the copy, from 1; its id is the original's with ``~number``.
    seed
        The copy depends on it, on the electrode's id and on the number, and on nothing else.

    Raises
    ------
    UserError
        If the strain is beyond ``LARGEST_STRAIN`` or a displacement brings atoms too close.
    """
    if max(abs(bound) for bound in settings.strain) > LARGEST_STRAIN:
        raise UserError(
            f"A volumetric strain of {settings.strain[0]:g} to {settings.strain[1]:g} goes beyond {LARGEST_STRAIN:g}, up "
            "to which voltages are taken to hold: give a smaller strain."
        )
    random = np.random.default_rng([seed, number, *electrode.id.encode()])
    original = electrode.structure
    strain = float(random.uniform(*settings.strain))
    structure = strained(original, strain_factors(strain, settings.anisotropy, random))
    try:
        limit = settings.closest * shortest_distance(original)
        structure = perturbed(structure, settings.displacement, limit, random)
    except UserError as error:
        raise UserError(f"Electrode {electrode.id}: {error}") from error
    if settings.rotation:
        structure = rotated(structure, random_rotation(random))
    if settings.axis_swap:
        first, second, third = random.permutation(3).tolist()
        structure = axes_swapped(structure, (first, second, third))
    ratio = structure.volume / original.volume
    values = electrode.properties
    properties = values.model_copy(
        update={
            "volumetric_capacity": values.volumetric_capacity / ratio,
            "volumetric_energy": values.volumetric_energy / ratio,
        }
    )
    # Built anew and not copied, so that the invariants between structure, formulas and properties are checked.
    return Electrode(
        **{name: getattr(electrode, name) for name in type(electrode).model_fields}
        | {
            "id": f"{electrode.id}~{number}",
            "structure": structure,
            "properties": properties,
            "method": f"{electrode.method}; augmented copy of {electrode.id} (volumetric strain {strain:+.4f})",
        }
    )


def augmented_copies(
    electrodes: Iterable[Electrode], settings: CrystalAugmentation, copies: int, seed: int
) -> Iterator[Electrode]:
    """Yield every electrode, each followed by its augmented copies.

    A copy has its original's composition, which keeps both in one part of
    :func:`kadi_battgen.datasets.splitting.split_by_composition`.

    Parameters
    ----------
    electrodes
        Originals.
    settings
        How copies differ.
    copies
        Copies of each.
    seed
        Same seed, same copies, whatever other electrodes there are.

    Raises
    ------
    UserError
        As :func:`augment_electrode` does, or if an electrode is a copy already.
    """
    for electrode in electrodes:
        if is_copy(electrode.id):
            raise UserError(
                f"Electrode {electrode.id} is an augmented copy already: give the collection of the originals."
            )
        yield electrode
        for number in range(1, copies + 1):
            yield augment_electrode(electrode, settings, number, seed)


def origin_id(electrode_id: str) -> str:
    """Return the id of the original of an augmented copy; an original's id is returned as it is."""
    return _COPY.sub("", electrode_id)


def is_copy(electrode_id: str) -> bool:
    """Tell whether an id is that of an augmented copy."""
    return origin_id(electrode_id) != electrode_id


def _with(
    structure: CrystalStructure, lattice: np.ndarray | None = None, fractional: np.ndarray | None = None
) -> CrystalStructure:
    """Return a structure with another lattice or other coordinates, which must keep every atom."""
    changes = {}
    if lattice is not None:
        changes["lattice"] = np.round(lattice, 8).tolist()
    if fractional is not None:
        changes["fractional_coordinates"] = np.round(fractional, 8).tolist()
    return CrystalStructure(
        lattice=changes.get("lattice", structure.lattice),
        species=structure.species,
        fractional_coordinates=changes.get("fractional_coordinates", structure.fractional_coordinates),
    )
