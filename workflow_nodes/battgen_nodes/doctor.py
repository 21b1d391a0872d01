"""The node doctor: what is installed, which devices and services there are, and what is missing."""

from __future__ import annotations

import sys

import click

from battgen_nodes.frame import answer, node, records_folder, say, wants_json
from kadi_battgen.terminal import uses_colour

_MARKS = {"ok": ("ok", "green"), "absent": ("-", None), "problem": ("!!", "red")}

#: What goes before a remedy.
_WAYS = {"ok": "see", "absent": "to get it", "problem": "to fix it"}


@node("doctor", example="--json", recorded=False)
def doctor() -> None:
    """Tell what is installed, which devices and services there are, what is missing and the command that fixes it.

    Nothing is changed and nothing secret is shown. Ends with exit status 1 if something that is needed is missing.
    """
    from battgen_nodes.flows.definitions import tool_documents
    from kadi_battgen.doctor import examine

    context = click.get_current_context()
    found = examine(records_folder(context), context.params.get("instance"), list(tool_documents()))
    problems = [finding for finding in found if finding.state == "problem"]
    answer(
        {"healthy": not problems, "findings": [finding.as_dict() for finding in found]},
        status=1 if problems else 0,
    )
    if wants_json():
        return
    group = None
    for finding in found:
        if finding.group != group:
            group = finding.group
            click.echo(_coloured(group.capitalize(), bold=True))
        mark, colour = _MARKS[finding.state]
        click.echo(f"  {_coloured(f'{mark:<3}', fg=colour)} {finding.name}: {finding.value}")
        if finding.remedy is not None:
            click.echo(f"      {_WAYS[finding.state]}: {finding.remedy}")
    say(f"{len(problems)} problem{'s' * (len(problems) != 1)}" if problems else "everything that is needed is there")


def _coloured(text: str, **style: object) -> str:
    return click.style(text, **style) if uses_colour(sys.stdout) else text  # type: ignore[arg-type]
