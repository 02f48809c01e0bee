"""Quotes of each kind, in the first row, in the middle and across a cut, against Python's csv."""

import csv
import io
from pathlib import Path

import pytest

from segment_lib.errors import DataError
from segment_lib.schema import Attribute, Schema
from segment_lib.sources import TextFormat, open_extract
from segment_lib.sources.column_mapping import ColumnMapping
from tests.kinds import KINDS, documented

SCHEMA = Schema(
    (
        Attribute("AGE", "person", "ordinal", ()),
        Attribute("KIND", "person", "categorical", ()),
        Attribute("NOTE", "person", "mixed", ()),
    )
)
HEADER = "AGE;KIND;NOTE"
ROW = "1;a;x"
PLACES = {"first": 0, "middle": 150, "across a cut": 99}

RIGHT = {
    'an inch mark: `5" pipe`, `24"`': ('2;5" pipe;24"', {}, [('5" pipe', '24"')]),
    'a quoted separator: `"a;b"`': ('2;"a;b";x', {}, [("a;b", "x")]),
    "a quoted line end": ('2;"a\nb";x', {}, [("a\nb", "x")]),
    'a doubled quote: `"say ""hi"""`': ('2;"say ""hi""";x', {}, [('say "hi"', "x")]),
    'an escaped quote: `"say \\"hi\\""`, told': (
        r'2;"say \"hi\"";x',
        {"quote_escape": "backslash"},
        [('say "hi"', "x")],
    ),
    'quotes around nothing: `""`': ('2;"";x', {}, [(None, "x")]),
    'no quoting, told: `inputs.quote = ""`': ('2;"a;b"', {"quote": ""}, [('"a', 'b"')]),
}
REFUSED = {
    'text behind a closed quote: `"big" box`': (
        '2;"big" box;x',
        "text follows the quote that closes a cell",
    ),
    "an escaped quote, not told": (r'2;"say \"hi\"";x', "a quote follows a backslash"),
    'an escaped quote that may close its cell, not told: `"a\\";";b\\"`': (
        r'2;"a\";";b\"',
        "3 cells if a backslash is text, 3 others if it escapes, expected 3",
    ),
    'a blank before a quote: `; "a;b"`': ('2; "a;b";x', "blanks come before the quote"),
    "a quote that is never closed": ('2;"a;x', "a quote is opened and not closed"),
    "a stray quote that swallows rows": ('2;"a;x\n3;b;y\n4;c";z', "holds whole rows"),
}


def write(folder: Path, row: str, place: int, newline: str) -> Path:
    rows = [ROW] * place + [row] + [ROW] * 150
    path = folder / "extract.csv"
    path.write_bytes(newline.join([HEADER, *rows, ""]).encode())
    return path


def read(path: Path, rows_per_part: int, **form: str) -> list[tuple[object, ...]]:
    extract = open_extract(
        "population",
        [path],
        SCHEMA,
        form=TextFormat(**{"separator": ";", "encoding": "utf-8"} | form),
        rows_per_part=rows_per_part,
    )
    rows = []
    for piece in extract.pieces:
        read = ColumnMapping(SCHEMA).read(piece).rows.rows()
        assert len(read) == piece.digest()[1]
        rows += read
    return rows


def test_the_documented_kinds_of_quotes_are_those_tried():
    assert documented("Quotes") == [*RIGHT, *REFUSED]


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", RIGHT)
def test_quotes_are_read_as_meant_wherever_they_stand(tmp_path, kind, place, newline):
    row, form, cells = RIGHT[kind]
    path = write(tmp_path, row, PLACES[place], newline)
    before = [(1.0, "a", "x")] * PLACES[place]
    expected = [*before, *((2.0, *pair) for pair in cells), *[(1.0, "a", "x")] * 150]
    for rows_per_part in (1, 50, 100, 10_000):
        assert read(path, rows_per_part, **form) == expected
    KINDS.note("Quotes", "right")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", REFUSED)
def test_quotes_that_break_the_rules_are_refused_with_their_line(tmp_path, kind, place):
    row, message = REFUSED[kind]
    path = write(tmp_path, row, PLACES[place], "\n")
    for rows_per_part in (1, 50, 100, 10_000):
        with pytest.raises(DataError) as error:
            read(path, rows_per_part)
        assert message in str(error.value)
        assert f"{path}, line {PLACES[place] + 2}" in str(error.value)
    KINDS.note("Quotes", "refused")


