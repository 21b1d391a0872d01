"""The node provenance: the way from a result back to its sources."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
import xmlhelpy

from battgen_nodes.frame import answer, node, result, wants_json
from battgen_nodes.options import output_option, record_argument
from battgen_nodes.recording import node_store
from kadi_battgen.errors import UserError

if TYPE_CHECKING:
    from kadi_battgen.records.provenance import Provenance

#: Kinds of pictures by the ending of their names.
_PICTURES: dict[str, Literal["svg", "png"]] = {".svg": "svg", ".png": "png"}


@node("provenance", example="candidates.csv --image provenance.svg --prov-json provenance.json", recorded=False)
@record_argument
@xmlhelpy.option(
    "candidate",
    char="c",
    param_type=xmlhelpy.IntRange(min=1),
    description=(
        "Number (rank) of one of a screening's candidates, to tell also of the known electrode that is nearest to it and "
        "where that one comes from."
    ),
)
@output_option("Picture of the tree to write (SVG or PNG).", name="image", char=None, required=False)
@output_option("PROV-JSON document of W3C PROV to write (JSON).", name="prov-json", char=None, required=False)
@output_option(
    "RO-Crate to write (.eln), with all records of the tree and the files that they keep.",
    name="crate",
    char=None,
    required=False,
)
def provenance(record: str, candidate: int | None, image: str | None, prov_json: str | None, crate: str | None) -> None:
    """Show where a result comes from: the tree of records from it back to the sources.

    RECORD is run:ID, kadi:ID, a bare identifier, the folder of a local run, or a file that a run made. A record that is a
    source twice is described once and named by its number after that; what no record made is named with its checksum.
    """
    from kadi_battgen.records import find_record
    from kadi_battgen.records.provenance import Provenance, provenance_tree
    from kadi_battgen.records.store import NoStore

    if image is not None and Path(image).suffix.lower() not in _PICTURES:
        raise UserError(f"{image} is no picture that can be written: name it .svg or .png.")
    store, found = find_record(node_store(click.get_current_context()) or NoStore(), record)
    chain = Provenance.read(store, found.identifier)
    document: dict[str, Any] = {
        "record": found.identifier,
        "records": [entry.model_dump(mode="json", by_alias=True) for entry in chain.records],
        "missing": chain.missing,
    }
    lines = provenance_tree(store, found.identifier, max(80, shutil.get_terminal_size((120, 24)).columns))
    if candidate is not None:
        from battgen_nodes.records.candidate_origin import candidate_origin

        origin = candidate_origin(store, chain, candidate)
        document["candidate"] = origin.document()
        lines = [*origin.lines(), "", *lines]
    answer(document)
    written = []
    if image is not None:
        _draw(chain, image)
        written.append(image)
    if prov_json is not None:
        from kadi_battgen.records.prov_json import write_prov_json

        write_prov_json(prov_json, chain.records)
        written.append(prov_json)
    if crate is not None:
        from kadi_battgen.records.crate import pack

        pack(store, [entry.identifier for entry in chain.records], crate)
        written.append(crate)
    if not wants_json():
        for line in lines:
            click.echo(line)
    for path in written:
        result(path)


def _draw(chain: Provenance, image: str) -> None:
    from kadi_battgen.files import atomic_path
    from kadi_battgen.plots.provenance import ProvenanceRecord, provenance_figure
    from kadi_battgen.plots.style import image_bytes

    boxes = [
        ProvenanceRecord(
            record.identifier,
            record.record_type,
            record.title,
            record.state,
            record.started,
            [(link.name, link.record) for link in record.links],
        )
        for record in chain.records
    ]
    try:
        figure = provenance_figure(boxes, chain.root.title)
    except ValueError as error:
        raise UserError(f"The sources of {chain.root.identifier} cannot be drawn: {error}") from error
    content = image_bytes(figure, _PICTURES[Path(image).suffix.lower()])
    with atomic_path(image) as temporary:
        temporary.write_bytes(content)
