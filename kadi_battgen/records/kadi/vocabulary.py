"""Quantities and units by name: what they mean, and the terms of public vocabularies for them.

Units are terms of QUDT (http://qudt.org/vocab/unit/). Quantities are terms of EMMO and its domain electrochemistry, which
BattINFO is built on, and of QUDT's quantity kinds where those have none. A quantity without a term has none that fits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

_EMMO: Final = "https://w3id.org/emmo#"
_ELECTROCHEMISTRY: Final = "https://w3id.org/emmo/domain/electrochemistry#"
_QUANTITY_KIND: Final = "http://qudt.org/vocab/quantitykind/"
_UNIT: Final = "http://qudt.org/vocab/unit/"
_PROV: Final = "http://www.w3.org/ns/prov#"
_SCHEMA: Final = "https://schema.org/"

#: QUDT terms of the units that records use, by how they are written there. Pure numbers (``1``) have no unit in Kadi4Mat.
UNITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "V": f"{_UNIT}V",
        "mAh/g": f"{_UNIT}MilliA-HR-PER-GM",
        "mAh/cm^3": f"{_UNIT}A-HR-PER-DeciM3",  # the same unit: one thousandth over one thousandth
        "Wh/kg": f"{_UNIT}W-HR-PER-KiloGM",
        "Wh/L": f"{_UNIT}W-HR-PER-L",
        "fraction": f"{_UNIT}FRACTION",
        "Angstrom": f"{_UNIT}ANGSTROM",
        "nm": f"{_UNIT}NanoM",
        "eV": f"{_UNIT}EV",
        "K": f"{_UNIT}K",
        "s": f"{_UNIT}SEC",
        "B": f"{_UNIT}BYTE",
    }
)

ValueType = Literal["str", "int", "float", "bool", "date"]


@dataclass(frozen=True)
class Field:
    """A named value of a record: what it is, and what it may be.

    Attributes
    ----------
    key
        Name, the same in Python, in record.json and in Kadi4Mat.
    type
        Kadi4Mat's type of the value.
    description
        One sentence.
    unit
        Unit as written on axes.
    term
        IRI of the quantity.
    required
        Whether every record of the type has it.
    options
        The values that it may have; empty for any.
    minimum, maximum
        Range of a number, ends included.
    may_be_range
        Whether a text ``low:high`` stands for a range.
    """

    key: str
    type: ValueType
    description: str
    unit: str | None = None
    term: str | None = None
    required: bool = False
    options: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    may_be_range: bool = False

    def validation(self) -> dict[str, Any]:
        """Return what Kadi4Mat is to check when someone saves the value."""
        rules: dict[str, Any] = {}
        if self.required:
            rules["required"] = True
        if self.options:
            rules["options"] = list(self.options)
        if self.minimum is not None or self.maximum is not None:
            number = float if self.type == "float" else int
            limits = {"min": self.minimum, "max": self.maximum}
            rules["range"] = {end: None if value is None else number(value) for end, value in limits.items()}
        return rules

    def allows(self, value: Any) -> bool:
        """Tell whether Kadi4Mat would take `value` with the validation of this field."""
        if value is None:
            return not self.required
        if self.options and value not in self.options:
            return False
        return not (
            (self.minimum is not None and value < self.minimum) or (self.maximum is not None and value > self.maximum)
        )


#: The working ions that electrodes are known for.
WORKING_IONS: Final = ("Li", "Na", "K", "Rb", "Cs", "Mg", "Ca", "Zn", "Al", "Y")

_COUNT = f"{_QUANTITY_KIND}Count"
_RATIO = f"{_QUANTITY_KIND}DimensionlessRatio"


def _property(key: str, unit: str, term: str, description: str, minimum: float | None = None) -> Field:
    return Field(key, "float", description, unit, term, minimum=minimum, may_be_range=True)


def _count(key: str, description: str, minimum: int = 1) -> Field:
    return Field(key, "int", description, term=_COUNT, minimum=minimum)


_QUANTITIES = (
    # The open-circuit voltage, since the average over the intercalation is taken at equilibrium.
    _property(
        "average_voltage",
        "V",
        f"{_ELECTROCHEMISTRY}electrochemistry_9c657fdc_b9d3_4964_907c_f9a6e8c5f52b",
        "Average voltage against the metal of the working ion, at equilibrium",
    ),
    _property(
        "gravimetric_capacity",
        "mAh/g",
        f"{_ELECTROCHEMISTRY}electrochemistry_1e3dc60d_dd6b_47d6_8161_70004fc5ee30",
        "Charge stored per mass of the discharged phase",
        0.0,
    ),
    _property(
        "volumetric_capacity",
        "mAh/cm^3",
        f"{_ELECTROCHEMISTRY}electrochemistry_e6b63190_acac_4e78_9cba_fb2b10bbe910",
        "Charge stored per volume of the discharged phase",
        0.0,
    ),
    _property(
        "gravimetric_energy",
        "Wh/kg",
        f"{_EMMO}EMMO_e218c625_6a39_47a9_8d08_a2ef41c152a9",
        "Energy stored per mass of the discharged phase",
    ),
    _property(
        "volumetric_energy",
        "Wh/L",
        f"{_ELECTROCHEMISTRY}electrochemistry_4aa1b96e_44a0_4b1a_a0ac_723d0223d80b",
        "Energy stored per volume of the discharged phase",
    ),
    _property(
        "volume_change",
        "fraction",
        f"{_EMMO}EMMO_bdb76b61_4bf6_44d6_9424_6cc073f964bc",
        "Largest relative change of volume between charge and discharge",
        0.0,
    ),
    Field(
        "working_ion",
        "str",
        "Ion that carries the charge between the electrodes; several with commas between them",
        term=f"{_ELECTROCHEMISTRY}electrochemistry_d1042a12_e4be_4992_86cb_59420ef4e05c",
    ),
    Field(
        "window",
        "float",
        "Edge of the square scan window",
        "Angstrom",
        f"{_EMMO}EMMO_cd2cd0de_e0cc_4ef1_b27e_2e88db027bac",
        minimum=0.0,
    ),
    Field(
        "temperature",
        "float",
        "Temperature of the simulated cell",
        "K",
        f"{_EMMO}EMMO_affe07e4_e9bc_4852_86c6_69e26182a17f",
        minimum=0.0,
    ),
    Field("max_time", "float", "Simulated time after which a run stops", "s", minimum=0.0),
    _count("max_events", "Events after which a run stops"),
    _count("events", "Events of all simulations", 0),
    _count("runs", "Simulations", 0),
    _count("size", "Sites along each edge of the lattice"),
    _count("snapshots", "Configurations kept of each simulation on its way", 0),
    _count("pixels", "Pixels along each edge of an image"),
    _count("orientations", "Orientations (AFM stacks) per electrode"),
    _count("pool", "Directions that the orientations are chosen from"),
    _count("workers", "Processes that computed"),
    Field("scheduler", "str", "Dask scheduler whose workers computed, or the file that describes their jobs"),
    _count("limit", "Largest number of electrodes"),
    _count("samples", "Samples, or candidates to generate", 0),
    _count("electrodes", "Electrodes", 0),
    _count("rows_in", "Rows that a step of a cleaning was given", 0),
    _count("rows_out", "Rows that a step of a cleaning left", 0),
    _count("refused_rows", "Rows of the source that did not become electrodes", 0),
    _count("candidates", "Generated candidates", 0),
    _count("distinct_formulas", "Different formulas among the candidates", 0),
    _count("stacks", "AFM stacks", 0),
    _count("invalid_stacks", "AFM stacks that failed their checks", 0),
    _count("invalid_samples", "Samples that were left out", 0),
    _count("failed_electrodes", "Electrodes whose simulation failed", 0),
    _count("epochs", "Passes over the training part"),
    _count("batch_size", "Samples per optimizer step"),
    _count("steps", "Sampling steps"),
    Field("seed", "int", "Seed of the random numbers"),
    Field("learning_rate", "float", "Learning rate of the optimizer, dimensionless", minimum=0.0),
    Field("guidance", "float", "Classifier-free guidance, dimensionless", minimum=0.0),
    Field("working_ion_present_fraction", "float", "Candidates that hold the asked working ion", "fraction", _RATIO),
)

#: Quantities that options, settings and metrics are named after.
QUANTITIES: Final[Mapping[str, Field]] = MappingProxyType({entry.key: entry for entry in _QUANTITIES})

#: States of a run, as in :data:`kadi_battgen.records.model.State`.
STATES: Final = ("running", "succeeded", "failed", "interrupted", "killed")

#: What every record tells of its run.
RUN: Final = (
    Field("schema", "str", "Format of record.json", required=True, options=("kadi-battgen/record",)),
    Field("version", "int", "Version of that format", required=True, minimum=1),
    Field("step", "str", "The command that ran", required=True),
    Field("state", "str", "How the run ended", term=f"{_SCHEMA}actionStatus", required=True, options=STATES),
    Field("error_type", "str", "Type of the exception that ended the run"),
    Field("error_message", "str", "What it said", term=f"{_SCHEMA}error"),
    Field("command", "str", "The command line, secrets masked"),
    Field("seed", "int", "Seed of every random number of the run"),
    Field("device", "str", "What computed", term=f"{_SCHEMA}processorRequirements"),
    Field("started", "date", "Start", term=f"{_PROV}startedAtTime", required=True),
    Field("ended", "date", "End", term=f"{_PROV}endedAtTime"),
    Field(
        "duration",
        "float",
        "Wall-clock time",
        "s",
        f"{_EMMO}EMMO_0adabf6f_7404_44cb_9f65_32d83d8101a3",
        minimum=0.0,
    ),
)

#: What every file of a record is told by.
FILE: Final = (
    Field("role", "str", "What the step calls it, or whether it is a result or a preview of one"),
    Field("name", "str", "Path among the record's files, or where the run had it", term=f"{_SCHEMA}name"),
    Field("description", "str", "What it is", term=f"{_SCHEMA}description"),
    Field("kind", "str", "File or folder", options=("file", "folder")),
    Field("sha256", "str", "SHA-256 of the content; of a folder, of its manifest", term=f"{_SCHEMA}sha256"),
    Field("size", "int", "Size", "B", f"{_SCHEMA}contentSize", minimum=0),
    Field("media_type", "str", "MIME type", term=f"{_SCHEMA}encodingFormat"),
)

#: What a record tells of the program.
SOFTWARE: Final = (
    Field("name", "str", "Name of the program", term=f"{_SCHEMA}name"),
    Field("version", "str", "Its version", term=f"{_SCHEMA}softwareVersion"),
    Field("git_commit", "str", "Commit of its checkout"),
    Field("git_modified", "bool", "Whether tracked files differed from that commit"),
    Field("python", "str", "Version of Python"),
)

#: What a record tells of the machine.
MACHINE: Final = (
    Field("platform", "str", "Operating system", term=f"{_SCHEMA}operatingSystem"),
    Field("cpu", "str", "Model of the processor", term=f"{_SCHEMA}processorRequirements"),
    Field("cores", "int", "Cores that the run was allowed to use", term=_COUNT, minimum=1),
)

#: Terms of the groups of values.
GROUP_TERMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "run": f"{_PROV}Activity",
        "inputs": f"{_PROV}used",
        "files": f"{_PROV}generated",
        "software": f"{_PROV}SoftwareAgent",
    }
)
