"""The budget and its split, and the memory that is measured."""

import subprocess
import sys
import time

import numpy as np
import pytest

from segment_lib.cluster.memory import BASE, Budget, PeakMemory
from segment_lib.errors import ResourceError

MIB = 2**20


@pytest.mark.parametrize(
    ("free", "part", "threads", "held", "at_once"),
    [
        (1000, 100, 8, 0, 8),
        (1000, 100, 16, 0, 10),
        (1000, 400, 8, 0, 2),
        (1000, 1000, 8, 0, 1),
        (1000, 100, 8, 700, 3),
        (1000, 100, 8, 900, 1),
    ],
)
def test_as_many_parts_as_fit_the_budget_are_worked_on_together(free, part, threads, held, at_once):
    assert Budget(BASE + free * MIB).parts_at_once(part * MIB, threads, held * MIB) == at_once


@pytest.mark.parametrize(("free", "part", "held"), [(99, 100, 0), (1000, 100, 901), (-200, 1, 0)])
def test_a_budget_below_one_part_is_told_with_what_is_needed(free, part, held):
    needed = BASE // MIB + part + held
    with pytest.raises(ResourceError, match=f"--memory {needed}MiB"):
        Budget(BASE + free * MIB).parts_at_once(part * MIB, 4, held * MIB)


def test_the_memory_that_is_asked_for_suffices():
    needed = BASE // MIB + 100
    assert Budget(needed * MIB).parts_at_once(100 * MIB, 4) == 1


@pytest.mark.parametrize(("free", "kept"), [(300, True), (299, False)])
def test_rows_are_kept_if_they_fit_beside_one_part(free, kept):
    assert Budget(BASE + free * MIB).keeps(200 * MIB, 100 * MIB) is kept


def test_freed_memory_goes_back_to_the_system():
    # In a process of its own: what is set holds for the whole process.
    script = """
import numpy as np, psutil, threading
from segment_lib.cluster.memory import give_memory_back
give_memory_back()
def work():
    blocks = [np.ones(20 * 2**20, dtype=np.uint8) for _ in range(10)]
threads = [threading.Thread(target=work) for _ in range(4)]
before = psutil.Process().memory_info().rss
for thread in threads: thread.start()
for thread in threads: thread.join()
print((psutil.Process().memory_info().rss - before) / 2**20)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 50


def test_the_allocator_of_polars_gives_memory_back():
    script = """
import time, segment_lib, polars as pl, psutil
before = psutil.Process().memory_info().rss
for _ in range(3):
    frame = pl.select(pl.int_range(0, 20_000_000).alias("a")).with_columns(b=pl.col("a") * 2)
    del frame
time.sleep(1)  # Polars drops large frames behind our back.
print((psutil.Process().memory_info().rss - before) / 2**20)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 100


def test_the_peak_is_the_largest_memory_while_watched():
    with PeakMemory(every=0.01) as idle:
        time.sleep(0.05)
    with PeakMemory(every=0.01) as busy:
        block = np.ones(200 * MIB, dtype=np.uint8)
        time.sleep(0.05)
        del block
    assert 150 < busy.mib - idle.mib < 300
