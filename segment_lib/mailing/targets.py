"""The target list: people in the order of their micro-segments, whoever is left out left out.

Parts are sorted one by one into runs on disk; the list is then gathered from all runs, a bucket of
some 100,000 people at a time. So memory does not grow with the population.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from segment_lib.hashing import row_hash
from segment_lib.schema.ids import NO_ID, hash_ids
from segment_lib.storage.tables import csv_text

ROWS_PER_BUCKET = 100_000
KEPT, KNOWN, SUPPRESSED, MARKED, NAMELESS, REPEATED = range(6)
"""What becomes of a person: listed; left out as a customer, as suppressed by the file, as marked in
the extract, for having no id, or for being listed before."""


@dataclass(frozen=True)
class Ranking:
    """Micro-segments in the order in which they are mailed."""

    micro_segments: np.ndarray
    """By rank, those that a list may need, shape (n_ranks,)."""
    index: np.ndarray
    """Smoothed index by rank, shape (n_ranks,)."""
    edges: np.ndarray
    """People before each rank, and all of them last, shape (n_ranks + 1,)."""

    @classmethod
    def of(cls, cells: pl.DataFrame, wanted: int) -> "Ranking":
        """The best micro-segments that together hold the `wanted` rows.

        Parameters
        ----------
        cells : `micro_segment`, `micro_index`, `population_rows`, the best first
        """
        edges = np.concatenate([[0], np.cumsum(cells["population_rows"].to_numpy())])
        needed = max(1, int(np.searchsorted(edges, wanted)))
        return cls(
            cells["micro_segment"].to_numpy()[:needed],
            cells["micro_index"].to_numpy()[:needed],
            edges[: needed + 1],
        )

    @property
    def n_buckets(self) -> int:
        return max(1, -(-int(self.edges[-1]) // ROWS_PER_BUCKET))

    def ranks(self, micro_segments: np.ndarray) -> np.ndarray:
        """Rank from 0 of each row's micro-segment; -1 if it is not mailed."""
        order = np.argsort(self.micro_segments)
        place = np.searchsorted(self.micro_segments, micro_segments, sorter=order)
        rank = order[np.minimum(place, len(order) - 1)]
        return np.where(self.micro_segments[rank] == micro_segments, rank, -1)

    def buckets(self, ranks: np.ndarray, hashes: np.ndarray) -> np.ndarray:
        """The bucket of each row of rank 0 or more: about where it will stand, by its hash.

        It rises with rank and hash, so buckets follow one another in the list.
        """
        share = (hashes >> np.uint64(11)).astype(np.float64) / 2**53
        first = self.edges[ranks]
        place = first + share * (self.edges[ranks + 1] - first)
        return np.asarray(np.minimum(place.astype(np.int64) // ROWS_PER_BUCKET, self.n_buckets - 1))


@dataclass(frozen=True)
class LeftOut:
    """Who is not to be mailed. Ids are held as 64-bit hashes, eight bytes each.

    With a hundred million people and ten million ids to leave out, the chance that anybody is left
    out for sharing a hash is below one in ten thousand.
    """

    known: np.ndarray
    """Ids of customers, hashed and sorted; none without an id column."""
    suppressed: np.ndarray
    """Suppressed ids, hashed, or row numbers, sorted."""

    @property
    def bytes(self) -> int:
        return self.known.nbytes + self.suppressed.nbytes

    def reasons(self, keys: np.ndarray, marked: np.ndarray) -> np.ndarray:
        """KEPT, KNOWN, SUPPRESSED or MARKED for each row's hashed id, or its number."""
        reasons = np.where(marked, MARKED, KEPT)
        reasons = np.where(among(keys, self.suppressed), SUPPRESSED, reasons)
        return np.where(among(keys, self.known), KNOWN, reasons).astype(np.int8)


@dataclass(frozen=True)
class SortedRun:
    """The rows of a part that may be mailed, on disk, a record batch per bucket."""

    path: Path
    suppressed_met: np.ndarray
    """Positions of the suppressed that are of this part."""
    known_met: np.ndarray
    """Positions of the customers that are of this part."""


def write_run(
    rows: pl.DataFrame,
    ids: pl.Series | None,
    marked: pl.Series | None,
    ranking: Ranking,
    out: LeftOut,
    seed: int,
    path: Path,
) -> SortedRun:
    """Sort the rows of a part that may be mailed into buckets.

    Parameters
    ----------
    rows : `row`, `segment`, `micro_segment` of all rows of the part
    ids : their ids, if there are any
    marked : who must not be mailed by a column of the extract, if there is one
    """
    numbers = rows["row"].to_numpy()
    keys = hash_ids(ids) if ids is not None else numbers.astype(np.uint64)
    ranks = ranking.ranks(rows["micro_segment"].to_numpy())
    hashes = row_hash(numbers, seed)
    nobody = np.zeros(len(keys), dtype=bool)
    reasons = out.reasons(keys, nobody if marked is None else marked.to_numpy())
    if ids is not None:
        reasons[(reasons == KEPT) & (keys == NO_ID)] = NAMELESS
    mailed = ranks >= 0
    buckets = ranking.buckets(ranks[mailed], hashes[mailed])
    table = (
        (rows.with_columns(id=ids) if ids is not None else rows)
        .with_columns(
            micro_index=ranking.index[ranks],
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
    return SortedRun(path, positions(keys, out.suppressed), positions(keys, out.known))


@dataclass(frozen=True)
class Tally:
    """What became of the people considered."""

    listed: int
    known: int
    suppressed: int
    marked: int = 0
    nameless: int = 0
    repeated: int = 0


def write_list(
    runs: Sequence[SortedRun],
    n_buckets: int,
    wanted: int,
    parquet: Path,
    csv: Path,
    *,
    repeating: bool = False,
) -> Tally:
    """Gather the first `wanted` people from the runs; those kept go into both files.

    Parameters
    ----------
    repeating : an id may be that of several rows; its first in the list is the one that stays
    """
    counted = np.zeros(REPEATED + 1, dtype=np.int64)
    listed = np.empty(0, dtype=np.uint64)
    with parquet.open("xb") as table, csv.open("xb") as text:
        writer: pq.ParquetWriter | None = None
        for people in _gather(runs, n_buckets, wanted):
            if repeating:
                people = _once(people, listed)
                kept_keys = people.filter(pl.col("reason") == KEPT)["key"].to_numpy()
                listed = np.union1d(listed, kept_keys)
            counted += np.bincount(people["reason"].to_numpy(), minlength=len(counted))
            kept = _listed(people.filter(pl.col("reason") == KEPT), int(counted[KEPT]))
            arrow = kept.to_arrow(compat_level=pl.CompatLevel.oldest())
            if writer is None:
                writer = pq.ParquetWriter(table, arrow.schema, compression="zstd")
                text.write(kept.clear().write_csv().encode())
            writer.write_table(arrow)
            text.write(csv_text(kept, headed=False).encode())
        if writer is not None:
            writer.close()
    return Tally(*(int(n) for n in counted))


def _once(people: pl.DataFrame, listed: np.ndarray) -> pl.DataFrame:
    """The people in their order; those listed before, or further up, are REPEATED."""
    kept = pl.col("reason") == KEPT
    before = pl.Series(among(people["key"].to_numpy(), listed))
    again = kept & (before | (kept.cum_sum().over("key") > 1))
    reason = pl.when(again).then(pl.lit(REPEATED, dtype=pl.Int8)).otherwise("reason")
    return people.with_columns(reason.alias("reason"))


def _listed(kept: pl.DataFrame, last: int) -> pl.DataFrame:
    """The columns of the list; `last` is the rank of the last person of the chunk."""
    key = "id" if "id" in kept.columns else "row"
    ranks = pl.int_range(last - kept.height + 1, last + 1, dtype=pl.Int64).alias("rank")
    return kept.select(ranks, key, "segment", "micro_segment", "micro_index")


def _gather(runs: Sequence[SortedRun], n_buckets: int, wanted: int) -> Iterator[pl.DataFrame]:
    """The first `wanted` people, bucket by bucket, in the order of the list."""
    for bucket in range(n_buckets):
        batches = [_read_batch(run.path, bucket) for run in runs]
        people = pl.DataFrame(pa.Table.from_batches(batches)).sort("place", "hash").head(wanted)
        wanted -= people.height
        yield people


def _read_batch(path: Path, number: int) -> pa.RecordBatch:
    with pa.OSFile(str(path)) as file:
        return pa.ipc.open_file(file).get_batch(number)


def count_met(positions: Sequence[np.ndarray]) -> int:
    """How many different positions there are."""
    return len(np.unique(np.concatenate(positions)))


def positions(keys: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Where in `ordered` the keys stand that are there, each once."""
    return np.unique(np.searchsorted(ordered, keys)[among(keys, ordered)])


def among(keys: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """True for the keys that are in `ordered`, shape (n_keys,)."""
    if not len(ordered):
        return np.zeros(len(keys), dtype=bool)
    place = np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)
    return np.asarray(ordered[place] == keys)
