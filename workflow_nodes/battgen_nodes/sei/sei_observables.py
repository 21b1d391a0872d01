"""The node sei-observables."""

from __future__ import annotations

import xmlhelpy

from battgen_nodes.frame import node, result, say
from battgen_nodes.options import input_option, output_option
from battgen_nodes.recording import start_run


@node("sei-observables", example="--input sei.h5 --output observables.csv")
@input_option("input", "SEI campaign of simulate-sei (HDF5)", char="i")
@xmlhelpy.option(
    "barriers",
    description="Add the barriers as columns e1_eV to e15_eV.",
    is_flag=True,
)
@output_option("Table to write (CSV), one row a run, with units in the names of the columns.")
def sei_observables(input: str, barriers: bool, output: str) -> None:
    """Count the observables of SEI configurations anew and write them as a table."""
    from kadi_battgen.sei.table import write_observables

    with start_run("sei-observables", "Observables of SEI configurations") as run:
        rows = write_observables(run.input("input", input), output, barriers=barriers)
        run.add_file(output, description="Observables, regime, events and time of each run")
        run.add_metric("runs", rows)
    say(f"observables of {rows} runs")
    result(output)
