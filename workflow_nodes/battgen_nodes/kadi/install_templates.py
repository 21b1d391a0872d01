"""The node kadi install-templates: the templates of all types of records on an instance."""

from __future__ import annotations

import xmlhelpy

from battgen_nodes.frame import Node, result, say


@xmlhelpy.command(name="install-templates", example="--instance sandbox", cls=Node)
@xmlhelpy.option(
    "instance",
    char="I",
    description=(
        "Kadi4Mat instance, by its name in kadi-apy's configuration; by default $BATTGEN_INSTANCE, else the "
        "configuration's default instance."
    ),
)
def install_templates(instance: str | None) -> None:
    """Install the Kadi4Mat templates of all types of records, or bring them up to date.

    Their values are checked when someone saves a record: required ones, options, ranges, units and terms. The identifiers
    of the templates are printed.
    """
    from kadi_battgen.records.kadi.client import KadiClient
    from kadi_battgen.records.kadi.instance import require_instance
    from kadi_battgen.records.kadi.templates import install_templates as install

    chosen = require_instance(instance)
    installed = install(KadiClient(chosen, notice=say))
    for template in installed:
        result(template.identifier)
    changed = [template for template in installed if template.outcome != "unchanged"]
    say(f"{len(installed)} templates on {chosen.address}, {len(changed)} of them created or updated.")
