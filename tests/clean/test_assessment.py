"""Both extracts assessed from their tallies, and beside the base."""

import polars as pl

from segment_lib.clean import Assessment, as_in_base, tally_part
from segment_lib.schema import Attribute, Schema

SCHEMA = Schema(
    (
        Attribute("AGE", "person", "ordinal", ("-1",)),
        Attribute("KIND", "person", "categorical", ("X",)),
    )
)
POPULATION = pl.DataFrame({"AGE": [1.0, 2.0, -1.0, None], "KIND": ["a", "b", "X", "b"]})
CUSTOMERS = pl.DataFrame({"AGE": [1.0, 9.0], "KIND": ["a", None]})
DELIVERY = Assessment(
    SCHEMA,
    {
        "population": tally_part(POPULATION, SCHEMA),
        "customers": tally_part(CUSTOMERS, SCHEMA),
    },
    {"AGE": ("1", "2", "3")},
)


def test_levels_are_those_of_the_dictionary_or_of_the_population() -> None:
    assert DELIVERY.rows == 6
    assert DELIVERY.levels == {"AGE": ("1", "2", "3"), "KIND": ("a", "b")}
    assert DELIVERY.counts == {"AGE": {"1": 1, "2": 1}, "KIND": {"a": 1, "b": 2}}


def test_rows_are_counted_by_how_many_kept_attributes_they_lack() -> None:
    rows = [("population", 0, 2), ("population", 1, 1), ("population", 2, 1)]
    rows += [("customers", 0, 1), ("customers", 1, 1)]
    assert DELIVERY.missing_rows({"AGE", "KIND"}).rows() == rows


def test_what_is_kept_is_as_in_the_base_but_for_what_is_absent_or_new() -> None:
    now = pl.DataFrame(
        {
            "attribute": ["KEPT", "DROPPED", "ABSENT", "NEW"],
            "kept": [False, True, True, True],
            "reason": ["sparse", None, None, None],
        }
    )
    base = pl.DataFrame(
        {
            "attribute": ["DROPPED", "KEPT", "ABSENT"],
            "kept": [False, True, True],
            "reason": ["sparse", None, None],
        }
    )
    assert as_in_base(now, base, ["ABSENT"]).rows() == [
        ("KEPT", True, None),
        ("DROPPED", False, "sparse"),
        ("ABSENT", False, "not delivered"),
        ("NEW", False, "new since the base"),
    ]
