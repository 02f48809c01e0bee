"""Remarks from counts made by hand; the checks that stop a run, and the causes they name."""

from collections.abc import Collection, Mapping
from pathlib import Path

import polars as pl
import pytest

from segment_lib import clean
from segment_lib.clean import Assessment, Tally, refuse_unseen, tally_part
from segment_lib.clean.completeness import ID_REASON
from segment_lib.clean.remarks import sentinels
from segment_lib.errors import DataError
from segment_lib.schema import Attribute, Schema
from segment_lib.sources import TextFormat, open_extract
from segment_lib.sources.column_mapping import ColumnMapping
from tests.kinds import KINDS, documented

PAY = Attribute("PAY", "person", "numeric", ())
KIND = Attribute("KIND", "person", "categorical", ())


def remarks(
    delivery: Assessment, *, everywhere: Collection[str] = (), min_cell: int = 0
) -> list[str]:
    """The remarks in English."""
    return list(map(str, clean.remarks(delivery, everywhere=everywhere, min_cell=min_cell)))


def extract(schema: Schema, **columns: list) -> Tally:
    """The tally of rows made by hand."""
    kinds = {a.name: pl.Float64 if a.storage == "number" else pl.String for a in schema}
    rows = pl.DataFrame(columns, schema=kinds)
    return tally_part(rows, schema)


def both_extracts(
    schema: Schema,
    population: Mapping[str, list],
    customers: Mapping[str, list],
    levels: Mapping[str, tuple[str, ...]] | None = None,
) -> Assessment:
    tallies = {
        "population": extract(schema, **population),
        "customers": extract(schema, **customers),
    }
    return Assessment(schema, tallies, levels or {})


def test_nothing_is_remarked_on_where_all_is_plain():
    schema = Schema((PAY, KIND))
    rows = {"PAY": [float(i % 40) for i in range(400)], "KIND": ["a", "b"] * 200}
    assert remarks(both_extracts(schema, rows, rows)) == []


# --- missing codes that no row has ----------------------------------------------------------------


def test_missing_codes_that_no_row_has_are_told_in_one_remark():
    schema = Schema(
        (
            Attribute("PAY", "p", "numeric", ("-1", "-7", "?")),
            Attribute("KIND", "p", "categorical", ("X", "Unknown")),
        )
    )
    rows = {"PAY": [-1.0, 2.0, 3.0], "KIND": ["X", "unknown", "a"]}
    (remark,) = remarks(both_extracts(schema, rows, rows))
    assert "KIND [Unknown] (a level is the same but for upper and lower case)" in remark
    assert "PAY [-7, ?]" in remark
    assert "-1" not in remark


def test_a_code_that_no_attribute_holds_is_told_before_those_declared_out_of_habit():
    schema = Schema(
        tuple(
            Attribute(name, "p", "categorical", codes)
            for name, codes in {"A": ("-1",), "B": ("-1",), "C": ("-7",)}.items()
        )
    )
    rows = {"A": ["-1", "x", "y"], "B": ["x", "y", "x"], "C": ["x", "y", "x"]}
    (remark,) = remarks(both_extracts(schema, rows, rows))
    assert "extract: C [-7], B [-1]. " in remark


def test_a_code_met_in_either_extract_is_met():
    schema = Schema((Attribute("KIND", "p", "categorical", ("X",)),))
    assert remarks(both_extracts(schema, {"KIND": ["a", "b"]}, {"KIND": ["X", "a"]})) == []


def test_a_code_declared_for_all_attributes_need_be_met_in_one_alone():
    schema = Schema(
        (
            Attribute("A", "p", "categorical", ("NA", "NULL")),
            Attribute("B", "p", "categorical", ("NA", "NULL")),
        )
    )
    rows = {"A": ["NA", "x", "y"], "B": ["x", "y", "x"]}
    (remark,) = remarks(both_extracts(schema, rows, rows), everywhere=("NA", "NULL"))
    assert "inputs.missing [NULL]." in remark
    assert "[NA]" not in remark


# --- words for nothing ----------------------------------------------------------------------------

