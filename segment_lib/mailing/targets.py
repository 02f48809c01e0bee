"""Target list: people in the order of their cells, without those to be left out.

An external merge sort: each part is sorted into buckets on disk; the list is then merged from all
parts, a bucket of some 100,000 people at a time. So memory does not grow with the population.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from segment_lib.hashing import row_hash
from segment_lib.mailing.draw import HASH, draw_hashes
from segment_lib.mailing.list_files import parquet_file
from segment_lib.schema.ids import NO_ID, hash_ids
from segment_lib.terms import SET_ASIDE

ROWS_PER_BUCKET = 100_000
KEPT, CUSTOMER, SUPPRESSED, MARKED, WITHOUT_ID, WITHOUT_SEGMENT, REPEATED = range(7)
"""Reasons: listed; left out as a customer, as suppressed by the file, as marked in the extract, for
having no id or no segment, or for being listed before."""
MAIL = {
    KEPT: "yes",
    CUSTOMER: "no: customer",
    SUPPRESSED: "no: suppressed",
    MARKED: "no: marked",
    WITHOUT_ID: "no: without id",
    WITHOUT_SEGMENT: "no: without segment",
}
"""Reasons as a list that leaves nobody out says them."""
_CARRIED = "carried "
"""What stands before the names of columns carried along, so that they meet no other."""


@dataclass(frozen=True)
class Ranking:
    """Cells in the order in which they are mailed: micro-segments, or people of like likeness."""

    cells: np.ndarray
    """Cells by rank, those that the list may need, shape (n_ranks,)."""
    index: np.ndarray
    """Smoothed index by rank, shape (n_ranks,)."""
    edges: np.ndarray
    """People before each rank, and all of them last, shape (n_ranks + 1,)."""

    @classmethod
    def best(cls, cells: pl.DataFrame, wanted: int, by: str = "micro_segment") -> "Ranking":
        """Ranking of the best cells, as many as hold the `wanted` rows.

        Parameters
        ----------
        cells : `micro_index`, `population_rows` and the number of the cell, the best first
        by : the column that has the number
        """
        edges = np.concatenate([[0], np.cumsum(cells["population_rows"].to_numpy())])
        needed = max(1, int(np.searchsorted(edges, wanted)))
        return cls(
            cells[by].to_numpy()[:needed],
            cells["micro_index"].to_numpy()[:needed],
            edges[: needed + 1],
        )

    @property
    def n_buckets(self) -> int:
        return max(1, -(-int(self.edges[-1]) // ROWS_PER_BUCKET))

    def ranks(self, cells: np.ndarray) -> np.ndarray:
        """Rank from 0 of the cell of each row; -1 if it is not mailed."""
        order = np.argsort(self.cells)
        position = np.searchsorted(self.cells, cells, sorter=order)
        rank = order[np.minimum(position, len(order) - 1)]
        return np.where(self.cells[rank] == cells, rank, -1)

    def buckets(self, ranks: np.ndarray, hashes: np.ndarray) -> np.ndarray:
        """Bucket of each row of rank 0 or more, by its approximate position in the list.

        It rises with rank and hash, so buckets follow one another in the list.
        """
        share = (hashes >> np.uint64(11)).astype(np.float64) / 2**53
        first = self.edges[ranks]
        place = first + share * (self.edges[ranks + 1] - first)
        return np.asarray(np.minimum(place.astype(np.int64) // ROWS_PER_BUCKET, self.n_buckets - 1))


@dataclass(frozen=True)
class Exclusions:
    """People who are not to be mailed. Ids are held as 64-bit hashes, eight bytes each.

    With a hundred million people and ten million ids to leave out, the chance that anybody is left
    out for sharing a hash is below one in ten thousand.
    """

    customers: np.ndarray
    """Ids of customers, hashed and sorted; empty without an id column."""
    suppressed: np.ndarray
    """Ids of the suppression file, hashed, or its row numbers; sorted."""
    marked: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.uint64))
    """Ids of people marked in the extract, hashed and sorted, where an id may have several rows."""
    set_aside: bool = False
    """Leave out the rows set aside."""

    @property
    def bytes(self) -> int:
        return self.customers.nbytes + self.suppressed.nbytes + self.marked.nbytes

    def reasons(self, keys: np.ndarray, marked: np.ndarray) -> np.ndarray:
        """KEPT, CUSTOMER, SUPPRESSED or MARKED for each row, by its hashed id or its number."""
        reasons = np.where(marked | is_in(keys, self.marked), MARKED, KEPT)
        reasons = np.where(is_in(keys, self.suppressed), SUPPRESSED, reasons)
        return np.where(is_in(keys, self.customers), CUSTOMER, reasons).astype(np.int8)


@dataclass(frozen=True)
class SortedPart:
    """File of the rows of a part that may be mailed, a record batch per bucket."""

    path: Path
    suppressed_matched: np.ndarray
    """Positions of the suppressed ids that this part holds."""
    customers_matched: np.ndarray
    """Positions of the customers' ids that this part holds."""


