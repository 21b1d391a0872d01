"""The node run-flow: a KadiStudio workflow without KadiStudio."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import xmlhelpy

from battgen_nodes.frame import Node, say
from battgen_nodes.options import repeated_option
from kadi_battgen.errors import UserError


@xmlhelpy.command(
    name="run-flow", example="screen-for-a-target.flow --folder screening/ --input working_ion=Na", cls=Node
)
@xmlhelpy.argument("flow", description="Workflow to run (.flow).", param_type=xmlhelpy.Path(path_type="file"))
@xmlhelpy.option(
    "folder",
    char="f",
    default=".",
    description="Folder that its commands run in; created if it is not there.",
    param_type=xmlhelpy.Path(path_type="directory"),
)
@repeated_option(
    "input",
    "Answer to a question of the workflow, or value of one of its variables, as name=value; may be given several times. "
    "Questions that have a default need none; --dry-run lists all.",
    char="i",
)
@repeated_option("allow", "Further program that the workflow may run besides battgen; may be given several times.")
@xmlhelpy.option(
    "resume", char="r", is_flag=True, description="Go on after the last step that an earlier run finished."
)
@xmlhelpy.option("dry-run", char="n", is_flag=True, description="Print the commands instead of running them.")
def run_flow(flow: str, folder: str, input: Sequence[str], allow: Sequence[str], resume: bool, dry_run: bool) -> None:
    """Run a KadiStudio workflow without KadiStudio, as its engine would.

    Steps run one after another, without a shell, each with a log in a folder beside the results. The first failure ends the
    run with that step's message; --resume goes on from there, also after a kill. Only battgen commands are run unless
    --allow names others.
    """
    from battgen_nodes.flows.definitions import tool_definitions
    from kadi_battgen.flows.commands import Programs
    from kadi_battgen.flows.inputs import questions
    from kadi_battgen.flows.plan import plan_flow
    from kadi_battgen.flows.reading import read_flow
    from kadi_battgen.flows.run import dry_run as list_commands
    from kadi_battgen.flows.run import run_flow as run

    workflow, tools, programs = read_flow(flow), tool_definitions(), Programs(allow=allow)
    answers = dict(_answer(text) for text in input)
    if dry_run:
        for question in questions(plan_flow(workflow)):
            say(f"asks {question}")
        for command in list_commands(workflow, inputs=answers, programs=programs, tools=tools):
            click.echo(command.text)
        return
    done = run(workflow, folder, inputs=answers, programs=programs, tools=tools, resume=resume, report=say)
    restored = f", {done.restored} of them by an earlier run" if done.restored else ""
    say(f"{workflow.name}: {len(done.outputs)} commands done{restored}")
    for output in done.outputs:
        for line in output.path.read_text(encoding="utf-8", errors="replace").splitlines():
            click.echo(str(Path(folder) / line) if (Path(folder) / line).exists() else line)


run_flow.resumes = "--resume"


def _answer(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UserError(f"--input {text!r} is no answer: write name=value.")
    return name.strip(), value
