"""Stacks per second of an AFM campaign against ppafm called sample by sample, with the images compared.

Both sides simulate the same electrodes in the same orientations, with the same scan window, pixels, heights, tip and
distances, on the same OpenCL device, in the same run. The peer calls ppafm's AFMulator and its four AuxMaps one after
the other, with set-up and a first warm-up sample left out of its time; it may use all cores, as OpenCL does by itself.
The campaign's time is that of the whole call: processes started, orientations ranked, file written.

The peer tabulates the force field on a grid; 10 points per A is its default, 5 a coarse choice for speed. The campaign
sums the forces exactly, so the differences shrink as the peer's grid is refined.

    python benchmarks/afm_campaign.py --electrodes 12 --orientations 4
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from kadi_battgen.afm.campaign import run_campaign
from kadi_battgen.afm.descriptors import type_classes
from kadi_battgen.afm.geometry import cluster_from_structure, under_the_tip
from kadi_battgen.afm.opencl import quiet_ppafm, start_ppafm
from kadi_battgen.afm.settings import ScanSettings
from kadi_battgen.afm.store import AfmCampaign
from kadi_battgen.electrodes.collection import read_electrodes
from kadi_battgen.parallel import ClusterSettings, available_cores


class Peer:
    """ppafm used as its documentation shows: one AFMulator, four AuxMaps, one call each per sample."""

    def __init__(self, settings: ScanSettings, pixels_per_angstrom: int) -> None:
        start_ppafm()
        from ppafm import common
        from ppafm.ml import AuxMap
        from ppafm.ocl.AFMulator import AFMulator

        half, shape = settings.window / 2, (settings.pixels, settings.pixels)
        top = settings.start_distance + settings.probe_length
        bottom = top - settings.tip_positions * settings.height_step
        flat = {"scan_dim": shape, "scan_window": ((-half, -half), (half, half))}
        self.common, self.AuxMap = common, AuxMap
        self.flat, self.depth = flat, settings.sphere_depth
        self.afmulator = AFMulator(
            pixPerAngstrome=pixels_per_angstrom,
            scan_dim=(*shape, settings.tip_positions),
            scan_window=((-half, -half, bottom), (half, half, top)),
            iZPP=settings.probe,
            Qs=[0.0] * 4,
            QZs=[0.0] * 4,
            df_steps=settings.oscillation_steps,
            tipR0=[0.0, 0.0, settings.probe_length],
            npbc=(0, 0, 0),
        )
        self.height_map = AuxMap.HeightMap(self.afmulator.scanner)
        self.spheres = AuxMap.vdwSpheres(**flat)
        self.disks = AuxMap.AtomicDisks(**flat)

    def contact_radii(self, numbers: np.ndarray) -> np.ndarray:
        """Lennard-Jones minimum distances between the probe and the atoms in A."""
        return self.common.getAtomsREA(self.afmulator.iZPP, numbers, self.afmulator.typeParams)[:, 0]

    def __call__(self, positions: np.ndarray, numbers: np.ndarray, ion: str) -> tuple[np.ndarray, np.ndarray]:
        """Return stack (heights, y, x) and descriptors (6, y, x)."""
        charges = np.zeros(len(numbers))
        atoms = np.concatenate([positions, charges[:, None]], axis=1)
        types = self.AuxMap.MultiMapSpheresElements(**self.flat, elems=type_classes(ion))
        with quiet_ppafm():
            stack = self.afmulator(positions, numbers, charges)
            maps = [self.height_map(atoms, numbers), self.spheres(atoms, numbers), self.disks(atoms, numbers)]
            maps = np.concatenate([np.stack(maps), np.moveaxis(types(atoms, numbers), 2, 0)])
        return stack.transpose(2, 1, 0), maps.transpose(0, 2, 1)


class Difference:
    """Differences of images over many samples: the largest, and root mean square against the peer's variation."""

    def __init__(self) -> None:
        self.largest, self._gap, self._spread = 0.0, 0.0, 0.0

    def add(self, ours: np.ndarray, theirs: np.ndarray) -> None:
        """Take one image or stack into account."""
        gap = ours.astype(float) - theirs
        self.largest = max(self.largest, float(np.abs(gap).max()))
        self._gap += float((gap**2).sum())
        self._spread += float(((theirs - theirs.mean(dtype=float)) ** 2).sum())

    @property
    def relative(self) -> float:
        """Root mean square difference over the standard deviation of the peer's images."""
        return float(np.sqrt(self._gap / self._spread)) if self._spread else 0.0