def write_sorted_part(
    rows: pl.DataFrame,
    cells: np.ndarray,
    ids: pl.Series | None,
    marked: pl.Series | None,
    ranking: Ranking,
    exclusions: Exclusions,
    seed: int,
    path: Path,
) -> SortedPart:
    """Sort the rows of a part that may be mailed into buckets, and write them to `path`.

    Parameters
    ----------
    rows : `row`, `segment`, `micro_segment` of all rows of the part, `likeness` where it ranks, and
        the columns carried along
    cells : the cell of each row, shape (n_rows,)
    ids : their ids, if there are any
    marked : true for those who must not be mailed by a column of the extract, if there is one
    """
    numbers = rows["row"].to_numpy()
    keys = hash_ids(ids) if ids is not None else numbers.astype(np.uint64)
    ranks = ranking.ranks(cells)
    hashes = row_hash(numbers, seed)
    nobody = np.zeros(len(keys), dtype=bool)
    reasons = exclusions.reasons(keys, nobody if marked is None else marked.to_numpy())
    if ids is not None:
        reasons[(reasons == KEPT) & (keys == NO_ID)] = WITHOUT_ID
    if exclusions.set_aside:
        has_none = rows["segment"].to_numpy() == SET_ASIDE
        reasons[(reasons == KEPT) & has_none] = WITHOUT_SEGMENT
    mailed = ranks >= 0
    buckets = ranking.buckets(ranks[mailed], hashes[mailed])
    table = (
        (rows.with_columns(id=ids) if ids is not None else rows)
        .with_columns(
            micro_index=pl.Series(ranking.index[ranks].round(1)).fill_nan(None),
            place=ranks,
            hash=hashes,
            key=keys,
            reason=reasons,
        )
        .filter(mailed)
        .with_columns(bucket=buckets)
        .sort("bucket")
    )
    edges = np.searchsorted(table["bucket"].to_numpy(), np.arange(ranking.n_buckets + 1))
    arrow = table.drop("bucket").to_arrow(compat_level=pl.CompatLevel.oldest())
    batch = pa.RecordBatch.from_arrays(
        [column.combine_chunks() for column in arrow.columns], schema=arrow.schema
    )
    with path.open("xb") as file, pa.ipc.new_file(file, batch.schema) as writer:
        for first, stop in pairwise(edges.tolist()):
            writer.write_batch(batch.slice(first, stop - first))
    return SortedPart(
        path, positions(keys, exclusions.suppressed), positions(keys, exclusions.customers)
    )


@dataclass(frozen=True)
class Tally:
    """Counts of the people considered, by reason."""

    listed: int
    customers: int
    suppressed: int
    marked: int = 0
    without_id: int = 0
    without_segment: int = 0
    repeated: int = 0


