"""Ids: one key for one person in all spellings, and a refusal where digits are lost."""

from decimal import Decimal

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segment_lib.errors import DataError
from segment_lib.schema.ids import (
    RoundedIdError,
    hash_ids,
    normalize_id,
    normalize_ids,
    refuse_id_type,
)

SPELLINGS = [
    "910001", "910001.0", "910001.00", "910001,0", "910001.", " 910001 ", "\t910001\r",
    "\u00a0910001\u00a0", "\ufeff910001", "+910001", '"910001"', "'910001'", "'910001",
    '="910001"', '="00910001"', "00910001", "9.10001E5", "9.10001E+05", "9,10001e+05",
    "9.10001e+005", "\uff19\uff11\uff10\uff10\uff10\uff11",
]  # fmt: skip


def key(text: str) -> int:
    return int(hash_ids(pl.Series([text]))[0])


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spellings_of_a_number_are_one_person(spelling: str) -> None:
    assert key(spelling) == key("910001")


@pytest.mark.parametrize(
    "other", ["91000", "9100010", "-910001", "910001-1", "A910001", "910001A", "910.001", "9E10001"]
)
def test_other_ids_are_other_people(other: str) -> None:
    assert key(other) != key("910001")


@pytest.mark.parametrize(
    ("delivered", "carried"),
    [("00123", "00123"), ("00123.0", "00123"), (" A-17 ", "A-17"), ("1E5", "1E5"), ("a.b", "a.b"),
     ("910.000", "910.000"), ("-5.0", "-5"), ("1e+05", "100000"), ("0", "0")],
)  # fmt: skip
def test_an_id_is_carried_as_its_owner_writes_it(delivered: str, carried: str) -> None:
    assert normalize_id(delivered) == carried


@pytest.mark.parametrize(
    "word", ["", "  ", "NaN", "nan", "NULL", "None", "#N/A", "<NA>", "-", "inf"]
)
def test_words_for_nothing_are_no_id(word: str) -> None:
    assert normalize_id(word) is None
    assert key(word) == 0


def test_words_that_the_config_lists_are_no_id() -> None:
    ids = pl.Series(["99999", "5", None, "99999.0", "x"])
    assert normalize_ids(ids, ("99999", "x")).to_list() == [None, "5", None, None, None]


@pytest.mark.parametrize(
    "text",
    ["9007199254740992.0", "9007199254740994.0", "1e+16", "1.0E17", "1.23457E+11", "1.23E+11",
     "1.23457e+011", "1,23457E+11"],
)  # fmt: skip
def test_a_number_that_was_rounded_is_nobodys(text: str) -> None:
    with pytest.raises(RoundedIdError):
        normalize_id(text)
    with pytest.raises(RoundedIdError):
        hash_ids(pl.Series(["1", text]))


def test_the_largest_exact_double_and_64_bit_numbers_are_read() -> None:
    assert normalize_id("9007199254740991.0") == "9007199254740991"
    assert normalize_id("18446744073709551615") == "18446744073709551615"
    assert normalize_id("18446744073709551615.00") == "18446744073709551615"


def test_uuids_are_compared_without_case_and_other_text_with_it() -> None:
    upper = "6F9619FF-8B86-D011-B42D-00C04FC964FF"
    assert key(upper) == key(upper.lower()) == key(f"{{{upper}}}")
    assert key("A-17") != key("a-17")
    folded = hash_ids(pl.Series(["A-17", "a-17"]), fold=True)
    assert folded[0] == folded[1] != 0


@given(number=st.integers(0, 2**53 - 1), zeros=st.integers(0, 5))
def test_any_number_of_any_width_has_one_key(number: int, zeros: int) -> None:
    texts = [
        str(number),
        f"{number}.0",
        "0" * zeros + str(number),
        str(Decimal(number) * 100 / 100),
    ]
    columns = [
        pl.Series([number]),
        pl.Series([float(number)]),
        pl.Series([number], dtype=pl.UInt64),
    ]
    keys = {key(text) for text in texts} | {int(hash_ids(normalize_ids(c))[0]) for c in columns}
    assert len(keys) == 1


@given(st.lists(st.text(max_size=12), max_size=20))
def test_a_column_is_written_as_its_cells_are(texts: list[str]) -> None:
    try:
        expected = [normalize_id(text) for text in texts]
    except RoundedIdError:
        with pytest.raises(RoundedIdError):
            normalize_ids(pl.Series(texts, dtype=pl.String))
    else:
        assert normalize_ids(pl.Series(texts, dtype=pl.String)).to_list() == expected


@pytest.mark.parametrize(
    "kind",
    [pa.float32(), pa.float16(), pa.bool_(), pa.date32(), pa.timestamp("us"), pa.duration("s"),
     pa.list_(pa.int64()), pa.struct([("a", pa.int64())]), pa.binary(16), pa.uuid(),
     pa.dictionary(pa.int8(), pa.float32())],
)  # fmt: skip
def test_types_that_hold_no_ids_are_refused_by_name(kind: pa.DataType) -> None:
    with pytest.raises(DataError, match=r"f\.parquet, column LNR: ids of type .* as text"):
        refuse_id_type("f.parquet", "LNR", kind)


@pytest.mark.parametrize(
    "kind",
    [pa.int8(), pa.uint64(), pa.float64(), pa.string(), pa.large_string(), pa.string_view(),
     pa.decimal128(20, 0), pa.binary(), pa.dictionary(pa.int32(), pa.string()), pa.null()],
)  # fmt: skip
def test_types_that_hold_ids_are_read(kind: pa.DataType) -> None:
    refuse_id_type("f.parquet", "LNR", kind)
