"""Campaigns: content, resuming, bytes, refusals, and the file they write."""

from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import h5py
import numpy as np
import psutil
import pytest

from kadi_battgen.afm.campaign import run_campaign
from kadi_battgen.afm.geometry import cluster_from_structure
from kadi_battgen.afm.opencl import OpenCLDevice
from kadi_battgen.afm.orientations import best_rotations
from kadi_battgen.afm.settings import DESCRIPTOR_CHANNELS, ScanSettings
from kadi_battgen.afm.simulation import ppafm_version, simulate_stack
from kadi_battgen.afm.store import AfmCampaign
from kadi_battgen.afm.tasks import ElectrodeTask, Engine, simulate_electrode
from kadi_battgen.afm.validity import edge_distance
from kadi_battgen.electrodes.collection import write_electrodes
from kadi_battgen.electrodes.electrode import CrystalStructure
from kadi_battgen.errors import UserError
from kadi_battgen.files import sha256_file
from kadi_battgen.parallel import ClusterSettings

ORIENTATIONS, POOL = 2, 30


@pytest.fixture(scope="module")
def electrodes(lithium_iron_phosphate, lithium_cobalt_oxide):
    copies = [lithium_cobalt_oxide.model_copy(update={"id": f"copy-{i}"}) for i in range(2)]
    return [lithium_iron_phosphate, lithium_cobalt_oxide, *copies]


@pytest.fixture(scope="module")
def finished(electrodes, quick_scan, tmp_path_factory):
    path = tmp_path_factory.mktemp("campaign") / "afm.h5"
    summary = run_campaign(electrodes, path, quick_scan, orientations=ORIENTATIONS, pool=POOL)
    return path, summary


@pytest.fixture
def too_large(lithium_cobalt_oxide):
    structure = lithium_cobalt_oxide.structure
    atoms = len(structure.species)
    tall = CrystalStructure(
        lattice=(structure.lattice[0], structure.lattice[1], tuple(2 * np.array(structure.lattice[2]))),
        species=structure.species * 2,
        fractional_coordinates=tuple(
            (x, y, (z + cell) / 2) for cell in (0, 1) for x, y, z in structure.fractional_coordinates
        ),
    )
    assert len(tall.species) == 2 * atoms
    return lithium_cobalt_oxide.model_copy(update={"id": "tall", "structure": tall})


def test_the_file_holds_every_sample_with_its_origin(finished, electrodes, quick_scan):
    path, summary = finished
    with AfmCampaign.open(path) as campaign:
        assert len(campaign) == summary.stacks == ORIENTATIONS * len(electrodes)
        assert campaign.electrodes == electrodes
        assert campaign.electrode_index.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
        assert campaign.orientation_rank.tolist() == [0, 1] * 4
        assert campaign.channels == DESCRIPTOR_CHANNELS
        assert campaign.unit == "Hz"
        assert campaign.failures == []
        np.testing.assert_allclose(campaign.heights, quick_scan.tip_sample_distances)
        assert campaign.conventions["device"] == summary.device.as_dict()
        assert campaign.conventions["pixel_size"]["value"] == pytest.approx(quick_scan.window / 63)
        for index in range(len(campaign)):
            assert campaign.edge_distance[index] == edge_distance(campaign.stack(index))
        np.testing.assert_array_equal(campaign.valid, campaign.edge_distance > 0)
        assert summary.invalid_stacks == (~campaign.valid).sum() == 0


