"""How tasks of parts are computed: on threads of this machine or on a cluster."""

from collections.abc import Sequence
from typing import Any, Protocol

from dask.delayed import Delayed


class Compute(Protocol):
    """Returns the results of tasks in their order, as `Context.compute` does."""

    def __call__(
        self, tasks: Sequence[Delayed], *, bytes_per_row: float = 0, rows: int = 0
    ) -> list[Any]: ...
