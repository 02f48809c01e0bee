"""Delimited text: forms that are read alike, cuts, and refusals with file and line."""

import csv
import io
from dataclasses import fields
from pathlib import Path

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from segment_lib.errors import DataError
from segment_lib.schema import Attribute, Schema
from segment_lib.sources import TextFormat, open_extract
from segment_lib.sources.column_mapping import ColumnMapping

SCHEMA = Schema(
    (
        Attribute("AGE", "person", "ordinal", ("-1",)),
        Attribute("KIND", "person", "categorical", ("X",)),
        Attribute("NOTE", "person", "mixed", ()),
    )
)
GOOD = "AGE;KIND;NOTE\n1;a;x\n2;b;y\n3;c;z\n"
ROWS = [(1.0, "a", "x"), (2.0, "b", "y"), (3.0, "c", "z")]


def write(folder: Path, content: str | bytes, name: str = "extract.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def extract(path: Path, schema: Schema = SCHEMA, **options):
    form = {f.name: options.pop(f.name) for f in fields(TextFormat) if f.name in options}
    settings = {"form": TextFormat(**form), "rows_per_part": 100, **options}
    return open_extract("population", [path], schema, **settings)


def pieces(path: Path, schema: Schema = SCHEMA, **options):
    return extract(path, schema, **options).pieces


def read(path: Path, schema: Schema = SCHEMA, **options) -> pl.DataFrame:
    opened = extract(path, schema, **options)
    return pl.concat(
        ColumnMapping(schema).read(piece, opened.passthrough).rows for piece in opened.pieces
    )


def refused(path: Path, schema: Schema = SCHEMA, **options) -> str:
    with pytest.raises(DataError) as error:
        read(path, schema, **options)
    assert str(path) in str(error.value)
    return str(error.value)


# What is read alike


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        GOOD.rstrip("\n"),
        GOOD + "\n\n\n",
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r\n") + "\r\n\r\n",
        GOOD.replace("\n", "\r\n").rstrip("\r\n"),
        "\ufeff" + GOOD,
        "\ufeff" + GOOD.replace("\n", "\r\n"),
        "NOTE;AGE;KIND\nx;1;a\ny;2;b\nz;3;c\n",
        "AGE;LNR;KIND;NOTE\n1;7;a;x\n2;8;b;y\n3;9;c;z\n",
        '"AGE";"KIND";"NOTE"\n"1";"a";"x"\n"2";"b";"y"\n"3";"c";"z"\n',
        '"AGE";"KIND";"NOTE"\r\n"1";"a";"x"\r\n"2";"b";"y"\r\n"3";"c";"z"\r\n',
        "AGE;KIND;NOTE\n1.0;a;x\n2.00;b;y\n3;c;z\n",
    ],
    ids=[
        "plain",
        "no final newline",
        "trailing blank lines",
        "CRLF",
        "CRLF and trailing blank lines",
        "CRLF, no final newline",
        "BOM",
        "BOM and CRLF",
        "columns in another order",
        "extra column",
        "all quoted",
        "all quoted, CRLF",
        "decimals",
    ],
)
@pytest.mark.parametrize("rows_per_part", [1, 2, 100])
def test_the_same_rows_however_they_are_written(tmp_path, content, rows_per_part):
    assert read(write(tmp_path, content), rows_per_part=rows_per_part).rows() == ROWS


@pytest.mark.parametrize("separator", [",", "\t", "|", ";", " "])
def test_any_separator_will_do(tmp_path, separator):
    path = write(tmp_path, GOOD.replace(";", separator))
    assert read(path, separator=separator, rows_per_part=1).rows() == ROWS


@pytest.mark.parametrize("spelled", ["8", "8.0", '"8"', '"8.0"', " 8", "8 ", "8.00"])
def test_a_code_is_one_level_however_it_is_spelled(tmp_path, spelled):
    path = write(tmp_path, f"AGE;KIND;NOTE\n1;{spelled};x\n")
    assert read(path)["KIND"].to_list() == ["8"]


