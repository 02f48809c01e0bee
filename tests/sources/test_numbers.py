"""Formats of numbers: read as meant, or refused in a line that says what to do."""

import math
import re
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segment_lib.errors import DataError
from segment_lib.schema import Attribute, Schema
from segment_lib.sources import TextFormat, ambiguous_points, open_extract
from segment_lib.sources.numbers import NumberFormat
from tests.kinds import KINDS, documented

SCHEMA = Schema(
    (Attribute("SPEND", "person", "numeric", ()), Attribute("KIND", "person", "categorical", ()))
)

RIGHT: dict[str, tuple[list[str], dict[str, str], list[float | None]]] = {
    "`1.5`, `.5`, `2.`": (["1.5", ".5", "2."], {}, [1.5, 0.5, 2.0]),
    "`1,5`": (["1,5", "12", "0,125"], {}, [1.5, 12.0, 0.125]),
    "`1.234,5`": (["1.234,5", "1.234"], {}, [1234.5, 1234.0]),
    "`1,234.5`": (["1,234.5", "1,234"], {}, [1234.5, 1234.0]),
    "`1.234.567`": (["1.234.567", "1.234"], {}, [1234567.0, 1234.0]),
    '`1.234` if `inputs.thousands = "."`': (
        ["1.234", "5"],
        {"thousands": "."},
        [1234.0, 5.0],
    ),
    '`1.234` if `inputs.decimal = "."`': (["1.234", "5"], {"decimal": "."}, [1.234, 5.0]),
    "`1.234` among `1.5`": (["1.234", "1.5"], {}, [1.234, 1.5]),
    "`1 234`, also with a non-breaking blank": (["1 234", "1\u00a0234"], {}, [1234.0, 1234.0]),
    "`1'234`": (["1'234", "5"], {}, [1234.0, 5.0]),
    "`1e3`, `1E-2`": (["1e3", "1E-2"], {}, [1000.0, 0.01]),
    "`+5`, `-5`, `007`": (["+5", "-5", "007"], {}, [5.0, -5.0, 7.0]),
    "` 12 ` with blanks around": ([" 12 ", "\t12"], {}, [12.0, 12.0]),
    "`NaN`, `nan`": (["NaN", "nan", "3"], {}, [None, None, 3.0]),
}
REFUSED: dict[str, tuple[list[str], str]] = {
    "`1,234` alone": (["1,234"], 'or inputs.thousands = "," if it parts thousands'),
    "`1.5` in a column of `1,5`": (["1,5"], "Decimals take a point, not a comma"),
    "`12 €`, `$5`, `EUR 12`": (["12 €", "$5", "EUR 12"], "Take the currency out"),
    "`5%`": (["5%"], "Take the percent signs out"),
    "`12-`": (["12-"], "Write the minus before the number"),
    "`(12)`": (["(12)"], "Write a minus in place of the brackets"),
    "`−5` with a minus of typography": (["\u22125"], "Write the minus as a hyphen"),
    "`１２` in full width": (["\uff11\uff12"], "digits 0 to 9 alone"),
    "`½`, `1/2`": (["½", "1/2"], "Write fractions as decimals"),
    "`0x1F`": (["0x1F"], "digits 0 to 9 alone"),
    "`1_000`": (["1_000"], "Take the underscores out"),
    "`inf`, `1e400`": (["inf", "Infinity", "-inf", "1e400"], "It is infinite"),
    "`--`, `?`": (["--", "?"], "list it in inputs.missing"),
    "`12 3`, `1..2`, `five`": (["12 3", "1..2", "five"], "Correct the cell"),
    "`24.12.2020`, `2020-12-24`": (["24.12.2020", "2020-12-24"], "Of a date, write the year"),
    "`\\N`": (["\\N"], 'inputs.quote_escape = "backslash"'),
}
DOUBTFUL = "`1.234` alone"


def extract(folder: Path, cells: list[str], rows_per_part: int = 100, **form: str):
    path = folder / "extract.csv"
    path.write_text("SPEND;KIND\n" + "".join(f"{cell};a\n" for cell in cells))
    return open_extract(
        "population",
        [path],
        SCHEMA,
        form=TextFormat(**{"separator": ";", "encoding": "utf-8"} | form),
        rows_per_part=rows_per_part,
    )


def read(folder: Path, cells: list[str], rows_per_part: int = 100, **form: str):
    opened = extract(folder, cells, rows_per_part, **form)
    return [n for piece in opened.pieces for n in piece.read(SCHEMA).rows["SPEND"].to_list()]