def test_a_stored_sample_is_the_simulated_one(finished, lithium_iron_phosphate, quick_scan):
    cluster = cluster_from_structure(lithium_iron_phosphate.structure)
    rotation = best_rotations(cluster.positions, ORIENTATIONS, POOL)[1]
    images = simulate_stack(cluster, rotation, "Li", quick_scan)
    campaign = AfmCampaign.open(finished[0])
    np.testing.assert_array_equal(campaign.rotation[1], rotation)
    assert campaign.stack(1).dtype == campaign.descriptors(1).dtype == np.float32
    np.testing.assert_allclose(campaign.stack(1), images.stack, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(campaign.descriptors(1), images.descriptors, rtol=1e-3, atol=1e-6)


def test_copies_of_one_structure_have_the_same_images(finished):
    campaign = AfmCampaign.open(finished[0])
    np.testing.assert_array_equal(campaign.stack(2), campaign.stack(4))
    np.testing.assert_array_equal(campaign.descriptors(3), campaign.descriptors(7))


@pytest.mark.parametrize("workers", [1, 2])
def test_the_bytes_do_not_depend_on_the_number_of_workers(workers, finished, electrodes, quick_scan, tmp_path):
    path = tmp_path / "again.h5"
    run_campaign(electrodes, path, quick_scan, orientations=ORIENTATIONS, pool=POOL, cluster=ClusterSettings(workers))
    assert sha256_file(path) == sha256_file(finished[0])
    assert [p.name for p in tmp_path.iterdir()] == ["again.h5"]


def test_a_finished_campaign_is_taken_over_and_a_changed_one_is_not(electrodes, tmp_path):
    path, scan = tmp_path / "afm.h5", ScanSettings(pixels=32)
    subset = electrodes[1:3]
    assert run_campaign(subset, path, scan, orientations=1, pool=9).reused_electrodes == 0
    written = path.stat().st_mtime_ns
    assert run_campaign(subset, path, scan, orientations=1, pool=9).reused_electrodes == 2
    assert path.stat().st_mtime_ns == written
    changed = scan.model_copy(update={"start_distance": 1.5})
    assert run_campaign(subset, path, changed, orientations=1, pool=9).reused_electrodes == 0


def test_a_killed_campaign_continues_where_it_stopped(finished, electrodes, quick_scan, tmp_path):
    collection, path = tmp_path / "electrodes.json", tmp_path / "afm.h5"
    write_electrodes(collection, electrodes)
    code = f"""
from kadi_battgen.afm.campaign import run_campaign
from kadi_battgen.afm.settings import ScanSettings
from kadi_battgen.electrodes.collection import read_electrodes
from kadi_battgen.parallel import ClusterSettings
run_campaign(read_electrodes({str(collection)!r}).electrodes, {str(path)!r},
             ScanSettings.model_validate_json({quick_scan.model_dump_json()!r}),
             orientations={ORIENTATIONS}, pool={POOL}, cluster=ClusterSettings(1))
"""
    process = subprocess.Popen([sys.executable, "-c", code])
    partial = tmp_path / "afm.h5.partial"
    deadline = time.monotonic() + 120
    while not list(partial.glob("*.npz")):
        assert process.poll() is None, "the campaign ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not path.exists()
    # A shard cut short, as a full disk would leave it, is simulated again.
    (partial / "damaged.npz").write_bytes(b"PK\x03\x04")
    summary = run_campaign(electrodes, path, quick_scan, orientations=ORIENTATIONS, pool=POOL)
    assert 1 <= summary.reused_electrodes <= len(electrodes)
    assert sha256_file(path) == sha256_file(finished[0])
    assert not partial.exists()


def test_a_worker_killed_in_the_middle_changes_nothing(finished, electrodes, quick_scan, tmp_path):
    path, victim = tmp_path / "afm.h5", []

    def kill_a_worker() -> None:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("afm.h5.partial/*.npz")) and time.monotonic() < deadline:
            time.sleep(0.005)
        workers = [p for p in psutil.Process().children() if "kadi_battgen.parallel.worker" in p.cmdline()]
        if workers:
            workers[0].kill()
            victim.append(workers[0].pid)

    killer = threading.Thread(target=kill_a_worker)
    killer.start()
    many = [electrodes[0].model_copy(update={"id": f"copy of iron phosphate {i}"}) for i in range(6)]
    summary = run_campaign(
        [*electrodes, *many], path, quick_scan, orientations=ORIENTATIONS, pool=POOL, cluster=ClusterSettings(2)
    )
    killer.join()
    assert victim
    assert summary.failures == []
    with AfmCampaign.open(path) as campaign, AfmCampaign.open(finished[0]) as whole:
        assert len(campaign) == ORIENTATIONS * 10
        for index in range(len(whole)):
            np.testing.assert_array_equal(campaign.stack(index), whole.stack(index))


def test_workers_that_simulate_with_something_else_are_refused(electrodes, quick_scan):
    engine = Engine(OpenCLDevice("another card", "another platform", "GPU", "1.0"), ppafm_version())
    task = ElectrodeTask(quick_scan, 1, 9, engine, electrodes[0].model_dump(mode="json"))
    with pytest.raises(UserError, match=r"workers of the cluster differ: one simulates with another card"):
        simulate_electrode(task)


def test_a_damaged_shard_is_simulated_again(electrodes, tmp_path, monkeypatch):
    from kadi_battgen.afm import campaign as module

    path, scan = tmp_path / "afm.h5", ScanSettings(pixels=32)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, "write_campaign", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run_campaign(electrodes[1:3], path, scan, orientations=1, pool=9)
    shards = sorted((tmp_path / "afm.h5.partial").iterdir())
    assert len(shards) == 2
    shards[0].write_bytes(shards[0].read_bytes()[:2000])
    assert run_campaign(electrodes[1:3], path, scan, orientations=1, pool=9).reused_electrodes == 1


