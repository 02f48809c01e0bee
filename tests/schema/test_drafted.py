"""The drafted feature summary: read back as it was written."""

from pathlib import Path

import pytest

from segment_lib.schema import read_feature_summary
from segment_lib.schema.drafted import format_codes, write_summary

CODES = [(), ("-1", "0"), ("k.A.",), ("weiß nicht", "99"), ("it's",), ("a,b",), ("1-2",), ("?",)]


@pytest.mark.parametrize("codes", CODES)
def test_missing_codes_are_read_back(tmp_path: Path, codes: tuple[str, ...]) -> None:
    path = tmp_path / "summary.csv"
    line = (
        "Größe; breit",
        "",
        "categorical",
        format_codes(codes),
        "3",
        "few",
        "mostly a",
        "why; so",
    )
    path.write_bytes(write_summary([line]))
    (attribute,) = read_feature_summary(path)
    assert (attribute.name, attribute.missing) == ("Größe; breit", codes)


def test_columns_that_are_no_attributes_are_listed_in_their_place(tmp_path: Path) -> None:
    path = tmp_path / "summary.csv"
    kinds = ["id", "numeric", "text", "date", "postcode", "left out", "ordinal"]
    lines = [(f"c{i}", "", kind, "[]", "", "", "", "") for i, kind in enumerate(kinds)]
    path.write_bytes(write_summary(lines))
    schema = read_feature_summary(path)
    assert schema.names == ("c1", "c3", "c4", "c6")
    assert schema.listed == tuple(f"c{i}" for i in range(7))


def test_it_opens_in_excel_with_umlauts() -> None:
    assert write_summary([]).startswith(b"\xef\xbb\xbfattribute;information_level;type;")
