"""How places are written down in a record, and how files come into one."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from kadi_battgen.files import atomic_path

#: Larger files are hard-linked into a record: the same bytes twice would fill a disk.
_LARGEST_COPY = 1024 * 1024


def written_path(path: Path, folder: Path) -> str:
    """Return `path` as text: relative to `folder`, else from the home folder as ``~``, else absolute.

    A relative path that climbs up to the root of the file system would be no more portable than an absolute one and
    would spell out the user's name on its way down into a home folder.
    """
    absolute, start, home = Path(os.path.abspath(path)), Path(os.path.abspath(folder)), Path.home()
    if len(Path(os.path.commonpath([absolute, start])).parts) > 1 and not (
        absolute.is_relative_to(home) and not start.is_relative_to(home)
    ):
        return Path(os.path.relpath(absolute, start)).as_posix()
    if len(home.parts) > 1 and absolute.is_relative_to(home):
        return f"~/{absolute.relative_to(home).as_posix()}"
    return absolute.as_posix()


def link_or_copy(source: Path, target: Path) -> None:
    """Make `target` a file with the content of `source`: a hard link if it is large, else (or elsewhere) a copy.

    A step replaces its results by new files instead of writing into them, so that a link keeps the content of its run;
    the record's checksums tell if anything else has written into it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(target) as temporary:
        if source.stat().st_size > _LARGEST_COPY:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
                os.link(source, temporary)
                return
        shutil.copyfile(source, temporary)
