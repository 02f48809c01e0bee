"""A sheet of a workbook as text: what its owner sees in each cell."""

import datetime as dt
import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter

from segment_lib.errors import ConfigError, DataError
from segment_lib.sources import expand, workbook
from tests.workbooks import workbook as made

Cell = Callable[[xlsxwriter.Workbook, xlsxwriter.worksheet.Worksheet, int, int], object]


def formatted(write: str, value: object, shape: str) -> Cell:
    return lambda book, sheet, row, column: getattr(sheet, write)(
        row, column, value, book.add_format({"num_format": shape})
    )


def plain(write: str, *values: object) -> Cell:
    return lambda _, sheet, row, column: getattr(sheet, write)(row, column, *values)


CELLS: dict[str, tuple[Cell, str]] = {
    "a whole number": (plain("write_number", 1.0), '"1"'),
    "a number of decimals": (plain("write_number", 0.1 + 0.2), '"0.3"'),
    "a negative number": (plain("write_number", -2.5), '"-2.5"'),
    "a large number": (plain("write_number", 123456789012345), '"123456789012345"'),
    "a share": (formatted("write_number", 0.25, "0%"), '"0.25"'),
    "a number shown with zeros": (formatted("write_number", 7, "00000"), '"7"'),
    "digits that are text": (plain("write_string", "007"), '"007"'),
    "a decimal comma that is text": (plain("write_string", "1,5"), '"1,5"'),
    "text with separators": (plain("write_string", "a;b,c\td"), '"a;b,c\td"'),
    "an inch mark": (plain("write_string", '5" screen'), '"5"" screen"'),
    "line ends": (plain("write_string", "one\r\ntwo\nthree"), '"one two three"'),
    "umlauts": (plain("write_string", "Köln"), '"Köln"'),
    "a date": (formatted("write_datetime", dt.datetime(2024, 1, 31), "dd.mm.yyyy"), '"2024-01-31"'),
    "a date with a time": (
        formatted("write_datetime", dt.datetime(2024, 1, 31, 12, 30), "dd.mm.yyyy hh:mm"),
        '"2024-01-31 12:30:00"',
    ),
    "a time": (formatted("write_datetime", dt.time(12, 30), "hh:mm"), '"12:30:00"'),
    "true": (plain("write_boolean", True), '"true"'),
    "false": (plain("write_boolean", False), '"false"'),
    "a formula": (plain("write_formula", "=1+1", None, 2), '"2"'),
    "a formula of text": (plain("write_formula", '="a"&"b"', None, "ab"), '"ab"'),
    "not available": (plain("write_formula", "=NA()", None, "#N/A"), '"#N/A"'),
    "a division by zero": (plain("write_formula", "=1/0", None, "#DIV/0!"), '"#DIV/0!"'),
    "no reference": (plain("write_formula", "=#REF!", None, "#REF!"), '"#REF!"'),
    "no name": (plain("write_formula", "=x()", None, "#NAME?"), '"#NAME?"'),
    "no value": (plain("write_formula", '="a"+1', None, "#VALUE!"), '"#VALUE!"'),
    "no number": (plain("write_formula", "=SQRT(-1)", None, "#NUM!"), '"#NUM!"'),
    "an empty cell": (plain("write_blank", None), ""),
}


def text_of(tmp_path: Path, content: bytes, sheet: str = "") -> list[str]:
    (tmp_path / "book.xlsx").write_bytes(content)
    expanded = expand(tmp_path / "book.xlsx", tmp_path / "scratch", tmp_path, sheet)
    return expanded.read_bytes().decode().split("\n")


@pytest.mark.parametrize("kind", CELLS)
def test_a_cell_is_what_its_owner_sees(tmp_path: Path, kind: str) -> None:
    write, expected = CELLS[kind]
    sink = io.BytesIO()
    with xlsxwriter.Workbook(sink) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["first", "cell"])
        sheet.write_string(1, 0, "x")
        write(book, sheet, 1, 1)
    assert text_of(tmp_path, sink.getvalue()) == ['"first";"cell"', f'"x";{expected}', ""]


def test_a_line_has_the_number_of_its_row_and_empty_rows_are_empty(tmp_path: Path) -> None:
    sink = io.BytesIO()
    with xlsxwriter.Workbook(sink) as book:
        sheet = book.add_worksheet()
        sheet.merge_range(2, 0, 2, 1, "Title over\nboth columns")
        sheet.write_row(3, 0, ["a", "b"])
        sheet.write_row(4, 0, [1, 2])
        sheet.write_row(6, 0, [3, 4])
        for row in range(7, 40):
            sheet.write_blank(row, 1, None, book.add_format({"bold": True}))
    lines = text_of(tmp_path, sink.getvalue())
    assert lines[:7] == ["", "", '"Title over both columns";', '"a";"b"', '"1";"2"', "", '"3";"4"']
    assert not any(lines[7:])


def test_a_sheet_is_found_by_its_name(tmp_path: Path) -> None:
    content = made({"A": [["a"]], "B b": [["b"]]})
    assert text_of(tmp_path, content) == ['"a"', ""]
    assert text_of(tmp_path, content, "B b") == ['"b"', ""]


def test_many_rows_are_written_in_slices_of_the_same_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = made({"A": [["n", "m"], *([i, "" if i % 3 else "x"] for i in range(1_000))]})
    whole = text_of(tmp_path, content)
    assert whole[1_000] == '"999";"x"'
    monkeypatch.setattr(workbook, "_ROWS", 7)
    assert text_of(tmp_path, content) == whole


def test_without_its_reader_a_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    with pytest.raises(ConfigError, match=r"book.xlsx: .*pip install 'segment_lib\[excel\]'"):
        text_of(tmp_path, made({"A": [["a", "b"]]}))
    assert not any((tmp_path / "scratch").iterdir())


def test_a_workbook_too_large_for_memory_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "MOST_BYTES", 1 << 20)
    rows = [["name", "number"], *([f"person {i}", i] for i in range(20_000))]
    with pytest.raises(DataError, match=r"book.xlsx: a workbook of 2 MiB .* Save the sheet as CSV"):
        text_of(tmp_path, made({"A": rows}))
