"""The group ``battgen kadi``."""

from __future__ import annotations

import xmlhelpy

from battgen_nodes.kadi.down import down
from battgen_nodes.kadi.install_templates import install_templates
from battgen_nodes.kadi.status import status
from battgen_nodes.kadi.up import up
from kadi_battgen import __version__


@xmlhelpy.group(name="kadi", version=__version__)
def kadi() -> None:
    """Run a Kadi4Mat server of your own on this machine, to try things out with."""


for _command in (up, status, down, install_templates):
    kadi.add_command(_command)
