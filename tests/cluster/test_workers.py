"""Where tasks run: threads within the budget, results in order."""

import subprocess
import sys
import threading
import time

import dask
import dask.array as da
import numpy as np
import pytest
from dask import delayed
from threadpoolctl import threadpool_info

from segment_lib.cluster.workers import Workers, connect, local_workers
from segment_lib.errors import ClusterError, DataError
from tests.clusters import cluster


class Crowd:
    """How many tasks were at work together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0

    def task(self, value: int) -> int:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(0.03)
        with self._lock:
            self._now -= 1
        return value

    def tasks(self, n: int) -> list:
        return [delayed(self.task, pure=False)(i) for i in range(n)]


def test_results_come_in_the_order_of_the_tasks():
    tasks = [delayed(lambda i: (time.sleep(0.02 * (3 - i)), i)[1])(i) for i in range(4)]
    assert Workers(threads=4).run(tasks) == [0, 1, 2, 3]


def test_no_tasks_have_no_results():
    assert Workers(threads=2).run([]) == []


def test_each_result_is_told_once_as_it_comes():
    results: list[int] = []
    Workers(threads=3).run([delayed(int)(i) for i in range(20)], results.append)
    assert sorted(results) == list(range(20))


def test_only_results_are_told_not_the_steps_to_them():
    results: list[int] = []
    tasks = [delayed(sum)([delayed(int)(i), 100]) for i in range(3)]
    Workers(threads=2).run(tasks, results.append)
    assert sorted(results) == [100, 101, 102]


def test_results_are_told_in_the_callers_thread():
    threads: list[int] = []
    Workers(threads=2).run([delayed(int)(1)], lambda _: threads.append(threading.get_ident()))
    assert threads == [threading.get_ident()]


@pytest.mark.parametrize(
    ("threads", "at_once", "most"), [(1, None, 1), (4, 1, 1), (4, 2, 2), (3, 9, 3), (3, None, 3)]
)
def test_no_more_tasks_are_at_work_than_allowed(threads, at_once, most):
    crowd = Crowd()
    Workers(threads=threads).run(crowd.tasks(12), at_once=at_once)
    assert crowd.most == most


@pytest.mark.parametrize(("threads", "at_once", "most"), [(4, 1, 1), (4, 2, 2), (2, 9, 2)])
def test_no_more_blocks_are_computed_together_than_allowed(threads, at_once, most):
    crowd = Crowd()
    workers = Workers(threads=threads)
    with workers.active(), workers.limited(at_once):
        dask.compute(*crowd.tasks(12))
    assert crowd.most == most


def test_a_failing_task_fails_the_run_with_its_own_error():
    def fail() -> None:
        raise DataError("line 7: 2 cells")

    with pytest.raises(DataError, match="line 7"):
        Workers(threads=2).run([delayed(fail)(), delayed(int)(1)])


def test_after_a_failure_the_workers_can_run_again():
    def fail() -> None:
        raise DataError("line 7: 2 cells")

    workers = Workers(threads=2)
    with pytest.raises(DataError):
        workers.run([delayed(fail)()])
    assert workers.run([delayed(int)(1)]) == [1]


def test_dask_computes_on_these_threads_while_they_are_active():
    seen: set[int] = set()
    X = da.from_array(np.arange(40), chunks=1)
    with Workers(threads=2).active():
        X.map_blocks(lambda b: (seen.add(threading.get_ident()), time.sleep(0.005), b)[2]).compute()
    # The first call infers the type here, in this thread.
    assert len(seen - {threading.get_ident()}) == 2


def test_products_run_in_one_thread_while_the_workers_are_active():
    np.ones((2, 2)) @ np.ones((2, 2))
    with Workers(threads=2).active():
        threads = {pool["num_threads"] for pool in threadpool_info()}
    assert threads == {1}


def test_the_settings_of_dask_are_given_back():
    before = dask.config.get("num_workers", None)
    with Workers(threads=2).active():
        Workers(threads=1).run([delayed(int)(1)])
    assert (dask.config.get("num_workers", None), dask.config.get("pool", None)) == (before, None)


def test_a_run_within_active_workers_leaves_them_active():
    with Workers(threads=2).active():
        Workers(threads=2).run([delayed(int)(1)], at_once=1)
        assert dask.config.get("num_workers") == 2


@pytest.mark.parametrize("threads", [3, 1])
def test_local_workers_have_the_threads_asked_for(threads):
    assert local_workers(threads).threads == threads


def test_local_workers_have_at_least_one_thread():
    assert local_workers().threads >= 1


# A cluster that is not there


def test_a_scheduler_that_does_not_answer_is_told():
    refusal = pytest.raises(ClusterError, match=r"No Dask cluster at tcp://127\.0\.0\.1:9")
    with refusal, connect("tcp://127.0.0.1:9", None, wait=1):
        pass


@pytest.mark.parametrize("known", [False, True])
def test_a_scheduler_that_is_gone_is_told_and_can_be_left(tmp_path, known):
    with cluster(tmp_path / "cluster") as started:
        scheduler_file = started.scheduler()
        started.worker()
        with connect(None, scheduler_file) as workers:
            started.running[0].kill()
            until = time.monotonic() + 60
            while known and workers.client.status != "closed" and time.monotonic() < until:
                time.sleep(0.05)
            assert (workers.client.status == "closed") == known
            with pytest.raises(ClusterError, match="was lost"):
                workers.prepare(root=tmp_path / "run", inputs=[], part_bytes=1)
            with pytest.raises(ClusterError, match="was lost"):
                workers.run([delayed(int)(1)])
            with pytest.raises(ClusterError, match="was lost"), workers.active():
                delayed(int)(1).compute()


def test_a_scheduler_file_that_is_not_there_is_told(tmp_path):
    # In a process of its own: a wait for ever can be ended there alone.
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path\n"
            "from segment_lib.cluster.workers import connect\n"
            "with connect(None, Path(sys.argv[1]), wait=1): pass",
            str(tmp_path / "absent.json"),
        ],
        capture_output=True,
        text=True,
        timeout=12,
        check=False,
    )
    assert "ClusterError" in done.stderr
    assert "absent.json" in done.stderr
