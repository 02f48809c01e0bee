"""Rows that come in batches, written as one Parquet file whose row groups have rows alike."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

_CELLS = 4_000_000
"""Cells of a row group, and so about as many as are in memory while rows are copied."""


def write_row_groups(target: Path, columns: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write batches of any size; the same rows give the same bytes, however they come."""
    rows = max(1, _CELLS // max(len(columns), 1))
    waiting = columns.empty_table()
    with pq.ParquetWriter(target, columns, compression="zstd", compression_level=1) as writer:
        for batch in batches:
            waiting = pa.concat_tables([waiting, pa.Table.from_batches([batch], columns)])
            while waiting.num_rows >= rows:
                writer.write_table(waiting.slice(0, rows).combine_chunks())
                waiting = waiting.slice(rows)
        if waiting.num_rows:
            writer.write_table(waiting.combine_chunks())
