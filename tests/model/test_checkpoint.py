"""A sweep taken up again: the same clusterings to the last bit, whatever pass it ended after."""

import io

import dask.array as da
import numpy as np
import pytest

from segment_lib.model import KMeans, SweepCheckpoint, sample_blocks
from segment_lib.model.lloyd import ClusteringState

TRIED = [2, 3, 5, 8]


@pytest.fixture(scope="module")
def Z() -> da.Array:
    random = np.random.default_rng(3)
    groups = random.normal(size=(7, 4)) * 2
    rows = groups[random.integers(0, 7, 4000)] + random.normal(size=(4000, 4))
    return da.from_array((np.rint(rows * 2**20) / 2**20).astype(np.float32), chunks=(900, 4))


def through_a_file(checkpoint: SweepCheckpoint) -> dict[str, np.ndarray]:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **checkpoint.arrays())
    buffer.seek(0)
    with np.load(buffer, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def test_a_sweep_taken_up_after_any_pass_finds_the_same(Z):
    rows = da.arange(len(Z), chunks=Z.chunks[0])
    sample = sample_blocks(Z, rows, size=1000)
    kept: list[dict[str, np.ndarray]] = []
    whole = [KMeans(k) for k in TRIED]
    KMeans.fit_sweep(
        whole,
        Z,
        sample=sample,
        keep=lambda checkpoint: kept.append(through_a_file(checkpoint)),
    )
    assert len(kept) > 2
    for arrays in kept:
        again = [KMeans(k) for k in TRIED]
        checkpoint = SweepCheckpoint.from_arrays(arrays, TRIED, 4)
        KMeans.fit_sweep(again, Z, sample=sample, checkpoint=checkpoint)
        for one, other in zip(whole, again, strict=True):
            assert one.cluster_centers_.tobytes() == other.cluster_centers_.tobytes()
            assert one.sums_.counts.tolist() == other.sums_.counts.tolist()
            assert (one.inertia_, one.n_iter_, one.converged_, one.restarts_agree_) == (
                other.inertia_, other.n_iter_, other.converged_, other.restarts_agree_,
            )  # fmt: skip


def checkpoint() -> SweepCheckpoint:
    return SweepCheckpoint(
        {2: ClusteringState(np.zeros((2, 3)), 4), 3: ClusteringState(np.ones((3, 3)), 2, True)},
        {2: 1, 3: 0.5},
    )


def test_it_comes_back_from_its_arrays():
    restored = SweepCheckpoint.from_arrays(through_a_file(checkpoint()), [2, 3], 3)
    assert restored is not None
    assert (restored.passes, restored.states[3].stopped) == (4, True)
    assert restored.restarts_agree == {2: 1, 3: 0.5}
    assert restored.states[3].centers.tolist() == np.ones((3, 3)).tolist()


@pytest.mark.parametrize(
    "change",
    [
        {"centers-2": np.zeros((2, 4), dtype=np.float32)},
        {"centers-2": np.full((2, 3), np.nan, dtype=np.float32)},
        {"centers-2": np.zeros((2, 3))},
        {"progress": np.zeros((2, 4), dtype=np.int64)},
        {"progress": np.zeros((1, 4), dtype=np.int64)},
        {"other": np.zeros(1)},
    ],
)
def test_arrays_that_do_not_fit_are_no_sweep(change):
    assert SweepCheckpoint.from_arrays({**checkpoint().arrays(), **change}, [2, 3], 3) is None


def test_no_arrays_are_no_sweep():
    assert SweepCheckpoint.from_arrays({}, [2, 3], 3) is None
    assert SweepCheckpoint.from_arrays(checkpoint().arrays(), [2, 3, 4], 3) is None
