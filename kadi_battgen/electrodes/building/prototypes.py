"""Class (c): working ions, metals and anions set into prototype frameworks.

Lattice constants follow from Shannon radii (six-fold coordination; Acta Cryst. A32, 751 (1976)), so that the metal-anion
and ion-anion distances are right before the potentials relax the cell. Free coordinates are those of the mineral or
compound that the prototype is named after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import sqrt
from typing import Any

from kadi_battgen.electrodes.building.candidates import Candidate, crystal, element_counts, sites_to_empty
from kadi_battgen.electrodes.building.oxidation import ION_CHARGES, extractable_ions

#: Shannon radii, Angstrom, coordination number six; metals at the mean of the two states they change between.
ION_RADII = {
    "Li": 0.76, "Na": 1.02, "K": 1.38, "Rb": 1.52, "Cs": 1.67, "Mg": 0.72, "Ca": 1.00, "Zn": 0.74, "Al": 0.535, "Y": 0.90,
}  # fmt: skip
METAL_RADII = {
    "Ti": 0.64, "V": 0.62, "Cr": 0.60, "Mn": 0.62, "Fe": 0.63, "Co": 0.58, "Ni": 0.58, "Cu": 0.65, "Zr": 0.74, "Nb": 0.69,
    "Mo": 0.66, "Ta": 0.69, "Hf": 0.73, "W": 0.65,
}  # fmt: skip
ANION_RADII = {"O": 1.38, "F": 1.33, "S": 1.84, "Se": 1.98, "Cl": 1.81}

_OXIDE_METALS = ("Mn", "Co", "Fe", "Ni", "Cr", "V", "Ti", "Mo", "Nb")
_CHALCOGENIDE_METALS = ("Ti", "V", "Cr", "Nb", "Mn", "Zr", "Mo", "Ta", "Fe", "Co")
_PAIRS = (("Ni", "Mn"), ("Co", "Mn"), ("Ni", "Co"), ("Fe", "Mn"), ("Ni", "Ti"), ("Fe", "Co"), ("Cr", "Mn"), ("Fe", "Ni"),
          ("V", "Cr"), ("Co", "Ti"), ("V", "Ti"), ("Cr", "Ti"))  # fmt: skip


def _layers(ion: str, metal: str, anion: str) -> tuple[float, float, float]:
    """In-plane lattice constant and half heights of the metal and the ion layer, Angstrom."""
    bond = METAL_RADII[metal] + ANION_RADII[anion]
    a = 1.02 * sqrt(2.0) * bond
    metal_height = sqrt(bond**2 - a**2 / 3.0)
    ion_bond = ION_RADII[ion] + ANION_RADII[anion]
    ion_height = sqrt(max(ion_bond**2 - a**2 / 3.0, 0.8))
    return a, metal_height, ion_height


def layered_o3(ion: str, metal: str, anion: str) -> Any:
    """alpha-NaFeO2 (O3, R-3m): ``ase.Atoms`` of the primitive cell, A M X2."""
    from ase.spacegroup import crystal as build

    a, metal_height, ion_height = _layers(ion, metal, anion)
    c = 6.0 * (metal_height + ion_height)
    basis = [(0, 0, 0.5), (0, 0, 0), (0, 0, 1.0 / 3.0 - metal_height / c)]
    return build((ion, metal, anion), basis, spacegroup=166, cellpar=[a, a, c, 90, 90, 120], primitive_cell=True)


def layered_o1(ion: str, metal: str, anion: str) -> Any:
    """Ion-filled CdI2 type (O1, P-3m1, as LiTiS2): A M X2."""
    from ase.spacegroup import crystal as build

    a, metal_height, ion_height = _layers(ion, metal, anion)
    c = 2.0 * (metal_height + ion_height)
    basis = [(0, 0, 0.5), (0, 0, 0), (1 / 3, 2 / 3, metal_height / c)]
    return build((ion, metal, anion), basis, spacegroup=164, cellpar=[a, a, c, 90, 90, 120])


def layered_p2(ion: str, metal: str, anion: str) -> Any:
    """P2 layers (P6_3/mmc, ion in the edge-sharing prism, as Na0.7CoO2 filled up): A2 M2 X4."""
    from ase.spacegroup import crystal as build

    a, metal_height, ion_height = _layers(ion, metal, anion)
    c = 4.0 * (metal_height + ion_height)
    basis = [(2 / 3, 1 / 3, 0.25), (0, 0, 0), (1 / 3, 2 / 3, metal_height / c)]
    return build((ion, metal, anion), basis, spacegroup=194, cellpar=[a, a, c, 90, 90, 120])


def _supercell(atoms: Any, matrix: list[list[int]], ion: str, kept: int) -> Any:
    """Repeat a layered cell and keep `kept` of the ions."""
    from ase.build import make_supercell

    cell = make_supercell(atoms, matrix)
    ions = [i for i, s in enumerate(cell.symbols) if s == ion]
    del cell[ions[kept:]]
    return cell


def half_filled_o1(ion: str, metal: str, anion: str) -> Any:
    """O1 layers with every second row of ions: A M2 X4."""
    return _supercell(layered_o1(ion, metal, anion), [[2, 0, 0], [0, 1, 0], [0, 0, 1]], ion, 1)


def half_filled_o3(ion: str, metal: str, anion: str) -> Any:
    """O3 layers with every second row of ions: A M2 X4."""
    return _supercell(layered_o3(ion, metal, anion), [[2, 0, 0], [0, 1, 0], [0, 0, 1]], ion, 1)


def third_filled_o1(ion: str, metal: str, anion: str) -> Any:
    """O1 layers with the sqrt(3) x sqrt(3) order of ions: A M3 X6."""
    return _supercell(layered_o1(ion, metal, anion), [[2, 1, 0], [1, 2, 0], [0, 0, 1]], ion, 1)


def two_thirds_filled_o1(ion: str, metal: str, anion: str) -> Any:
    """O1 layers with the honeycomb order of ions: A2 M3 X6."""
    return _supercell(layered_o1(ion, metal, anion), [[2, 1, 0], [1, 2, 0], [0, 0, 1]], ion, 2)


def spinel(ion: str, metal: str, anion: str) -> Any:
    """Spinel (Fd-3m), ion on the tetrahedral sites: A2 M4 X8."""
    from ase.spacegroup import crystal as build

    u = 0.2625
    a = (METAL_RADII[metal] + ANION_RADII[anion]) / sqrt((0.5 - u) ** 2 + 2 * (u - 0.25) ** 2)
    basis = [(0.125, 0.125, 0.125), (0.5, 0.5, 0.5), (u, u, u)]
    return build(
        (ion, metal, anion), basis, spacegroup=227, setting=2, cellpar=[a, a, a, 90, 90, 90], primitive_cell=True
    )


def perovskite(ion: str, metal: str, anion: str) -> Any:
    """Cubic perovskite (Pm-3m), ion on the twelve-fold site: A M X3."""
    from ase.spacegroup import crystal as build

    # The fluoride perovskites hold divalent metals, larger than the mean of the two states.
    a = 2.0 * (METAL_RADII[metal] + 0.1 + ANION_RADII[anion])
    basis = [(0.5, 0.5, 0.5), (0, 0, 0), (0.5, 0, 0)]
    return build((ion, metal, anion), basis, spacegroup=221, cellpar=[a, a, a, 90, 90, 90])


def alpha_v2o5(ion: str, metal: str, anion: str) -> Any:
    """alpha-V2O5 (Pmmn), ion between the layers: A2 V4 O10."""
    from ase.spacegroup import crystal as build

    c = 4.37 + 0.45 * max(ION_RADII[ion] - 0.75, 0.0) * 2.0
    basis = [
        (0.25, 0.75, 0.5), (0.1012, 0.25, 0.8917), (0.1043, 0.25, 0.531), (0.9311, 0.25, 0.003), (0.25, 0.25, 0.001)
    ]  # fmt: skip
    symbols = (ion, metal, anion, anion, anion)
    scale = (METAL_RADII[metal] + ANION_RADII[anion]) / (METAL_RADII["V"] + ANION_RADII["O"])
    cell = [11.51 * scale, 3.60 * scale, c * scale, 90, 90, 90]
    return build(symbols, basis, spacegroup=59, setting=2, cellpar=cell)


def olivine(ion: str, metal: str, centre: str) -> Any:
    """Olivine (Pnma, as LiFePO4): A4 M4 Z4 O16 with the tetrahedral centre Z = `centre`."""
    from ase.spacegroup import crystal as build

    basis = [
        (0, 0, 0), (0.282, 0.25, 0.975), (0.095, 0.25, 0.418), (0.097, 0.25, 0.743), (0.457, 0.25, 0.206),
        (0.166, 0.046, 0.285),
    ]  # fmt: skip
    scale = 1.0 + 0.05 * (ION_RADII[ion] - 0.76) + (0.02 if centre == "Si" else 0.0)
    cell = [10.33 * scale, 6.01 * scale, 4.69 * scale, 90, 90, 90]
    return build((ion, metal, centre, "O", "O", "O"), basis, spacegroup=62, cellpar=cell)


def mixed_o3(ion: str, metals: tuple[str, str], anion: str) -> Any:
    """O3 layers with two metals in rows: A2 M M' X4."""
    from ase.build import make_supercell

    cell = make_supercell(layered_o3(ion, metals[0], anion), [[2, 0, 0], [0, 1, 0], [0, 0, 1]])
    sites = [i for i, s in enumerate(cell.symbols) if s == metals[0]]
    cell.symbols[sites[1]] = metals[1]
    return cell


