"""Suppress columns: understood if unambiguous, else refused; suspected ones are remarked on."""

import polars as pl
import pytest

from segment_lib.schema.suppress_column import (
    distinct_words,
    is_consent_name,
    is_suppress_name,
    is_suppressed,
    is_unambiguous,
    suspected_columns,
    suspected_remarks,
)


@pytest.mark.parametrize(
    ("cells", "suppressed"),
    [
        (["X", None, "x", ""], [True, False, True, False]),
        (["J", "N", None], [True, False, False]),
        (["ja", "nein", "Ja "], [True, False, True]),
        (["Y", "N"], [True, False]),
        (["true", "false"], [True, False]),
        (["1", "0"], [True, False]),
        (["1.0", "0.0", None], [True, False, False]),
        (["gesperrt", None], [True, False]),
        (["gesperrt", "nein"], [True, False]),
        (["NaN", "X", "NULL"], [False, True, False]),
        ([None, None], [False, False]),
    ],
)
def test_what_leaves_no_doubt_is_understood(
    cells: list[str | None], suppressed: list[bool]
) -> None:
    column = pl.Series(cells, dtype=pl.String)
    assert is_unambiguous(distinct_words(column))
    assert is_suppressed(column).to_list() == suppressed


@pytest.mark.parametrize(
    "cells",
    [["1", "2"], ["A", "B"], ["A", "B", None], ["X", "R", None], ["A", "A"], ["2019-01-05", "2020"],
     ["0", "1", "2"], [str(i) for i in range(50)]],
)  # fmt: skip
def test_what_leaves_doubt_is_not(cells: list[str | None]) -> None:
    assert not is_unambiguous(distinct_words(pl.Series(cells, dtype=pl.String)))


def test_numbers_and_missing_codes_of_an_attribute_are_understood() -> None:
    column = pl.Series([1.0, 0.0, 9.0, None, float("nan")])
    assert is_unambiguous(distinct_words(column, ("9",)))
    assert is_suppressed(column, ("9",)).to_list() == [True, False, False, False, False]


@pytest.mark.parametrize(
    "name",
    ["WERBESPERRE", "Sperrkennzeichen", "ROBINSON", "optout", "OPT_OUT_MAIL", "no_mail", "NoEmail",
     "NIXIE_KZ", "do_not_contact", "Werbewiderspruch", "unsubscribed"],
)  # fmt: skip
def test_names_that_forbid_mail_are_known(name: str) -> None:
    assert is_suppress_name(name)
    assert not is_consent_name(name)


@pytest.mark.parametrize("name", ["ANREDE_KZ", "CAMEO_DEU_2015", "ONLINE_AFFINITAET", "NOTE"])
def test_other_names_are_not(name: str) -> None:
    assert not is_suppress_name(name)


def test_a_name_that_allows_mail_is_known() -> None:
    assert is_consent_name("OPT_IN")
    assert is_consent_name("EINWILLIGUNG")


def test_attributes_that_look_like_a_mark_are_suspects_unless_named() -> None:
    attributes = pl.DataFrame(
        {
            "attribute": ["AGE", "MARK", "ROBINSON", "WERBESPERRE", "RARE", "NIXIE_TEXT"],
            "n_levels": [80, 1, 2, 2, 1, 4000],
            "missing_share": [0.0, 0.97, 0.0, 0.0, 0.5, 0.0],
        }
    )
    assert suspected_columns(attributes, "WERBESPERRE") == ["MARK", "ROBINSON"]
    (remark,) = suspected_remarks(suspected_columns(attributes, "WERBESPERRE"))
    assert str(remark).startswith("MARK, ROBINSON: may say who must not be mailed")
    assert suspected_remarks([]) == []
