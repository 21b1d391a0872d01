"""A real server of the Materials Project's interface (emmet-api) with the electrodes of 2019 in a database in memory.

Run as a program with the folder of the electrodes; it prints its port, and ends when its standard input does.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
import socket
import sys
import threading
from pathlib import Path
from typing import Any

# Read when the server's modules are imported.
DATABASE_VERSION = "2019.12.03"
os.environ["MAPI_DB_VERSION"] = DATABASE_VERSION
os.environ["MAPI_ACCESS_CONTROLLED_BATCH_IDS"] = "gnome_r2scan_statics"

WHEN = "2019-12-03T00:00:00+00:00"


#: Added to the numbers of the collection mvc-, which the database has no more: above those that were written in digits.
NEWER = 4_000_000


def stored_id(identifier: str) -> str:
    """Return an identifier as the database has it today: all of one collection, with eight letters."""
    from emmet.core.mpid import AlphaID

    prefix, _, number = identifier.partition("-")
    return str(AlphaID(int(number) + (NEWER if prefix == "mvc" else 0), prefix="mp", padlen=8))


def electrode_documents(rows: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Return the rows of the table as documents, each valid for emmet's own model."""
    from emmet.core.electrode import InsertionElectrodeDoc
    from pymatgen.core import Composition

    numbers = ("average_voltage", "capacity_grav", "capacity_vol", "energy_grav", "energy_vol", "max_delta_volume")
    documents = []
    for row in rows:
        framework = Composition(row["formula_charge"]).as_dict()
        framework.pop(row["working_ion"], None)
        host = Composition(framework)
        document = {
            "battery_type": "insertion",
            "battery_formula": row["formula_discharge"],
            "formula_charge": row["formula_charge"],
            "formula_discharge": row["formula_discharge"],
            "working_ion": row["working_ion"],
            "thermo_type": "GGA_GGA+U",
            "num_steps": 1,
            "framework_formula": host.reduced_formula,
            "elements": sorted(str(element) for element in host),
            "nelements": len(host),
            "chemsys": host.chemical_system,
            "formula_anonymous": host.anonymized_formula,
            "last_updated": WHEN,
            **{name: float(row[name]) for name in (*numbers, "stability_charge", "stability_discharge")},
        }
        ids = {"id_charge": row["id_charge"], "id_discharge": row["id_discharge"]}
        materials = {row["battery_id"].partition("_")[0], *ids.values()}
        InsertionElectrodeDoc.model_validate({**document, **ids, "material_ids": sorted(materials)})
        document.update({name: stored_id(identifier) for name, identifier in ids.items()})
        document["material_ids"] = sorted(map(stored_id, materials))
        documents.append(document)
    return documents


def summary_document(identifier: str, cif: str) -> dict[str, Any]:
    """Return a material with its structure as JSON text, read from the P1 files of the reference data."""
    import orjson
    from pymatgen.core import Lattice, Structure

    cell = [float(value) for value in re.findall(r"_cell_(?:length|angle)_\w+\s+([\d.]+)", cif)]
    sites = re.findall(r"^\s+([A-Z][a-z]?)\S*\s+\S+\s+1\s+(\S+)\s+(\S+)\s+(\S+)\s+1\s*$", cif, re.MULTILINE)
    positions = [[float(value) for value in site[1:]] for site in sites]
    structure = Structure(Lattice.from_parameters(*cell), [site[0] for site in sites], positions)
    return {
        "material_id": stored_id(identifier),
        "structure": orjson.dumps(structure.as_dict()).decode(),
        "formula_pretty": structure.composition.reduced_formula,
        "nsites": len(structure),
        "volume": structure.volume,
        "deprecated": False,
        "builder_meta": {"license": "BY-C", "database_version": DATABASE_VERSION},
        "last_updated": WHEN,
    }


class Collection:
    """The part of an asynchronous collection that the server uses, over mongomock.

    mongomock copies all documents before it looks at a criterion. So those that the criterion on the field `index` leaves
    are put into a collection of their own first, as an index of a real database would find them.
    """

    def __init__(self, documents: list[dict[str, Any]], index: str) -> None:
        self._index = index
        self._documents: dict[str, list[dict[str, Any]]] = {}
        for document in documents:
            self._documents.setdefault(document[index], []).append(document)

    def _left_by(self, criteria: Any) -> Any:
        import mongomock

        wanted = criteria.get(self._index, {"$in": list(self._documents)})
        values = wanted["$in"] if isinstance(wanted, dict) else [wanted]
        collection = mongomock.MongoClient()["mp"]["documents"]
        if found := [dict(document) for value in values for document in self._documents.get(value, ())]:
            collection.insert_many(found)
        return collection

    async def count_documents(self, criteria: Any, **_: Any) -> int:
        return int(self._left_by(criteria).count_documents(criteria))

    async def estimated_document_count(self) -> int:
        return sum(map(len, self._documents.values()))

    async def aggregate(self, pipeline: Any, **_: Any) -> Cursor:
        import orjson

        found = list(self._left_by(pipeline[0].get("$match", {})).aggregate(pipeline))
        for document in found:
            # Put in as text and taken out as JSON: mongomock copies every atom of all structures several times.
            if "structure" in document:
                document["structure"] = orjson.Fragment(document["structure"])
        return Cursor(found)


class Cursor:
    def __init__(self, documents: list[Any]) -> None:
        self._documents = documents

    async def to_list(self, length: int | None = None) -> list[Any]:
        return self._documents


def application(folder: Path) -> Any:
    """Return the server's application with all electrodes and their discharged ends."""
    from emmet.api.core.api import MAPI
    from emmet.api.resource.utils import CollectionWithKey
    from emmet.api.routes.materials.insertion_electrodes.resources import insertion_electrodes_resource
    from emmet.api.routes.materials.summary.resources import summary_resource

    with open(folder / "electrodes.csv", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    with gzip.open(folder / "structures.json.gz", "rt", encoding="utf-8") as stream:
        structures = json.load(stream)
    discharged = sorted({row["id_discharge"] for row in rows})
    electrodes = Collection(electrode_documents(rows), "working_ion")
    summaries = [summary_document(identifier, structures[identifier]) for identifier in discharged]
    materials = Collection(summaries, "material_id")
    resources = [
        insertion_electrodes_resource(CollectionWithKey(electrodes)),
        summary_resource(CollectionWithKey(materials)),
    ]
    return MAPI(resources={"materials": resources}).app


def main() -> None:
    import uvicorn

    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(application(Path(sys.argv[1])), log_level="warning"))
    threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True).start()
    print(listening.getsockname()[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
