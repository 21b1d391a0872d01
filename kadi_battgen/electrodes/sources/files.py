"""Electrodes from a folder of structure files and a table of properties."""

from __future__ import annotations

import csv
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from kadi_battgen.electrodes.collection import ElectrodeCollection, describe_validation
from kadi_battgen.electrodes.electrode import CrystalStructure, Electrode, FunctionalPropertyValues
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES
from kadi_battgen.errors import UserError
from kadi_battgen.files import existing_file

#: Columns that describe an electrode beside its six functional properties.
TEXT_COLUMNS = ("id", "structure", "working_ion", "formula_charge")


def read_structure(path: str | os.PathLike[str]) -> CrystalStructure:
    """Return the ordered crystal structure in a CIF, POSCAR or other file that pymatgen reads.

    Raises
    ------
    UserError
        If the file is missing, does not parse, or has partially occupied sites.
    """
    source = existing_file(path)
    from pymatgen.core import Structure

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            structure = Structure.from_file(source)
    except Exception as error:
        raise UserError(
            f"{source} does not parse as a crystal structure: check that it is a valid CIF or POSCAR."
        ) from error
    try:
        return CrystalStructure.from_pymatgen(structure)
    except UserError as error:
        raise UserError(f"{source}: {error}") from error


def electrodes_from_files(folder: str | os.PathLike[str], table: str | os.PathLike[str]) -> ElectrodeCollection:
    """Return the electrodes that a table lists.

    Parameters
    ----------
    folder
        Folder with the discharge structures.
    table
        CSV with the columns ``id``, ``structure`` (file name in the folder), ``working_ion``, ``formula_charge`` and the
        functional properties with their units as column names (``average_voltage_V`` ...).

    Raises
    ------
    UserError
        If a column is missing, or a row or its structure is wrong: the sentence names file, row and field.
    """
    source, structures = existing_file(table), Path(folder)
    if not structures.is_dir():
        raise UserError(f"{structures} is not a folder: give the folder with the structure files.")
    columns = {entry.name: entry.column for entry in FUNCTIONAL_PROPERTIES.values()}
    electrodes: list[Electrode] = []
    seen: set[str] = set()
    for number, row in _read_rows(source, (*TEXT_COLUMNS, *columns.values())):
        where = f"{source}, line {number} ({row['id']})"
        file = structures / row["structure"]
        if not file.resolve().is_relative_to(structures.resolve()):
            raise UserError(f"{where}: structure {row['structure']!r} lies outside {structures}: name a file in it.")
        if row["id"] in seen:
            raise UserError(f"{where}: id {row['id']!r} occurs more than once: give each electrode an id of its own.")
        seen.add(row["id"])
        try:
            structure = read_structure(file)
            values = FunctionalPropertyValues.model_validate({name: row[column] for name, column in columns.items()})
            electrodes.append(
                Electrode(
                    id=row["id"],
                    working_ion=row["working_ion"],
                    formula_charge=row["formula_charge"],
                    formula_discharge=structure.to_pymatgen().composition.reduced_formula,
                    properties=values,
                    structure=structure,
                    source=source.name,
                    source_id=row["id"],
                    method=row.get("method") or "as given in the table",
                )
            )
        except (ValidationError, UserError) as error:
            raise UserError(f"{where}: {describe_validation(error)}.") from error
    return ElectrodeCollection(tuple(electrodes), {"source": "files", "table": source.name})


def _read_rows(source: Path, required: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a CSV file with their line numbers, each with a text in all required columns."""
    try:
        with open(source, encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = [name for name in required if name not in (reader.fieldnames or ())]
            if missing:
                raise UserError(
                    f"{source} lacks the column {missing[0]!r}: add it (all columns: see fetch-electrodes --help)."
                )
            rows = [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{source} is not a CSV table in UTF-8 ({error}): save it as one.") from error
    if not rows:
        raise UserError(f"{source} has no rows: add one line per electrode.")
    for number, row in rows:
        short = [name for name in required if row[name] is None]
        if short:
            raise UserError(f"{source}, line {number} ({row[required[0]]}) ends before {short[0]!r}: fill the column.")
    return rows