@dataclass(frozen=True)
class ListRows:
    """What the rows of a list hold."""

    names: Mapping[int, str]
    """Name of each segment."""
    carried: Mapping[str, str] = field(default_factory=dict)
    """Columns carried along, by what they are called in the list."""
    everybody: bool = False
    """List those too who are not to be mailed, and say so in the column `mail`."""
    seed: int | None = None
    """Seed of the column `draw`, if cells are to be drawn."""

    def carry(self, raw: pl.DataFrame) -> pl.DataFrame:
        """The columns carried along, of rows of raw/, as parts of the list hold them."""
        return raw.select(
            pl.col(raw_name).alias(_CARRIED + name) for name, raw_name in self.carried.items()
        )

    def select(self, people: pl.DataFrame, last: int) -> pl.DataFrame:
        """Rows of the list; `last` is the rank of the last of these people."""
        key = "id" if "id" in people.columns else "row"
        ranks = pl.int_range(last - people.height + 1, last + 1, dtype=pl.Int64).alias("rank")
        likeness = [name for name in ("likeness",) if name in people.columns]
        rows = people.select(
            ranks,
            *(key, "segment", "micro_segment", "micro_index", *likeness),
            pl.col("segment")
            .replace_strict(self.names, default=None, return_dtype=pl.String)
            .alias("name"),
            *[pl.col("reason").replace_strict(MAIL).alias("mail")] * self.everybody,
            *(pl.col(_CARRIED + name).alias(name) for name in self.carried),
        )
        if self.seed is None:
            return rows
        hashes = draw_hashes(people[key].cast(pl.String), self.seed)
        return rows.with_columns(pl.when(people["reason"] == KEPT).then(hashes).alias(HASH))


def write_list(
    parts: Sequence[SortedPart],
    n_buckets: int,
    wanted: int,
    rows: Path,
    holding: ListRows,
    *,
    repeating: bool = False,
) -> Tally:
    """Merge the first `wanted` people from the sorted parts; write those listed as Parquet.

    Parameters
    ----------
    repeating : whether several rows may share an id; the first of them in the list is kept
    """
    counted = np.zeros(REPEATED + 1, dtype=np.int64)
    listed, keys, reason = 0, np.empty(0, dtype=np.uint64), pl.col("reason")
    is_listed = (reason != REPEATED) if holding.everybody else (reason == KEPT)
    with parquet_file(rows) as write:
        for people in _merge(parts, n_buckets, wanted):
            if repeating:
                people = _mark_repeated(people, keys, is_listed & (pl.col("key") != NO_ID))
            kept = people.filter(is_listed)
            if repeating:
                keys = np.union1d(keys, kept["key"].to_numpy())
            counted += np.bincount(people["reason"].to_numpy(), minlength=len(counted))
            listed += kept.height
            write(holding.select(kept, listed))
    return Tally(*(int(n) for n in counted))


def _mark_repeated(people: pl.DataFrame, listed: np.ndarray, candidates: pl.Expr) -> pl.DataFrame:
    """Set the reason REPEATED for candidates whose id is in `listed` or further up."""
    before = pl.Series(is_in(people["key"].to_numpy(), listed))
    again = candidates & (before | (candidates.cum_sum().over("key") > 1))
    reason = pl.when(again).then(pl.lit(REPEATED, dtype=pl.Int8)).otherwise("reason")
    return people.with_columns(reason.alias("reason"))


def _merge(parts: Sequence[SortedPart], n_buckets: int, wanted: int) -> Iterator[pl.DataFrame]:
    """Yield the first `wanted` people in the order of the list, bucket by bucket."""
    for bucket in range(n_buckets):
        batches = [_read_batch(part.path, bucket) for part in parts]
        people = pl.DataFrame(pa.Table.from_batches(batches)).sort("place", "hash").head(wanted)
        wanted -= people.height
        yield people


def _read_batch(path: Path, number: int) -> pa.RecordBatch:
    with pa.OSFile(str(path)) as file:
        return pa.ipc.open_file(file).get_batch(number)


def count_distinct(positions: Sequence[np.ndarray]) -> int:
    """Number of distinct positions."""
    return len(np.unique(np.concatenate(positions)))


def positions(keys: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Distinct positions in `ordered` of the keys that it holds."""
    return np.unique(np.searchsorted(ordered, keys)[is_in(keys, ordered)])


def is_in(keys: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """True for the keys that the sorted array `ordered` holds, shape (n_keys,)."""
    if not len(ordered):
        return np.zeros(len(keys), dtype=bool)
    position = np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)
    return np.asarray(ordered[position] == keys)
