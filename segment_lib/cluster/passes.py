"""Passes of a sweep over the population: rows are kept in memory if they fit, else in files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import dask.array as da
from dask.delayed import Delayed

from segment_lib.cluster.memory import Budget, give_memory_back
from segment_lib.cluster.spill import Scratch
from segment_lib.cluster.workers import Workers
from segment_lib.model import (
    DaskRows,
    KMeans,
    LocalRows,
    Rows,
    SweepCheckpoint,
    local_rows,
    merge_blocks,
    row_blocks,
    sample_blocks,
    sample_size,
)

BESIDE_ROWS = 160 * 2**20
"""Bytes of the sample, and of what is computed on it (measured)."""
COPIES = 2
"""Samples at once: the whole and, in each of the threads, a half."""
BYTES_PER_SCORE = 4
"""Bytes per score kept in memory from pass to pass."""
ROWS_PER_BLOCK = 100_000
"""Rows to which small parts are merged: a pass costs a millisecond or more for each block."""
BYTES_PER_LABEL = 14
"""Bytes remembered per row and clustering, of one pass and, by tasks, of the next."""


@dataclass(frozen=True)
class Sweep:
    """Scores of a population, and the storage that passes of a sweep over them use."""

    Z: da.Array
    """Shape (n_rows, n_components), one block per part."""
    numbers: da.Array
    """Row numbers in the same blocks, shape (n_rows,)."""
    part_bytes: int
    """Bytes that computing a block of scores takes."""
    budget: Budget
    workers: Workers
    scratch: Scratch

    def run_passes(
        self,
        models: Sequence[KMeans],
        *,
        checkpoint: SweepCheckpoint | None,
        keep: Callable[[SweepCheckpoint], None],
        on_pass: Callable[[int, int], None],
    ) -> tuple[Delayed, str]:
        """Fit the models; the scores are removed afterwards.

        Returns
        -------
        sample, place : rows of the population as a Sample, and where the scores of all rows were
        """
        seed, workers = models[0].random_state, self.workers
        n_rows, n_components = self.Z.shape
        # The same for any number of threads: inertias are sums over blocks, rounded one by one.
        Z, numbers = (merge_blocks(array, ROWS_PER_BLOCK) for array in (self.Z, self.numbers))
        held, beside = memory_needed(n_rows, n_components, len(models))
        # Parts are projected first; the sample and what is computed on it come after them.
        kept = self.budget.keeps(held, max(self.part_bytes, beside))
        self.budget.parts_at_once(beside, threads=1)
        at_once = self.budget.parts_at_once(self.part_bytes, workers.threads, held if kept else 0)
        with workers.limited(at_once):
            if kept:
                Z = Z.persist()
            else:
                spilled = self.scratch.spill(Z)
                Z = spilled.array()
        sample = sample_blocks(Z, numbers, random_state=seed)

        def everyone() -> Rows:
            if kept:
                return rows_in_memory(row_blocks(Z), workers)
            if workers.client is None:
                return LocalRows(spilled, workers.threads, self.scratch.bounds_store)
            return DaskRows(row_blocks(Z), self.scratch.hold)

        KMeans.fit_sweep(
            models,
            Z,
            sample=sample,
            rows=everyone,
            on_pass=on_pass,
            checkpoint=checkpoint,
            keep=keep,
        )
        return sample, "in memory" if kept else "in scratch files"


def memory_needed(n_rows: int, n_components: int, n_clusterings: int) -> tuple[int, int]:
    """Return the bytes of all rows kept in memory, and of what is there beside them."""
    per_row = BYTES_PER_SCORE * n_components + BYTES_PER_LABEL * n_clusterings
    return n_rows * per_row, BESIDE_ROWS + COPIES * sample_size(n_rows) * per_row


def rows_in_memory(blocks: Sequence[Delayed], workers: Workers) -> Rows:
    """Return the rows of blocks in memory, in this process or on the workers of a cluster."""
    if workers.client is None:
        give_memory_back()  # Passes take room beside the rows: what came before leaves it to them.
        return local_rows(blocks, workers.threads)
    return DaskRows(blocks)
