"""The memory budget: memory of the process itself, parts in flight, and rows kept."""

import ctypes
import os
import resource
import threading
from dataclasses import dataclass

import psutil

from segment_lib.errors import ResourceError

MIB = 2**20
BASE = 480 * MIB
"""What the process holds beside rows: the interpreter and its libraries; measured."""
_GIB = 2**30
ADDRESSES, ADDRESSES_PER_THREAD = 3 * _GIB, 64 * MIB
"""Addresses that libraries reserve when they are loaded, most of it never memory; measured."""
ADDRESSES_TO_DRAW = 66 * _GIB
"""What the engine that draws charts reserves besides; measured."""
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""Names of glibc's settings (malloc.h)."""
_GIVEN_BACK = 8 * MIB
"""Blocks from this size on go back when freed. Below it a map and unmap for each costs too much."""


@dataclass(frozen=True)
class Budget:
    """Memory that a job may use in all on this machine, in bytes.

    It is spent on the process itself (BASE), on rows kept from pass to pass, and on parts in
    flight: what Polars, dask and the blocks take for a part, measured per cell by each stage.
    """

    total: int

    def parts_at_once(self, part: int, threads: int, held: int = 0) -> int:
        """Return how many parts of `part` bytes fit beside `held` bytes.

        Raises
        ------
        ResourceError
            If not even one fits; it names the budget that would do.
        """
        free = self.total - BASE - held
        if free < part:
            raise too_small(self.total, BASE + held + part)
        return max(1, min(threads, free // max(part, 1)))

    def keeps(self, held: int, part: int) -> bool:
        """Return True if `held` bytes fit in memory beside one part at a time."""
        return BASE + held + part <= self.total


def too_small(budget: int, needed: int) -> ResourceError:
    """Return the error that names the smallest sufficient budget."""
    least = -(-needed // MIB)
    return ResourceError(
        f"A memory budget of {budget // MIB} MiB is too small: one part at a time needs "
        f"{least} MiB. Set --memory {least}MiB, or a smaller run.rows_per_part."
    )


def refuse_few_addresses(besides: int = 0) -> None:
    """Raise a ResourceError if the process may reserve too little address space (`ulimit -v`).

    Libraries that get too little end the process or wait for ever, and say nothing of it.

    Parameters
    ----------
    besides : bytes needed beside what the libraries of every command take
    """
    allowed, _ = resource.getrlimit(resource.RLIMIT_AS)
    needed = ADDRESSES + ADDRESSES_PER_THREAD * (os.cpu_count() or 1) + besides
    if allowed != resource.RLIM_INFINITY and allowed < needed:
        way = " or leave the page to another machine: --until gains" if besides else ""
        raise ResourceError(
            f"The address space is limited to {allowed / _GIB:.1f} GiB (ulimit -v), and libraries "
            f"reserve {needed / _GIB:.1f} GiB, most of it never used. Lift the limit with ulimit "
            f"-v unlimited{way}, and bound the memory by --memory."
        )


def give_memory_back() -> None:
    """Have the C library return freed memory to the system, so that a process holds what it uses.

    By default glibc keeps what threads have freed, and blocks of many MiB add up from part to part.
    Polars has an allocator of its own; ``segment_lib/__init__.py`` tells it the same.
    """
    try:
        library = ctypes.CDLL(None)
        library.mallopt(_TRIM_THRESHOLD, _GIVEN_BACK)
        library.mallopt(_MMAP_THRESHOLD, _GIVEN_BACK)
        library.mallopt(_ARENA_MAX, 2)
        library.malloc_trim(0)
    except (OSError, AttributeError):
        return


_LOOKS_PER_FAMILY = 20
"""Looks at the memory until children are looked for again: that reads of every process there is."""


class PeakMemory:
    """The largest resident memory of this process and its children while it is watched, in MiB."""

    def __init__(self, every: float = 0.1) -> None:
        self._every = every
        self._stop = threading.Event()
        self._peak = 0
        self._family = [psutil.Process()]
        self._looks = 0

    def __enter__(self) -> "PeakMemory":
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._look()

    @property
    def bytes(self) -> int:
        return self._peak

    @property
    def mib(self) -> int:
        return self._peak // MIB

    def _watch(self) -> None:
        while not self._stop.wait(self._every):
            self._look()

    def _look(self) -> None:
        if self._looks % _LOOKS_PER_FAMILY == 0:
            self._family[1:] = self._family[0].children(recursive=True)
        self._looks += 1
        total = 0
        for process in self._family:
            try:
                total += process.memory_info().rss
            except psutil.Error:
                continue
        self._peak = max(self._peak, total)