WORDS = {
    "`NA`": "NA",
    "`NULL`": "NULL",
    "`None`": "None",
    "`#N/A`": "#N/A",
    "`-`": "-",
    "`.`": ".",
    "`?`": "?",
    "`n/a`": "n/a",
    "`k.A.`": "k.A.",
    "`nan`": "nan",
    "`(null)`": "(null)",
    "`\\N`": "\\N",
    "`<NA>`": "<NA>",
    "`#NV`": "#NV",
    "`keine Angabe`": "keine Angabe",
}


def read(path: Path, schema: Schema) -> Assessment:
    opened = open_extract("population", [path], schema, form=TextFormat(";"), rows_per_part=1000)
    (tally,) = [
        tally_part(ColumnMapping(schema).read(piece).rows, schema) for piece in opened.pieces
    ]
    return Assessment(schema, {"population": tally, "customers": tally}, {})


def written(folder: Path, suffix: str, columns: Mapping[str, list[str]]) -> Path:
    path = folder / f"rows.{suffix}"
    if suffix == "csv":
        lines = [";".join(columns), *(";".join(row) for row in zip(*columns.values(), strict=True))]
        path.write_text("\n".join(lines) + "\n")
    else:
        pl.DataFrame(columns).write_parquet(path)
    return path


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("kind", WORDS)
def test_a_word_for_nothing_is_told_and_is_missing_once_it_is_declared(kind, suffix, tmp_path):
    word = WORDS[kind]
    path = written(tmp_path, suffix, {"KIND": [word] * 25 + ["a", "b", "c"] * 25})
    schema = Schema((KIND,))
    counts = read(path, schema)
    (remark,) = remarks(counts, min_cell=10)
    assert "levels of KIND (25.0% of the population, 25.0% of the customers)" in remark
    assert "inputs.missing = [" in remark
    declared = Schema((Attribute("KIND", "person", "categorical", (word,)),))
    counts = read(path, declared)
    assert counts.extracts["population"].missing == {"KIND": 25}
    assert remarks(counts) == []
    KINDS.note("Words for nothing", "right")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("kind", WORDS)
def test_a_word_for_nothing_among_numbers_is_missing_once_it_is_declared(kind, suffix, tmp_path):
    path = written(tmp_path, suffix, {"PAY": [WORDS[kind]] * 25 + ["1", "2.5", "3"] * 25})
    if kind != "`nan`":
        with pytest.raises(DataError, match="column PAY: not a number") as refused:
            read(path, Schema((PAY,)))
        assert "inputs." in str(refused.value)
    schema = Schema((Attribute("PAY", "person", "numeric", (WORDS[kind],)),))
    counts = read(path, schema)
    assert counts.extracts["population"].missing == {"PAY": 25}
    assert set(counts.extracts["population"].values["PAY"].rows) == {1.0, 2.5, 3.0}


def test_the_documented_words_are_those_tried():
    assert documented("Words for nothing") == list(WORDS)


def test_a_word_that_is_a_level_of_the_dictionary_is_no_word_for_nothing():
    schema = Schema((KIND,))
    rows = {"KIND": ["-", "a", "b"] * 10}
    assert remarks(both_extracts(schema, rows, rows, {"KIND": ("-", "a", "b")})) == []


def test_of_few_rows_no_share_is_told():
    schema = Schema((KIND,))
    rows = {"KIND": ["NA", *["a", "b"] * 20]}
    (remark,) = remarks(both_extracts(schema, rows, rows), min_cell=10)
    assert "KIND (few of the population, few of the customers)" in remark


# --- values far from all others -------------------------------------------------------------------

SMALL = [float(i % 30) for i in range(300)]


