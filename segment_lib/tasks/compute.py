"""Protocol of computing tasks, on threads of this machine or on a cluster."""

from collections.abc import Sequence
from typing import Any, Protocol

from dask.delayed import Delayed


class Compute(Protocol):
    """Computes tasks and returns their results in order, as `Context.compute` does."""

    def __call__(
        self, tasks: Sequence[Delayed], *, bytes_per_row: float = 0, rows: int = 0
    ) -> list[Any]: ...