def test_a_structure_larger_than_the_window_stops_the_campaign(electrodes, too_large, quick_scan, tmp_path):
    path = tmp_path / "afm.h5"
    with pytest.raises(UserError, match=r"Electrode tall is larger than the scan window.* set the window to \d+ A"):
        run_campaign([*electrodes, too_large], path, quick_scan, orientations=1)
    assert list(tmp_path.iterdir()) == []


def test_a_structure_larger_than_the_window_can_be_skipped(electrodes, too_large, tmp_path):
    path, scan = tmp_path / "afm.h5", ScanSettings(pixels=32)
    summary = run_campaign([too_large, electrodes[1]], path, scan, orientations=1, pool=9, skip_too_large=True)
    assert (summary.electrodes, summary.stacks, len(summary.failures)) == (1, 1, 1)
    campaign = AfmCampaign.open(path)
    assert [e.id for e in campaign.electrodes] == ["LiCoO2"]
    assert campaign.electrode_index.tolist() == [0]
    assert campaign.failures == summary.failures
    assert campaign.failures[0]["id"] == "tall"
    assert "larger than the scan window" in campaign.failures[0]["reason"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"electrodes": []}, "no electrode"),
        ({"orientations": 0}, "give 1 or more"),
        ({"orientations": 9, "pool": 3}, "pool of 3"),
        ({"repeat": True}, "occurs twice"),
        ({"output": "."}, "is a folder"),
        ({"output": "file/afm.h5"}, "cannot be created"),
    ],
)
def test_impossible_requests_are_refused(change, message, lithium_cobalt_oxide, tmp_path):
    electrodes = change.pop("electrodes", [lithium_cobalt_oxide] * (2 if change.pop("repeat", False) else 1))
    (tmp_path / "file").write_text("not a folder")
    output = tmp_path / change.pop("output", "afm.h5")
    with pytest.raises(UserError, match=message):
        run_campaign(electrodes, output, **change)


def test_without_a_device_the_campaign_says_what_to_install(lithium_cobalt_oxide, tmp_path, monkeypatch):
    monkeypatch.setenv("OCL_ICD_VENDORS", f"{tmp_path}/")
    monkeypatch.delenv("BATTGEN_OCL_ICD_VENDORS", raising=False)
    with pytest.raises(UserError, match="pip install intel-opencl-rt"):
        run_campaign([lithium_cobalt_oxide], tmp_path / "afm.h5")


def _foreign(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["schema"] = "another/one"


def _newer(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["schema"], file.attrs["schema_version"] = "kadi-battgen/afm-campaign", 99


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.unlink(), "does not exist"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_bytes(path.read_bytes()[:5000]), "empty, truncated or not HDF5"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "empty, truncated or not HDF5"),
        (lambda path: path.write_text("id,voltage\n1,3.4\n"), "empty, truncated or not HDF5"),
        (_foreign, "has schema .another/one."),
        (_newer, "schema version 99"),
    ],
)
def test_files_that_are_no_campaign_are_refused(spoil, message, finished, tmp_path):
    path = tmp_path / "afm.h5"
    path.write_bytes(finished[0].read_bytes())
    spoil(path)
    with pytest.raises(UserError, match=message):
        AfmCampaign.open(path)


def test_the_layout_is_the_contract(finished):
    with h5py.File(finished[0]) as file:
        assert (file.attrs["schema"], file.attrs["schema_version"]) == ("kadi-battgen/afm-campaign", 1)
        assert file["stacks"].chunks == (1, 10, 64, 64)
        assert file["descriptors"].chunks == (1, 6, 64, 64)
        types = {name: (dataset.dtype.str, dataset.shape[1:]) for name, dataset in file.items()}
        assert types["stacks"] == ("<f2", (10, 64, 64))
        assert types["descriptors"] == ("<f2", (6, 64, 64))
        assert types["rotation"] == ("<f8", (3, 3))
        assert {types[n][0] for n in ("electrode_index", "orientation_rank", "edge_distance")} == {"<i4"}
        assert types["valid"][0] == "|b1"
        assert json.loads(file["electrodes"].asstr()[0])["id"] == "LiFePO4"
        assert file["stacks"].attrs["unit"] == "Hz"
        assert json.loads(file["descriptors"].attrs["units"])[0] == "A"


def test_a_copied_reader_opens_the_file_for_itself(finished):
    campaign = AfmCampaign.open(finished[0])
    twin = copy.copy(campaign)
    campaign.close()
    np.testing.assert_array_equal(twin.stack(3), campaign.stack(3))
