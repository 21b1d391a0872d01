"""Tasks on the cores of this machine: the same results however many there are, and what happens to the lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kadi_battgen.errors import UserError
from kadi_battgen.parallel import ClusterSettings, open_cluster
from kadi_battgen.parallel.cluster import TASKS_PER_WORKER


@pytest.fixture(scope="module")
def two():
    with open_cluster(ClusterSettings(workers=2)) as cluster:
        yield cluster


@pytest.mark.parametrize("ordered", [False, True])
def test_results_do_not_depend_on_the_number_of_workers(two, tasks, ordered):
    @settings(max_examples=10, deadline=None)
    @given(numbers=st.lists(st.integers(-1000, 1000), max_size=40))
    def check(numbers):
        with open_cluster(ClusterSettings(workers=1)) as one:
            here = list(one.run(tasks.square, numbers))
        there = list(two.run(tasks.square, numbers, ordered=ordered))
        assert here == [(position, number**2) for position, number in enumerate(numbers)]
        assert (there if ordered else sorted(there)) == here

    check()


def test_each_worker_has_one_core_one_thread_and_no_voice_on_standard_output(two, tasks, capfd):
    found = [value for _, value in two.run(tasks.where, range(8))]
    assert os.getpid() not in {pid for pid, _, _ in found}
    assert {(cores, threads) for _, cores, threads in found} == {(1, "1")}
    assert len({pid for pid, _, _ in found}) == 2
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(("workers", "count"), [(1, 5), (2, 1)])
def test_one_worker_or_one_task_stays_in_this_process(tasks, workers, count):
    with open_cluster(ClusterSettings(workers=workers)) as cluster:
        assert {value[0] for _, value in cluster.run(lambda _: (os.getpid(),), range(count))} == {os.getpid()}


def test_an_isolated_task_does_not(tasks):
    with open_cluster(ClusterSettings(workers=1), isolated=True) as cluster:
        [(_, (pid, _, _))] = cluster.run(tasks.where, [0])
    assert pid != os.getpid()


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_for_the_user_arrives_as_it_is(two, tasks, workers):
    with open_cluster(ClusterSettings(workers=1)) as one, pytest.raises(UserError, match=r"^Number 3 is refused"):
        list((one if workers == 1 else two).run(tasks.refuse, range(20)))
    assert sorted(two.run(tasks.square, range(3))) == [(0, 0), (1, 1), (2, 4)]


def test_a_lost_worker_costs_only_its_task(two, tasks, tmp_path, capfd):
    work = [(number, str(tmp_path / "mark")) for number in range(12)]
    assert sorted(two.run(tasks.end_worker_once, work)) == [(number, number) for number in range(12)]
    assert (tmp_path / "mark").exists()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("count", [2, 9])
def test_a_task_that_ends_every_worker_is_named(two, tasks, count):
    with pytest.raises(UserError, match=r"^Number 1 ended each of the 3 worker processes"):
        list(two.run(tasks.end_worker_always, range(count), name=lambda number: f"Number {number}"))
    assert sorted(two.run(tasks.square, range(3))) == [(0, 0), (1, 1), (2, 4)]


def test_few_tasks_are_on_their_way_however_many_there_are(two, tasks, tmp_path):
    class Tasks:
        """Counts what was taken from it."""

        def __len__(self):
            return 200

        def __getitem__(self, position):
            taken.append(position)
            return position, str(tmp_path)

    taken: list[int] = []
    for done, _ in enumerate(two.run(tasks.count_in_flight, Tasks()), start=1):
        assert len(taken) - done <= 2 * (2 * TASKS_PER_WORKER + 1)
    assert taken == list(range(200))
    assert len(list(tmp_path.iterdir())) == 200


def test_a_run_given_up_leaves_the_cluster_usable(two, tasks):
    run = two.run(tasks.linger, [0, 0, 0, 0, 0, 0])
    assert next(run)[1] == 0
    run.close()
    assert sorted(two.run(tasks.square, range(3))) == [(0, 0), (1, 1), (2, 4)]


def test_nothing_is_left_when_the_starter_is_killed(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    script = tmp_path / "script.py"
    # Without a guard: workers do not run the script again.
    script.write_text(
        "import time\nfrom kadi_battgen.parallel import ClusterSettings, open_cluster\n"
        "def linger(n):\n    time.sleep(60 if n > 1 else 0)\n    return n\n"
        "with open_cluster(ClusterSettings(workers=2)) as cluster:\n"
        "    for position, _ in cluster.run(linger, range(9)):\n        print(position, flush=True)\n"
    )
    starter = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, cwd=tmp_path, text=True)
    assert starter.stdout.readline().strip() in ("0", "1")
    workers = psutil.Process(starter.pid).children(recursive=True)
    assert len(workers) == 2
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    assert psutil.wait_procs(workers, timeout=20)[1] == []
    deadline = time.monotonic() + 10
    while list((tmp_path / "scratch").iterdir()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert list((tmp_path / "scratch").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scratch", "script.py"]


def test_workers_end_with_the_cluster(tasks, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with open_cluster(ClusterSettings(workers=2)) as cluster:
        pids = {value[0] for _, value in cluster.run(tasks.where, range(6))}
        assert len(list(tmp_path.glob("kadi-battgen-workers-*"))) == 1
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert list(tmp_path.iterdir()) == []


def test_workers_that_cannot_start_are_an_error(tasks, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with (
        open_cluster(ClusterSettings(workers=2)) as cluster,
        pytest.raises(UserError, match=r"ended while they were starting \(exit status 1\)"),
    ):
        list(cluster.run(tasks.square, range(4)))
