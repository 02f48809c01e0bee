"""Draw of a control group and test cells, by the hash of the id and within each segment."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from segment_lib.mailing.power import smallest_lift
from segment_lib.schema.ids import canonical_ids

CONTROL = "control"
"""The cell of those who get no mail, to compare with."""
HASH = "draw"
"""The column of hashes by which people are drawn; null for those who are in no cell."""
_ROWS_AT_ONCE = 100_000
_BINS, _SHIFT = 1 << 12, np.uint64(52)
"""Bins of hashes that are counted, and the bits that they leave out."""
_LAST = np.uint64(2**64 - 1)


@dataclass(frozen=True)
class CellPlan:
    """The cells to draw."""

    control: float
    """Share of the people of each segment that gets no mail; 0 for no control group."""
    tests: int
    """Cells of about the same size into which the others go."""
    seed: int

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the cells."""
        tests = tuple(f"test {number}" for number in range(1, self.tests + 1))
        return (CONTROL, *tests) if self.control else tests

    def sizes(self, people: int) -> tuple[int, ...]:
        """Return how many of so many people are in each cell."""
        control = round(people * self.control)
        each, more = divmod(people - control, self.tests)
        tests = tuple(each + (number < more) for number in range(self.tests))
        return (control, *tests) if self.control else tests


@dataclass(frozen=True)
class Draw:
    """Cells of the people of a list: how many there are, and from which hash on each begins."""

    plan: CellPlan
    sizes: Mapping[int, tuple[int, ...]]
    """People of each cell, by segment."""
    cuts: Mapping[int, np.ndarray]
    """By segment the least hash of each cell but the first, shape (n_cells - 1,)."""

    def cells_of(self, rows: pl.DataFrame) -> pl.Series:
        """Return the cell of each row, from `segment` and `draw`; null where it is in none."""
        numbers = np.full(rows.height, -1)
        segments, hashes = rows["segment"].to_numpy(), rows[HASH].fill_null(0).to_numpy()
        for segment in np.unique(segments):
            own = segments == segment
            cuts = self.cuts.get(int(segment), np.empty(0, dtype=np.uint64))
            numbers[own] = np.searchsorted(cuts, hashes[own], side="right")
        numbers[rows[HASH].is_null().to_numpy()] = -1
        return pl.Series("cell", numbers).replace_strict(
            dict(enumerate(self.plan.names)), default=None, return_dtype=pl.String
        )

    def table(self, names: Mapping[int, str], base_rate: float | None) -> pl.DataFrame:
        """Return a row per segment, all of them last: people of each cell, and in all.

        `smallest_lift` is that of all test cells together over the control, null where there is
        none, or no base rate.
        """
        total = tuple(map(sum, zip(*self.sizes.values(), strict=True)))
        rows = [(segment, names[segment], size) for segment, size in sorted(self.sizes.items())]
        cells = self.plan.names
        return pl.DataFrame(
            [
                (segment, name, *size, sum(size), self._smallest_lift(size, base_rate))
                for segment, name, size in [*rows, (None, "All", total or (0,) * len(cells))]
            ],
            schema={
                "segment": pl.Int64,
                "name": pl.String,
                **dict.fromkeys((*cells, "people"), pl.Int64),
                "smallest_lift": pl.Float64,
            },
            orient="row",
        )

    def _smallest_lift(self, size: tuple[int, ...], base_rate: float | None) -> float | None:
        if base_rate is None or not self.plan.control:
            return None
        return smallest_lift(base_rate, size[0], sum(size[1:]))


def draw_hashes(labels: pl.Series, seed: int) -> pl.Series:
    """Hash ids, or row numbers as text, for a draw; the same with any version of any library.

    Ids of one person in several spellings have the same hash. BLAKE2b (RFC 7693), keyed by the
    seed; 8 of its bytes.
    """
    key = seed.to_bytes(8, "big")
    hashes = [
        None
        if label is None
        else int.from_bytes(blake2b(label.encode(), digest_size=8, key=key).digest(), "big")
        for label in canonical_ids(labels)
    ]
    return pl.Series(HASH, hashes, dtype=pl.UInt64)


def draw_cells(rows: Path, plan: CellPlan) -> Draw:
    """Draw the cells: in each segment those with the smallest hashes are the first cell, and so on.

    Memory does not grow with the rows: hashes are counted in bins, then those of the bins in which
    a cell ends are sorted.

    Parameters
    ----------
    rows : Parquet file with `segment` and `draw`
    """
    counts: dict[int, np.ndarray] = defaultdict(lambda: np.zeros(_BINS, dtype=np.int64))
    for segment, hashes in _hashes(rows):
        counts[segment] += np.bincount((hashes >> _SHIFT).astype(np.int64), minlength=_BINS)
    sizes = {segment: plan.sizes(int(count.sum())) for segment, count in counts.items()}
    ends = {segment: list(accumulate(size))[:-1] for segment, size in sizes.items()}
    below = {segment: np.cumsum(count) for segment, count in counts.items()}
    bins = {
        segment: np.searchsorted(below[segment], own, side="right") for segment, own in ends.items()
    }
    kept: dict[int, list[np.ndarray]] = defaultdict(list)
    for segment, hashes in _hashes(rows):
        kept[segment].append(hashes[np.isin(hashes >> _SHIFT, bins[segment])])
    cuts = {}
    for segment, own in ends.items():
        ordered = np.sort(np.concatenate(kept[segment]))
        cuts[segment] = np.array(
            [
                _in_bin(ordered, number)[end - (below[segment][number] - counts[segment][number])]
                if number < _BINS
                else _LAST
                for end, number in zip(own, bins[segment], strict=True)
            ],
            dtype=np.uint64,
        )
    return Draw(plan, sizes, cuts)


def _in_bin(ordered: np.ndarray, number: int) -> np.ndarray:
    """The hashes of a bin, of sorted ones."""
    edges = np.searchsorted(ordered >> _SHIFT, [number, number + 1])
    return np.asarray(ordered[edges[0] : edges[1]])


def _hashes(rows: Path) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the hashes of the people of a segment, some of them at a time."""
    with pq.ParquetFile(rows) as file:
        for batch in file.iter_batches(_ROWS_AT_ONCE, columns=["segment", HASH], use_threads=False):
            drawn = pl.DataFrame(pl.from_arrow(batch)).drop_nulls(HASH)
            for (segment,), own in drawn.group_by("segment", maintain_order=True):
                yield int(str(segment)), own[HASH].to_numpy()
