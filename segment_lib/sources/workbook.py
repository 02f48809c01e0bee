"""Excel workbooks: a sheet as the text that is saved of it, a line per row, in UTF-8."""

import re
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import IO

import polars as pl

from segment_lib.errors import ConfigError, DataError
from segment_lib.schema.language import N_, Sentence, sentence
from segment_lib.schema.wording import listed
from segment_lib.sources.text_format import TextFormat
from segment_lib.storage.location import Location

MOST_BYTES = 400 << 20
"""Bytes of a sheet and its texts, unpacked, up to which it is read: some 13 million cells."""
BYTES_PER_BYTE = 3
"""Bytes in memory per byte of the sheet while it is read (2.3 measured)."""
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_TEXTS = "xl/sharedStrings.xml"
_HEAD = 1 << 20
_ROWS = 1 << 14
"""Rows that are written at a time."""
_ERRORS = {
    "NA": "#N/A",
    "Div0": "#DIV/0!",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
}
"""Error cells as the reader calls them, and as Excel shows and exports them."""


def is_workbook(names: Collection[str]) -> bool:
    """True if the members of a zip archive are those of an Excel workbook."""
    return "xl/workbook.xml" in names


def workbook_format(form: TextFormat) -> TextFormat:
    """Return the format of the text of a sheet; numbers are read as stated if they are text."""
    return replace(
        form,
        separator=";",
        encoding="utf-8",
        quote='"',
        quote_escape="double",
        decimal=form.decimal or ".",
    )


def sheet_remarks(path: Location, form: TextFormat) -> list[Sentence]:
    """Return the remark on a workbook of several sheets, none of which is named."""
    with path.open("rb") as file:
        sheets = sum(map(bool, map(_SHEET.fullmatch, zipfile.ZipFile(file).namelist())))
    if form.sheet or sheets < 2:
        return []
    text = N_("{file} has {n:count} sheets: the first is read. For another: inputs.sheet.")
    return [sentence(text, file=path.name, n=sheets)]


def sheet_bytes(path: Location) -> int:
    """Return the bytes of the largest sheet of a workbook and of its texts, unpacked.

    Raises
    ------
    DataError
        If they are too many to be read in memory.
    """
    with path.open("rb") as file:
        sizes = {m.filename: m.file_size for m in zipfile.ZipFile(file).infolist()}
    sheets = [size for name, size in sizes.items() if _SHEET.fullmatch(name)]
    n_bytes = max(sheets, default=0) + sizes.get(_TEXTS, 0)
    if n_bytes > MOST_BYTES:
        raise DataError(
            f"{path}: a workbook of {n_bytes >> 20:,} MiB once unpacked, expected up to "
            f"{MOST_BYTES >> 20} MiB. Save the sheet as CSV, which is read in any size."
        )
    return n_bytes


def sheet_rows(path: Location) -> float:
    """Estimate the rows of the largest sheet of a workbook from its beginning."""
    with path.open("rb") as file:
        book = zipfile.ZipFile(file)
        sheets = [m for m in book.infolist() if _SHEET.fullmatch(m.filename)]
        largest = max(sheets, key=lambda member: member.file_size)
        with book.open(largest) as sheet:
            head = sheet.read(_HEAD)
    return head.count(b"<row ") * largest.file_size / max(len(head), 1)


def sheet_text(path: Location, file: IO[bytes], sheet: str) -> Iterator[bytes]:
    """Yield a sheet of a workbook as lines, each cell in quotes, with semicolons between.

    A whole number has no decimals, a date has its year first; an error such as ``#N/A`` is that
    word. Line ends in a cell are blanks, so that the number of a line is that of the row in Excel.

    Parameters
    ----------
    path : for messages
    sheet : its name; the first one if empty

    Raises
    ------
    ConfigError
        If the package that reads workbooks is not installed.
    DataError
        If the workbook is damaged, or has no such sheet.
    """
    try:
        import fastexcel
    except ImportError:
        raise ConfigError(
            f"{path}: an Excel workbook, which fastexcel reads. Install it: pip install "
            "'segment_lib[excel]'; or save the sheet as CSV."
        ) from None
    try:
        book = fastexcel.read_excel(file.read())
    except fastexcel.FastExcelError:
        raise _damaged(path) from None
    if sheet and sheet not in book.sheet_names:
        raise DataError(
            f"{path}: no sheet {sheet}, expected one of {listed(book.sheet_names, 5)}. Set "
            "inputs.sheet."
        )
    try:
        # Rows from the first on, used or not, so that their numbers are Excel's.
        content, errors = book.load_sheet(
            sheet or 0,
            header_row=None,
            skip_rows=0,
            dtypes="string",
            skip_whitespace_tail_rows=True,
        ).to_arrow_with_errors()
    except fastexcel.FastExcelError:
        raise _damaged(path) from None
    rows = pl.DataFrame(content)
    if errors:
        rows = _with_errors(rows, [(*e.position, e.detail) for e in errors.errors])
    for first in range(0, rows.height, _ROWS):
        lines = rows[first : first + _ROWS].select(_line(rows.columns)).to_series()
        yield "".join(f"{line}\n" for line in lines).encode()


def _damaged(path: Location) -> DataError:
    return DataError(
        f"{path}: the Excel workbook is damaged or locked. Save it again, or its sheet as CSV."
    )


def _with_errors(rows: pl.DataFrame, errors: Collection[tuple[int, int, str]]) -> pl.DataFrame:
    """Put the words for errors, given by row, column and detail, into their cells."""
    words: dict[int, dict[int, str]] = {}
    for row, column, detail in errors:
        kind = detail.rpartition("Error(")[2].rstrip(")'")
        words.setdefault(column, {})[row] = _ERRORS.get(kind, "#N/A")
    columns = rows.get_columns()
    for column, own in words.items():
        columns[column] = columns[column].scatter(list(own), list(own.values()))
    return pl.DataFrame(columns)


def _line(columns: Collection[str]) -> pl.Expr:
    """The line of a row; empty where all cells are."""
    cells = pl.col(columns)
    text = (
        cells.str.replace_all(r"[\r\n]+", " ")
        .str.replace(r"^(\d{4}-\d\d-\d\d) 00:00:00$", "$1")
        .str.replace(r"^1899-12-3[01] (\d\d:\d\d:\d\d)$", "$1")
        .str.replace_all('"', '""', literal=True)
    )
    quoted = (pl.lit('"') + text + pl.lit('"')).fill_null("")
    line = pl.concat_str(quoted, separator=";")
    return pl.when(pl.all_horizontal(cells.is_null())).then(pl.lit("")).otherwise(line)