@pytest.mark.parametrize("spelled", ["8", "8.0", '"8"', '"8.0"', " 8", "8 ", "8e0", "+8"])
def test_a_number_is_one_number_however_it_is_spelled(tmp_path, spelled):
    path = write(tmp_path, f"AGE;KIND;NOTE\n{spelled};a;x\n")
    assert read(path)["AGE"].to_list() == [8.0]


@pytest.mark.parametrize("empty", ["", '""'])
@pytest.mark.parametrize("column", ["AGE", "KIND", "NOTE"])
def test_an_empty_cell_is_null(tmp_path, empty, column):
    cells = {"AGE": "1", "KIND": "a", "NOTE": "x", column: empty}
    path = write(tmp_path, "AGE;KIND;NOTE\n" + ";".join(cells.values()) + "\n")
    assert read(path)[column].to_list() == [None]


def test_a_blank_level_is_null(tmp_path):
    assert read(write(tmp_path, "AGE;KIND;NOTE\n1;  ;x\n"))["KIND"].to_list() == [None]


@pytest.mark.parametrize("spelled", ["nan", "NaN"])
def test_not_a_number_is_null(tmp_path, spelled):
    path = write(tmp_path, f"AGE;KIND;NOTE\n{spelled};a;x\n")
    assert read(path)["AGE"].to_list() == [None]


def test_a_row_of_empty_cells_is_a_row(tmp_path):
    path = write(tmp_path, "AGE;KIND;NOTE\n1;a;x\n;;\n;;\n")
    assert read(path).rows() == [ROWS[0], (None, None, None), (None, None, None)]


def test_the_types_do_not_depend_on_the_rows(tmp_path):
    path = write(tmp_path, "AGE;KIND;NOTE\n;;\n")
    assert read(path).schema == {"AGE": pl.Float64, "KIND": pl.String, "NOTE": pl.String}


def test_a_digit_level_stays_text(tmp_path):
    path = write(tmp_path, "AGE;KIND;NOTE\n1;007;51\n")
    assert read(path).row(0) == (1.0, "007", "51")


def test_an_id_column_comes_along_as_text(tmp_path):
    path = write(tmp_path, "LNR;AGE;KIND;NOTE\n0012;1;a;x\n")
    assert read(path, id_column="LNR").columns == ["LNR", "AGE", "KIND", "NOTE"]
    assert read(path, id_column="LNR")["LNR"].to_list() == ["0012"]


def test_an_id_column_that_is_not_there_is_named(tmp_path):
    assert "LNR" in refused(write(tmp_path, GOOD), id_column="LNR")


@pytest.mark.parametrize(
    ("extra_columns", "columns"),
    [("ignore", ["AGE", "KIND", "NOTE"]), ("carry", ["LNR", "AGE", "KIND", "NOTE"])],
)
def test_columns_beyond_the_summary_are_ignored_or_carried(tmp_path, extra_columns, columns):
    path = write(tmp_path, "AGE;LNR;KIND;NOTE\n1;7;a;x\n")
    assert read(path, extra_columns=extra_columns).columns == columns


def test_columns_beyond_the_summary_may_be_refused(tmp_path):
    path = write(tmp_path, "AGE;LNR;KIND;NOTE\n1;7;a;x\n")
    message = refused(path, extra_columns="refuse")
    assert "not in the feature summary" in message
    assert "LNR" not in message


def test_a_table_of_levels_alone_is_read(tmp_path):
    schema = Schema(tuple(Attribute(name, "p", "categorical", ()) for name in ("KIND", "NOTE")))
    assert read(write(tmp_path, "KIND;NOTE\na;x\n"), schema).rows() == [("a", "x")]


ONE = Schema((Attribute("AGE", "person", "ordinal", ()),))


@pytest.mark.parametrize("rows_per_part", [1, 100])
def test_one_column_is_a_table_too(tmp_path, rows_per_part):
    path = write(tmp_path, "AGE\n1\n2\n3\n")
    assert read(path, ONE, rows_per_part=rows_per_part)["AGE"].to_list() == [1, 2, 3]


