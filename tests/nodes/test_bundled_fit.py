"""The commands of the README work on any selection of the bundled electrodes."""

from __future__ import annotations

from kadi_battgen.afm.geometry import cluster_from_structure, require_fit
from kadi_battgen.afm.settings import ScanSettings
from kadi_battgen.electrodes.sources.bundled import bundled_electrodes


def test_every_bundled_electrode_fits_into_the_default_scan_window() -> None:
    settings = ScanSettings()
    for electrode in bundled_electrodes().electrodes:
        require_fit(cluster_from_structure(electrode.structure), settings.window, settings.margin, electrode.id)
