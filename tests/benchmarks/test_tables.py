"""Tables as the job takes them: customers by an outcome that is left out, columns by type."""

import polars as pl

from benchmarks.tables import CHOOSING, CONFIRMING, TABLES, Source
from benchmarks.trials import Table

ROWS = pl.DataFrame(
    {
        "rownames": [1, 2, 3, 4],
        "trade": ["a", "b", None, "a"],
        "school": ["high", "low", "other", "middle"],
        "age": [20, 30, 40, None],
        "bought": ["yes", None, "no", "yes"],
    }
)
SOURCE = Source(
    "package", "item", pl.col("bought") == "yes",
    {"trade": "categorical", "school": ("low", "middle", "high")},
    rest="numeric", left_out=("bought",),
)  # fmt: skip


def test_customers_are_those_with_the_outcome_which_is_no_attribute() -> None:
    table = SOURCE.as_table(ROWS)
    assert table.population.height == 4
    assert table.customers["age"].to_list() == ["20", None]
    assert set(table.population.columns) == {"trade", "school", "age"}


def test_levels_of_an_ordinal_column_are_numbered_and_others_are_missing() -> None:
    assert SOURCE.as_table(ROWS).population["school"].to_list() == ["3", "1", None, "2"]


def test_the_feature_summary_has_the_type_of_each_column() -> None:
    lines = SOURCE.as_table(ROWS).feature_summary.splitlines()
    assert set(lines[1:]) == {
        "trade;person;categorical;[]",
        "school;person;ordinal;[]",
        "age;person;numeric;[]",
    }


def test_a_setting_is_chosen_on_some_tables_and_confirmed_on_the_others() -> None:
    assert sorted([*CHOOSING, *CONFIRMING]) == sorted(TABLES)


def test_halves_share_no_row_and_make_the_whole() -> None:
    rows = pl.DataFrame({"x": [str(i) for i in range(1_000)]})
    table = Table(rows, rows.head(100), "summary")
    halves = [table.half(3, first=first) for first in (True, False)]
    assert pl.concat([half.population for half in halves])["x"].sort().equals(rows["x"].sort())
    assert sum(half.customers.height for half in halves) == 100
    assert all(450 < half.population.height < 550 for half in halves)
