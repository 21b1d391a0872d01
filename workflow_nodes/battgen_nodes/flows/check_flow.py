"""The node check-flow: what is wrong with a KadiStudio workflow."""

from __future__ import annotations

import click
import xmlhelpy

from battgen_nodes.frame import Node, answer, say


@xmlhelpy.command(name="check-flow", example="screen-for-a-target.flow", cls=Node)
@xmlhelpy.argument("flow", description="Workflow to check (.flow).", param_type=xmlhelpy.Path(path_type="file"))
def check_flow(flow: str) -> None:
    """Say what is wrong with a KadiStudio workflow.

    Unknown nodes and options, missing parameters, connections that lead nowhere or do not fit, cycles, undefined variables,
    values that an option does not take. One finding a line; the exit status is 1 if the workflow cannot run.
    """
    from battgen_nodes.flows.definitions import tool_definitions
    from kadi_battgen.flows.check import check_flow as check
    from kadi_battgen.flows.reading import read_flow

    workflow = read_flow(flow)
    findings = check(workflow, tool_definitions())
    for finding in findings:
        click.echo(finding)
    errors = sum(finding.severity == "error" for finding in findings)
    say(f"{flow}: {len(workflow.nodes)} nodes, {errors} errors, {len(findings) - errors} warnings")
    answer({}, status=int(errors > 0))
