"""Dialects of the csv module: any table it writes is read back cell for cell."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from segment_lib.errors import DataError
from segment_lib.schema import Attribute, Schema
from segment_lib.sources import TextFormat, open_extract

SCHEMA = Schema((Attribute("AGE", "person", "ordinal", ()),))
COLUMNS = ("AGE", "KIND", "NOTE", "PLACE")


@dataclass(frozen=True)
class Dialect:
    """How a table is written, as the csv module offers it."""

    delimiter: str = ";"
    quotechar: str = '"'
    quoting: int = csv.QUOTE_MINIMAL
    doublequote: bool = True
    escapechar: str | None = None
    lineterminator: str = "\n"

    def write(self, rows: list[tuple[object, ...]]) -> str:
        text = io.StringIO()
        csv.writer(text, **vars(self)).writerows([COLUMNS, *rows])
        return text.getvalue()

    def form(self) -> TextFormat:
        escape = "backslash" if self.escapechar else ""
        return TextFormat(self.delimiter, "utf-8", self.quotechar, escape)


@st.composite
def dialects(draw: st.DrawFn, *, escaped: bool = False) -> Dialect:
    quoting = draw(
        st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC, csv.QUOTE_NONE])
    )
    escapes = quoting == csv.QUOTE_NONE or escaped or draw(st.booleans())
    return Dialect(
        delimiter=draw(st.sampled_from(";,\t| :")),
        quotechar=draw(st.sampled_from("\"'")),
        quoting=quoting,
        doublequote=not escapes or (quoting != csv.QUOTE_NONE and draw(st.booleans())),
        escapechar="\\" if escapes else None,
        lineterminator=draw(st.sampled_from(["\n", "\r\n"])),
    )


CELLS = st.text(alphabet="ab;,\"'\\\n\t |:8.N#é\u2028\x0c", max_size=8)
ROWS = st.lists(st.tuples(st.integers(0, 99), CELLS, CELLS, CELLS), min_size=1, max_size=30)


def read(path: Path, form: TextFormat, rows_per_part: int) -> pl.DataFrame:
    extract = open_extract(
        "population",
        [path],
        SCHEMA,
        form=form,
        rows_per_part=rows_per_part,
        extra_columns="carry",
    )
    parts = [piece.read(SCHEMA, extract.passthrough).rows for piece in extract.pieces]
    assert [rows.height for rows in parts] == [piece.digest()[1] for piece in extract.pieces]
    return pl.concat(parts).select(COLUMNS)


def looks_like_rows(rows: list[tuple[object, ...]], dialect: Dialect) -> bool:
    """True if a cell holds so many line ends and separators that it could be rows by itself."""
    return any(
        cell.count("\n") and cell.count(dialect.delimiter) >= len(COLUMNS) - 1
        for row in rows
        for cell in row
        if isinstance(cell, str)
    )


@settings(max_examples=400, deadline=None)
@given(rows=ROWS, dialect=dialects(), rows_per_part=st.integers(1, 40))
def test_any_table_of_any_dialect_reads_back_cell_for_cell(
    tmp_path_factory, rows, dialect, rows_per_part
):
    path = tmp_path_factory.mktemp("dialect") / "extract.csv"
    path.write_bytes(dialect.write(rows).encode())
    try:
        table = read(path, dialect.form(), rows_per_part)
    except DataError as error:
        # The one thing that is refused though the dialect is told: cells that may be rows.
        if "holds whole rows" in str(error) and looks_like_rows(rows, dialect):
            return
        raise
    expected = [(float(age), *cells) for age, *cells in rows]
    assert table.fill_null("").rows() == expected


@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 99), *[st.text(alphabet='ab;,"\n8', max_size=6)] * 3),
        min_size=1,
        max_size=20,
    ),
    dialect=dialects(escaped=True),
    rows_per_part=st.integers(1, 20),
)
def test_escapes_that_are_not_told_are_refused_never_misread(
    tmp_path_factory, rows, dialect, rows_per_part
):
    assume(dialect.quotechar == '"')
    path = tmp_path_factory.mktemp("escapes") / "extract.csv"
    path.write_bytes(dialect.write(rows).encode())
    try:
        table = read(path, TextFormat(dialect.delimiter, "utf-8"), rows_per_part)
    except DataError:
        return
    assert table.fill_null("").rows() == [(float(age), *cells) for age, *cells in rows]


@pytest.mark.parametrize(
    "dialect",
    [Dialect(lineterminator="\r"), Dialect(quotechar="'", quoting=csv.QUOTE_ALL)],
    ids=["lines that end in CR", "another quote than is told"],
)
def test_a_dialect_that_is_not_read_is_refused(tmp_path, dialect):
    path = tmp_path / "extract.csv"
    path.write_bytes(dialect.write([(1, "a", "b", "c"), (2, "a;b", "c", "d")]).encode())
    with pytest.raises(DataError):
        read(path, TextFormat(dialect.delimiter, "utf-8"), 10)
