"""Lloyd's algorithm: what is skipped changes nothing, to the last bit."""

from collections.abc import Mapping
from itertools import pairwise

import dask.array as da
import numpy as np
import pytest
from dask import delayed
from hypothesis import given, settings
from hypothesis import strategies as st

from segment_lib.cluster.spill import Scratch
from segment_lib.model import lloyd as lloyd_module
from segment_lib.model import RowBounds, row_blocks
from segment_lib.model.lloyd import (
    Changes,
    ClusteringState,
    DaskRows,
    LocalRows,
    Query,
    Rows,
    lloyd,
    local_rows,
    measure,
    move_rows,
)


def scores(n: int = 2000, d: int = 6, seed: int = 0) -> np.ndarray:
    """Overlapping groups, on the grid that scores lie on, so that sums are exact."""
    random = np.random.default_rng(seed)
    groups = random.normal(size=(9, d)) * 2
    Z = groups[random.integers(0, 9, n)] + random.normal(size=(n, d))
    return (np.rint(Z * 2**20) / 2**20).astype(np.float32)


def starts(Z: np.ndarray) -> dict[int, np.ndarray]:
    return {k: Z[::101][:k] for k in (2, 3, 5, 9, 12)}


class RowsReadInFull:
    """Rows all of which every pass looks at: Lloyd's algorithm as it stands in the books."""

    def __init__(self, Z: np.ndarray) -> None:
        self._rows = LocalRows([Z])
        self._Z = Z
        self.total = self._rows.total

    def passes(self):
        sums: dict[int, tuple[np.ndarray, np.ndarray]] = {}

        def move(queries: Mapping[int, Query]) -> Changes:
            _, totals = move_rows(self._Z, None, queries)
            changes = Changes(
                {
                    k: totals.counts[k] - sums[k][0] if k in sums else totals.counts[k]
                    for k in queries
                },
                {k: totals.sums[k] - sums[k][1] if k in sums else totals.sums[k] for k in queries},
            )
            sums.update({k: (totals.counts[k], totals.sums[k]) for k in queries})
            return changes

        return move


def cut(Z: np.ndarray, marks: list[int]) -> DaskRows:
    edges = sorted({0, len(Z), *marks})
    return DaskRows([delayed(Z[a:b]) for a, b in pairwise(edges)])


def test_runs_taken_up_after_any_pass_go_on_to_the_same_bits():
    Z = scores()
    rows = cut(Z, [300, 1100])
    checkpoints: list[dict[int, ClusteringState]] = []

    def keep(runs: Mapping[int, ClusteringState]) -> None:
        checkpoints.append(
            {
                k: ClusteringState(r.centers, r.n_iter, r.stopped, r.converged)
                for k, r in runs.items()
            }
        )

    whole = lloyd(rows, starts(Z), keep=keep)
    assert len(checkpoints) > 5
    for runs in checkpoints:
        again = lloyd(rows, runs)
        assert {k: (r.n_iter, r.converged, r.centers.tobytes()) for k, r in again.items()} == {
            k: (r.n_iter, r.converged, r.centers.tobytes()) for k, r in whole.items()
        }


def fitted(rows: Rows, Z: np.ndarray) -> dict[int, tuple[int, bytes]]:
    return {k: (run.n_iter, run.centers.tobytes()) for k, run in lloyd(rows, starts(Z)).items()}


@pytest.mark.parametrize("seed", range(5))
def test_rows_not_looked_at_change_nothing(seed):
    Z = scores(seed=seed)
    assert fitted(LocalRows([Z]), Z) == fitted(RowsReadInFull(Z), Z)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 1999), max_size=6))
def test_any_partitioning_gives_the_same_bits(marks):
    Z = scores()
    rows = cut(Z, marks)
    assert fitted(rows, Z) == fitted(LocalRows([Z]), Z)
    assert fitted(local_rows(rows._blocks, threads=2), Z) == fitted(LocalRows([Z]), Z)


