"""Excel workbooks as xlsxwriter writes them."""

import io
from collections.abc import Mapping, Sequence

import xlsxwriter


def workbook(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    """A workbook of sheets, each of its rows; numbers, text, true and false as they are."""
    sink = io.BytesIO()
    with xlsxwriter.Workbook(sink, {"in_memory": True, "strings_to_numbers": False}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for i, row in enumerate(rows):
                sheet.write_row(i, 0, row)
    return sink.getvalue()