def _mixed(cell: Any, metals: tuple[str, str], share: int) -> Any:
    """Set the second metal on every `share`-th site of the first."""
    sites = [i for i, s in enumerate(cell.symbols) if s == metals[0]]
    cell.symbols[sites[share - 1 :: share]] = metals[1]
    return cell


def mixed_spinel(ion: str, metals: tuple[str, str], anion: str) -> Any:
    """Spinel with two metals on the octahedral sites: A2 M2 M'2 X8."""
    return _mixed(spinel(ion, metals[0], anion), metals, 2)


def mixed_half_filled_o1(ion: str, metals: tuple[str, str], anion: str) -> Any:
    """O1 layers of two metals in rows, every second row of ions: A M M' X4."""
    return _mixed(half_filled_o1(ion, metals[0], anion), metals, 2)


def mixed_half_filled_o3(ion: str, metals: tuple[str, str], anion: str) -> Any:
    """O3 layers of two metals in rows, every second row of ions: A M M' X4."""
    return _mixed(half_filled_o3(ion, metals[0], anion), metals, 2)


def mixed_third_filled_o1(ion: str, metals: tuple[str, str], anion: str) -> Any:
    """O1 layers in which every third metal is another one, a third of the ions: A M2 M' X6."""
    return _mixed(third_filled_o1(ion, metals[0], anion), metals, 3)


