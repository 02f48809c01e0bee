"""Dask worker plugin that prepares a worker, also one that joins later."""

import logging
import os
from collections.abc import Mapping
from typing import Any

from distributed import Worker, WorkerPlugin
from distributed.core import Status
from threadpoolctl import threadpool_limits

import segment_lib.model  # noqa: F401 (loads every library whose threads are limited below)
from segment_lib.cluster.memory import give_memory_back
from segment_lib.cluster.preflight import differing, installed

_LOG = logging.getLogger("distributed.worker")


class Prepared(WorkerPlugin):  # type: ignore[misc]
    """Worker plugin: private files, one thread per product, memory returned, no cells logged.

    A worker that joins during the job and has other versions leaves again at once: its parts
    would be other bytes.
    """

    def __init__(self, wanted: Mapping[str, str]) -> None:
        self._wanted = dict(wanted)

    def setup(self, worker: Worker) -> None:
        os.umask(0o077)
        # Made by Dask before, in whatever mode; below it rows are spilled.
        os.chmod(worker.local_directory, 0o700)
        _LOG.addFilter(without_cells)
        give_memory_back()
        threadpool_limits(limits=1)
        if faults := differing(installed(), self._wanted):
            _LOG.error("Unfit for this job, leaving: %s", "; ".join(faults))
            worker.status = Status.paused
            worker.loop.call_later(0.1, worker.close, reason="unfit for this job")


def without_cells(record: logging.LogRecord) -> bool:
    """Remove arguments and error, which may quote cells, from the record of a failed task."""
    arguments: Any = record.args
    if str(record.msg).startswith("Compute Failed"):
        record.msg, record.args = "Compute Failed\nKey:       %s\nState:     %s\n", arguments[:2]
    return True