@pytest.mark.parametrize(
    ("values", "far"),
    [
        (SMALL, []),
        ([*SMALL, *[88.0] * 30], [88]),
        ([*SMALL, *[77.0] * 3, *[99.0] * 30], [77, 99]),
        ([*SMALL, *[-999.0] * 30], [-999]),
        ([*SMALL, *[-1.0] * 30], [-1]),
        ([*SMALL, *[-999.0] * 30, *[9999.0] * 30], [-999, 9999]),
        ([*SMALL, *[99_999_998.0] * 90], [99_999_998]),
        ([*SMALL, *[2_147_483_647.0] * 30], [2_147_483_647]),
        ([*SMALL, *[1_000_000.0] * 30], [1_000_000]),
        ([*SMALL, *[99_999.0] * 2], []),
        ([*SMALL, *[45.0] * 30], []),
        ([1.0, 2.0, 3.0, 4.0, 9.0] * 60, [9]),
        ([1.0, 2.0, 3.0, 4.0, 5.0] * 60, []),
        ([0.0, 1.0] * 60, []),
        ([0.0, 1.0, 5.0] * 60, []),
        ([0.0, 100.0, 110.0, 120.0] * 60, []),
        ([0.0, 1950.0, 1980.0, 2001.0] * 60, [0]),
        ([-1.0, 0.0, 1.0] * 60, []),
        ([-2.0, -1.0, 0.0, 1.0, 2.0] * 60, []),
        ([float(age) for age in range(18, 99)] * 5 + [99.0] * 30, []),
        ([0.0] * 900 + [float(i * i) for i in range(100)], []),
    ],
)
def test_values_far_from_all_others_are_known(values, far):
    schema = Schema((PAY,))
    counts = extract(schema, PAY=values).values["PAY"].counted
    assert sentinels(counts, 0.01 * len(values)) == far


def test_a_far_value_is_known_however_many_others_there_are():
    values = [i / 7 for i in range(20_000)] + [99_999_998.0] * 1000
    schema = Schema((PAY,))
    rows = {"PAY": values}
    (remark,) = remarks(both_extracts(schema, rows, rows))
    assert "PAY 99999998 (4.8% of the population, 4.8% of the customers)" in remark


@pytest.mark.parametrize(
    ("levels", "start"),
    [(["1", "2", "3", "9"], "KIND 9 ("), (["1", "2", "3", "-1", "7"], "KIND -1 (")],
)
def test_a_usual_code_for_missing_is_told_among_codes_that_are_numbers(levels, start):
    schema = Schema((KIND,))
    rows = {"KIND": levels * 50}
    assert start in remarks(both_extracts(schema, rows, rows))[0]


@pytest.mark.parametrize("levels", [["1", "2", "500"], ["1", "2", "99", "x"], ["1", "2", "3"]])
def test_other_codes_may_be_any_numbers(levels):
    schema = Schema((KIND,))
    rows = {"KIND": levels * 50}
    assert remarks(both_extracts(schema, rows, rows)) == []


def test_a_far_value_of_few_rows_is_not_quoted():
    schema = Schema((PAY,))
    rows = {"PAY": [*SMALL, *[9999.0] * 9]}
    assert remarks(both_extracts(schema, rows, rows), min_cell=10) == []


def test_a_far_level_of_the_dictionary_is_none():
    schema = Schema((PAY,))
    rows = {"PAY": [1.0, 2.0, 3.0, 99.0] * 30}
    assert remarks(both_extracts(schema, rows, rows, {"PAY": ("1", "2", "3", "99")})) == []


# --- ids ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attribute", "values"),
    [
        (KIND, [f"P{i}" for i in range(300)]),
        (KIND, [f"P{i}" for i in range(6000)]),
        (KIND, [f"P{i % 290}" for i in range(300)]),
        (PAY, [float(910_001 + i) for i in range(300)]),
        (PAY, [float(100_000_007 + i * 7919) for i in range(300)]),
        (PAY, [float(i) for i in range(6000)]),
    ],
)
def test_an_attribute_of_ids_is_dropped_and_told(attribute, values):
    schema = Schema((attribute,))
    rows = {attribute.name: values}
    extracts = both_extracts(schema, rows, rows)
    table = extracts.attributes(max_missing_share=0.3)
    assert table.select("kept", "reason").row(0) == (False, ID_REASON)
    (remark,) = remarks(extracts)
    assert f": {attribute.name}. Take it out of the feature summary" in remark


