"""Files that were there before the plugin: ``kadi battgen recognize-files`` gives them their types."""

from __future__ import annotations

from typing import Any

import click
from kadi.ext.db import db
from kadi.modules.records.models import File, FileState

from kadi_battgen.kadi_plugin.detection import BASE_MIMETYPES, detect
from kadi_battgen.kadi_plugin.kinds import Kind
from kadi_battgen.kadi_plugin.routes import blueprint

#: Files between two commits to the database.
_BLOCK = 200


def recognize(file: Any, base_mimetype: str) -> Kind | None:
    """Return the kind of a stored file, None if it is not ours or cannot be previewed where it is stored."""
    with file.storage.open(file.identifier) as stream:
        kind = detect(stream, file.size, base_mimetype)
        # HDF5 is read by another process, which cannot be given a stream: Kadi4Mat's own preview shows it.
        return None if kind is not None and kind.samples and not _is_file(stream) else kind


def _is_file(stream: Any) -> bool:
    """Tell whether a stream is a file of the operating system; those of other storages, such as S3, are none."""
    try:
        stream.fileno()
    except (AttributeError, OSError):
        return False
    return True


@blueprint.cli.command("recognize-files")
def recognize_files() -> None:
    """Recognize kadi-battgen's files among those uploaded before its plugin was enabled."""
    found = missing = 0
    candidates = File.query.filter(File.state == FileState.ACTIVE, File.magic_mimetype.in_(BASE_MIMETYPES))
    for number, file in enumerate(candidates.order_by(File.created_at).all(), start=1):
        try:
            kind = recognize(file, file.magic_mimetype)
        except OSError:
            missing += 1
            continue
        if kind is not None:
            # Only the type by content, and past the model: that is neither a change of the file nor a revision of it.
            File.query.filter(File.id == file.id).update({"magic_mimetype": kind.mimetype}, synchronize_session=False)
            found += 1
        if number % _BLOCK == 0:
            db.session.commit()
    db.session.commit()
    told = f"{found} file{'' if found == 1 else 's'} recognized"
    click.echo(told + (f", {missing} could not be read" if missing else ""))
