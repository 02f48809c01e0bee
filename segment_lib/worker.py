"""What every worker of a cluster is told before it works for a job, those that come later too."""

import logging
import os

from distributed import Worker, WorkerPlugin
from threadpoolctl import threadpool_limits

from segment_lib.memory import give_memory_back

_QUOTING = "Compute Failed"
"""How distributed begins a line that quotes the arguments of a task, rows among them."""


class Prepared(WorkerPlugin):  # type: ignore[misc]
    """Files for the owner alone, freed memory given back, one thread a product, no cell logged."""

    name = "segment_lib"

    def setup(self, worker: Worker) -> None:
        import segment_lib.model  # noqa: F401  # Its libraries must be loaded to be limited.

        os.umask(0o077)
        give_memory_back()
        threadpool_limits(limits=1)
        log = logging.getLogger("distributed.worker")
        if not any(isinstance(told, _Unquoted) for told in log.filters):
            log.addFilter(_Unquoted())


class _Unquoted(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if str(record.msg).startswith(_QUOTING) and isinstance(record.args, tuple):
            record.msg, record.args = f"{_QUOTING}: %s", record.args[:1]
        return True
