"""The types of records, with the options of each that have a meaning beyond their name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from kadi_battgen.records.kadi.vocabulary import QUANTITIES, WORKING_IONS, Field


@dataclass(frozen=True)
class RecordType:
    """A type of record.

    Attributes
    ----------
    name
        The type in Kadi4Mat, such as ``screening``.
    title
        For people.
    description
        What such a record tells.
    options
        Known options of its step, in the order in which they are shown.
    """

    name: str
    title: str
    description: str
    options: tuple[Field, ...] = ()

    def field(self, key: str) -> Field | None:
        """Return what is known of the option `key`, here or for any type."""
        return next((field for field in self.options if field.key == key), QUANTITIES.get(key))


def _known(*keys: str) -> tuple[Field, ...]:
    return tuple(QUANTITIES[key] for key in keys)


def _choice(key: str, description: str, *options: str) -> Field:
    return Field(key, "str", description, options=options)


def _text(key: str, description: str) -> Field:
    return Field(key, "str", description)


_WORKING_ION = replace(QUANTITIES["working_ion"], description="Wanted working ion; empty for any", options=WORKING_IONS)


def _observable(key: str, description: str, unit: str | None) -> Field:
    return Field(key, "float", f"Wanted {description}", unit, may_be_range=True)


_OBSERVABLES = (
    # Monolayers are nm of compact SEI; public vocabularies have no such unit.
    _observable("flux", "volume fraction in monolayers", None),
    _observable("in_flux", "inorganic volume fraction in monolayers", None),
    _observable("or_flux", "organic volume fraction in monolayers", None),
    _observable("density", "density", "fraction"),
    _observable("thickness", "thickness", "nm"),
    _observable("in_thickness", "inorganic thickness", "nm"),
    _observable("or_thickness", "organic thickness", "nm"),
    _observable("porosity", "porosity", "fraction"),
    _observable("in_layer_porosity", "in-layer porosity", "fraction"),
    _observable("closed_porosity", "closed porosity", "fraction"),
)
_PARTS = ("training", "validation", "test")

_TYPES = (
    RecordType(
        "electrode-dataset",
        "Electrodes",
        "Crystal structures of electrodes with their functional properties, and where they come from.",
        (
            _text("source", "Where the electrodes come from"),
            *_known("working_ion", "limit"),
            _text("folder", "Folder of structures"),
            _text("table", "Table of properties"),
            _choice("duplicates", "Which electrodes count as the same", "none", "discharge-formula", "both-formulas"),
            Field("strict", "bool", "Whether the first refused row ended the run"),
            _text("endpoint", "Address of the database"),
            _text("cache", "Folder of fetched documents"),
            Field("refresh", "bool", "Whether the database was asked for its current version"),
            _text("refused", "List of the refused rows"),
            _text("electrodes", "Electrodes that were augmented"),
            Field("copies", "int", "Augmented copies of each electrode", minimum=1),
            Field("strain", "float", "Largest volumetric strain of the copies", "fraction", minimum=0.0),
            Field("displacement", "float", "Standard deviation of each coordinate of a site", "Angstrom", minimum=0.0),
            *_known("seed", "workers", "scheduler"),
        ),
    ),
    RecordType(
        "electrode-cleaning",
        "Cleaned electrodes",
        "Electrodes after a cleaning, with an audit of every row that was dropped and every value that was changed.",
        (
            _text("electrodes", "Electrodes that were cleaned"),
            _choice("preset", "Steps of the cleaning, where no configuration lists them", "default", "thesis"),
            _text("split", "Fractions of the compositions in training, validation and test"),
            *_known("seed"),
        ),
    ),
    RecordType(
        "afm-campaign",
        "AFM campaign",
        "Simulated atomic force microscopy of electrodes: stacks of force images and material descriptors.",
        (
            _text("electrodes", "Electrodes that were imaged"),
            *_known("orientations", "pool", "window", "pixels", "workers", "scheduler"),
            Field("skip_too_large", "bool", "Whether electrodes that do not fit into the window were left out"),
        ),
    ),
    RecordType(
        "training-dataset",
        "Training data set",
        "Samples that models are trained on, split by composition so that no formula is in two parts.",
        (
            _text("afm", "AFM campaign"),
            _text("split", "Fractions of the compositions in training, validation and test"),
            _choice("scaling", "Scaling of the functional properties", "min-max", "robust"),
            *_known("seed", "workers", "scheduler"),
        ),
    ),
    RecordType(
        "model-training",
        "Training of a model",
        "Training of a translation, composition, screening or SEI model: settings, seed and what was reached.",
        (
            _text("dataset", "Training data set"),
            _choice("preset", "Sizes of the model and of the training", "demo", "small", "thesis"),
            *_known("epochs", "batch_size", "learning_rate", "seed"),
        ),
    ),
    RecordType(
        "translation",
        "Translation",
        "Material descriptors that a trained model reads from AFM stacks.",
        (_text("model", "Models"), _text("afm", "AFM campaign")),
    ),
    RecordType(
        "composition-prediction",
        "Composition prediction",
        "Chemical formulas that a trained model reads from AFM stacks.",
        (_text("model", "Models"), _text("afm", "AFM campaign")),
    ),
    RecordType(
        "screening",
        "Screening",
        "Candidate materials that a trained model proposes for a working ion and wanted functional properties.",
        (
            _text("model", "Models"),
            _WORKING_ION,
            *_known(
                "average_voltage",
                "gravimetric_capacity",
                "volumetric_capacity",
                "gravimetric_energy",
                "volumetric_energy",
                "volume_change",
                "samples",
            ),
            _text("sampler", "Sampler of the diffusion model"),
            *_known("steps", "guidance", "seed"),
        ),
    ),
    RecordType(
        "evaluation",
        "Evaluation",
        "Measured quality of trained models next to baselines of the same run.",
        (
            _text("model", "Models"),
            _text("model_2", "Models of a second training"),
            _text("model_3", "Models of a third training"),
            _text("dataset", "Training data set"),
            _choice("part", "Part of the data set that was measured on", *_PARTS),
            _text("inception_weights", "Weights of the Inception network"),
            _text("lpips_weights", "Weights of the network for LPIPS"),
            *_known("seed"),
        ),
    ),
    RecordType(
        "sensitivity",
        "Sensitivity study",
        "How far generated descriptors and compositions move when one condition of the screening model changes.",
        (
            _text("model", "Models"),
            _text("dataset", "Training data set"),
            _choice("part", "Part of the data set whose electrodes the study starts from", *_PARTS),
            Field("electrodes", "int", "Number of electrodes that the study starts from", minimum=2),
            Field("seeds", "int", "Number of noise seeds for each electrode", minimum=1),
            Field("perturbation", "float", "Step of each property, a fraction of its normalised range", minimum=0.0),
            *_known("steps", "guidance", "seed"),
        ),
    ),
    RecordType("report", "Report", "A page about a whole chain of runs."),
    RecordType(
        "sei-campaign",
        "SEI campaign",
        "Kinetic Monte Carlo simulations of the growth of a solid electrolyte interphase.",
        (
            *_known("runs"),
            _choice("design", "Ranges that the barriers were drawn from", "wide", "published"),
            _text("ranges", "Ranges of barriers of one's own"),
            _text("barriers", "Table of barriers"),
            *_known("max_events", "max_time", "temperature", "size"),
            _text("model", "Chemistry"),
            *_known("snapshots", "seed", "workers"),
        ),
    ),
    RecordType(
        "sei-observables",
        "SEI observables",
        "Volume fraction, density, thickness and porosity of simulated SEI configurations as a table.",
        (_text("input", "SEI campaign"), Field("barriers", "bool", "Whether the table holds the barriers")),
    ),
    RecordType(
        "sei-dataset",
        "SEI data set",
        "SEI configurations that models are trained on, encoded, scaled and split by their barriers.",
        (
            _text("sei", "SEI campaign"),
            _text("sei_2", "Second SEI campaign"),
            _text("sei_3", "Third SEI campaign"),
            _text("split", "Fractions of the sets of barriers in training, validation and test"),
            *_known("seed"),
        ),
    ),
    RecordType(
        "sei-characterization",
        "SEI characterisation",
        "Latent space, predicted properties, walks and neighbours of SEI configurations, seen by a trained autoencoder.",
        (
            _text("model", "Autoencoder"),
            _text("sei", "SEI campaign"),
            _text("compare", "Autoencoder shown beside"),
            _text("neighbours_of", "Configurations whose neighbours were asked for"),
            *_known("samples", "seed"),
        ),
    ),
    RecordType(
        "sei-generation",
        "SEI generation",
        "SEI configurations with wanted observables, decoded from a latent space and measured, and proposed barriers.",
        (
            _text("model", "Autoencoder"),
            *_OBSERVABLES,
            *_known("samples"),
            Field("draws", "int", "Draws for each configuration that was kept", minimum=1),
            *_known("steps"),
            _text("barriers", "Table of barriers"),
            _text("propose_barriers", "Table of proposed barriers"),
            Field("proposals", "int", "Sets of barriers that were proposed", minimum=1),
            Field("campaign", "int", "Campaign of the training whose stop criteria held", minimum=0),
            Field("resimulate", "int", "Simulations of each proposed set of barriers", minimum=0),
            *_known("workers", "scheduler", "seed"),
        ),
    ),
)

#: All types by name.
RECORD_TYPES: Final[Mapping[str, RecordType]] = MappingProxyType({entry.name: entry for entry in _TYPES})


def record_type(name: str) -> RecordType:
    """Return the type called `name`; an unknown one has no options of its own."""
    return RECORD_TYPES.get(name) or RecordType(name, name, "")
