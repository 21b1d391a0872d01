"""The kinds of files that have a preview: the schema that names each, and its MIME type in Kadi4Mat.

The schemas are those that the writers define; a test compares them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes
    ----------
    name
        What the plugin calls it.
    title
        What people call it.
    mimetype
        Its MIME type in Kadi4Mat.
    preview
        The preview that shows it.
    schema
        What the file calls itself, empty where the content has no such name.
    samples
        Samples on one page of the preview.
    """

    name: str
    title: str
    mimetype: str
    preview: str
    schema: str = ""
    samples: int = 0


def _hdf5(name: str, title: str, preview: str, samples: int) -> Kind:
    return Kind(name, title, f"application/x-battgen-{name}+hdf5", preview, f"kadi-battgen/{name}", samples)


#: What a record's extra metadata says under ``run`` if a run of ours made it.
RECORD_SCHEMA: Final = "kadi-battgen/record"

CARD: Final = Kind(
    "model", "Trained model", "application/x-battgen-model+json", "battgen-model", schema="kadi-battgen/model"
)
WEIGHTS: Final = Kind("weights", "Weights", "application/x-safetensors", "battgen-model")
CANDIDATES: Final = Kind("candidates", "Candidates", "application/x-battgen-candidates+csv", "battgen-candidates")
CANDIDATES_JSON: Final = Kind(
    "candidates-json",
    "Candidates",
    "application/x-battgen-candidates+json",
    "battgen-candidates",
    schema="kadi-battgen/candidates",
)

#: All kinds by name.
KINDS: Final = {
    kind.name: kind
    for kind in (
        _hdf5("afm-campaign", "AFM campaign", "battgen-images", 4),
        _hdf5("training-dataset", "Training data set", "battgen-images", 4),
        _hdf5("candidate-images", "Generated descriptors", "battgen-images", 8),
        _hdf5("translation", "Translated descriptors", "battgen-images", 8),
        _hdf5("sei-campaign", "SEI campaign", "battgen-lattices", 12),
        _hdf5("sei-dataset", "SEI data set", "battgen-lattices", 12),
        CARD,
        WEIGHTS,
        CANDIDATES,
        CANDIDATES_JSON,
    )
}

#: The kinds that are HDF5, by schema.
HDF5_KINDS: Final = {kind.schema: kind for kind in KINDS.values() if kind.samples}

_BY_MIMETYPE: Final = {kind.mimetype: kind for kind in KINDS.values()}


def kind_of(mimetype: str | None) -> Kind | None:
    """Return the kind of files with a MIME type, None if they are not ours."""
    return _BY_MIMETYPE.get(mimetype or "")
