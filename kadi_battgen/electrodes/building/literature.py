"""Measured voltages of known cathodes, to be set against the bundled ones."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MeasuredVoltage:
    """A voltage from the experimental literature.

    Attributes
    ----------
    working_ion
        Symbol of the ion; the voltage is against its metal.
    formula_discharge
        Discharged composition.
    voltage
        Mean or plateau voltage, V.
    tolerance
        Largest difference (V) that the regression test accepts for the bundled value.
    reference
        Journal reference with DOI.
    note
        What was measured where it differs from full extraction.
    """

    working_ion: str
    formula_discharge: str
    voltage: float
    tolerance: float
    reference: str
    note: str = ""


MEASURED = [
    MeasuredVoltage(
        "Li", "LiCoO2", 4.0, 0.5,
        "K. Mizushima et al., Mater. Res. Bull. 15, 783 (1980), doi:10.1016/0025-5408(80)90012-4",
        "layered, Li1 to Li0.5",
    ),
    MeasuredVoltage(
        "Li", "LiNiO2", 3.9, 0.3,
        "T. Ohzuku et al., J. Electrochem. Soc. 140, 1862 (1993), doi:10.1149/1.2220730",
    ),
    MeasuredVoltage(
        "Li", "LiMn2O4", 4.1, 0.5,
        "T. Ohzuku et al., J. Electrochem. Soc. 137, 769 (1990), doi:10.1149/1.2086552; M. M. Thackeray et al., Mater. "
        "Res. Bull. 18, 461 (1983), doi:10.1016/0025-5408(83)90138-1",
    ),
    MeasuredVoltage(
        "Li", "LiFePO4", 3.45, 0.2,
        "A. K. Padhi et al., J. Electrochem. Soc. 144, 1188 (1997), doi:10.1149/1.1837571",
    ),
    MeasuredVoltage(
        "Li", "LiMnPO4", 4.1, 0.5,
        "A. K. Padhi et al., J. Electrochem. Soc. 144, 1188 (1997), doi:10.1149/1.1837571",
        "Mn(III)/Mn(II) plateau of the mixed Fe-Mn olivine",
    ),
    MeasuredVoltage(
        "Li", "LiCoPO4", 4.8, 0.7,
        "K. Amine et al., Electrochem. Solid-State Lett. 3, 178 (2000), doi:10.1149/1.1390994",
    ),
    MeasuredVoltage(
        "Li", "LiTiS2", 2.1, 0.3,
        "M. S. Whittingham, Science 192, 1126 (1976), doi:10.1126/science.192.4244.1126",
    ),
    MeasuredVoltage(
        "Li", "LiV2O5", 3.3, 0.4,
        "C. Delmas et al., Solid State Ionics 69, 257 (1994), doi:10.1016/0167-2738(94)90414-6",
    ),
    MeasuredVoltage(
        "Li", "LiFeSO4F", 3.6, 0.5,
        "N. Recham et al., Nat. Mater. 9, 68 (2010), doi:10.1038/nmat2590",
    ),
    MeasuredVoltage(
        "Na", "NaFePO4", 2.9, 0.3,
        "P. Moreau et al., Chem. Mater. 22, 4126 (2010), doi:10.1021/cm101377h",
    ),
    MeasuredVoltage(
        "Na", "NaCoO2", 2.8, 0.4,
        "C. Delmas et al., Solid State Ionics 3-4, 165 (1981), doi:10.1016/0167-2738(81)90076-X",
        "Na1 to about Na0.5",
    ),
    MeasuredVoltage(
        "Na", "NaNiO2", 3.0, 0.5,
        "P. Vassilaras et al., J. Electrochem. Soc. 160, A207 (2013), doi:10.1149/2.023302jes",
        "Na1 to about Na0.2",
    ),
    MeasuredVoltage(
        "Na", "NaMnO2", 2.8, 0.4,
        "X. Ma et al., J. Electrochem. Soc. 158, A1307 (2011), doi:10.1149/2.035112jes",
    ),
    MeasuredVoltage(
        "Na", "NaCrO2", 3.0, 0.6,
        "S. Komaba et al., Electrochem. Commun. 12, 355 (2010), doi:10.1016/j.elecom.2009.12.033",
        "Na1 to about Na0.5",
    ),
    MeasuredVoltage(
        "Na", "NaFeO2", 3.3, 0.7,
        "N. Yabuuchi et al., Electrochemistry 80, 716 (2012), doi:10.5796/electrochemistry.80.716",
        "Na1 to about Na0.6",
    ),
    MeasuredVoltage(
        "Mg", "MgMn2O4", 2.9, 0.3,
        "C. Kim et al., Adv. Mater. 27, 3377 (2015), doi:10.1002/adma.201500083",
    ),
    MeasuredVoltage(
        "Mg", "MgTi2S4", 1.2, 0.4,
        "X. Sun et al., Energy Environ. Sci. 9, 2273 (2016), doi:10.1039/C6EE00724D",
        "spinel",
    ),
    MeasuredVoltage(
        "Zn", "ZnMn2O4", 1.4, 0.4,
        "N. Zhang et al., J. Am. Chem. Soc. 138, 12894 (2016), doi:10.1021/jacs.6b05958",
        "cation-deficient spinel, aqueous cell",
    ),
]  # fmt: skip
