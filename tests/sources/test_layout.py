"""The layout of files that no feature summary describes."""

from pathlib import Path

import polars as pl
import pytest

from segment_lib.errors import DataError
from segment_lib.sources.columns_of_numbers import number_format_of
from segment_lib.sources.layout import infer_layout
from segment_lib.sources.numbers import NATIVE_FORMAT, NumberFormat
from segment_lib.sources.text_format import TextFormat

NAMED = [["id", "kind", "size"], ["1", "a", "2,5"], ["2", "b", "3,5"], ["3", "a", "4,5"]]


@pytest.mark.parametrize("separator", [";", "\t", "|", "^"])
@pytest.mark.parametrize("header", [True, False])
def test_separator_and_header(tmp_path: Path, separator: str, header: bool) -> None:
    rows = NAMED if header else NAMED[1:]
    path = tmp_path / "table.csv"
    path.write_text("".join(separator.join(row) + "\n" for row in rows))
    layout = infer_layout(path, TextFormat())
    names = ("id", "kind", "size") if header else ("column_1", "column_2", "column_3")
    assert (layout.columns, layout.form.header) == (names, header)


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\r\nid;note\r\n1;x\r\n2;y\r\n",
        "# made today\nid;note\n1;x\n2;y\n",
        'id;note\n1;"a; b; c"\n2;"d, e, f, g"\n',
        "\ufeffid;note\n1;1/2/2003\n2;3/4/2005\n",
        "id;note;\n1;x;\n2;y;\n",
    ],
)
def test_what_stands_around_the_table_is_no_column(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    assert infer_layout(path, TextFormat()).columns == ("id", "note")


def test_years_as_names_are_a_header(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("name;town;2015\nanna;Ulm;3\nbert;Kiel;4\n")
    assert infer_layout(path, TextFormat()).columns == ("name", "town", "2015")


def test_a_file_of_one_column_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("one\n1\n2\n")
    with pytest.raises(DataError, match=r"no table of columns"):
        infer_layout(path, TextFormat())


def test_the_format_of_numbers_is_that_of_all_columns() -> None:
    table = pl.DataFrame({"day": ["01.02.2003"], "small": ["1"], "large": ["1.234,56"]})
    assert number_format_of(table) == NumberFormat(",", ".")
    assert number_format_of(table.drop("large")) == NATIVE_FORMAT
