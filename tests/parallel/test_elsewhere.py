"""Schedulers that are there already, jobs of a queue, and what can be wrong with them."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import subprocess
import sys

import pytest

from kadi_battgen.errors import UserError
from kadi_battgen.parallel import ClusterSettings, open_cluster
from kadi_battgen.parallel import remote as module
from kadi_battgen.parallel.jobs import JobQueue
from kadi_battgen.parallel.remote import _check_versions

FILE = """
system: slurm
jobs: 3
cores: 8
memory: 32 GB
walltime: 02:00:00
queue: compute
account: batteries
interface: lo
directives: [--constraint=icelake, --exclusive]
prologue: [module load python]
"""


@pytest.mark.parametrize(
    ("workers", "scheduler", "kind", "words"),
    [
        (3, None, "local", "3 worker processes of this machine"),
        (1, None, "local", "1 worker process of this machine"),
        (None, "tcp://10.0.0.1:8786", "address", "the Dask scheduler tcp://10.0.0.1:8786"),
        (None, "tls://node:8786", "address", "the Dask scheduler tls://node:8786"),
        (None, "slurm.yaml", "jobs", "the jobs of slurm.yaml"),
    ],
)
def test_settings_say_where_work_runs(workers, scheduler, kind, words):
    settings = ClusterSettings(workers, scheduler)
    assert (settings.kind, settings.describe()) == (kind, words)


@pytest.mark.parametrize(
    ("workers", "scheduler", "message"),
    [
        (0, None, "0 workers were asked for"),
        (2, "tcp://node:8786", "Both 2 workers and the scheduler"),
        (None, "tcp://node", "no address of a Dask scheduler"),
        (None, "http://node:8786", "no address of a Dask scheduler"),
    ],
)
def test_impossible_settings_are_refused(workers, scheduler, message):
    with pytest.raises(UserError, match=message):
        ClusterSettings(workers, scheduler)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jobs: 2\ncores: 4\nmemory: 8 GB\ncolour: red", "colour: no such field, choose from system, jobs"),
        ("cores: 4\nmemory: 8 GB", "jobs: Field required"),
        ("jobs: 0\ncores: 4\nmemory: 8 GB", "jobs: .*greater than or equal to 1"),
        ("jobs: 2\ncores: 4\nmemory: plenty", "memory: give a number and its unit"),
        ("jobs: 2\ncores: 4\nmemory: '8'", "memory: give a number and its unit"),
        ("jobs: 2\ncores: 4\nmemory: 8 GB\nwalltime: two hours", "walltime: "),
        ('jobs: 2\ncores: 4\nmemory: 8 GB\nqueue: "a\\nb"', "queue: a line break"),
        ("system: pbs\njobs: 2\ncores: 4\nmemory: 8 GB", "system: "),
        ("- 1", "the file: "),
        ("", "jobs: Field required"),
        ("jobs: [", "is not YAML"),
    ],
)
def test_a_wrong_file_is_refused_by_its_field(text, message, tmp_path):
    path = tmp_path / "queue.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        JobQueue.read(path)


def test_a_missing_file_is_named(tmp_path):
    with (
        open_cluster(ClusterSettings(scheduler=str(tmp_path / "queue.yaml"))) as cluster,
        pytest.raises(UserError, match=r"queue\.yaml does not exist"),
    ):
        list(cluster.run(str, [1, 2]))


def test_without_slurm_the_message_says_where_to_go(tmp_path, monkeypatch):
    (tmp_path / "queue.yaml").write_text(FILE)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="sbatch is not found: run this command on a login node of the SLURM cluster"):
        JobQueue.read(tmp_path / "queue.yaml").cluster()


def _program(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_the_job_script_holds_what_the_file_says(tmp_path, monkeypatch):
    (tmp_path / "queue.yaml").write_text(FILE)
    _program(tmp_path / "sbatch", "exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with JobQueue.read(tmp_path / "queue.yaml").cluster() as cluster:
        lines = cluster.job_script().splitlines()
    assert {line for line in lines if line.startswith("#SBATCH")} == {
        "#SBATCH -J battgen",
        "#SBATCH -p compute",
        "#SBATCH -A batteries",
        "#SBATCH -n 1",
        "#SBATCH --cpus-per-task=8",
        "#SBATCH --mem=30G",
        "#SBATCH -t 02:00:00",
        "#SBATCH --constraint=icelake",
        "#SBATCH --exclusive",
    }
    assert "module load python" in lines
    assert "export OMP_NUM_THREADS=1" in lines
    worker = lines[-1]
    assert worker.startswith(f"{sys.executable} -m distributed.cli.dask_worker")
    for words in ("--interface lo ", "--nthreads 1 ", "--nworkers 8 ", "--preload kadi_battgen.parallel.preload"):
        assert words in f"{worker} "


def test_a_queue_that_refuses_the_jobs_is_quoted(tmp_path, monkeypatch):
    (tmp_path / "queue.yaml").write_text(FILE)
    _program(tmp_path / "sbatch", "echo 'sbatch: error: invalid account' >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with (
        open_cluster(ClusterSettings(scheduler=str(tmp_path / "queue.yaml"))) as cluster,
        pytest.raises(UserError, match="refuses the jobs .*invalid account"),
    ):
        list(cluster.run(str, [1, 2]))


def test_jobs_of_a_queue_do_the_tasks(tmp_path, tasks):
    (tmp_path / "queue.yaml").write_text("system: local\njobs: 2\ncores: 1\nmemory: 1 GB\n")
    with open_cluster(ClusterSettings(scheduler=str(tmp_path / "queue.yaml"))) as cluster:
        assert sorted(cluster.run(tasks.square, range(9))) == [(n, n**2) for n in range(9)]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def _scheduler(folder, workers):
    address = f"tcp://127.0.0.1:{_free_port()}"
    dask = [sys.executable, "-m", "dask"]
    port = address.rpartition(":")[2]
    commands = [[*dask, "scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard"]]
    commands += [[*dask, "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]] * workers
    with open(folder / "log", "w") as log:
        started = [subprocess.Popen(command, stderr=log, stdout=log, cwd=folder) for command in commands]
        try:
            yield address, started
        finally:
            for process in reversed(started):
                process.kill()
                process.wait()


def test_a_running_scheduler_does_the_tasks_and_its_loss_is_said(tmp_path, tasks, capfd):
    with _scheduler(tmp_path, 1) as (address, started), open_cluster(ClusterSettings(scheduler=address)) as cluster:
        assert sorted(cluster.run(tasks.square, range(9))) == [(n, n**2) for n in range(9)]
        with pytest.raises(UserError, match=r"^Number 3 is refused"):
            list(cluster.run(tasks.refuse, range(9)))
        run = cluster.run(tasks.linger, [0, *[1] * 9])
        next(run)
        started[0].kill()
        with pytest.raises(UserError, match="is lost: what is finished is kept"):
            list(run)
    assert capfd.readouterr() == ("", "")


def test_a_scheduler_without_workers_and_one_that_is_not_there(tmp_path, tasks, monkeypatch):
    monkeypatch.setattr(module, "WORKER_SECONDS", 0.5)
    monkeypatch.setattr(module, "CONNECT_SECONDS", 5.0)
    with (
        _scheduler(tmp_path, 0) as (address, _),
        open_cluster(ClusterSettings(scheduler=address)) as cluster,
        pytest.raises(UserError, match=r"has had no worker for 0\.5 s: start some with 'dask worker'"),
    ):
        list(cluster.run(tasks.square, [1, 2]))
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.5)
    with (
        open_cluster(ClusterSettings(scheduler=address)) as cluster,
        pytest.raises(UserError, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:\d+ within 0\.5 s"),
    ):
        list(cluster.run(tasks.square, [1, 2]))


def _side(**changes):
    packages = dict.fromkeys(("dask", "distributed", "cloudpickle", "msgpack", "numpy", "kadi_battgen"), "1.0")
    return {"host": {"python": "3.11.7.final.0"}, "packages": packages | changes}


@pytest.mark.parametrize(
    ("scheduler", "worker", "message"),
    [
        ({}, {}, None),
        ({"numpy": "0.9", "kadi_battgen": None}, {}, None),
        ({"distributed": "0.9"}, {}, "The scheduler has distributed 0.9, but 1.0 runs here"),
        ({}, {"numpy": "2.0"}, "The worker tcp://a:1 has numpy 2.0, but 1.0 runs here"),
        ({}, {"kadi_battgen": None}, r"The worker tcp://a:1 has kadi_battgen \(not installed\)"),
    ],
)
def test_other_versions_are_refused(scheduler, worker, message):
    versions = {"client": _side(), "scheduler": _side(**scheduler), "workers": {"tcp://a:1": _side(**worker)}}
    with pytest.raises(UserError, match=message) if message else contextlib.nullcontext():
        _check_versions(versions)
