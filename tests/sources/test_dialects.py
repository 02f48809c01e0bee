"""Dialects of the csv module: any table it writes is read back cell for cell."""

import csv
import io
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from segment_lib.errors import DataError
from segment_lib.schema import Attribute, Schema
from segment_lib.sources import TextFormat, open_extract
from segment_lib.sources.column_mapping import ColumnMapping

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


ESCAPED = Dialect(doublequote=False, escapechar="\\")
UNQUOTED = replace(ESCAPED, quoting=csv.QUOTE_NONE)


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
    parts = [
        ColumnMapping(SCHEMA).read(piece, extract.passthrough).rows for piece in extract.pieces
    ]
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


def may_escape(rows: list[tuple[object, ...]], dialect: Dialect) -> bool:
    """True if quotes enclose a cell that a backslash ends, and one with a separator."""
    cells = [cell for row in rows for cell in row if isinstance(cell, str)]
    return (
        dialect.quoting != csv.QUOTE_MINIMAL
        and any(cell.endswith("\\") for cell in cells)
        and any(dialect.delimiter in cell for cell in cells)
    )


@settings(max_examples=400, deadline=None)
@given(rows=ROWS, dialect=dialects(), rows_per_part=st.integers(1, 40))
@example([(0, "", "\\", ";8")], Dialect(), 1)
@example([(0, "", "", ";\\"), (0, "", "", "\n8")], Dialect(), 2)
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
        # And without escapes, which are not told then: backslashes that may be some.
        if "if it escapes" in str(error) and not dialect.escapechar and may_escape(rows, dialect):
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
@example([(0, "", "", ";")] * 2, UNQUOTED, 20)
@example([(0, ";", "", "")] * 2, UNQUOTED, 20)
@example([(0, "", "", ","), (7, "", "", ",")], replace(UNQUOTED, delimiter=","), 1)
@example([(0, "", "", ";")] * 2, replace(UNQUOTED, lineterminator="\r\n"), 20)
@example([(0, "", "", ""), (0, "", "", ";")], UNQUOTED, 20)
@example([(0, "", ";", ";")] * 2, UNQUOTED, 20)
@example([(0, "", 'x";b', "")] * 2, ESCAPED, 20)
@example([(0, 'a";', 'b"', "")], ESCAPED, 20)
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


HEADER = ";".join(COLUMNS)
EITHER_WAY = {
    "the last cell of every row": (f"{HEADER}\n0;a;b;\\;\n0;a;b;\\;\n", 2, (5, 4)),
    "the last cell of one row": (f"{HEADER};\n0;a;b;c;\n0;a;b;\\;\n", 3, (5, 4)),
    "CRLF": (f"{HEADER};\r\n0;a;b;c;\r\n0;a;b;\\;\r\n", 3, (5, 4)),
    "comma": (f"{HEADER};\n0;a;b;c;\n0;a;b;\\;\n".replace(";", ","), 3, (5, 4)),
    "two more cells, one escaped": (f"{HEADER};;\n0;a;b;c;;\n0;a;b;\\;;\n", 3, (6, 5)),
    "two more cells, both escaped": (f"{HEADER};;\n0;a;b;c;;\n0;\\;\\;;;\n", 3, (6, 4)),
    "another cell than the last": (f"{HEADER};\n0;a;b;c;\n0;\\;;;\n", 3, (5, 4)),
    "a quoted cell": (f'{HEADER};\n0;a;b;c;\n0;"x\\";b";;\n', 3, (5, 4)),
    "row names": (f"KIND;{HEADER[:4]}NOTE;PLACE\na\\;b;8;x;y\nc\\;d;9;x;y\n", 2, (5, 4)),
}


@pytest.mark.parametrize("rows_per_part", [1, 20])
@pytest.mark.parametrize("kind", EITHER_WAY)
def test_a_row_that_fits_whether_or_not_a_backslash_escapes_is_refused(
    tmp_path, kind, rows_per_part
):
    text, line, (as_text, escaped) = EITHER_WAY[kind]
    path = tmp_path / "extract.csv"
    path.write_bytes(text.encode())
    separator = "," if kind == "comma" else ";"
    with pytest.raises(DataError) as error:
        read(path, TextFormat(separator, "utf-8"), rows_per_part)
    assert str(error.value) == (
        f"{path}, line {line}: {as_text} cells if a backslash is text, {escaped} others if it "
        'escapes, expected 4. Set inputs.quote_escape = "backslash" if a backslash makes what '
        'follows it text, or to "double" if the backslash is text.'
    )


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("header", [HEADER, f"{HEADER};"])
def test_an_empty_last_column_is_passed_over_where_no_backslash_may_make_it(
    tmp_path, header, newline
):
    path = tmp_path / "extract.csv"
    rows = ["7;a;b;c;", "7;C:\\x;\\N;\\\\c;"]
    path.write_bytes(newline.join([header, *rows, ""]).encode())
    expected = [(7.0, "a", "b", "c"), (7.0, "C:\\x", "\\N", "\\\\c")]
    assert read(path, TextFormat(";", "utf-8"), 20).rows() == expected


@pytest.mark.parametrize(("escape", "cell"), [("backslash", ";"), ("double", "\\")])
def test_what_a_backslash_is_can_be_said(tmp_path, escape, cell):
    path = tmp_path / "extract.csv"
    path.write_text(f"{HEADER}\n7;a;b;\\;\n7;a;b;\\;\n")
    table = read(path, TextFormat(";", "utf-8", quote_escape=escape), 20)
    assert table.rows() == [(7.0, "a", "b", cell)] * 2


def test_a_row_that_fits_only_if_a_backslash_is_text_is_read(tmp_path):
    path = tmp_path / "extract.csv"
    path.write_text(f'{HEADER}\n7;C:\\;b;"D:\\"\n8;a;"D:\\";c\\\n')
    expected = [(7.0, "C:\\", "b", "D:\\"), (8.0, "a", "D:\\", "c\\")]
    assert read(path, TextFormat(";", "utf-8"), 20).rows() == expected


def test_a_name_that_a_backslash_may_have_cut_is_refused(tmp_path):
    path = tmp_path / "extract.csv"
    path.write_text(f"{HEADER};RE\\;MARK\n7;a;b;c;x\\;y\n")
    with pytest.raises(DataError, match=r"line 1: a column's name ends in a backslash\. Set "):
        read(path, TextFormat(";", "utf-8"), 20)


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