def test_sums_here_have_the_bits_of_sums_by_tasks():
    Z = np.random.default_rng(0).normal(size=(3000, 4)).astype(np.float32)
    rows = cut(Z, list(range(100, 3000, 100)))
    (by_tasks,) = measure(rows, [Z[:5]])
    for threads in (1, 3):
        (by_threads,) = measure(local_rows(rows._blocks, threads), [Z[:5]])
        assert by_threads.distances.tobytes() == by_tasks.distances.tobytes()
        assert by_threads.silhouettes.tobytes() == by_tasks.silhouettes.tobytes()


def test_the_order_of_the_rows_changes_nothing():
    Z = scores()
    mixed = np.random.default_rng(1).permutation(len(Z))
    states = starts(Z)
    in_order, shuffled = lloyd(LocalRows([Z]), states), lloyd(LocalRows([Z[mixed]]), states)
    assert all((in_order[k].centers == shuffled[k].centers).all() for k in states)


def test_what_is_remembered_in_files_is_what_is_remembered_in_memory(tmp_path):
    Z = scores()
    scratch = Scratch(tmp_path, "scratch")
    spilled = scratch.spill(da.from_array(Z, chunks=(500, -1)))
    whole = fitted(LocalRows([Z]), Z)
    assert fitted(DaskRows(row_blocks(spilled.array()), scratch.hold), Z) == whole
    for threads in (1, 3):
        assert fitted(LocalRows(spilled, threads, scratch.bounds_store), Z) == whole


def test_a_mapped_block_is_read_whole(tmp_path):
    np.save(tmp_path / "block.npy", scores(100))
    mapped = np.load(tmp_path / "block.npy", mmap_mode="r")
    rows = lloyd_module._whole(mapped)
    assert isinstance(mapped, np.memmap)
    assert not isinstance(rows, np.memmap)
    assert rows.base is None or not np.may_share_memory(rows, mapped)
    assert rows.tobytes() == mapped.tobytes()


def test_few_rows_are_looked_at_again(monkeypatch):
    Z, looked_at = scores(20_000), []

    def counted(
        rows: np.ndarray,
        bounds: RowBounds,
        queries: dict[int, Query],
        some: list[np.ndarray] | None = None,
    ) -> list:
        looked_at.append(len(rows) * len(queries) if some is None else sum(map(len, some)))
        return tally(rows, bounds, queries, some)

    tally = lloyd_module._tally
    monkeypatch.setattr(lloyd_module, "_tally", counted)
    runs = lloyd(LocalRows([Z]), starts(Z))
    in_full = len(Z) * sum(run.n_iter for run in runs.values())
    assert sum(looked_at) < 0.5 * in_full


def test_clusterings_that_rest_are_left_out_of_the_next_pass():
    Z, asked = scores(), []
    rows = LocalRows([Z])
    passes = rows.passes

    def watched():
        move = passes()
        return lambda queries: (asked.append(list(queries)), move(queries))[1]

    rows.passes = watched
    runs = lloyd(rows, starts(Z))
    assert asked == [
        [k for k, run in runs.items() if run.n_iter > done] for done in range(len(asked))
    ]


def test_counts_and_sums_are_those_of_the_labels_after_every_pass():
    Z = scores()
    runs = lloyd(LocalRows([Z]), starts(Z), max_iter=7, tol=0)
    for k, run in runs.items():
        before = lloyd(LocalRows([Z]), starts(Z), max_iter=6, tol=0)[k].centers.astype(np.float64)
        own = ((Z[:, None].astype(np.float64) - before) ** 2).sum(axis=2).argmin(axis=1)
        member = own[:, None] == np.arange(k)
        np.testing.assert_array_equal(run.counts, member.sum(axis=0))
        np.testing.assert_array_equal(run.sums, member.T @ Z.astype(np.float64))
