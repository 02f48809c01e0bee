"""CSV tables of a run, in which no cell can run as a formula in a spreadsheet."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import polars as pl

from segment_lib.storage.files import StoredFile, read_file, write_file, written_by_us
from segment_lib.storage.location import Location


@dataclass(frozen=True)
class CsvForm:
    """How a CSV file is written."""

    separator: str = ","
    decimal_comma: bool = False
    line_end: str = "\n"
    mark: str = ""
    """The byte order mark by which spreadsheets know UTF-8; empty for none."""
    quoted: bool = False
    """Put all text in quotes, which LibreOffice can be asked to leave as text."""


PLAIN = CsvForm()
"""For programs: commas, decimal points, UTF-8."""
EXCEL = CsvForm(";", True, "\r\n", "\ufeff", quoted=True)
"""What Excel opens right where numbers have a decimal comma, as in Germany."""
PEOPLE = {"en": CsvForm(line_end="\r\n", mark="\ufeff"), "de": EXCEL}
"""Tables that people open in a spreadsheet, by the language of the page."""


def write_table(
    root: Location, path: str, table: pl.DataFrame, form: CsvForm = PLAIN
) -> StoredFile:
    """Write a table as CSV whose cells a spreadsheet reads as text and numbers only."""
    return write_file(root, path, csv_text(table, form).encode(), table.height)


def csv_text(table: pl.DataFrame, form: CsvForm = PLAIN, *, headed: bool = True) -> str:
    """Return a table as CSV, guarded by `formula_safe`; mark and headings only where `headed`."""
    text = formula_safe(table).write_csv(
        include_header=headed,
        separator=form.separator,
        decimal_comma=form.decimal_comma,
        line_terminator=form.line_end,
        quote_style="non_numeric" if form.quoted else "necessary",
    )
    return form.mark * headed + text


def read_table(root: Location, file: StoredFile, text: Collection[str]) -> pl.DataFrame:
    """Read a CSV table of a run, with the guard against formulas removed.

    Parameters
    ----------
    text : columns that are text whatever is in them; every other one is of numbers, or of truth
        values, even where it is empty

    Raises
    ------
    IntegrityError
        If the file is not what the manifest lists, or no table.
    """
    content = read_file(root, file)
    with written_by_us(root, file):
        table = pl.read_csv(content, infer_schema_length=None)
        kinds = {
            name: pl.String if name in text else pl.Float64
            for name, kind in table.schema.items()
            if name in text or kind == pl.String
        }
        table = pl.read_csv(content, schema_overrides=kinds, infer_schema_length=None)
    return formula_undone(table)


def formula_safe(table: pl.DataFrame) -> pl.DataFrame:
    """Prefix words that a spreadsheet would run as a formula with an apostrophe.

    Headings too. Full-width signs count, as do signs behind what does not show: blanks, controls,
    zero-width letters, marks. Words that have an apostrophe there already get another, so that
    `formula_undone` gives back what was.
    """
    return _headed(table, _guarded).with_columns(_guarded(pl.col(pl.String)))


def formula_undone(table: pl.DataFrame) -> pl.DataFrame:
    """Undo `formula_safe`, for readers other than spreadsheets."""
    return _headed(table, _bared).with_columns(_bared(pl.col(pl.String)))


_FORMULA = r"[\s\p{Cc}\p{Cf}\p{Z}\p{Mn}]*[=+\-@\t\r\n＝＋－＠﹦﹢﹣﹫]"


def _guarded(text: pl.Expr) -> pl.Expr:
    return text.str.replace(f"^('*{_FORMULA})", "'$1")


def _bared(text: pl.Expr) -> pl.Expr:
    return text.str.replace(f"^'('*{_FORMULA})", "$1")


def _headed(table: pl.DataFrame, change: Callable[[pl.Expr], pl.Expr]) -> pl.DataFrame:
    headings = pl.DataFrame({"heading": table.columns}, schema={"heading": pl.String})
    changed = headings.select(change(pl.col("heading"))).to_series()
    return table.rename(dict(zip(table.columns, changed, strict=True)))