@pytest.mark.parametrize("kind", ['a quoted separator: `"a;b"`', 'a doubled quote: `"say ""hi"""`'])
def test_a_quoted_header_names_its_columns(tmp_path, kind):
    name = next(csv.reader(io.StringIO(RIGHT[kind][0]), delimiter=";"))[1]
    schema = Schema((*SCHEMA.attributes[:1], Attribute(name, "person", "categorical", ())))
    path = tmp_path / "extract.csv"
    quoted = RIGHT[kind][0].split(";", 1)[1].rsplit(";", 1)[0]
    path.write_text(f"AGE;{quoted}\n1;a\n")
    extract = open_extract(
        "population", [path], schema, form=TextFormat(";", "utf-8"), rows_per_part=9
    )
    assert extract.pieces[0].columns == ("AGE", name)


def test_a_header_may_go_over_two_lines_if_it_is_quoted(tmp_path):
    path = tmp_path / "extract.csv"
    path.write_bytes(b'AGE;KIND;NOTE;"REMARK\r\n(free text)"\n1;a;x;y\n')
    assert read(path, 10) == [(1.0, "a", "x")]


@pytest.mark.parametrize(
    "cell",
    ["a\rb", "a\x0cb", "a\x0bb", "a\u2028b", "a\u0085b", "a\x1ab", "a\x1cb"],
    ids=["CR", "form feed", "vertical tab", "line separator", "next line", "Ctrl-Z", "FS"],
)
@pytest.mark.parametrize("rows_per_part", [1, 10])
def test_a_letter_that_is_no_line_end_ends_no_line(tmp_path, cell, rows_per_part):
    path = tmp_path / "extract.csv"
    path.write_text(f"{HEADER}\n1;{cell};x\n2;b;{cell}c\n", newline="")
    assert read(path, rows_per_part) == [(1.0, cell, "x"), (2.0, "b", cell + "c")]


def test_an_end_of_file_mark_is_no_row(tmp_path):
    path = tmp_path / "extract.csv"
    path.write_bytes(f"{HEADER}\r\n{ROW}\r\n\x1a".encode())
    assert read(path, 10) == [(1.0, "a", "x")]


def test_a_zero_byte_is_refused_with_its_line(tmp_path):
    path = tmp_path / "extract.csv"
    path.write_bytes((f"{HEADER}\n" + f"{ROW}\n" * 2000 + "1;\0;x\n").encode())
    with pytest.raises(DataError, match="line 2002: holds zero bytes"):
        read(path, 100)


def test_a_header_of_other_line_ends_than_the_rows_is_refused(tmp_path):
    path = tmp_path / "extract.csv"
    path.write_bytes(f"{HEADER}\r{ROW}\n{ROW}\n".encode())
    with pytest.raises(DataError, match="line 1: a line of the header ends in CR alone"):
        read(path, 100)


def test_null_as_mysql_writes_it_is_missing_if_backslashes_escape(tmp_path):
    path = tmp_path / "extract.csv"
    path.write_text(f"{HEADER}\n\\N;a;\\N\n2;\\\\N;x\n")
    assert read(path, 100, quote_escape="backslash") == [(None, "a", None), (2.0, "\\N", "x")]


def test_two_rows_that_a_stray_quote_may_have_joined_are_remarked_on(tmp_path):
    path = tmp_path / "extract.csv"
    path.write_text(f'{HEADER}\n1;"a;x\n2;b";y\n')
    (piece,) = open_extract(
        "population", [path], SCHEMA, form=TextFormat(";", "utf-8"), rows_per_part=9
    ).pieces
    assert piece.read(SCHEMA).notes == {"swallowed_lines": 1}


def test_a_return_within_a_cell_is_remarked_on(tmp_path):
    path = tmp_path / "extract.csv"
    path.write_bytes(f"{HEADER}\r\n1;a\rb;x\r\n".encode())
    (piece,) = open_extract(
        "population", [path], SCHEMA, form=TextFormat(";", "utf-8"), rows_per_part=9
    ).pieces
    assert piece.read(SCHEMA).notes == {"stray_returns": 1}