@pytest.mark.parametrize("rows_per_part", [1, 100])
def test_trailing_blank_lines_of_one_column_are_no_rows(tmp_path, rows_per_part):
    path = write(tmp_path, "AGE\n1\n2\n\n\n\n\n")
    assert read(path, ONE, rows_per_part=rows_per_part)["AGE"].to_list() == [1, 2]


# Encodings


@pytest.mark.parametrize(
    ("encoding", "level"), [("utf-8", "Köln €"), ("latin-1", "Köln §"), ("cp1252", "Köln €")]
)
@pytest.mark.parametrize("rows_per_part", [1, 100])
def test_levels_are_transcoded(tmp_path, encoding, level, rows_per_part):
    text = "".join(f"{i};{level};x\n" for i in range(5))
    path = write(tmp_path, ("AGE;KIND;NOTE\n" + text).encode(encoding))
    table = read(path, encoding=encoding, rows_per_part=rows_per_part)
    assert table["KIND"].to_list() == [level] * 5


def test_column_names_are_transcoded(tmp_path):
    schema = Schema((Attribute("GRÖSSE", "person", "ordinal", ()),))
    path = write(tmp_path, "GRÖSSE\n1\n".encode("latin-1"))
    assert read(path, schema, encoding="latin-1")["GRÖSSE"].to_list() == [1.0]


# Quotes


@pytest.mark.parametrize(
    "cell",
    [
        "a;b",
        "a\nb",
        'a"b',
        "a;b;c",
        "a\r\nb",
        "a;\nb;c\nd",
        "\n",
        ";;\n;;",
        'x\n";"\ny',
        "p\nq;r;s\nt",
    ],
)
@pytest.mark.parametrize("rows_per_part", [1, 2, 3, 5, 100])
def test_quoted_cells_keep_separators_and_newlines_across_cuts(tmp_path, cell, rows_per_part):
    rows = [("1", cell, "x"), ("2", "b", cell), ("3", "c", "z"), ("4", cell, cell)] * 5
    path = write(tmp_path, as_text(rows))
    table = read(path, rows_per_part=rows_per_part)
    kept = [(float(age), kind.strip() or None, note.strip() or None) for age, kind, note in rows]
    assert table.rows() == kept


def as_text(rows, names=("AGE", "KIND", "NOTE"), newline="\n") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator=newline).writerows([names, *rows])
    return text.getvalue()


LETTERS = st.text(alphabet='ab;"\n8.', max_size=8)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 9).map(str), LETTERS, LETTERS), min_size=1, max_size=40),
    rows_per_part=st.integers(1, 50),
    newline=st.sampled_from(["\n", "\r\n"]),
)
def test_any_cut_gives_the_rows_of_one_piece(tmp_path_factory, rows, rows_per_part, newline):
    # A cell of several lines with the separators of rows is refused: it may be rows.
    assume(not any(cell.count("\n") > 1 and ";" in cell for row in rows for cell in row))
    path = write(tmp_path_factory.mktemp("cut"), as_text(rows, newline=newline))
    whole = read(path, rows_per_part=10**6)
    assert whole.height == len(rows)
    assert read(path, rows_per_part=rows_per_part).equals(whole)


PLAIN = st.text(alphabet="abäß8. ", max_size=8)


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 9).map(str), PLAIN, PLAIN), min_size=1, max_size=60),
    rows_per_part=st.integers(1, 70),
    final=st.sampled_from(["", "\n", "\n\n", "\r\n"]),
)
def test_any_cut_of_plain_rows_gives_the_rows_of_one_piece(
    tmp_path_factory, rows, rows_per_part, final
):
    text = "AGE;KIND;NOTE\n" + "\n".join(";".join(row) for row in rows) + final
    path = write(tmp_path_factory.mktemp("plain"), text)
    whole = read(path, rows_per_part=10**6)
    assert whole.height == len(rows)
    assert read(path, rows_per_part=rows_per_part).equals(whole)


