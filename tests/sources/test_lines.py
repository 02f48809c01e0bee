"""Lines that are no people: passed over with a remark if certain, else refused with the line."""

from pathlib import Path

import pytest

from segment_lib.errors import DataError
from segment_lib.schema import Attribute, Schema
from segment_lib.sources import TextFormat, open_extract, remarks
from segment_lib.sources.column_mapping import ColumnMapping
from tests.kinds import KINDS, documented

TYPES = {"AGE": "ordinal", "INC": "numeric", "HH": "interval", "KIND": "categorical"}
SCHEMA = Schema(tuple(Attribute(name, "person", kind, ()) for name, kind in TYPES.items()))
CODED = Schema(tuple(Attribute(name, "person", "categorical", ()) for name in TYPES))
HEADER = "AGE;INC;HH;KIND"
ROWS = [f"{20 + i % 60};{1000 + 7 * i % 900}.5;{1 + i % 5};{'abc'[i % 3]}" for i in range(40)]
PEOPLE = [(float(a), float(i), float(h), k) for a, i, h, k in (row.split(";") for row in ROWS)]
QUESTIONS = "How old are you?;What do you earn in a month?;How many live with you?;Which kind?"


def lines(*, before=(), header=HEADER, under=(), middle=(), after=()) -> str:
    return "\n".join([*before, *([header] if header else []), *under, *ROWS[:20], *middle]) + (
        "\n" + "\n".join([*ROWS[20:], *after]) + "\n"
    )


def each(text: str, line) -> str:
    return "".join(f"{line(i, row)}\n" for i, row in enumerate(text.splitlines()))


RIGHT = {
    "`sep=;` before the header": (lines(before=["sep=;"]), "sep="),
    "lines with `#` before the header": (lines(before=["# of 2026", "#"]), "with # first"),
    "blank lines before the header": ("\n\n" + lines(), None),
    "the header again, as files that are joined have it": (
        lines(middle=[HEADER, ROWS[20], HEADER]).replace(
            f"\n{ROWS[20]}\n{HEADER}\n{ROWS[20]}", f"\n{HEADER}\n{ROWS[20]}"
        ),
        "repeat the header",
    ),
    "the header again with a byte order mark": (
        lines(middle=["\ufeff" + HEADER]),
        "repeats the header",
    ),
    "the header again with quotes": (
        lines(middle=['"AGE";"INC";"HH";"KIND"']),
        "repeats the header",
    ),
    "question texts under the header": (lines(under=[QUESTIONS]), "below the header"),
    "two lines of texts under the header": (
        lines(under=[QUESTIONS, '{"Import":"Q1"};{"Import":"Q2"};{"Import":"Q3"};x']),
        "below the header",
    ),
    "blank lines among the rows": (lines(middle=["", "  ", ""]), "blank lines"),
    "blank lines behind the rows": (lines(after=["", "", ""]), None),
    "a separator at the end of every line": (
        each(lines(), lambda i, row: row + ";"),
        "empty last column",
    ),
    "a separator at the end of the rows alone": (
        each(lines(), lambda i, row: row + (";" if i else "")),
        "empty last column",
    ),
    "a separator at the end of the header alone": (
        lines(header=HEADER + ";"),
        "empty last column",
    ),
    "a first column without a name (pandas, R)": (
        each(lines(), lambda i, row: f"{i};{row}" if i else ";" + row),
        "first column has no name",
    ),
    "a header that lacks the first column (R)": (
        each(lines(), lambda i, row: f'"P{i}";{row}' if i else row),
        "row names",
    ),
    "an end-of-file mark (Ctrl-Z)": (lines(after=["\x1a"]), None),
    "no header, told: `inputs.header = false`": (lines(header=""), None),
}
REFUSED = {
    "a title above the header": (lines(before=["Report;;;"]), "line 2: the header stands here"),
    "a comment among the rows": (
        lines(middle=["# checked"]),
        "line 22: 1 cell, expected 4. It looks",
    ),
    "a comment behind the rows": (
        lines(after=["# the end"]),
        "line 42: 1 cell, expected 4. It looks",
    ),
    "a count of rows behind the rows": (
        lines(after=["3000 rows selected"]),
        "line 42: 1 cell, expected 4. The last line is cut off",
    ),
    "a total of fewer cells": (lines(after=["Summe;40"]), "line 42: 2 cells, expected 4. It looks"),
    "a total of as many cells": (lines(after=["Total;1;2;"]), "line 42: looks like a total"),
    "a total before a note": (lines(after=[";;Gesamt:;"]), "line 42: looks like a total"),
    "texts under the header of few number columns": (
        "AGE;KIND\nHow old?;Which?\n20;a\n",
        "line 2, column AGE: not a number",
    ),
    "a last column without a name that holds values": (
        each(lines(), lambda i, row: f"{row};" + ("" if i < 30 else "7")),
        "line 31: column 5 has no name, but holds a value",
    ),
    "a separator at the end of every line, a backslash before one": (
        each(lines(), lambda i, row: row + ("\\;" if i == 30 else ";")),
        "line 31: 5 cells if a backslash is text, 4 others if it escapes, expected 4. Set",
    ),
    "a column without a name amid others": (
        lines(header="AGE;INC;;HH;KIND"),
        "line 1: column 3 has no name",
    ),
    "no header, not told": (lines(header=""), "If it has no header, set inputs.header = false"),
    "a header, though told there is none": (lines(), "Set inputs.header = true"),
    "a blank line in a table of one column": ("AGE\n20\n\n30\n", "line 3: a blank line"),
}
HEADLESS = ("no header, told: `inputs.header = false`", "a header, though told there is none")