Builder = Callable[[str, Any, str], Any]
Family = tuple[str, Builder, tuple[Any, ...], tuple[str, ...], tuple[str, ...]]

_DIVALENT = ("Mg", "Ca", "Zn")
_TRIVALENT = ("Al", "Y")

#: Name in words, builder, metals, anions (or tetrahedral centres), working ions.
FAMILIES: list[Family] = [
    ("spinel AM2X4", spinel, _OXIDE_METALS[:7], ("O", "S"), ("Li", *_DIVALENT, *_TRIVALENT)),
    ("O3 AMX2", layered_o3, _OXIDE_METALS, ("O",), ("Li", "Na", "K")),
    ("third-filled O1 AM3X6", third_filled_o1, _CHALCOGENIDE_METALS, ("S", "Se"), _TRIVALENT),
    ("half-filled O1 AM2X4", half_filled_o1, _CHALCOGENIDE_METALS, ("S", "Se"), (*_DIVALENT, "K", "Rb", "Cs")),
    ("third-filled O1 AM3X6", third_filled_o1, _OXIDE_METALS, ("O",), _TRIVALENT),
    ("half-filled O3 AM2X4", half_filled_o3, _OXIDE_METALS, ("O",), (*_DIVALENT, "Na", "K", "Rb", "Cs")),
    ("O1 AMX2", layered_o1, _CHALCOGENIDE_METALS, ("S", "Se"), ("Li", "Na")),
    ("P2 AMX2", layered_p2, _OXIDE_METALS[:7], ("O", "S"), ("Na", "K")),
    ("alpha-V2O5 AV2O5", alpha_v2o5, ("V",), ("O",), tuple(ION_CHARGES)),
    # Li and Na are too small for the twelve-fold site (Goldschmidt's tolerance factor is below 0.8).
    ("perovskite AMX3", perovskite, ("Mn", "Fe", "Co", "Ni", "V", "Cr", "Ti"), ("F", "Cl"), ("K", "Rb", "Cs")),
    ("O3 A2MM'X4", mixed_o3, _PAIRS, ("O",), ("Li", "Na")),
    ("olivine AMZO4", olivine, ("Fe", "Mn", "Co", "Ni", "V", "Cr"), ("P",), ("Li", "Na")),
    ("olivine AMZO4", olivine, ("Mn", "Fe", "Co", "V"), ("Si",), _DIVALENT),
]  # fmt: skip