def main() -> int:
    """Run both sides and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--source", type=Path, help="electrode collection (.json or .json.gz); the bundled one if absent"
    )
    parser.add_argument("--electrodes", type=int, default=12, help="number of electrodes")
    parser.add_argument("--orientations", type=int, default=4, help="orientations of each")
    parser.add_argument("--peer-samples", type=int, default=12, help="samples the peer simulates")
    parser.add_argument(
        "--grids", type=int, nargs="+", default=[5, 10], help="force-field grids of the peer in points per A"
    )
    parser.add_argument("--workers", type=int, help="processes of the campaign; all cores if absent")
    options = parser.parse_args()

    if options.source:
        collection = read_electrodes(options.source)
    else:
        from kadi_battgen.electrodes.sources.bundled import bundled_electrodes

        collection = bundled_electrodes()
    settings = ScanSettings()
    fits = [e for e in collection.electrodes if cluster_from_structure(e.structure).diameter + 3.0 <= settings.window]
    chosen = fits[:: max(1, len(fits) // options.electrodes)][: options.electrodes]
    report: dict[str, object] = {"cores": len(available_cores()), "load": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "afm.h5"
        cluster = ClusterSettings(workers=options.workers)
        summary = run_campaign(chosen, file, settings, orientations=options.orientations, cluster=cluster)
        with AfmCampaign.open(file) as campaign:
            rate = summary.stacks_per_second
            report["campaign"] = {
                "stacks": summary.stacks,
                "seconds": round(summary.seconds, 2),
                "stacks_per_second": round(rate, 2),
                "workers": min(cluster.processes, len(chosen)),
                "device": campaign.conventions["device"]["name"],
            }
            samples = np.linspace(0, len(campaign) - 1, min(options.peer_samples, len(campaign))).astype(int)
            for grid in options.grids:
                report[f"ppafm at {grid} points per A"] = compare(Peer(settings, grid), campaign, samples, rate)
    print(json.dumps(report, indent=2))
    return 0


def compare(peer: Peer, campaign: AfmCampaign, samples: np.ndarray, rate: float) -> dict[str, object]:
    """Time the peer on samples of the campaign and compare the images."""
    seconds: list[float] = []
    stacks, maps_by_channel = Difference(), {name: Difference() for name in campaign.channels}
    for count, index in enumerate([samples[0], *samples]):
        electrode = campaign.electrodes[campaign.electrode_index[index]]
        cluster = cluster_from_structure(electrode.structure)
        positions = under_the_tip(cluster.positions, peer.contact_radii(cluster.numbers), campaign.rotation[index])
        started = time.perf_counter()
        stack, maps = peer(positions, cluster.numbers, electrode.working_ion)
        if count == 0:
            continue  # warm-up
        seconds.append(time.perf_counter() - started)
        stacks.add(campaign.stack(index), stack)
        for gap, ours, theirs in zip(maps_by_channel.values(), campaign.descriptors(index), maps, strict=True):
            gap.add(ours, theirs)
    their_rate = len(seconds) / sum(seconds)
    return {
        "stacks_per_second": round(their_rate, 2),
        "campaign_is_faster_by": round(rate / their_rate, 2),
        "stacks": {
            "largest_difference_Hz": round(stacks.largest, 4),
            "rms_difference_relative": round(stacks.relative, 5),
        },
        "descriptors": {name: {"rms_difference_relative": round(d.relative, 5)} for name, d in maps_by_channel.items()},
    }


if __name__ == "__main__":
    sys.exit(main())
