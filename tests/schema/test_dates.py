"""Dates of text as years, against the standard library."""

from datetime import date, datetime, timedelta

import polars as pl
import pytest

from segment_lib.schema.dates import DATE, day_of, decimal_year, year_of

DAYS = [date(1899, 12, 31) + timedelta(days) for days in range(0, 50_000, 37)]


def years(*cells: str | None, month_first: bool = False) -> list[float | None]:
    return (
        pl.Series("day", cells, dtype=pl.String)
        .to_frame()
        .select(decimal_year(pl.col("day"), month_first=month_first))["day"]
        .to_list()
    )


FORMS = ["%d.%m.%Y", "%Y-%m-%d", "%Y%m%d", "%Y-%m-%d 12:30"]


@pytest.mark.parametrize(
    ("form", "month_first"),
    [*((form, first) for form in FORMS for first in (False, True)), ("%d/%m/%Y", False),
     ("%m/%d/%Y", True), ("%m/%d/%Y 12:30", True)],
)  # fmt: skip
def test_every_form_is_read_as_the_standard_library_reads_it(form: str, month_first: bool) -> None:
    expected = [
        day.year
        + (day - date(day.year, 1, 1)).days / (date(day.year + 1, 1, 1) - date(day.year, 1, 1)).days
        for day in DAYS
    ]
    cells = [datetime.combine(day, datetime.min.time()).strftime(form) for day in DAYS]
    assert years(*cells, month_first=month_first) == expected
    assert [year_of(day) for day in DAYS] == expected


def test_a_day_comes_back_from_its_year() -> None:
    assert [day_of(year_of(day)) for day in DAYS] == DAYS


def test_digits_may_be_single_and_a_year_may_stand_alone() -> None:
    assert years("1.7.2024", "01.07.2024", "1974", None) == [
        year_of(date(2024, 7, 1)), year_of(date(2024, 7, 1)), 1974.0, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "cell", ["31.02.2024", "07/13/2024", "1.7.24", "unknown", "2024-13-01", "17"]
)
def test_what_is_no_date_is_null(cell: str) -> None:
    assert years(cell) == [None]


@pytest.mark.parametrize("cell", ["1.7.2024", "2024-07-01 10:00", "19740102"])
def test_a_draft_takes_these_for_dates(cell: str) -> None:
    assert DATE.fullmatch(cell)
