"""CSV tables of a run: written for spreadsheets, and read back as they were."""

import csv

import polars as pl
import pytest

from segment_lib.errors import IntegrityError
from segment_lib.storage.files import write_file
from segment_lib.storage.tables import (
    EXCEL,
    PEOPLE,
    csv_text,
    formula_safe,
    formula_undone,
    read_table,
    write_table,
)
from segment_lib.terms import LANGUAGES


def test_a_table_comes_back_as_it_was(tmp_path):
    table = pl.DataFrame({"name": ["=SUM(A1)", "'quoted'"], "n": [1, 2], "=share": [0.25, None]})
    assert read_table(tmp_path, write_table(tmp_path, "t.csv", table), {"name"}).equals(table)


def test_columns_of_text_are_read_as_text_and_empty_ones_as_numbers(tmp_path):
    table = pl.DataFrame({"level": ["01", "2"], "n": [1, 2], "index": [None, None]})
    read = read_table(tmp_path, write_table(tmp_path, "t.csv", table), text={"level", "absent"})
    assert read["level"].to_list() == ["01", "2"]
    assert read.dtypes == [pl.String, pl.Int64, pl.Float64]


def test_kinds_are_seen_from_all_rows(tmp_path):
    table = pl.DataFrame({"n": [*range(200), 0.5]}, strict=False)
    assert read_table(tmp_path, write_table(tmp_path, "t.csv", table), ())["n"][-1] == 0.5


def test_bytes_that_are_no_table_are_the_fault_of_the_file(tmp_path):
    for content in (b"", b"a,b\n1,2,3\n"):
        with pytest.raises(IntegrityError, match=r"t\.csv: not of the form"):
            read_table(tmp_path, write_file(tmp_path, "t.csv", content), ())


@pytest.mark.parametrize("word", ["=1+1", "+49", "-5", "@SUM(A1)", "\t=1", " =1"])
def test_words_a_spreadsheet_would_run_are_written_as_text(tmp_path, word):
    file = write_table(tmp_path, "t.csv", pl.DataFrame({"name": [word, "Savers"], "n": [-1, 2]}))
    with (tmp_path / "t.csv").open(newline="") as text:
        rows = list(csv.DictReader(text))
    assert rows == [{"name": f"'{word}", "n": "-1"}, {"name": "Savers", "n": "2"}]
    assert file.rows == 2


def test_what_keeps_a_formula_from_running_is_taken_off_again() -> None:
    table = pl.DataFrame(
        {"=name": ["=SUMME(A1) 3 or less", " +1", "-", "'quoted'", "'=1", "''@", "plain", None, ""]}
    )
    assert formula_undone(formula_safe(table)).equals(table)
    assert formula_safe(table)["'=name"][0] == "'=SUMME(A1) 3 or less"


@pytest.mark.parametrize("sign", list("=+-@＝＋－＠﹦﹢﹣﹫"))
@pytest.mark.parametrize(
    "before",
    ["", " ", "\t", "\r", "\n", "\ufeff", "\u200b", "\u2060 ", "\xa0", "\u202e", "\0", "'"],
)
def test_no_cell_and_no_heading_runs_as_a_formula(before: str, sign: str) -> None:
    word = f"{before}{sign}HYPERLINK(A1)"
    safe = formula_safe(pl.DataFrame({word: [word]}))
    assert safe.to_dict(as_series=False) == {f"'{word}": [f"'{word}"]}


@pytest.mark.parametrize("word", ["\tplain", "\rplain"])
def test_a_leading_tab_or_line_end_is_kept_from_spreadsheets(word: str) -> None:
    assert formula_safe(pl.DataFrame({"a": [word]})).item() == f"'{word}"


@pytest.mark.parametrize("word", ["plain", "a=b", "1-2", "ä＝", "'quoted'", "Q1: population"])
def test_other_words_stay_as_they_are(word: str) -> None:
    assert formula_safe(pl.DataFrame({word: [word]})).to_dict(as_series=False) == {word: [word]}


def test_tables_for_people_open_right_in_the_spreadsheets_of_their_language() -> None:
    table = pl.DataFrame({"name": ["Köln; Süd", None], "share": [0.5, None], "n": [1, 2]})
    assert csv_text(table, PEOPLE["en"]) == "\ufeffname,share,n\r\nKöln; Süd,0.5,1\r\n,,2\r\n"
    german = '\ufeff"name";"share";"n"\r\n"Köln; Süd";0,5;1\r\n;;2\r\n'
    assert csv_text(table, PEOPLE["de"]) == german
    assert csv_text(table, EXCEL, headed=False) == german.partition("\n")[2]
    assert set(PEOPLE) == set(LANGUAGES)
