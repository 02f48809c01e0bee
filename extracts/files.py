"""The four delivered files, written block after block in bounded memory, whole or not at all."""

import errno
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from extracts.dictionary import data_dictionary
from extracts.figures import Attribute, attributes, read_text
from extracts.model import model
from extracts.population import BLOCK_ROWS, NOTHING, draw_block
from segment_lib.errors import ConfigError, ResourceError

FILES = {"population": "Udacity_AZDIAS_Subset.csv", "customers": "Udacity_CUSTOMERS_Subset.csv"}
FEATURE_SUMMARY = "AZDIAS_Feature_Summary.csv"
DATA_DICTIONARY = "Data_Dictionary.md"
TRUTH = {"population": "population_truth.parquet", "customers": "customers_truth.parquet"}

Progress = Callable[[str, int, int], None]
"""Called after every block with the file, the rows written and the rows asked for."""

_TRUTH_SCHEMA = pa.schema([("row", pa.int64()), ("segment", pa.int8())])
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")


@dataclass(frozen=True)
class Rows:
    """Rows of one block as bytes of the file, and their planted segments."""

    first: int
    csv: bytes
    segment: NDArray[np.int8]


def make_extracts(
    folder: Path,
    *,
    rows: int,
    customers: int,
    seed: int,
    truth: bool = False,
    jobs: int = 1,
    progress: Progress = lambda file, written, asked: None,
) -> None:
    """Write the four files as delivered.

    Parameters
    ----------
    folder
        Made if absent, private to its owner. A file in it is replaced when its successor is whole.
    rows, customers
        Rows of the population and the customer extract. A larger extract begins with the smaller.
    seed
        The same seed gives the same bytes, whatever `jobs`.
    truth
        Also write each row's planted segment as Parquet: `row`, `segment`, -1 where set aside.
    jobs
        Processes; each holds one block of 8,192 rows at a time.
    """
    faults = {"rows": rows, "customers": customers, "seed": seed, "jobs": jobs - 1}
    negative = [name for name, value in faults.items() if value < 0]
    if negative:
        raise ConfigError(f"{', '.join(negative)} too small. Rows and seed start at 0, jobs at 1.")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_text(folder / FEATURE_SUMMARY, read_text("feature_summary.csv"))
        _write_text(folder / DATA_DICTIONARY, data_dictionary())
        with _pool(jobs) as pool:
            for extract, asked in (("population", rows), ("customers", customers)):
                blocks = _blocks(seed, extract, asked, pool, ahead=jobs + 2)
                _write_extract(folder, extract, asked, blocks, truth, progress)
    except BrokenProcessPool as error:
        raise ResourceError(
            "A process was ended from outside, most likely for want of memory. Try fewer jobs."
        ) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ResourceError(f"The disk under {folder} is full: ask for fewer rows.") from error
        raise ConfigError(
            f"Cannot write to {folder}: {error.strerror}. Name another folder."
        ) from error


def refuse_other_extracts(folder: Path, *, seed: int) -> None:
    """Raise a ConfigError if files of these names are there that this seed does not begin with.

    They may be the real ones.
    """
    refuse_other_file(folder / FEATURE_SUMMARY, read_text("feature_summary.csv").encode())
    refuse_other_file(folder / DATA_DICTIONARY, data_dictionary().encode())
    for extract, name in FILES.items():
        if (folder / name).exists():
            row = _spell_block(max(seed, 0), extract, block=0, asked=1).csv
            refuse_other_file(folder / name, _header() + row)


def refuse_other_file(path: Path, beginning: bytes) -> None:
    """Raise a ConfigError if the file is there and begins otherwise: it is not replaced."""
    with suppress(FileNotFoundError, NotADirectoryError):
        with path.open("rb") as file:
            start = file.read(len(beginning))
        if not beginning.startswith(start):
            raise ConfigError(
                f"{path}: there already, and not what is made with this seed. Nothing was changed. "
                "Name another folder in --out, or move the file away."
            )


def _header() -> bytes:
    return (";".join(attribute.name for attribute in attributes()) + "\n").encode()


