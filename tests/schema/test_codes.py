"""Codes: canonical spelling, lists in all usual forms, words for a missing value."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segment_lib.errors import DataError
from segment_lib.schema import canonical, is_null_word, is_number, read_feature_summary
from segment_lib.schema.codes import read_codes
from tests.kinds import KINDS, documented

NINE = tuple(str(code) for code in range(-9, 0))
LISTS: dict[str, tuple[str, tuple[str, ...] | str]] = {
    # Kind: type of the attribute, and the codes that are read or what the refusal says.
    "`[-1,0]`": ("ordinal", ("-1", "0")),
    "`[ -1 , 0.0 ]`": ("ordinal", ("-1", "0")),
    "`[-1;0]`": ("numeric", ("-1", "0")),
    '`["X"]`': ("categorical", ("X",)),
    "`['X','XX']`": ("categorical", ("X", "XX")),
    '`["a,b"]`': ("categorical", ("a,b",)),
    "`[„X“]`": ("mixed", ("X",)),
    "`{-1,0}`": ("ordinal", ("-1", "0")),
    "`(-1, 0)`": ("ordinal", ("-1", "0")),
    "`c(-1, 0)`": ("ordinal", ("-1", "0")),
    "`-1`": ("numeric", ("-1",)),
    "`-1,0`": ("numeric", "no list in brackets|5 cells, expected 4"),
    "`[]`": ("categorical", ()),
    "an empty cell": ("categorical", ()),
    "`['']`": ("categorical", ()),
    "`[nan]`": ("categorical", ("nan",)),
    "`[.]`": ("numeric", (".",)),
    "`NaN`": ("numeric", ("NaN",)),
    "`[–1]`": ("numeric", ("-1",)),
    "`[-1,-1.0]`": ("numeric", ("-1",)),
    "`[-9..-1]`": ("categorical", NINE),
    "`[-9:-1]` of numbers": ("numeric", NINE),
    "`[-9 to -1]`": ("ordinal", NINE),
    "`[9-11]` of numbers": ("interval", ("9", "10", "11")),
    "`[9-11]` of levels": ("categorical", "may be a range or a code"),
    "`['9-11']`": ("categorical", ("9-11",)),
    "`[-9-1]`": ("numeric", "may be a range or a code"),
    "`[1..5000]`": ("numeric", "more than 1,000 codes"),
    "`[<0]`, `[>=97]`, `[97+]`": ("numeric", "list the codes one by one"),
    "`[-1 0]`": ("numeric", "separate codes by commas"),
    "`{-1: 'unknown'}`": ("categorical", "write codes alone"),
    "`['X]`": ("categorical", "opened and not closed"),
    "`[-1`": ("ordinal", "no list in brackets"),
}


def cells_of(kind: str) -> list[str]:
    return kind.split("`")[1::2] or [""]


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("kind", LISTS)
def test_a_list_of_missing_codes_is_read_as_meant_or_refused(
    kind: str, separator: str, tmp_path: Path
) -> None:
    of_type, expected = LISTS[kind]
    header = ["attribute", "information_level", "type", "missing_or_unknown"]
    for cell in cells_of(kind):
        path = tmp_path / "summary.csv"
        rows = [header, ["KIND", "person", of_type, cell]]
        path.write_text("".join(separator.join(row) + "\n" for row in rows))
        if isinstance(expected, tuple):
            (attribute,) = read_feature_summary(path)
            assert attribute.missing == expected
        else:
            with pytest.raises(DataError, match=expected) as refused:
                read_feature_summary(path)
            assert "line 2" in str(refused.value)
    if separator == ";":
        KINDS.note("Lists of missing codes", "right" if isinstance(expected, tuple) else "refused")


def test_the_documented_lists_are_those_tried() -> None:
    assert documented("Lists of missing codes") == list(LISTS)


@pytest.mark.parametrize(
    ("text", "numbers", "codes"),
    [
        ("[don't know]", False, ("don't know",)),
        ("[(null)]", False, ("(null)",)),
        ("(null)", False, ("(null)",)),
        ("[...]", False, ("...",)),
        ("[keine Angabe]", False, ("keine Angabe",)),
        ("[TRUE]", False, ("true",)),
        ("[-1,]", True, ("-1",)),
        ("[-1 bis -3]", True, ("-3", "-2", "-1")),
        ("[−9…−8]", True, ("-9", "-8")),
        ("[-9--8]", True, ("-9", "-8")),
        ("[1900-01-01]", False, ("1900-01-01",)),
    ],
)
def test_words_and_ranges_are_told_apart(text, numbers, codes):
    assert read_codes(text, numbers=numbers) == codes


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("[01..05]", True),
        ("[12:30]", False),
        ("[-9..]", False),
        ("[..0]", True),
        ("[99.999.998]", True),
        ("[-1/0]", True),
        ("[-1=unknown]", False),
        ("['-1' '0']", False),
        ("[[-1]]", True),
        ("(0,18]", True),
        ("[1.5..2.5]", False),
    ],
)
def test_what_may_mean_something_else_is_refused(text, numbers):
    with pytest.raises(ValueError, match=r"write|list|separate|range"):
        read_codes(text, numbers=numbers)


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\"'`´„“”‘’‚", codec="utf-8"), min_size=1),
        max_size=6,
    ),
    st.sampled_from(["[]", "()", "{}"]),
    st.sampled_from([",", ", ", ";", " ; "]),
    st.booleans(),
)
def test_any_quoted_codes_are_read_back(codes, brackets, separator, numbers):
    text = separator.join(f'"{code}"' for code in codes).join(brackets)
    expected = dict.fromkeys(canonical(code) for code in codes if code.strip())
    if not is_null_word(text):
        assert read_codes(text, numbers=numbers) == tuple(filter(None, expected))


@given(st.text(max_size=30), st.booleans())
def test_no_text_ends_in_another_error(text, numbers):
    with suppress(ValueError):
        assert all(canonical(code) == code for code in read_codes(text, numbers=numbers))


@pytest.mark.parametrize(
    ("code", "spelled"),
    [("True", "true"), ("FALSE", "false"), ("T", "T"), ("Ko\u0308ln", "Köln"), ("TRUER", "TRUER")],
)
def test_truth_and_accents_have_one_spelling(code, spelled):
    assert canonical(code) == spelled


@pytest.mark.parametrize("code", ["-1", "+0.5", "1e5", ".5", "99999998"])
def test_numbers_are_numbers(code):
    assert is_number(code)


@pytest.mark.parametrize("code", ["", "X", "nan", "inf", "1_000", "1,5", "1e999", "٣x"])
def test_other_codes_are_no_numbers(code):
    assert not is_number(code)


@pytest.mark.parametrize("word", ["NA", "null", "#N/A", " - ", "k.A.", "\\N", "<NA>", "#NV", "NaN"])
def test_words_for_nothing_are_known(word):
    assert is_null_word(word)


@pytest.mark.parametrize("word", ["", "unknown", "unbekannt", "0", "X", "no", "Namibia", "-1"])
def test_words_that_may_mean_something_are_none(word):
    assert not is_null_word(word)
