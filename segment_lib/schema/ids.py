"""Keys of ids: the same for one person in all spellings, 910001, 910001.0, "910001" or 00910001.

An id is carried as its owner writes it, less what other programs put around it: blanks, quotes, the
decimals of a floating-point number. Two ids are of one person if their keys are the same. Leading
zeros are no part of the key of a number, as spreadsheets and number columns lose them; they stay in
what is written on a list.
"""

import re
import unicodedata
from collections.abc import Collection
from decimal import Decimal

import numpy as np
import polars as pl
import pyarrow as pa

from segment_lib.errors import DataError

NO_ID = np.uint64(0)
"""The key of a row without an id; no id has it."""
NULL_WORDS = frozenset(
    ("", "nan", "null", "(null)", "#null!", "nil", "none", "na", "n/a", "#n/a", "#na", "<na>")
) | frozenset(("nat", "k.a.", "inf", "-inf", "+inf", "-", "--", "?", "."))
"""Words, in lower case, that programs write for a missing id."""
MAX_EXACT = 2**53
"""The largest number below which a 64-bit float holds every whole number."""

_PLAIN = r"^[A-Za-z_-]*[0-9][0-9A-Za-z_-]*$"
_DOUBLE = r"^(-?[0-9]{1,15})\.0$"
_UUID = r"(?i)^\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?$"
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060\u200e\u200f"
_QUOTED = re.compile(r"""="(.*)"|"(.*)"|'(.*)'|'(.*)""", re.DOTALL)
_WHOLE = re.compile(r"(-?\d+)([.,]0*)?", re.ASCII)
_GROUPED = re.compile(r"-?\d{1,3}[.,]000", re.ASCII)
_SCIENTIFIC = re.compile(r"-?\d(?:[.,](\d+))?[eE](\+?)(\d{1,3})", re.ASCII)


class RoundedIdError(ValueError):
    """An id that is a rounded number, so that nobody can say whose it is."""


def normalize_id(text: str, missing: Collection[str] = ()) -> str | None:
    """Normalize an id to the form in which it is kept and listed; None where there is none.

    Parameters
    ----------
    missing : words for a missing id, besides `NULL_WORDS`

    Raises
    ------
    RoundedIdError
        If it is a number from which a spreadsheet or a floating-point column took digits.

    >>> normalize_id(' "00910001" '), normalize_id("910001.0"), normalize_id("9.10001E5")
    ('00910001', '910001', '910001')
    >>> normalize_id("?") is None
    True
    """
    text = unicodedata.normalize("NFKC", text).strip(_INVISIBLE + " \t\r\n\v\f\u00a0")
    if quoted := _QUOTED.fullmatch(text):
        text = next(inner for inner in quoted.groups() if inner is not None).strip()
    if text.lower() in NULL_WORDS or text in missing:
        return None
    number = text[1:] if text[0] == "+" else text
    if (whole := _WHOLE.fullmatch(number)) and not _GROUPED.fullmatch(number):
        # At 2⁵³ itself it may have been the number after it.
        if whole[2] in (".", ",", ".0", ",0") and abs(int(whole[1][:20])) >= MAX_EXACT:
            raise RoundedIdError
        return whole[1]
    return _from_scientific(number) or text


def normalize_ids(ids: pl.Series, missing: Collection[str] = ()) -> pl.Series:
    """Normalize a column of ids as `normalize_id` does; null where there is none.

    Raises
    ------
    RoundedIdError
        If one of them was rounded.
    """
    text = ids.cast(pl.String).str.replace(_DOUBLE, "$1")
    unusual = text.filter(~text.str.contains(_PLAIN)).unique().drop_nulls().to_list()
    unusual += list(missing)
    return (
        text.replace({cell: normalize_id(cell, missing) for cell in unusual}) if unusual else text
    )


def hash_ids(ids: pl.Series, *, fold: bool = False) -> np.ndarray:
    """Hash ids to keys, shape (n_rows,), uint64; `NO_ID` where there is none.

    Parameters
    ----------
    fold : give ids that differ in upper and lower case alone the same key

    Raises
    ------
    RoundedIdError
        If one of them was rounded.
    """
    values = canonical_ids(ids)
    if fold:
        values = values.str.to_lowercase()
    hashes = values.hash(0)
    # One id in 2⁶⁴ would have the key NO_ID.
    return hashes.replace(int(NO_ID), 1).set(values.is_null(), int(NO_ID)).to_numpy()


def canonical_ids(ids: pl.Series) -> pl.Series:
    """Text that ids of the same person share, whatever their spelling; null where there is none.

    Raises
    ------
    RoundedIdError
        If one of them was rounded.
    """
    values = normalize_ids(ids).str.replace(r"^(-?)0+([0-9]+)$", "${1}${2}")
    if values.str.contains("-", literal=True).any():
        values = values.to_frame("id").select(_lower_uuid(pl.col("id"))).to_series()
    return values


def leading_zeros(ids: pl.Series) -> np.ndarray:
    """Number of leading zeros of each id that is a number, shape (n_rows,), uint64."""
    zeros = ids.str.extract(r"^-?(0+)[0-9]+$").str.len_bytes()
    return zeros.fill_null(0).cast(pl.UInt64).to_numpy()


def refuse_id_type(source: str, column: str, kind: pa.DataType) -> None:
    """Raise a DataError if values of a Parquet type cannot be ids."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    short = pa.types.is_float16(kind) or pa.types.is_float32(kind)
    if short or (
        pa.types.is_boolean(kind)
        or pa.types.is_temporal(kind)
        or pa.types.is_nested(kind)
        or pa.types.is_fixed_size_binary(kind)
        or isinstance(kind, pa.BaseExtensionType)
    ):
        lost = ", which holds whole numbers up to 16,777,216 only" if short else ""
        raise DataError(
            f"{source}, column {column}: ids of type {kind}{lost}. Write them as 64-bit whole "
            "numbers or as text."
        )


def rounded_ids_error(source: str) -> DataError:
    """The error for ids that were rounded; it says what to do."""
    return DataError(
        f"{source}: ids that were rounded: floating-point numbers from 9,007,199,254,740,992 on, "
        "or numbers that a spreadsheet wrote like 1.23457E+11. Write ids as 64-bit whole numbers "
        "or as text."
    )


def _lower_uuid(ids: pl.Expr) -> pl.Expr:
    """Ids with those that are UUIDs in lower case and without braces."""
    plain = ids.str.replace(_UUID, "$1").str.to_lowercase()
    return pl.when(ids.str.contains(_UUID)).then(plain).otherwise(ids)


def _from_scientific(number: str) -> str | None:
    """The digits of a whole number in scientific notation, such as 9.10001E5; None for other text.

    Spreadsheets and C++ keep six digits, or those of a cell's format: then the last ones are lost.
    """
    parts = _SCIENTIFIC.fullmatch(number)
    # 1E5 may be a code, such as a hexadecimal one.
    if not parts or not (parts[1] or parts[2]):
        return None
    decimals, exponent = len(parts[1] or ""), int(parts[3])
    if decimals > exponent:
        return None
    if decimals < exponent and parts[2] and ("E" in number or decimals == 5):
        raise RoundedIdError
    value = Decimal(number.replace(",", "."))
    if abs(value) >= MAX_EXACT:
        raise RoundedIdError
    return str(int(value))