_MORE_PAIRS = (("Fe", "Cr"), ("Ni", "V"), ("Co", "Cr"), ("Mn", "Ti"), ("Fe", "V"), ("Ni", "Cr"), ("Fe", "Ti"), ("Mn", "V"),
               ("Co", "V"))  # fmt: skip
_SULFIDE_PAIRS = (("Ti", "V"), ("Ti", "Nb"), ("V", "Cr"), ("Ti", "Cr"), ("V", "Nb"), ("Ti", "Zr"), ("Nb", "Ta"), ("Fe", "Co"),
                  ("Ti", "Ta"), ("Mn", "Cr"), ("Ti", "Mo"), ("Co", "Ni"), ("Zr", "Nb"), ("Ti", "Hf"), ("V", "Ta"), ("V", "Mo"),
                  ("Fe", "Ni"), ("Zr", "Hf"), ("Ti", "Fe"), ("V", "Fe"))  # fmt: skip

#: Families of the second selection: fuller layers for the multivalent ions, two metals in one framework, and layers of
#: the heavier metals.
FURTHER_FAMILIES: list[Family] = [
    ("half-filled O1 AM2X4", half_filled_o1, ("Hf", "W", "Co", "Ni"), ("S", "Se"), (*_DIVALENT, "K", "Rb", "Cs")),
    ("half-filled O1 AMM'X4", mixed_half_filled_o1, _SULFIDE_PAIRS, ("S", "Se"), (*_DIVALENT, "K", "Rb", "Cs")),
    ("half-filled O3 AMM'X4", mixed_half_filled_o3, (*_PAIRS, *_MORE_PAIRS), ("O",), (*_DIVALENT, "Na", "K", "Rb", "Cs")),
    ("third-filled O1 AM3X6", third_filled_o1, ("Hf", "W", "Ni"), ("S", "Se"), _TRIVALENT),
    ("third-filled O1 AM2M'X6", mixed_third_filled_o1, (*_PAIRS, *_MORE_PAIRS), ("O",), _TRIVALENT),
    ("third-filled O1 AM2M'X6", mixed_third_filled_o1, _SULFIDE_PAIRS, ("S", "Se"), _TRIVALENT),
    ("two-thirds-filled O1 A2M3X6", two_thirds_filled_o1, _OXIDE_METALS, ("O",), _TRIVALENT),
    ("two-thirds-filled O1 A2M3X6", two_thirds_filled_o1, _CHALCOGENIDE_METALS, ("S", "Se"), _TRIVALENT),
    ("O1 AMX2", layered_o1, _CHALCOGENIDE_METALS, ("S", "Se"), ("Mg", "Ca")),
    ("O3 AMX2", layered_o3, _OXIDE_METALS, ("O",), ("Mg", "Ca")),
    ("O3 A2MM'X4", mixed_o3, _MORE_PAIRS, ("O",), ("Li", "Na")),
    ("O3 A2MM'X4", mixed_o3, _SULFIDE_PAIRS, ("S",), ("Li", "Na")),
    ("spinel AMM'X4", mixed_spinel, _PAIRS, ("O",), ("Li", *_DIVALENT, "Al")),
    ("spinel AMM'X4", mixed_spinel, (("Ti", "V"), ("V", "Cr"), ("Ti", "Cr"), ("Cr", "Mn")), ("S",), ("Li", "Mg", "Zn", "Al")),
]  # fmt: skip


def prototype_candidates(
    quota: dict[str, int] | None = None, families: list[Family] | None = None
) -> Iterator[Candidate]:
    """Enumerate the charge-balanced members of all families, up to `quota` for each working ion.

    Parameters
    ----------
    quota
        Most candidates for each working ion; all where it is None.
    families
        Families to go through, by default `FAMILIES`.
    """
    taken = dict.fromkeys(ION_CHARGES, 0)
    for family, builder, metals, anions, ions in FAMILIES if families is None else families:
        for anion in anions:
            for metal in metals:
                for ion in ions:
                    if quota is not None and taken[ion] >= quota[ion]:
                        continue
                    cell = crystal(builder(ion, metal, anion))
                    number = extractable_ions(element_counts(cell), ion)
                    if number < 1:
                        continue
                    taken[ion] += 1
                    label = "".join(metal) if isinstance(metal, tuple) else metal
                    yield Candidate(
                        key=f"prototype-{builder.__name__}-{ion}-{label}-{anion}_{ion}",
                        kind="prototype",
                        working_ion=ion,
                        framework=family,
                        source_id=f"prototype {family}",
                        discharge=cell,
                        removed=sites_to_empty(cell, ion, number),
                    )