def test_the_documented_forms_of_numbers_are_those_tried():
    assert documented("Forms of numbers") == [*RIGHT, DOUBTFUL, *REFUSED]


@pytest.mark.parametrize("kind", RIGHT)
@pytest.mark.parametrize("rows_per_part", [1, 100])
def test_a_number_is_read_as_it_is_meant(tmp_path, kind, rows_per_part):
    cells, form, numbers = RIGHT[kind]
    assert read(tmp_path, cells, rows_per_part, **form) == numbers
    KINDS.note("Forms of numbers", "right")


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_number_is_refused_with_what_to_do(tmp_path, kind):
    cells, advice = REFUSED[kind]
    before = ["7", "1.5" if "column" in kind else "8"]
    for cell in cells:
        with pytest.raises(DataError, match="line 4, column SPEND: not a number") as error:
            read(tmp_path, [*before, cell])
        assert advice in str(error.value)
        assert cell not in str(error.value).replace("line 4", "").replace(advice, "")
    KINDS.note("Forms of numbers", "refused")


def test_points_before_three_digits_in_all_cells_are_in_doubt(tmp_path):
    opened = extract(tmp_path, ["1.234", "12.500", "7", ""], rows_per_part=2)
    notes = {}
    for piece in opened.pieces:
        for kind, n in piece.read(SCHEMA).notes.items():
            notes[kind] = notes.get(kind, 0) + n
    assert notes == {"thousands_like:SPEND": 2}
    assert ambiguous_points(notes) == ["SPEND"]
    KINDS.note("Forms of numbers", "refused")


@pytest.mark.parametrize("other", ["0.500", "1.5", "3.0", "1234.567", "12.3456"])
def test_one_cell_that_cannot_be_thousands_ends_the_doubt(tmp_path, other):
    opened = extract(tmp_path, ["1.234"] * 10 + [other], rows_per_part=2)
    decimals = [piece.decimals(["SPEND"]) for piece in opened.pieces]
    assert sum(n for notes in decimals for n in notes.values()) == 1
    assert ambiguous_points({"thousands_like:SPEND": 10, "decimals:SPEND": 1}) == []


def test_what_was_found_out_of_numbers_is_told(tmp_path):
    (remark,) = extract(tmp_path, ["1,5"]).remarks
    assert 'inputs.decimal = "," and inputs.thousands = "."' in str(remark)


def test_a_cell_that_contradicts_the_first_rows_is_a_fault_with_its_line(tmp_path):
    with pytest.raises(DataError, match="line 302, column SPEND: not a number"):
        read(tmp_path, ["1,5"] * 300 + ["1.23"])


def test_faults_of_all_columns_are_told_together_each_advice_once(tmp_path):
    schema = Schema(tuple(Attribute(f"A{i:02}", "p", "ordinal", ()) for i in range(25)))
    path = tmp_path / "extract.csv"
    path.write_text(";".join(schema.names) + "\n" + ";".join(["1 €"] * 24 + ["5%"]) + "\n")
    extract = open_extract(
        "population", [path], schema, form=TextFormat(";", "utf-8"), rows_per_part=9
    )
    with pytest.raises(DataError) as error:
        extract.pieces[0].read(schema)
    message = str(error.value)
    assert message.count("not a number") == 20
    assert message.count("Take the currency out") == 1
    assert "5 more attributes have faults" in message
    assert "€" not in message
    assert "\n" not in message


CELLS = st.text("0123456789.,+-eE '", max_size=8) | st.floats(allow_nan=False).map(str)


@pytest.mark.parametrize(
    "number_format", [NumberFormat(), NumberFormat(",", "."), NumberFormat(".", "'")]
)
@given(cells=st.lists(CELLS | st.sampled_from(["nan", "inf", "1e999", "NaN", " 7 ", "1_0"])))
def test_text_is_the_number_that_its_form_says_or_none(number_format, cells):
    parsed = pl.select(number_format.parsed(pl.lit(pl.Series(cells, dtype=pl.String)))).to_series()

    def by_hand(cell: str) -> float | None:
        cell = cell.strip()
        if not re.fullmatch(number_format.pattern, cell):
            return None
        plain = cell.replace(number_format.thousands, "") if number_format.thousands else cell
        number = float(plain.replace(number_format.decimal, "."))
        return number if math.isfinite(number) else None

    assert parsed.to_list() == [by_hand(cell) for cell in cells]
