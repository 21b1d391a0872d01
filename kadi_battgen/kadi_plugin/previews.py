"""From a file in Kadi4Mat to what its preview shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kadi.lib.web import url_for
from kadi.modules.records.models import File

from kadi_battgen.kadi_plugin.candidate_table import candidates_preview
from kadi_battgen.kadi_plugin.hdf5.process import UnreadableError, read_page
from kadi_battgen.kadi_plugin.kinds import CANDIDATES, CANDIDATES_JSON, CARD, WEIGHTS, Kind, kind_of
from kadi_battgen.kadi_plugin.limits import LARGEST_CARD, LARGEST_TABLE
from kadi_battgen.kadi_plugin.model_card import model_preview
from kadi_battgen.kadi_plugin.provenance import direct_sources
from kadi_battgen.kadi_plugin.safetensors_header import read_header

#: Type of the preview that only says something.
MESSAGE = "battgen-message"

_CARD_FILE = "card.json"
_WEIGHTS_FILE = "weights.safetensors"


def preview(file: Any) -> tuple[str, dict[str, Any]] | None:
    """Return type and data of the preview of a file, None if it is not ours."""
    kind = kind_of(file.magic_mimetype)
    if kind is None:
        return None
    if kind.samples:
        try:
            page = hdf5_page(file, kind, 0, {})
        except UnreadableError as error:
            return MESSAGE, {"message": f"{kind.title}: {error}"}
        endpoint = url_for("battgen.samples", record_id=file.record_id, file_id=file.id)
        return kind.preview, {"endpoint": endpoint, "page": page}
    data = _PREVIEWS[kind](file)
    if data is None:
        return MESSAGE, {"message": f"{kind.title}: the file is broken, truncated or too large to be shown here."}
    return kind.preview, data


def hdf5_page(file: Any, kind: Kind, start: int, filters: Mapping[str, str]) -> dict[str, Any]:
    """Return a page of samples of an HDF5 file.

    Raises
    ------
    UnreadableError
        If it cannot be shown.
    """
    with file.storage.open(file.identifier) as stream:
        return read_page(stream, {"kind": kind.name, "start": start, "filters": dict(filters)})


def _card(file: Any) -> dict[str, Any] | None:
    content = _content(file, LARGEST_CARD)
    weights = _beside(file, _WEIGHTS_FILE)
    data = model_preview(content, _tensors(weights), *_readers(file))
    return {**data, "sources": direct_sources(file.record)} if data["card"] else None


def _weights(file: Any) -> dict[str, Any] | None:
    tensors = _tensors(file)
    if tensors is None:
        return None
    card = _beside(file, _CARD_FILE)
    data = model_preview(card and _content(card, LARGEST_CARD), tensors, *_readers(file))
    return {**data, "sources": direct_sources(file.record)} if data["card"] else data


def _candidates(file: Any) -> dict[str, Any] | None:
    with file.storage.open(file.identifier) as stream:
        return candidates_preview(stream.read(LARGEST_TABLE + 1))


_PREVIEWS: dict[Kind, Callable[[Any], dict[str, Any] | None]] = {
    CARD: _card,
    WEIGHTS: _weights,
    CANDIDATES: _candidates,
    CANDIDATES_JSON: _candidates,
}


def _readers(file: Any) -> tuple[Callable[[str], bytes | None], Callable[[str], bytes | None]]:
    """Return what reads tables that lie beside a file, and those of its record as a whole."""

    def reader(find: Callable[[Any, str], Any]) -> Callable[[str], bytes | None]:
        def read(name: str) -> bytes | None:
            found = find(file, name)
            return found and _content(found, LARGEST_TABLE)

        return read

    return reader(_beside), reader(_of_record)


def _beside(file: Any, name: str) -> Any:
    folder, slash, _ = file.name.rpartition("/")
    return _of_record(file, f"{folder}{slash}{name}")


def _of_record(file: Any, name: str) -> Any:
    # Whoever may read a file may read all files of its record.
    return file.record.active_files.filter(File.name == name).first()


def _content(file: Any, largest: int) -> bytes | None:
    if file.size > largest:
        return None
    with file.storage.open(file.identifier) as stream:
        return bytes(stream.read(largest))


def _tensors(file: Any) -> dict[str, Any] | None:
    if file is None:
        return None
    with file.storage.open(file.identifier) as stream:
        return read_header(stream, file.size)