@pytest.mark.parametrize(
    ("attribute", "values"),
    [
        (KIND, [f"{i * 7919 % 8000:05d}" for i in range(12_000)]),
        (KIND, [f"P{i}" for i in range(50)]),
        (PAY, [float(i * i) for i in range(300)]),
        (PAY, [i / 7 for i in range(6000)]),
        (PAY, [float(i % 200) for i in range(300)]),
        (PAY, [20_000.0 + 77.0 * i for i in range(300)]),
    ],
)
def test_what_is_no_id_is_kept(attribute, values):
    schema = Schema((attribute,))
    rows = {attribute.name: values}
    table = both_extracts(schema, rows, rows).attributes(max_missing_share=0.3)
    assert table["kept"].to_list() == [True]


# --- codes that are no level ----------------------------------------------------------------------


def refuse(delivery: Assessment, **options):
    attributes = delivery.attributes(max_missing_share=0.3)
    refuse_unseen(delivery, attributes, max_unseen_share=0.05, **options)


@pytest.mark.parametrize(
    ("population", "customers", "cause"),
    [
        (["true", "false"], ["J", "N"], "j/n for true/false"),
        (["01", "02"], ["1", "2"], "zeros before them"),
        (["1-2", "3-4"], ["02. Jan", "04. Mar"], "a spreadsheet made dates"),
        (["a", "b"], ["NULL", "a"], 'Set inputs.missing = ["NULL"]'),
    ],
)
def test_codes_that_are_no_level_are_refused_with_their_cause(population, customers, cause):
    schema = Schema((KIND,))
    extracts = both_extracts(schema, {"KIND": population * 50}, {"KIND": customers * 50})
    with pytest.raises(DataError) as refused:
        refuse(extracts)
    assert cause in str(refused.value)
    assert "data_dictionary" not in str(refused.value)


def test_codes_of_no_known_cause_are_refused_with_what_is_to_be_done():
    schema = Schema((KIND, PAY))
    rows = {"KIND": ["a", "b"] * 50, "PAY": [1.0, 2.0] * 50}
    strange = {"KIND": ["Zaphod", "b"] * 50, "PAY": [1.0, 7.0] * 50}
    with pytest.raises(DataError) as refused:
        refuse(both_extracts(schema, rows, strange, {"PAY": ("1", "2")}))
    assert "KIND (50.0% of the customers), PAY (50.0% of the customers)" in str(refused.value)
    assert "inputs.data_dictionary" in str(refused.value)
    assert "Zaphod" not in str(refused.value)


def test_an_attribute_of_too_many_levels_stops_no_run():
    schema = Schema((KIND,))
    rows = {"KIND": [f"{i % 5000:05d}" for i in range(10_000)]}
    refuse(both_extracts(schema, rows, {"KIND": ["x", "y"] * 50}))


def test_customers_of_more_levels_than_are_counted_are_refused():
    schema = Schema((KIND,))
    strange = {"KIND": [f"P{i}" for i in range(5000)]}
    with pytest.raises(DataError, match="another value in nearly every row"):
        refuse(both_extracts(schema, {"KIND": ["x", "y"] * 50}, strange))


def test_attributes_that_make_no_feature_are_not_counted():
    schema = Schema((KIND,))
    extracts = both_extracts(schema, {"KIND": ["a", "b"] * 50}, {"KIND": ["c", "d"] * 50})
    refuse(extracts, uncounted={"KIND"})


def test_few_codes_that_are_written_otherwise_are_remarked_on():
    schema = Schema((KIND,))
    extracts = both_extracts(
        schema, {"KIND": ["a", "b"] * 500}, {"KIND": ["a", "b"] * 490 + ["A"] * 20}
    )
    refuse(extracts)
    joined_remarks = " ".join(remarks(extracts, min_cell=10))
    assert "KIND (2.0% of the customers: the same but for upper and lower case)" in joined_remarks


def test_levels_of_one_extract_that_may_be_one_are_remarked_on():
    schema = Schema((KIND,))
    rows = {"KIND": ["01", "1", "2"] * 50}
    joined_remarks = " ".join(remarks(both_extracts(schema, rows, rows)))
    assert "KIND (in the population: the same but for zeros before them)" in joined_remarks


def test_no_values_are_none_far_off():
    assert sentinels({}, 1) == []
