"""Dates as the feature summary's types `date` and `us date` read them: text to years and back."""

import re
from calendar import isleap
from datetime import date, timedelta

import polars as pl

FORMS = "dd.mm.yyyy, dd/mm/yyyy (or, of type us date, mm/dd/yyyy), yyyy-mm-dd, yyyymmdd or yyyy"
"""The forms that are read; a time of day after a date is passed over."""
DATE = re.compile(
    r"(\d{1,2}[./]\d{1,2}[./]\d{4}|\d{4}-\d{1,2}-\d{1,2})([ T].*)?"
    r"|(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"
)
"""A cell of one of these forms; a year alone may be a number as well."""
SLASHED = re.compile(r"^((\d{1,2})/(\d{1,2})/\d{4})(?:[ T].*)?$")
"""A date of which the first number is the day, or the month."""
_FORMATS = {
    r"^(\d{1,2}\.\d{1,2}\.\d{4})(?:[ T].*)?$": "%d.%m.%Y",
    r"^(\d{4}-\d{1,2}-\d{1,2})(?:[ T].*)?$": "%Y-%m-%d",
    r"^(\d{8})$": "%Y%m%d",
}


def decimal_year(cell: pl.Expr, *, month_first: bool) -> pl.Expr:
    """The date of cells of text as a year with its fraction; null for what is no date.

    The first day of 2024 is 2024.0, its last is 365/366 later: days have the same length within a
    year, and the order of dates is kept.

    Parameters
    ----------
    month_first : whether the first number of a date with slashes is the month
    """
    slashed = "%m/%d/%Y" if month_first else "%d/%m/%Y"
    day = pl.coalesce(
        cell.str.extract(pattern).str.to_date(form, strict=False)
        for pattern, form in (*_FORMATS.items(), (SLASHED.pattern, slashed))
    )
    fraction = (day.dt.ordinal_day() - 1) / (365 + day.dt.is_leap_year().cast(pl.Int16))
    year = cell.str.extract(r"^(\d{4})$").cast(pl.Float64)
    return (day.dt.year() + fraction).fill_null(year)


def year_of(day: date) -> float:
    """A day as `decimal_year` gives it.

    >>> year_of(date(2024, 7, 1))
    2024.4972677595629
    """
    days = day.timetuple().tm_yday - 1
    return day.year + days / (366 if isleap(day.year) else 365)


def day_of(year: float) -> date:
    """The day that `year_of` gives the year of.

    >>> day_of(2024.4972677595629)
    datetime.date(2024, 7, 1)
    """
    whole = int(year)
    days = round((year - whole) * (366 if isleap(whole) else 365))
    return date(whole, 1, 1) + timedelta(days)
