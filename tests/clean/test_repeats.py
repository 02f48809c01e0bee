"""Rows that repeat an id: as counted in memory, for any parts and buckets."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segment_lib.clean.repeats import (
    RepeatCounts,
    RowsByOwner,
    assign_buckets,
    count_repeated,
    find_repeats,
    repeated_rows,
)


def repeats_of(
    folder: Path,
    keys: list[int],
    contents: list[int],
    zeros: list[int],
    edges: list[int],
    n: int,
) -> tuple[RepeatCounts, list[int], list[int]]:
    """What repeats, which rows do, and how many of each part."""
    rows = np.column_stack([keys, np.arange(len(keys)), contents, zeros]).astype(np.uint64)
    firsts = [0, *edges]
    parts = [
        RowsByOwner.write(folder, f"part-{i}", rows[a:b], assign_buckets(rows[a:b, 0], n), n)
        for i, (a, b) in enumerate(zip(firsts, [*edges, len(keys)], strict=True))
    ]
    per_bucket = [find_repeats(parts, b, firsts, folder, f"bucket-{b}") for b in range(n)]
    buckets = [bucket for _, bucket in per_bucket]
    each = [repeated_rows(buckets, i).tolist() for i in range(len(parts))]
    assert [count_repeated(buckets, i)[0] for i in range(len(parts))] == [len(own) for own in each]
    total = sum((repeats for repeats, _ in per_bucket), start=RepeatCounts())
    return total, [row for own in each for row in own], [len(own) for own in each]


@given(
    people=st.lists(
        st.tuples(st.integers(0, 12), st.integers(0, 1), st.integers(0, 1)),
        min_size=1,
        max_size=60,
    ),
    cuts=st.lists(st.integers(0, 60), max_size=3),
    n=st.integers(1, 5),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_repeats_are_those_counted_by_hand(
    tmp_path: Path, people: list[tuple[int, int, int]], cuts: list[int], n: int
) -> None:
    keys = [(person + 1) * 0x1357_9BDF_0246_8ACE % 2**64 for person, *_ in people]
    edges = sorted(min(cut, len(people)) for cut in cuts)
    total, rows, each = repeats_of(
        tmp_path, keys, [c for _, c, _ in people], [z for *_, z in people], edges, n
    )
    first: dict[int, int] = {}
    again, differing, padded, seen = [], 0, 0, defaultdict(int)
    for row, (person, content, zeros) in enumerate(people):
        seen[person] += 1
        if person in first:
            again.append(row)
            differing += content != people[first[person]][1]
            padded += zeros != people[first[person]][2]
        else:
            first[person] = row
    assert rows == again
    assert sum(each) == total.rows == len(again)
    assert total.people == sum(count > 1 for count in seen.values())
    assert (total.differing, total.padded) == (differing, padded)
    assert total.most == max(seen.values())


def test_nobody_repeats_in_an_extract_without_ids(tmp_path: Path) -> None:
    nothing = RowsByOwner.write(tmp_path, "part", np.empty((0, 4)), np.empty(0, dtype=np.int64), 2)
    for bucket in range(2):
        assert find_repeats([nothing], bucket, [0], tmp_path, f"b{bucket}")[0] == RepeatCounts()


@pytest.mark.parametrize("n", [1, 3, 1000])
def test_every_key_has_a_bucket(n: int) -> None:
    keys = np.array([1, 2**32, 2**63, 2**64 - 1], dtype=np.uint64)
    buckets = assign_buckets(keys, n)
    assert buckets.tolist() == sorted(buckets.tolist())
    assert 0 <= buckets[0] <= buckets[-1] == n - 1