@pytest.mark.parametrize("rows_per_part", [10, 25, 100, 333])
def test_pieces_hold_about_as_many_rows_as_asked_for(tmp_path, rows_per_part):
    path = write(tmp_path, "AGE;KIND;NOTE\n" + "1;abc;xyz\n" * 1000)
    heights = [
        ColumnMapping(SCHEMA).read(piece).rows.height
        for piece in pieces(path, rows_per_part=rows_per_part)
    ]
    assert max(heights) <= 1.1 * rows_per_part + 1
    assert sum(heights) == 1000


def test_pieces_cover_the_file_without_gap_or_overlap(tmp_path):
    cut_pieces = pieces(write(tmp_path, GOOD * 1 + "4;d;w\n" * 50), rows_per_part=7)
    assert [piece.start for piece in cut_pieces[1:]] == [piece.stop for piece in cut_pieces[:-1]]


def test_the_cuts_are_the_same_on_every_reading(tmp_path):
    path = write(tmp_path, GOOD + "4;d;w\n" * 50)
    assert pieces(path, rows_per_part=7) == pieces(path, rows_per_part=7)


# What is refused


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\n\n  \n", "the file is empty"),
        (b"AGE;KIND;NOTE\n", "no rows below the header"),
        (b"AGE;KIND;NOTE", "no rows below the header"),
        (b"AGE;KIND;NOTE\n\n\n", "no rows below the header"),
        (GOOD.encode("utf-16"), "UTF-16"),
        (GOOD.encode("utf-16-le"), "UTF-16"),
        (GOOD.encode("utf-16-be"), "UTF-16"),
        (GOOD.replace("\n", "\r").encode(), "CR alone"),
        (b"AGE;KIND;NOTE;KIND\n1;a;x;b\n", "line 1: KIND named more than once"),
        (b"AGE;KIND;NOTE;LNR;LNR\n1;a;x;1;1\n", "line 1: column 4, column 5 named more than once"),
        (b"AGE;KIND;NOTE;\n1;a;x;b\n", "line 1: column 4 has no name"),
        (b"AGE;;KIND;NOTE\n1;0;a;x\n", "line 1: column 2 has no name"),
        (b"AGE;KIND\n1;a\n", "line 1: lacks 1 of 3 attributes of the feature summary: NOTE"),
        (b"a;b;c\n1;a;x\n", "line 1: lacks 3 of 3 attributes"),
        (b"AGE;KIND;NOTE\n1;a;x\n2;b\n3;c;z\n", "line 3: 2 cells, expected 3"),
        (b"AGE;KIND;NOTE\n1;a;x\n2;b;y;w\n3;c;z\n", "line 3: 4 cells, expected 3"),
        (b"AGE;KIND;NOTE\n1;a;x\n2;b\n3;c;z;w\n", "line 3: 2 cells, expected 3"),
        (b"AGE;KIND;NOTE\n1;a;x\n2;b", "line 3: 2 cells, expected 3. The last line is cut off"),
        (b"AGE;KIND;NOTE\n1;a;x\ntwo;b;y\n", "line 3, column AGE: not a number"),
        (b"AGE;KIND;NOTE\n1.5;a;x\n2,5;b;y\n", "Decimals take a point, not a comma"),
        (b"Age;kind ;NOTE\n1;a;x\n", "2 of them are there but for blanks or upper and lower case"),
        (b"AGE;KIND;NOTE\n1;a;x\n1_0;b;y\n", "line 3, column AGE: not a number"),
        (b"AGE;KIND;NOTE\n1;a;x\ninf;b;y\n", "line 3, column AGE: not a number"),
        (b"AGE;KIND;NOTE\n1;a;x\n1e999;b;y\n", "line 3, column AGE: not a number"),
        (b"AGE;KIND;NOTE\n1;a;\xc3\xb6\n2;b\xe4;y\n", "line 3: not utf-8"),
        (b'AGE;KIND;NOTE\n1;a;x\n2;"b;y\n3;c;z\n', "line 3"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path, content, message):
    assert message in refused(write(tmp_path, content))


