"""Counts of the columns of an extract that no feature summary describes."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from operator import add
from typing import Any

import numpy as np
import polars as pl
from dask import delayed
from dask.delayed import Delayed

from segment_lib.clean.columns import ColumnCounts, are_amounts
from segment_lib.clean.roles import may_be_id
from segment_lib.clean.tally import Values, count_all, count_values
from segment_lib.schema import Attribute, Schema, is_null_word
from segment_lib.schema.customer_mark import CustomerMark
from segment_lib.schema.ids import RoundedIdError, hash_ids
from segment_lib.schema.language import Sentence
from segment_lib.sources import Piece, TextFormat, expand, is_packed, list_files, open_extract
from segment_lib.sources.column_mapping import ColumnMapping
from segment_lib.sources.columns_of_numbers import number_format_of
from segment_lib.sources.layout import Layout, infer_layout
from segment_lib.sources.numbers import NumberFormat
from segment_lib.storage.location import Location

SAMPLED = 20_000
"""Rows of the sample, about; fewer of a table so wide that they are more than a piece."""
_PIECES = 4
"""Places of the extract that the sample comes from."""
CELLS_PER_PIECE = 4_000_000
"""Cells that a thread works on at a time, at some 30 bytes each."""
_LEVEL = Attribute("", "", "categorical", ())
_NUMBER = Attribute("", "", "numeric", ())


@dataclass(frozen=True)
class Reading:
    """How the columns are counted, as the sample showed."""

    number_format: NumberFormat
    amounts: frozenset[str]
    ids: frozenset[str]
    """Columns whose values are hashed, as they may be ids."""


@dataclass(frozen=True)
class PieceCounts:
    """Additive counts of a piece."""

    rows: int
    texts: Mapping[str, Values]
    numbers: Mapping[str, Values]
    hashes: Mapping[str, tuple[np.ndarray, ...]]

    def __add__(self, other: "PieceCounts") -> "PieceCounts":
        return PieceCounts(
            self.rows + other.rows,
            {name: own + other.texts[name] for name, own in self.texts.items()},
            {name: own + other.numbers[name] for name, own in self.numbers.items()},
            {name: (*own, *other.hashes[name]) for name, own in self.hashes.items()},
        )


@dataclass(frozen=True)
class CountedExtract:
    """What all rows of an extract hold, and its sample."""

    name: str
    layout: Layout
    rows: int
    columns: Mapping[str, ColumnCounts]
    reading: Reading
    sample: pl.DataFrame
    """Cells as text."""
    ids: Mapping[str, np.ndarray]
    """Sorted keys of columns that may be ids, each once."""
    remarks: tuple[Sentence, ...]

    def codes(
        self, names: Collection[str], missing: Mapping[str, Collection[str]], step: int = 1
    ) -> dict[str, np.ndarray]:
        """Cells of the sample as numbers, shape (n_rows,) each; NaN where missing or no number.

        Parameters
        ----------
        step : each such row of the sample
        """
        parsed = self.reading.number_format.parsed
        numbers = self.sample[::step].select(
            pl.when(pl.col(name).is_in(list(missing.get(name, ()))))
            .then(None)
            .otherwise(parsed(pl.col(name)))
            .alias(name)
            for name in names
        )
        return {name: numbers[name].fill_null(float("nan")).to_numpy() for name in names}


def count_columns(
    compute: Callable[[Sequence[Delayed]], list[Any]],
    name: str,
    pattern: str,
    form: TextFormat,
    *,
    folder: Location,
    population: CountedExtract | None = None,
    mark: CustomerMark | None = None,
    seed: int = 0,
) -> CountedExtract:
    """Look at a sample of an extract, then count all its rows.

    Memory is bounded by `CELLS_PER_PIECE` per thread, the counts of `tally`, and 8 bytes per row
    for each column that may hold ids.

    Parameters
    ----------
    folder : where packed files are unpacked, below it
    population : of customers, the population; what may be an id there is looked at as one
    mark : what tells the customers from others, where the files are those of the population
    seed : of the sample

    Raises
    ------
    DataError
        If a file cannot be read.
    """
    files = list_files(pattern).files
    layout = infer_layout(files[0], form)
    schema = Schema(tuple(replace(_LEVEL, name=column) for column in layout.columns))
    expanded: dict[Location, Location] = {
        file: expand(file, folder, folder, form.sheet) for file in files if is_packed(file)
    }

    def pieces(rows: int) -> tuple[Sequence[Piece], tuple[Sentence, ...]]:
        extract = open_extract(
            name,
            files,
            schema,
            form=layout.form,
            rows_per_part=rows,
            mark=mark,
            expanded=expanded,
        )
        return extract.pieces, extract.remarks

    rows_per_piece = max(1_000, CELLS_PER_PIECE // len(schema))
    sampled, remarks = pieces(min(SAMPLED, rows_per_piece) // _PIECES)
    spelled = ColumnMapping(schema)
    sample = pl.concat(spelled.read(piece).rows for piece in _spread(sampled, seed))
    # Marked customers may be too few to see how their cells are written.
    as_all = population.reading if population and mark else None
    reading = as_all or _reading(sample, population.reading.ids if population else ())
    cut, _ = pieces(rows_per_piece)
    # Called with nothing, as Dask would look for tasks in every attribute of every piece.
    tasks = [
        delayed(partial(count_piece, piece, schema, reading), traverse=False)() for piece in cut
    ]
    # Not by the sums of `model`, which would load all its estimators.
    (counts,) = compute([reduce(delayed(add), tasks)])
    if population and mark:
        mark.refuse_extent(pattern, counts.rows, population.rows)
    ids = {column: np.unique(np.concatenate(parts)) for column, parts in counts.hashes.items()}
    columns = {
        column: ColumnCounts(
            counts.rows,
            counts.texts[column],
            counts.numbers.get(column),
            len(ids[column]) if column in ids else None,
        )
        for column in schema.names
    }
    return CountedExtract(name, layout, counts.rows, columns, reading, sample, ids, remarks)


def _spread(pieces: Sequence[Piece], seed: int) -> list[Piece]:
    """A seeded choice of pieces, in their order; the first is always one of them."""
    if len(pieces) <= _PIECES:
        return list(pieces)
    others = np.random.default_rng(seed).permutation(np.arange(1, len(pieces)))[: _PIECES - 1]
    return [pieces[0], *(pieces[i] for i in sorted(others.tolist()))]


def _reading(sample: pl.DataFrame, named: Collection[str]) -> Reading:
    """Decide from the sample how the columns are counted."""
    number_format = number_format_of(sample)
    amounts, ids = set[str](), {name for name in sample.columns if name in named}
    levels = count_all(sample, [replace(_LEVEL, name=name) for name in sample.columns])
    distinct = sample.select(pl.all().drop_nulls().unique().implode())
    numbers = _numbers(pl.concat(column.explode() for column in distinct), number_format)
    for name in sample.columns:
        counts = ColumnCounts(sample.height, levels[name])
        if may_be_id(counts, name):
            ids.add(name)
        if are_amounts(name, counts, {t: numbers[t] for t in distinct[name][0] if t in numbers}):
            amounts.add(name)
    return Reading(number_format, frozenset(amounts), frozenset(ids))


def _numbers(cells: pl.Series, number_format: NumberFormat) -> dict[str, float]:
    """Cells that are numbers, and what numbers they are."""
    table = cells.alias("text").unique().to_frame()
    both = table.with_columns(number=number_format.parsed(pl.col("text"))).drop_nulls("number")
    return {t: n for t, n in both.iter_rows() if not is_null_word(t)}


def count_piece(piece: Piece, schema: Schema, reading: Reading) -> PieceCounts:
    """Count the rows of a piece."""
    rows = piece.read(schema).rows
    texts = count_all(rows, [a for a in schema if a.name not in reading.amounts])
    amounts = sorted(reading.amounts)
    parsed = rows.select(reading.number_format.parsed(pl.col(name)).alias(name) for name in amounts)
    numbers = {name: count_values(parsed[name].drop_nulls(), _NUMBER) for name in amounts}
    texts |= {
        name: count_values(rows[name].filter(parsed[name].is_null()), _LEVEL) for name in amounts
    }
    hashes = {name: (_hashes(rows[name]),) for name in reading.ids}
    return PieceCounts(rows.height, texts, numbers, hashes)


def _hashes(cells: pl.Series) -> np.ndarray:
    """Keys of the cells of a column that may be ids, each once."""
    try:
        keys = hash_ids(cells.drop_nulls())
    except RoundedIdError:
        keys = cells.drop_nulls().hash(0).to_numpy()
    return np.unique(keys)
