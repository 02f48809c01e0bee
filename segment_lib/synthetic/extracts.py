"""The four delivered files, block after block: bounded memory, any number of processes, whole or not at all."""

import io
import multiprocessing
import os
import sys
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segment_lib.synthetic.dictionary import data_dictionary
from segment_lib.synthetic.figures import attributes, read_text
from segment_lib.synthetic.population import BLOCK_ROWS, NOTHING, draw_block, model

NAMES = {"population": "Udacity_AZDIAS_Subset.csv", "customers": "Udacity_CUSTOMERS_Subset.csv"}


def make_extracts(
    folder: Path, *, rows: int, customers: int, seed: int, truth: bool = False, jobs: int = 1
) -> None:
    """Write the four files, and with `truth` each row's planted segment, into `folder`."""
    os.umask(0o077)
    folder.mkdir(parents=True, exist_ok=True)
    _write_whole(folder / "AZDIAS_Feature_Summary.csv", read_text("feature_summary.csv"))
    _write_whole(folder / "Data_Dictionary.md", data_dictionary())
    sizes = {"population": rows, "customers": customers}
    with _pool(jobs) as pool:
        for extract, n_rows in sizes.items():
            _write_extract(folder, extract, n_rows, seed, truth, jobs, pool)


def _write_extract(folder, extract, n_rows, seed, truth, jobs, pool) -> None:
    path = folder / NAMES[extract]
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    header = ";".join(attribute.name for attribute in attributes()) + "\n"
    segments, written, started = [], 0, time.monotonic()
    try:
        with open(beside, "wb") as file:
            file.write(header.encode())
            for text, segment in _blocks(pool, jobs, seed, extract, n_rows):
                file.write(text)
                written += len(segment)
                if truth:
                    segments.append(segment.astype(np.int8))
                _progress(path.name, written, n_rows, time.monotonic() - started)
            file.flush()
            os.fsync(file.fileno())
        if truth:
            _write_truth(folder / f"{extract}_truth.parquet", segments)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def _write_truth(path: Path, segments: list[NDArray[np.int8]]) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    segment = np.concatenate(segments) if segments else np.empty(0, np.int8)
    pl.DataFrame({"row": np.arange(len(segment)), "segment": segment}).write_parquet(beside)
    os.replace(beside, path)


def _write_whole(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8", newline="")
    os.replace(beside, path)


def _blocks(pool, jobs, seed, extract, n_rows) -> Iterator[tuple[bytes, NDArray[np.int64]]]:
    """Blocks in order, at most `jobs` + 2 of them drawn ahead."""
    waiting: deque[Future] = deque()
    for block, start in enumerate(range(0, n_rows, BLOCK_ROWS)):
        rows = min(BLOCK_ROWS, n_rows - start)
        waiting.append(pool.submit(block_csv, seed, extract, block, rows))
        if len(waiting) > jobs + 2:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _pool(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        jobs, mp_context=multiprocessing.get_context("spawn"), initializer=_one_thread
    )


def _one_thread() -> None:
    pass


def _progress(name: str, written: int, rows: int, seconds: float) -> None:
    rate = written / max(seconds, 1e-9)
    left = (rows - written) / max(rate, 1e-9)
    end = "\n" if written >= rows else ""
    sys.stderr.write(f"\r{name}: {written:,} of {rows:,} rows, {rate:,.0f} rows/s, {left:,.0f} s left {end}")
    sys.stderr.flush()


def _text_levels() -> dict[str, list[str]]:
    return {
        "OST_WEST_KZ": ["O", "W"],
        "CAMEO_DEUG_2015": ["X", *"123456789"],
        "CAMEO_DEU_2015": [*model()["cameo_deu"], "XX"],
        "CAMEO_INTL_2015": ["XX", *(str(code) for code in range(1, 56))],
    }


def block_frame(seed: int, extract: str, block: int, rows: int):
    """One block as delivered: whole numbers, floats and text, null where the cell is empty."""
    drawn = draw_block(seed, extract, block)
    texts = _text_levels()
    columns = []
    for attribute in attributes():
        code = drawn.codes[attribute.name][:rows]
        if attribute.name in texts:
            level = pl.Series(np.where(code == NOTHING, 0, code)).set(pl.Series(code == NOTHING), None)
            columns.append(pl.Series(attribute.name, texts[attribute.name]).gather(level))
        elif attribute.kind == "int":
            columns.append(pl.Series(attribute.name, code.astype(np.int16)))
        else:
            value = code.astype(np.float64)
            value[code == NOTHING] = np.nan
            columns.append(pl.Series(attribute.name, value, nan_to_null=True))
    return pl.DataFrame(columns), drawn.segment[:rows]


def block_csv(seed: int, extract: str, block: int, rows: int):
    frame, segment = block_frame(seed, extract, block, rows)
    out = io.BytesIO()
    frame.write_csv(out, separator=";", include_header=False)
    return out.getvalue(), segment