@pytest.mark.parametrize("rows_per_part", [1, 3, 10, 1000])
@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("secret;b;y", "line 40, column AGE: not a number"),
        ("2;secret", "line 40: 2 cells, expected 3"),
        ("2;secret;y;w", "line 40: 4 cells, expected 3"),
    ],
)
def test_the_line_is_that_of_the_file_whatever_the_pieces(tmp_path, rows_per_part, row, message):
    lines = ["AGE;KIND;NOTE", *["1;a;x"] * 38, row, *["1;a;x"] * 60]
    path = write(tmp_path, "\n".join(lines) + "\n")
    assert message in refused(path, rows_per_part=rows_per_part)


@pytest.mark.parametrize("rows_per_part", [1, 1000])
def test_lines_inside_quotes_count(tmp_path, rows_per_part):
    path = write(tmp_path, 'AGE;KIND;NOTE\n1;"a\nb";x\n2;b;y\nthree;c;z\n')
    assert "line 5, column AGE" in refused(path, rows_per_part=rows_per_part)


@pytest.mark.parametrize("rows_per_part", [1, 1000])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_the_line_of_a_byte_that_cannot_be_read_is_named(tmp_path, rows_per_part, encoding):
    path = write(tmp_path, b"AGE;KIND;NOTE\n" + b"1;a;x\n" * 20 + b"1;\x81;x\n" + b"1;a;x\n" * 20)
    message = refused(path, rows_per_part=rows_per_part, encoding=encoding)
    assert f"line 22: not {encoding}" in message


def test_a_header_in_another_encoding_than_is_said_is_told(tmp_path):
    path = write(tmp_path, "GRÖSSE;AGE;KIND;NOTE\n1;1;a;x\n".encode("latin-1"))
    assert "line 1: not utf-8" in refused(path, encoding="utf-8")


@pytest.mark.parametrize(
    "content",
    [
        "AGE;KIND;NOTE\nsecret;a;x\n",
        "AGE;KIND;NOTE\n1;secret\n",
        "AGE;KIND;NOTE\n1;secret;x;y\n",
        'AGE;KIND;NOTE\n1;"secret;x\n',
        "AGE;KIND;NOTE\n1;a;x\n2;secret",
        'AGE;KIND;NOTE\nsecret;"a\nb";x\n',
        b"AGE;KIND;NOTE\n1;secret\x81;x\n",
    ],
)
def test_no_message_quotes_a_cell(tmp_path, content):
    assert "secret" not in refused(write(tmp_path, content))


def test_a_fault_in_one_of_many_missing_attributes_lists_five(tmp_path):
    schema = Schema(tuple(Attribute(f"A{i}", "person", "ordinal", ()) for i in range(9)))
    message = refused(write(tmp_path, "A0\n1\n"), schema)
    assert "lacks 8 of 9" in message
    assert "A5 …" in message


def test_a_file_that_grew_keeps_its_pieces_but_the_last(tmp_path):
    rows = [f"{i % 9};level {i % 7};{i:05}\n" for i in range(3000)]
    short, long = (
        pieces(write(tmp_path, "AGE;KIND;NOTE\n" + "".join(rows[:n]), f"{n}.csv"))
        for n in (2000, 3000)
    )
    before, after = ([piece.digest() for piece in file_pieces] for file_pieces in (short, long))
    assert len(before) > 10
    assert before[:-1] == after[: len(before) - 1]
    assert sum(rows for _, rows in after) == 3000


def test_a_digest_tells_pieces_apart_and_counts_their_rows(tmp_path):
    (one,) = pieces(write(tmp_path, GOOD, "one.csv"))
    (again,) = pieces(write(tmp_path, GOOD, "copied under another name.csv"))
    (other,) = pieces(write(tmp_path, GOOD.replace("1;a", "1;b"), "other.csv"))
    (longer,) = pieces(write(tmp_path, GOOD + "4;d;w\n", "more.csv"))
    assert one.digest() == again.digest()
    assert one.digest()[0] != other.digest()[0]
    assert (one.digest()[1], longer.digest()[1]) == (3, 4)
    (quoted,) = pieces(write(tmp_path, 'AGE;KIND;NOTE\n1;a;"x\ny"\n', "quoted.csv"))
    assert quoted.digest()[1] == 1
