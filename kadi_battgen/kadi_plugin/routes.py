"""The plugin's own addresses: its scripts and styles, and further pages of a preview."""

from __future__ import annotations

from typing import Any

from flask import request
from kadi.lib.api.core import json_error_response, json_response
from kadi.lib.permissions.utils import permission_required
from kadi.lib.plugins.core import PluginBlueprint
from kadi.modules.records.models import File, Record

from kadi_battgen.kadi_plugin.hdf5.process import UnreadableError
from kadi_battgen.kadi_plugin.kinds import kind_of
from kadi_battgen.kadi_plugin.previews import hdf5_page

#: Scripts of the previews, in the order in which they are loaded.
SCRIPTS = ("pages.js", "images.js", "lattices.js", "curve.js", "model.js", "candidates.js")

blueprint = PluginBlueprint(
    "battgen", __name__, url_prefix="/battgen", template_folder="templates", static_folder="static", cli_group="battgen"
)


@blueprint.get("/records/<int:record_id>/files/<uuid:file_id>/samples")
@permission_required("read", "record", "record_id", allow_anonymous=True)
def samples(record_id: int, file_id: Any) -> Any:
    """Return a page of samples of a file, to whoever may read its record."""
    record = Record.query.get_active_or_404(record_id)
    file = record.active_files.filter(File.id == file_id).first_or_404()
    kind = kind_of(file.magic_mimetype)
    if kind is None or not kind.samples:
        return json_error_response(404)
    start = request.args.get("start", default=0, type=int)
    filters = {name: text for name, text in request.args.items() if name != "start"}
    try:
        return json_response(200, hdf5_page(file, kind, max(0, min(start, 2**31)), filters))
    except UnreadableError as error:
        return json_error_response(422, description=str(error))
