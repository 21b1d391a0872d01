"""Options that the commands of ``battgen kadi`` share."""

from __future__ import annotations

import xmlhelpy

folder_option = xmlhelpy.option(
    "folder",
    char="f",
    description=(
        "Folder of the sandbox; by default $BATTGEN_SANDBOX, else kadi-battgen/sandbox in $XDG_DATA_HOME "
        "(~/.local/share)."
    ),
    param_type=xmlhelpy.Path(path_type="directory"),
)
