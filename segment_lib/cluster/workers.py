"""Workers: threads of this process within the memory budget, or a Dask cluster."""

import json
import logging
import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask
from dask.callbacks import Callback
from dask.delayed import Delayed
from threadpoolctl import threadpool_limits

from segment_lib.cluster.memory import give_memory_back
from segment_lib.errors import ClusterError, JobError
from segment_lib.storage.location import Location


@dataclass(frozen=True)
class Workers:
    """Threads or a cluster that compute tasks."""

    threads: int
    client: Any = None
    """A distributed.Client; None for threads of this process."""
    memory: int | None = None
    """Bytes its workers may use, as if they were one process; None if they have no limit."""

    def prepare(
        self, *, root: Location, inputs: Sequence[Location], part_bytes: int
    ) -> Sequence[str]:
        """Check that a cluster is fit for the job; prepare its workers, also those that join later.

        Parameters and errors are those of `preflight`; threads of this process are always fit.
        """
        if self.client is None:
            return ()
        from segment_lib.cluster.plugin import Prepared
        from segment_lib.cluster.preflight import installed, preflight

        with _losses_told(self.client):
            remarks = preflight(self.client, root=root, inputs=inputs, part_bytes=part_bytes)
            self.client.register_plugin(Prepared(installed()), name=_plugin_name(self.client))
        return remarks

    def run(
        self,
        tasks: Sequence[Delayed],
        done: Callable[[Any], None] = lambda result: None,
        *,
        at_once: int | None = None,
    ) -> list[Any]:
        """Return the results of the tasks in their order.

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
        """Make Dask compute here; products run in one thread, so that they round one way only."""
        give_memory_back()
        with threadpool_limits(limits=1):
            if self.client is not None:
                # Named, or Dask would compute here once the client is gone.
                with _losses_told(self.client), dask.config.set(scheduler=self.client):
                    yield
            else:
                with self._pool(self.threads):
                    yield

    @contextmanager
    def limited(self, at_once: int) -> Iterator[None]:
        """Limit the tasks in flight here; a cluster has its own limits."""
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

        with _losses_told(self.client):
            futures = self.client.compute(list(tasks))
            for future in as_completed(futures):
                done(future.result())
            return list(self.client.gather(futures))


def local_workers(threads: int | None = None) -> Workers:
    """Return threads of this process, by default one per processor."""
    return Workers(threads=threads or os.cpu_count() or 1)


def scheduler_address(address: str | None, scheduler_file: Path | None) -> str | None:
    """Find the scheduler: by argument, by its file, or by Dask's config; None if there is none.

    Dask's config is DASK_SCHEDULER_ADDRESS in the environment, or scheduler-address in its files.
    """
    if scheduler_file:
        try:
            return str(json.loads(scheduler_file.read_text())["address"])
        except (OSError, ValueError, KeyError, TypeError):
            raise ClusterError(
                f"{scheduler_file}: not the file of a Dask scheduler. Start dask scheduler with "
                "--scheduler-file, check the path."
            ) from None
    return address or dask.config.get("scheduler-address", None)


@contextmanager
def connect(
    address: str | None,
    scheduler_file: Path | None,
    *,
    insecure: bool = False,
    wait: float = 20,
) -> Iterator[Workers]:
    """Connect to a running Dask cluster and prepare its workers, also those that join later.

    Certificates are those of Dask's own config, distributed.comm.tls.

    Parameters
    ----------
    insecure : go on over a network without TLS

    Raises
    ------
    ClusterError
        If anyone could listen, the scheduler does not answer, or no worker comes, within `wait`
        seconds.
    """
    from distributed.versions import VersionMismatchWarning

    from segment_lib.cluster.client import OneSchedulerClient
    from segment_lib.cluster.preflight import refuse_open, usable_memory

    until = time.monotonic() + wait
    while scheduler_file and not scheduler_file.exists() and time.monotonic() < until:
        time.sleep(0.1)
    scheduler = scheduler_address(address, scheduler_file)
    if scheduler is None:
        raise ClusterError("No scheduler is named. Name one with --scheduler or --scheduler-file.")
    if not insecure:
        refuse_open({"The scheduler": scheduler})
    # What Dask says at length is said here in a line.
    for name in ("distributed", "distributed.client", "distributed.comm", "distributed.core"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VersionMismatchWarning)
            client = OneSchedulerClient(scheduler, timeout=max(until - time.monotonic(), 1))
    except (OSError, TimeoutError, ValueError, TypeError, RuntimeError) as error:
        raise ClusterError(
            f"No Dask cluster at {scheduler} within {wait:.0f} s ({type(error).__name__}). Start "
            "dask scheduler, check the address and, with tls://, the certificates in Dask's config."
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=max(until - time.monotonic(), 1))
        except TimeoutError:
            raise ClusterError(
                f"The scheduler at {scheduler} has no workers, and none came within {wait:.0f} s. "
                "Start dask worker, then run the same command again."
            ) from None
        info = client.scheduler_info()
        if not insecure:
            at = {f"Worker {worker['name']}": where for where, worker in info["workers"].items()}
            refuse_open({"The scheduler": info["address"]} | at)
        try:
            yield Workers(
                threads=sum(client.nthreads().values()), client=client, memory=usable_memory(client)
            )
        finally:
            # A worker that joins once the job is over is none of its business. Where the scheduler
            # is gone, Dask raises what it happens to meet: never in place of how the job ended.
            with suppress(Exception):
                client.unregister_worker_plugin(_plugin_name(client))


def _plugin_name(client: Any) -> str:
    return f"segments-{client.id}"


@contextmanager
def _losses_told(client: Any) -> Iterator[None]:
    """Translate Dask's errors about a lost cluster into one that says what to do."""
    from distributed import KilledWorker
    from distributed.client import ClosedClientError
    from distributed.comm import CommClosedError
    from distributed.scheduler import NoValidWorkerError, NoWorkerError

    lost = (
        KilledWorker,
        CancelledError,
        ClosedClientError,
        CommClosedError,
        ConnectionError,
        NoValidWorkerError,
        NoWorkerError,
        TimeoutError,
    )
    try:
        yield
    except JobError:
        raise
    except Exception as error:
        # A client without its scheduler may also fail on whatever it no longer has.
        if not isinstance(error, lost) and client.status == "running":
            raise
        raise ClusterError(
            f"The cluster was lost ({type(error).__name__}). Look at the logs of its scheduler and "
            "workers, then run the same command again: it goes on from what is finished."
        ) from None
