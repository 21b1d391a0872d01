"""What Kadi4Mat calls: its hooks, each of which answers None to what is not ours and never raises.

See ``kadi.plugins.spec`` in Kadi4Mat for what each hook is for.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from flask import current_app, render_template, request
from kadi.lib.web import url_for
from kadi.modules.records.models import Record
from kadi.plugins import hookimpl

from kadi_battgen._version import __version__
from kadi_battgen.kadi_plugin.detection import may_be_ours
from kadi_battgen.kadi_plugin.kinds import kind_of
from kadi_battgen.kadi_plugin.previews import preview
from kadi_battgen.kadi_plugin.provenance import is_ours, read_chain
from kadi_battgen.kadi_plugin.recognition import recognize
from kadi_battgen.kadi_plugin.routes import SCRIPTS, blueprint

__all__ = ["__version__"]


def _harmless(hook: Callable[..., Any]) -> Callable[..., Any]:
    """Make a hook answer None where it fails, so that Kadi4Mat and its other plugins go on; the log tells of it."""

    @functools.wraps(hook)
    def guarded(*arguments: Any, **named: Any) -> Any:
        try:
            return hook(*arguments, **named)
        except Exception:
            current_app.logger.exception("kadi-battgen: %s failed", hook.__name__)
            return None

    return guarded


@hookimpl
def kadi_get_blueprints() -> Any:
    """Add our addresses."""
    return blueprint


@hookimpl
@_harmless
def kadi_get_custom_mimetype(file: Any, base_mimetype: str) -> str | None:
    """Return the MIME type of a file of ours, told by its first bytes."""
    if not may_be_ours(base_mimetype, file.size):
        return None
    kind = recognize(file, base_mimetype)
    return None if kind is None else kind.mimetype


@hookimpl
@_harmless
def kadi_get_preview_data(file: Any) -> tuple[str, dict[str, Any]] | None:
    """Return what the preview of a file of ours shows."""
    return preview(file)


@hookimpl
@_harmless
def kadi_get_preview_templates(file: Any) -> str | None:
    """Return the place of the preview on the page."""
    return None if kind_of(file.magic_mimetype) is None else render_template("battgen/preview.html")


@hookimpl
@_harmless
def kadi_get_scripts() -> list[str] | None:
    """Add the scripts of the previews to the page of a file."""
    if request.endpoint != "records.view_file":
        return None
    return [url_for("battgen.static", filename=name, v=__version__) for name in SCRIPTS]


@hookimpl
@_harmless
def kadi_get_resource_overview_templates(resource: Any) -> str | None:
    """Return the chain of provenance of a record that a run of ours made."""
    if not isinstance(resource, Record) or not is_ours(resource):
        return None
    return render_template("battgen/provenance.html", chain=read_chain(resource))
