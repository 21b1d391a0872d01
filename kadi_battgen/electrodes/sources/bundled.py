"""The electrodes that ship with the package; no network is needed."""

from __future__ import annotations

from importlib.resources import as_file, files

from kadi_battgen.electrodes.collection import ElectrodeCollection, read_electrodes


def bundled_electrodes() -> ElectrodeCollection:
    """Return the bundled electrodes; their data card is ``kadi_battgen/bundled/electrodes.card.md``."""
    with as_file(files("kadi_battgen.bundled") / "electrodes.json.gz") as path:
        return read_electrodes(path)
