"""Completeness of the extracts: decided on the population, from counts alone."""

import os
from pathlib import Path

import polars as pl
import pytest

from segment_lib.clean import Assessment, Tally, count_extract, count_missing, known, tally_part
from segment_lib.clean.completeness import as_code, expected_levels
from segment_lib.clean.tally import Values
from segment_lib.schema import Attribute, Schema, read_feature_summary
from segment_lib.sources import TextFormat, open_extract
from segment_lib.sources.column_mapping import ColumnMapping

AGE = Attribute("AGE", "person", "ordinal", ("-1",))
KIND = Attribute("KIND", "household", "categorical", ("X",))
SCHEMA = Schema((AGE, KIND))
TYPES = {"AGE": pl.Float32, "KIND": pl.String}


def held(*rows: tuple) -> Tally:
    return tally_part(pl.DataFrame(list(rows), TYPES, orient="row"), SCHEMA)


def assess(population, customers=None, dictionary=None, max_missing_share: float = 0.3) -> dict:
    tallies = {"population": population, "customers": customers or population}
    table = Assessment(SCHEMA, tallies, dictionary or {}).attributes(max_missing_share)
    return {row["attribute"]: row for row in table.iter_rows(named=True)}


# Four rows, one of them lacking AGE by a code and one KIND by an empty cell.
PEOPLE = held((1, "a"), (2, "b"), (-1, "a"), (3, None))


def test_missing_codes_and_empty_cells_are_missing():
    assert {name: row["missing"] for name, row in assess(PEOPLE).items()} == {"AGE": 1, "KIND": 1}


def test_what_was_empty_before_the_codes_is_told_too():
    missing_before = {name: row["missing_before"] for name, row in assess(PEOPLE).items()}
    assert missing_before == {"AGE": 0, "KIND": 1}


def test_the_share_is_of_the_rows():
    assert assess(PEOPLE)["AGE"]["missing_share"] == 0.25


def test_levels_are_counted_without_missing_codes():
    assert {name: row["n_levels"] for name, row in assess(PEOPLE).items()} == {"AGE": 3, "KIND": 2}


@pytest.mark.parametrize(("most", "kept"), [(0.24, False), (0.25, True), (0.26, True), (1.0, True)])
def test_an_attribute_missing_in_exactly_the_share_is_kept(most, kept):
    assert assess(PEOPLE, max_missing_share=most)["AGE"]["kept"] is kept


def test_the_reason_tells_share_and_limit():
    row = assess(PEOPLE, max_missing_share=0.2)["AGE"]
    assert row["reason"] == "missing in 25.0% of the population, more than 20%"


def test_an_attribute_with_one_value_is_dropped():
    row = assess(held((1, "a"), (1, "b")))["AGE"]
    assert (row["kept"], row["reason"]) == (False, "the same value in every row")


def test_what_is_kept_is_decided_on_the_population_alone():
    gaps = held((None, None), (None, None), (1, "a"))
    assert all(row["kept"] for row in assess(PEOPLE, customers=gaps).values())


def test_what_customers_lack_is_told():
    gaps = held((None, "a"), (None, "a"), (1, "a"))
    row = assess(PEOPLE, customers=gaps)["AGE"]
    assert (row["customers_missing"], row["customers_missing_share"]) == (
        2,
        pytest.approx(2 / 3),
    )


def test_codes_the_dictionary_lacks_are_counted():
    rows = assess(PEOPLE, dictionary={"AGE": ("1", "2"), "KIND": ("a", "b")})
    assert (rows["AGE"]["unseen_levels"], rows["AGE"]["unseen_rows"]) == (1, 1)
    assert rows["KIND"]["unseen_levels"] == 0


def test_levels_of_customers_that_the_population_lacks_are_counted():
    row = assess(PEOPLE, customers=held((1, "c"), (1, "c"), (1, "a")))["KIND"]
    assert (row["customers_unseen_levels"], row["customers_unseen_rows"]) == (1, 2)


def test_any_value_of_a_plain_number_is_expected():
    row = assess(PEOPLE, customers=held((99, "a"), (98, "b")))["AGE"]
    assert row["customers_unseen_levels"] == 0


def test_attributes_stand_in_the_order_of_the_feature_summary():
    assert list(assess(PEOPLE)) == ["AGE", "KIND"]


@pytest.mark.parametrize(
    ("value", "spelled"),
    [(8.0, "8"), (-1.0, "-1"), (8.5, "8.5"), (0.0, "0"), ("8", "8"), ("W", "W")],
)
def test_a_value_is_spelled_as_its_code(value, spelled):
    assert as_code(value) == spelled


@pytest.mark.parametrize(
    ("attribute", "values", "dictionary", "expected"),
    [
        (AGE, Values({1.0: 1}), {}, None),
        (AGE, Values({1.0: 1}), {"AGE": ("1", "2")}, ("1", "2")),
        (KIND, Values({"a": 1, "b": 1}), {}, ("a", "b")),
        (KIND, Values({"a": 1}), {"KIND": ("a", "z")}, ("a", "z")),
        (KIND, Values({"a": 1}), {"KIND": ()}, ("a",)),
    ],
)
def test_levels_are_the_dictionarys_else_those_of_the_population(
    attribute, values, dictionary, expected
):
    assert expected_levels(attribute, values, dictionary) == expected


def test_parts_add_up():
    rows = pl.DataFrame([(1, "a"), (2, "b"), (-1, "a"), (3, None)], TYPES, orient="row")
    parts = [
        tally_part(rows[:1], SCHEMA),
        tally_part(rows[1:3], SCHEMA),
        tally_part(rows[3:], SCHEMA),
    ]
    assert sum(parts[1:], start=parts[0]) == PEOPLE


@pytest.fixture(scope="module")
def census() -> tuple[Schema, pl.DataFrame]:
    if "REAL_DATA" not in os.environ:
        pytest.skip("REAL_DATA is not set: the real census rows are not at hand")
    folder = Path(os.environ["REAL_DATA"]) / "adult"
    schema = read_feature_summary(folder / "adult_feature_summary.csv")
    extract = open_extract(
        "population",
        [folder / "adult_population.csv"],
        schema,
        form=TextFormat(),
        rows_per_part=5000,
    )
    return schema, pl.concat(ColumnMapping(schema).read(piece).rows for piece in extract.pieces)


def test_the_gaps_of_the_real_census_are_the_published_ones(census):
    schema, rows = census
    counts = count_extract(tally_part(rows, schema), schema)
    # Becker and Kohavi (1996): 1,836 unknown work classes, 1,843 occupations, 583 countries.
    gaps = {name: n for name, n in counts.missing.items() if n}
    assert gaps == {"workclass": 1836, "occupation": 1843, "native_country": 583}


def test_the_complete_rows_of_the_real_census_are_the_published_ones(census):
    schema, rows = census
    codes_as_null = rows.select(known(attribute) for attribute in schema)
    complete = codes_as_null.filter(count_missing(schema.names) == 0)
    assert (rows.height, complete.height) == (32_561, 30_162)
