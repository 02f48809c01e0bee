"""Cuts of a text: at a row start in a window around an offset, whatever the cells hold."""

import csv
import io
import random
from bisect import bisect_left
from itertools import accumulate
from pathlib import Path

import pytest

from segment_lib.errors import DataError
from segment_lib.schema import Attribute, Schema
from segment_lib.sources import TextFormat, open_extract
from segment_lib.sources.column_mapping import ColumnMapping
from segment_lib.sources.cutting import row_start, row_starts

SCHEMA = Schema((Attribute("AGE", "p", "ordinal", ()), Attribute("NOTE", "p", "categorical", ())))
FORM = TextFormat(";", "utf-8")

CELLS = {
    "plain": ["abc", "d", ""],
    "separators": ["a;b", ";;;", "x"],
    "line ends": ["a\nb", "\n", "c\n\nd;e\nf", "x"],
    "quotes": ['say "hi"', '"', '""', "x"],
    "all of these": ["a;b\nc;d", '";"\n";"', 'x"\n"y', "\n;\n", "x", "plain " * 20],
}


def written(rows: list[list[str]], **dialect: object) -> list[str]:
    """Each row as the csv module writes it."""
    texts = []
    for row in rows:
        text = io.StringIO()
        csv.writer(text, delimiter=";", **dialect).writerow(row)
        texts.append(text.getvalue())
    return texts


def table(cells: list[str], size: int, *, seed: int = 0) -> list[list[str]]:
    chosen = random.Random(seed)
    rows, n = [], 0
    while n < size:
        rows.append([str(len(rows)), chosen.choice(cells), chosen.choice(cells), "z"])
        n += sum(map(len, rows[-1])) + 4
    return rows


def places_are_right(path: Path, texts: list[str], form: TextFormat) -> None:
    path.write_bytes("".join(texts).encode())
    starts = [0, *accumulate(len(text.encode()) for text in texts)]
    stop = starts[-1] - 1
    with path.open("rb") as file:
        for place in random.Random(1).sample(range(1, stop), 40):
            expected = starts[bisect_left(starts, place)]
            expected = expected if expected < stop else None
            assert row_start(file, place, 0, stop, 4, form) == expected


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL], ids=["some", "all"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("kind", CELLS)
def test_a_cut_is_the_next_row_start_whatever_is_quoted(tmp_path, kind, newline, quoting):
    rows = table(CELLS[kind], 400_000)
    texts = written(rows, lineterminator=newline, quoting=quoting)
    places_are_right(tmp_path / "extract.csv", texts, FORM)


def test_a_cut_is_the_next_row_start_among_inch_marks(tmp_path):
    rows = table(['5" pipe', '24"', "plain", 'a"b'], 400_000)
    texts = [";".join(row) + "\n" for row in rows]
    places_are_right(tmp_path / "extract.csv", texts, FORM)


def test_a_cut_is_the_next_row_start_among_escapes(tmp_path):
    rows = table(CELLS["all of these"] + ["\\", '\\"', "a\\"], 400_000)
    texts = written(rows, lineterminator="\n", escapechar="\\", doublequote=False)
    form = TextFormat(";", "utf-8", quote_escape="backslash")
    places_are_right(tmp_path / "extract.csv", texts, form)


def test_a_cell_longer_than_many_windows_is_cut_behind_its_end(tmp_path):
    texts = ["1;a;b;c\n"] * 20_000 + ['2;a;"' + "some text;\n" * 200_000 + '";c\n']
    texts += ["3;a;b;c\n"] * 20_000
    path = tmp_path / "extract.csv"
    path.write_bytes("".join(texts).encode())
    before, behind = 160_000, 160_000 + len(texts[20_000])
    stop = path.stat().st_size - 1
    with path.open("rb") as file:
        for place in (before + 1, before + 1_000_000, behind - 100):
            assert row_start(file, place, 0, stop, 4, FORM) == behind


@pytest.mark.parametrize("stride", [10, 1000, 100_000, 1_500_000])
def test_cuts_are_the_same_row_starts_near_each_other_or_far(tmp_path, stride):
    texts = written(table(CELLS["line ends"], 4_000_000), lineterminator="\n")
    path = tmp_path / "extract.csv"
    path.write_bytes("".join(texts).encode())
    starts = [0, *accumulate(len(text.encode()) for text in texts)]
    stop = starts[-1] - 1
    places = range(stride, min(stop, 3000 * stride), stride)
    expected = sorted({starts[bisect_left(starts, place)] for place in places})
    with path.open("rb") as file:
        cuts = list(row_starts(file, list(places), 0, stop, 4, FORM))
    assert cuts == [start for start in expected if start < stop]


@pytest.mark.parametrize("rows_per_part", [100, 10_000])
def test_ragged_rows_all_in_quotes_are_refused_at_once(tmp_path, rows_per_part):
    path = tmp_path / "extract.csv"
    path.write_text('"AGE";"NOTE"\n' + '"1";"a"\n' * 100 + '"1"\n' * 250_000)
    with pytest.raises(DataError, match="line 102: 1 cell, expected 2"):
        read(path, rows_per_part)


def test_a_quote_that_is_never_closed_is_refused_with_its_line(tmp_path):
    path = tmp_path / "extract.csv"
    path.write_text("AGE;NOTE\n" + "1;a\n" * 100_000 + '1;"a\n' + "1;a\n" * 400_000)
    for rows_per_part in (1000, 400_000):
        with pytest.raises(DataError, match="line 100002: a quote is opened and not closed"):
            read(path, rows_per_part)


def test_a_file_of_one_line_is_refused(tmp_path):
    path = tmp_path / "extract.csv"
    path.write_text("AGE;NOTE;" + "x;" * 500_000)
    with pytest.raises(DataError) as error:
        read(path, 1000)
    assert len(str(error.value)) < 400


def test_a_hundred_thousand_columns_are_read(tmp_path):
    path = tmp_path / "extract.csv"
    wide = range(100_000)
    header = ";".join(["AGE", "NOTE", *(f"COLUMN {i}" for i in wide)])
    path.write_text(header + "\n" + (";".join(["1", "a", *("0" for _ in wide)]) + "\n") * 5)
    assert read(path, 2) == [(1.0, "a")] * 5


def read(path: Path, rows_per_part: int) -> list[tuple[object, ...]]:
    extract = open_extract("population", [path], SCHEMA, form=FORM, rows_per_part=rows_per_part)
    for piece in extract.pieces:
        piece.digest()
    return [
        row for piece in extract.pieces for row in ColumnMapping(SCHEMA).read(piece).rows.rows()
    ]
