"""The node report."""

from __future__ import annotations

from collections.abc import Sequence

import click
import xmlhelpy

from battgen_nodes.frame import node, result, say
from battgen_nodes.options import named_records, output_option
from battgen_nodes.recording import reading_store, start_run
from kadi_battgen.errors import UserError


@node("report", example="candidates.csv evaluation/ --output report.html")
@xmlhelpy.argument(
    "runs",
    nargs=-1,
    description=(
        "What to report on: files or folders that runs made, run:ID, kadi:ID or folders of runs; also as one text with "
        "commas. All that they came from is in the report too."
    ),
)
@output_option("Page to write (HTML), readable without a network.")
def report(runs: Sequence[str], output: str) -> None:
    """Write one self-contained page about one or several runs and the chains that they stand on.

    What a run made is shown first, then what it came from, step by step, back to the sources.
    """
    from battgen_nodes.reporting.chain import Chain
    from battgen_nodes.reporting.page import write_chain_report

    named = named_records(runs)
    if not named:
        raise UserError("No run was named: give at least one file, folder or record to report on.")
    with start_run("report", "Report of a chain") as run:
        chain = Chain.read(reading_store(click.get_current_context()), named)
        for number, step in enumerate(chain.named):
            run.add_input(f"runs_{number}", step.content(), records=(step.record.identifier,))
        for sentence in write_chain_report(output, chain):
            say(sentence)
        run.add_file(output, description="Report of a chain")
    result(output)