def block_frame(seed: int, extract: str, block: int) -> tuple[pl.DataFrame, NDArray[np.int8]]:
    """One block with the delivered types, null where a cell is empty, and its segments."""
    drawn = draw_block(seed, extract, block)
    columns = [_column(attribute, drawn.codes[attribute.name]) for attribute in attributes()]
    return pl.DataFrame(columns), drawn.segment.astype(np.int8)


def _column(attribute: Attribute, code: NDArray[np.int64]) -> pl.Series:
    name, empty = attribute.name, code == NOTHING
    if attribute.kind == "int":
        return pl.Series(name, code.astype(np.int16))
    if attribute.kind == "float":
        return pl.Series(name, np.where(empty, np.nan, code.astype(np.float64)), nan_to_null=True)
    position = pl.Series(np.where(empty, 0, code)).set(pl.Series(empty), None)
    return pl.Series(name, _texts(name)).gather(position)


def _texts(name: str) -> list[str]:
    """The texts a column's codes stand for, by position."""
    return {
        "OST_WEST_KZ": ["O", "W"],
        "CAMEO_DEUG_2015": ["X", *"123456789"],
        "CAMEO_DEU_2015": [*model()["cameo_deu"], "XX"],
        "CAMEO_INTL_2015": ["XX", *(str(code) for code in range(1, 56))],
    }[name]


def _spell_block(seed: int, extract: str, block: int, asked: int) -> Rows:
    """One block as bytes, cut where the file ends."""
    frame, segment = block_frame(seed, extract, block)
    first = block * BLOCK_ROWS
    kept = min(BLOCK_ROWS, asked - first)
    text = BytesIO()
    frame.head(kept).write_csv(text, separator=";", include_header=False)
    return Rows(first, text.getvalue(), segment[:kept])


def _blocks(
    seed: int, extract: str, asked: int, pool: ProcessPoolExecutor | None, *, ahead: int
) -> Iterator[Rows]:
    """Blocks in order, at most `ahead` of them under way at a time."""
    numbers = range(-(-asked // BLOCK_ROWS))
    if pool is None:
        yield from (_spell_block(seed, extract, block, asked) for block in numbers)
        return
    waiting: deque[Future[Rows]] = deque()
    for block in numbers:
        waiting.append(pool.submit(_spell_block, seed, extract, block, asked))
        if len(waiting) == ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


@contextmanager
def _pool(jobs: int) -> Iterator[ProcessPoolExecutor | None]:
    """A pool of spawned processes, None for a single job: Polars hangs in forked ones."""
    if jobs == 1:
        yield None
        return
    spawn = multiprocessing.get_context("spawn")
    with _one_thread_each(), ProcessPoolExecutor(jobs, spawn, _end_with_parent) as pool:
        try:
            yield pool
        except BaseException:
            # Nobody waits for what is under way.
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _end_with_parent() -> None:
    """Have the process end when the one that started it does, however that ended."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started inside keep to one thread: the parallelism is over blocks."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _write_extract(
    folder: Path, extract: str, asked: int, blocks: Iterator[Rows], truth: bool, progress: Progress
) -> None:
    written = 0
    with (
        _whole_file(folder / FILES[extract]) as file,
        _truth(folder / TRUTH[extract], truth) as add,
    ):
        file.write(_header())
        for rows in blocks:
            file.write(rows.csv)
            add(rows)
            written += len(rows.segment)
            progress(FILES[extract], written, asked)


@contextmanager
def _truth(path: Path, wanted: bool) -> Iterator[Callable[[Rows], None]]:
    """A function that writes a block's segments as a row group of a Parquet file, or drops them."""
    if not wanted:
        yield lambda rows: None
        return
    with _whole_file(path) as file, pq.ParquetWriter(file, _TRUTH_SCHEMA) as writer:

        def add(rows: Rows) -> None:
            row = np.arange(rows.first, rows.first + len(rows.segment))
            writer.write_table(pa.table([row, rows.segment], schema=_TRUTH_SCHEMA))

        yield add


def _write_text(path: Path, text: str) -> None:
    with _whole_file(path) as file:
        file.write(text.encode())


@contextmanager
def _whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file, private to its owner, that takes its name once it is written and safe on disk."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with open(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
