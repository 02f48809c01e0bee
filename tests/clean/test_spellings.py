"""Codes that differ from levels: the cause is described without quoting a cell."""

import pytest

from segment_lib.clean.spellings import (
    are_null_words,
    describe_difference,
    describe_duplicates,
    describe_likeness,
    missing_setting,
)

DIFFERENCES = {
    "zeros before them": [("1 2 3", "01 02"), ("01 02", "1")],
    "upper and lower case": [("north south", "North SOUTH"), ("J N", "j n")],
    "blanks": [("a_b", "a\u200b_b")],
    "quotes": [("1 2", "'1' '2'")],
    "umlauts or accents": [("Köln", "Koeln"), ("Straße", "Strasse"), ("café", "cafe")],
    "another encoding": [("Köln Münster", "KÃ¶ln MÃ¼nster")],
    "numbers, written otherwise": [("1.5 2.5", "1,5 2,50"), ("10", "1e1")],
    "a spreadsheet made dates": [
        ("1-4 5-24", "04._Jan May_24"),
        ("5.1.", "Jan_05"),
        ("1-2", "02._Jan"),
        ("1-2", "2024-01-02_00:00:00"),
        ("1-2", "02.01.2024"),
        ("5-24", "45436"),
        ("10-19", "Okt_19"),
        ("3/4", "4._Mrz 4-Mar"),
    ],
    "punctuation": [("A-1 B-2", "A1 B2")],
    "t/f for true/false": [("true false", "t f")],
    "j/n for true/false": [("true false", "J N")],
    "1/0 for yes/no": [("yes no", "1 0")],
    "j/n for ja/nein": [("Ja Nein", "J N")],
}
CASES = [(words, *case) for words, cases in DIFFERENCES.items() for case in cases]


def codes_of(text: str) -> list[str]:
    return [code.replace("_", " ") for code in text.split()]


@pytest.mark.parametrize(("words", "levels", "strange"), CASES)
def test_the_cause_is_told(words, levels, strange):
    rows = dict.fromkeys(codes_of(strange), 10)
    assert words in str(describe_difference(codes_of(levels), rows))


@pytest.mark.parametrize(
    ("levels", "strange"),
    [("a b", "x y"), ("1 2", "-1"), ("1.5", "15"), ("1 2", "J N"), ("a", ""), ("1-2", "May")],
)
def test_no_cause_is_told_where_there_is_none(levels, strange):
    assert describe_difference(codes_of(levels), dict.fromkeys(codes_of(strange), 10)) is None


def test_a_cause_must_explain_nearly_all_rows():
    assert describe_difference(["north"], {"North": 80, "x": 20}) is None
    assert describe_difference(["north"], {"North": 95, "x": 5}) is not None


def test_a_missing_code_is_told_apart_from_the_level_it_may_mean():
    assert (
        str(describe_likeness("Unknown", ["a", "unknown"]))
        == "the same but for upper and lower case"
    )
    assert describe_likeness("-1", ["1", "2"]) is None


def test_codes_that_nearly_all_are_words_for_nothing_are_known():
    assert are_null_words({"NULL": 90, "#N/A": 5, "x": 5})
    assert not are_null_words({"NULL": 50, "x": 50})
    assert not are_null_words({})


def test_levels_of_one_column_that_may_be_one_are_told():
    assert str(describe_duplicates(["01", "1", "2"])) == "the same but for zeros before them"
    assert describe_duplicates(["a", "b", "1-2", "2-1", "50+", "50-"]) is None


def test_words_are_declared_as_toml_reads_them():
    assert missing_setting(["\\N", "x", "NA"]) == 'inputs.missing = ["NA", "\\\\N"]'
