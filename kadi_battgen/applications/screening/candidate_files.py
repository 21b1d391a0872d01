"""Candidates on disk: their table (CSV or JSON) and their generated descriptors (HDF5)."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np

from kadi_battgen.applications.screening.candidates import Candidate
from kadi_battgen.applications.screening.targets import Target
from kadi_battgen.errors import UserError
from kadi_battgen.files import atomic_path, existing_file, read_json, write_json, write_text
from kadi_battgen.hdf5 import FORMAT, open_schema

IMAGES_SCHEMA = "kadi-battgen/candidate-images"
IMAGES_SCHEMA_VERSION = 1

#: Schema of the JSON form of the table.
TABLE_SCHEMA = "kadi-battgen/candidates"


def write_candidates(
    path: str | os.PathLike[str],
    candidates: Sequence[Candidate],
    further: Sequence[Mapping[str, Any]] | None = None,
) -> None:
    """Write ranked candidates as JSON where the name ends in ``.json``, else as CSV; the same candidates, the same bytes.

    Parameters
    ----------
    path
        The file.
    candidates
        Best first.
    further
        More columns of each row; the first rows of the table may have them alone.
    """
    rows = [
        {**candidate.row(), **more} for candidate, more in zip(candidates, _padded(candidates, further), strict=True)
    ]
    if str(path).lower().endswith(".json"):
        write_json(path, {"schema": TABLE_SCHEMA, "target": candidates[0].target.describe(), "candidates": rows})
        return
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, buffer.getvalue())


def read_candidate_table(path: str | os.PathLike[str]) -> list[dict[str, str]]:
    """Return the rows of a table of :func:`write_candidates` as texts, empty where there is no value.

    Raises
    ------
    UserError
        If the file is missing or holds no candidate.
    """
    source = existing_file(path)
    if str(path).lower().endswith(".json"):
        document = read_json(source)
        found = document.get("candidates") if isinstance(document, dict) else None
        rows = [{name: "" if value is None else str(value) for name, value in row.items()} for row in found or []]
    else:
        with open(source, encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
    if not rows or "formula" not in rows[0]:
        raise UserError(f"{path} is no table of candidates: make one with battgen screen.")
    return rows


def _padded(candidates: Sequence[Candidate], further: Sequence[Mapping[str, Any]] | None) -> list[Mapping[str, Any]]:
    given = list(further or [])
    names = dict.fromkeys(name for more in given for name in more)
    return [{**dict.fromkeys(names), **(given[n] if n < len(given) else {})} for n in range(len(candidates))]


def write_candidate_images(
    path: str | os.PathLike[str],
    candidates: Sequence[Candidate],
    images: np.ndarray,
    translator_card: dict[str, Any],
    target: Target,
) -> None:
    """Write the generated descriptors of ranked candidates to HDF5.

    Parameters
    ----------
    path
        The file: ``descriptors`` (N, 6, H, W) float16, scaled to [0, 1] over the training part, and ``formulas`` (N,).
        The scaling back to physical units, the conventions of the simulation and the target are attributes.
    candidates
        In the order of `images`.
    images
        Scaled descriptors, (N, 6, H, W).
    translator_card
        Card of the translator that decoded them.
    target
        What was asked.
    """
    with atomic_path(path) as temporary, h5py.File(temporary, "w", libver=FORMAT) as file:
        file.attrs.update(
            {
                "schema": IMAGES_SCHEMA,
                "schema_version": IMAGES_SCHEMA_VERSION,
                "descriptor_scaling": json.dumps(translator_card["normalisation"]["descriptors"]),
                "conventions": json.dumps(translator_card["conventions"], sort_keys=True),
                "target": json.dumps(target.describe()),
            }
        )
        file.create_dataset("descriptors", data=images.astype(np.float16), track_times=False)
        formulas = [candidate.formula for candidate in candidates]
        file.create_dataset("formulas", data=formulas, dtype=h5py.string_dtype(), track_times=False)


def read_candidate_images(path: str | os.PathLike[str]) -> tuple[np.ndarray, dict[str, str], dict[str, Any]]:
    """Return the scaled descriptors, the target and the conventions of a file of :func:`write_candidate_images`.

    Raises
    ------
    UserError
        If the file is missing, broken or of another schema.
    """
    made_by = "battgen screen --images"
    with open_schema(path, IMAGES_SCHEMA, IMAGES_SCHEMA_VERSION, ("descriptors", "formulas"), made_by) as file:
        images = file["descriptors"][:].astype(np.float32)
        return images, json.loads(file.attrs["target"]), json.loads(file.attrs["conventions"])
