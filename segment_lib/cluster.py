"""Where tasks run: threads of this process within the memory budget, or a Dask cluster."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask
import psutil
from dask.callbacks import Callback
from dask.delayed import Delayed
from threadpoolctl import threadpool_limits

from segment_lib.errors import ClusterError, JobError, ResourceError

_MIB = 2**20
BASE = 600 * _MIB
"""What the process holds beside rows: the interpreter, its libraries, memory not given back."""


@dataclass(frozen=True)
class Workers:
    """A place for tasks."""

    threads: int
    client: Any = None
    """A distributed.Client; None for threads of this process."""

    def run(
        self,
        tasks: Sequence[Delayed],
        done: Callable[[Any], None] = lambda result: None,
        *,
        at_once: int | None = None,
    ) -> list[Any]:
        """Results of the tasks in their order.

        Parameters
        ----------
        done : called in this process with each result, as it comes
        at_once : the most tasks in flight on threads; a cluster has its own limits
        """
        if self.client is not None:
            return self._run_on_cluster(tasks, done)
        keys = {task.key for task in tasks}

        def tell(key: Any, result: Any, *_: Any) -> None:
            if key in keys:
                done(result)

        with self._pool(min(at_once or self.threads, self.threads)), Callback(posttask=tell):
            return list(dask.compute(*tasks))

    @contextmanager
    def active(self) -> Iterator[None]:
        """Within it, dask computes here; a product runs in one thread, to round one way only."""
        with threadpool_limits(limits=1):
            if self.client is not None:
                self.client.run(_one_thread)
                yield
            else:
                with self._pool(self.threads):
                    yield

    @contextmanager
    def _pool(self, threads: int) -> Iterator[None]:
        # Polars and BLAS leave the interpreter lock, so threads share the work and the memory.
        with (
            ThreadPoolExecutor(threads) as pool,
            dask.config.set(scheduler="threads", pool=pool, num_workers=threads),
        ):
            yield

    def _run_on_cluster(self, tasks: Sequence[Delayed], done: Callable[[Any], None]) -> list[Any]:
        from distributed import KilledWorker, as_completed

        futures = self.client.compute(list(tasks))
        try:
            for future in as_completed(futures):
                done(future.result())
            return list(self.client.gather(futures))
        except JobError:
            raise
        except (KilledWorker, CancelledError, OSError) as error:
            raise ClusterError(
                f"The cluster lost its workers ({type(error).__name__}). "
                "Look at the workers' logs, then run the same command again."
            ) from None


def local_workers(threads: int | None = None) -> Workers:
    """Threads of this process, by default as many as there are processors."""
    return Workers(threads=threads or os.cpu_count() or 1)


@contextmanager
def connect(
    address: str | None, scheduler_file: Path | None, wait: float = 30
) -> Iterator[Workers]:
    """Workers of a Dask cluster that is already running.

    Raises
    ------
    ClusterError
        If the scheduler does not answer, or no worker comes, within `wait` seconds.
    """
    from distributed import Client

    until = time.monotonic() + wait
    while scheduler_file and not scheduler_file.exists() and time.monotonic() < until:
        time.sleep(0.1)
    if scheduler_file and not scheduler_file.exists():
        raise ClusterError(
            f"{scheduler_file}: no such file within {wait:.0f} s. Start dask scheduler with "
            "--scheduler-file, check the path."
        )
    try:
        client = Client(
            address,
            scheduler_file=str(scheduler_file) if scheduler_file else None,
            timeout=wait,
        )
        client.wait_for_workers(1, timeout=wait)
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterError(
            f"No Dask cluster at {address or scheduler_file} within {wait:.0f} s "
            f"({type(error).__name__}). Start dask scheduler and dask worker, check the address."
        ) from None
    with client:
        yield Workers(threads=sum(client.nthreads().values()), client=client)


def parts_at_once(budget: int, part: int, threads: int, held: int = 0) -> int:
    """How many parts of `part` bytes may be worked on together beside `held` bytes.

    Raises
    ------
    ResourceError
        If not even one fits the budget.
    """
    free = budget - BASE - held
    if free < part:
        needed = -(-(BASE + held + part) // _MIB)
        raise ResourceError(
            f"A memory budget of {budget // _MIB} MiB is too small: one part at a time needs "
            f"{needed} MiB. Set --memory {needed}MiB, or a smaller run.rows_per_part."
        )
    return max(1, min(threads, free // max(part, 1)))


class PeakMemory:
    """The largest resident memory of this process and its children while it is watched, in MiB."""

    def __init__(self, every: float = 0.1) -> None:
        self._every = every
        self._stop = threading.Event()
        self._peak = 0
        self._process = psutil.Process()

    def __enter__(self) -> "PeakMemory":
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._look()

    @property
    def mib(self) -> int:
        return self._peak // _MIB

    def _watch(self) -> None:
        while not self._stop.wait(self._every):
            self._look()

    def _look(self) -> None:
        total = 0
        for process in (self._process, *self._process.children(recursive=True)):
            try:
                total += process.memory_info().rss
            except psutil.Error:
                continue
        self._peak = max(self._peak, total)


def _one_thread() -> None:
    threadpool_limits(limits=1)