def schema_of(text: str) -> Schema:
    named = text.lstrip("\ufeff").split("\n", 1)[0].replace("#", "").split(";")
    if named in (["AGE", "KIND"], ["AGE"]):
        return Schema(tuple(SCHEMA[name] for name in named))
    return SCHEMA


def read(folder: Path, text: str, rows_per_part: int, *, header: bool = True, schema=None):
    """The rows, and what is remarked on."""
    path = folder / "extract.csv"
    path.write_bytes(text.encode())
    schema = schema or schema_of(text)
    extract = open_extract(
        "population",
        [path],
        schema,
        form=TextFormat(";", "utf-8", header=header),
        rows_per_part=rows_per_part,
    )
    rows, notes = [], {}
    for piece in extract.pieces:
        reading = ColumnMapping(schema).read(piece)
        assert reading.rows.height == piece.digest()[1]
        rows += reading.rows.rows()
        for kind, n in reading.notes.items():
            notes[kind] = notes.get(kind, 0) + n
    return rows, [*map(str, extract.remarks), *map(str, remarks(notes))]


def test_the_documented_lines_are_those_tried():
    assert documented("Lines that are no people") == [*RIGHT, *REFUSED]


@pytest.mark.parametrize("kind", RIGHT)
@pytest.mark.parametrize("rows_per_part", [1, 7, 1000])
def test_what_is_certainly_no_person_is_passed_over_with_a_remark(tmp_path, kind, rows_per_part):
    text, remark = RIGHT[kind]
    rows, remarks = read(tmp_path, text, rows_per_part, header=kind not in HEADLESS)
    assert rows == PEOPLE
    assert len(remarks) == (remark is not None)
    assert remark is None or remark in remarks[0]
    KINDS.note("Lines that are no people", "right")


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("rows_per_part", [1, 7, 1000])
def test_what_may_be_no_person_is_refused_with_its_line(tmp_path, kind, rows_per_part):
    text, message = REFUSED[kind]
    with pytest.raises(DataError) as error:
        read(tmp_path, text, rows_per_part, header=kind not in HEADLESS)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    KINDS.note("Lines that are no people", "refused")


def test_a_header_among_coded_columns_makes_no_level(tmp_path):
    text = lines(middle=[HEADER])
    rows, remarked = read(tmp_path, text, 7, schema=CODED)
    assert len(rows) == 40
    assert "AGE" not in {row[0] for row in rows}
    assert "repeats the header" in remarked[0]


@pytest.mark.parametrize("rows_per_part", [1, 7, 1000])
def test_lines_passed_over_count_in_line_numbers(tmp_path, rows_per_part):
    text = lines(before=["sep=;"], middle=["", HEADER], after=["five;1;1;a"])
    with pytest.raises(DataError, match="line 45, column AGE: not a number"):
        read(tmp_path, text, rows_per_part)


def test_a_word_for_a_total_that_several_lines_begin_with_is_a_level(tmp_path):
    text = "KIND;AGE\nTotal;1\nb;2\nTotal;3\n"
    schema = Schema((SCHEMA["KIND"], SCHEMA["AGE"]))
    rows, _ = read(tmp_path, text, 1000, schema=schema)
    assert [row[0] for row in rows] == ["Total", "b", "Total"]


@pytest.mark.parametrize("rows_per_part", [7, 1000])
def test_a_value_far_below_in_a_column_without_a_name_is_refused_with_its_line(
    tmp_path, rows_per_part
):
    text = f"{HEADER};\n" + f"{ROWS[0]};\n" * 300 + f"{ROWS[0]};7\n"
    with pytest.raises(DataError, match="line 302: column 5 has no name, but holds a value"):
        read(tmp_path, text, rows_per_part)


def test_a_header_that_lacks_a_name_which_may_be_any_is_refused(tmp_path):
    rows = "".join(f"{i};{20 + i};{i % 3};x\n" for i in range(9))
    schema = Schema((SCHEMA["AGE"], SCHEMA["INC"], SCHEMA["KIND"]))
    with pytest.raises(DataError, match="line 2: 4 cells, expected 3"):
        read(tmp_path, "AGE;INC;KIND\n" + rows, 1000, schema=schema)
