"""Where tasks run: threads of this process within the memory budget, or a Dask cluster."""

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask
from dask.callbacks import Callback
from dask.delayed import Delayed
from threadpoolctl import threadpool_limits

from segment_lib.errors import ClusterError
from segment_lib.memory import give_memory_back


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

        with self.limited(at_once or self.threads), Callback(posttask=tell):
            return list(dask.compute(*tasks))

    @contextmanager
    def active(self) -> Iterator[None]:
        """Within it, dask computes here; a product runs in one thread, to round one way only."""
        give_memory_back()
        with threadpool_limits(limits=1):
            if self.client is not None:
                with _telling_of_loss():
                    yield
            else:
                with self._pool(self.threads):
                    yield

    @contextmanager
    def limited(self, at_once: int) -> Iterator[None]:
        """Within it, so many tasks at the most are in flight here; a cluster has its own limits."""
        if self.client is not None:
            yield
        else:
            with self._pool(min(at_once, self.threads)):
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
        from distributed import as_completed

        futures = self.client.compute(list(tasks))
        with _telling_of_loss():
            for future in as_completed(futures):
                done(future.result())
            return list(self.client.gather(futures))


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

    from segment_lib.worker import Prepared

    # What they have to say of a lost cluster is said in one line of ours.
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
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
        client.register_plugin(Prepared())
        yield Workers(threads=sum(client.nthreads().values()), client=client)


@contextmanager
def _telling_of_loss() -> Iterator[None]:
    """Within it, the end of workers or of the scheduler is told as such."""
    from distributed import KilledWorker
    from distributed.comm import CommClosedError

    try:
        yield
    except (KilledWorker, CancelledError, CommClosedError, ConnectionError, TimeoutError) as error:
        raise ClusterError(
            f"The cluster lost its workers or its scheduler ({type(error).__name__}). Look at "
            "their logs, then run the same command again: it goes on from what is finished."
        ) from None
