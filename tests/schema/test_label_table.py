"""Labels of codes as a table, read as people write them."""

from pathlib import Path

import pytest

from segment_lib.errors import DataError
from segment_lib.schema import Attribute, LabelTable, Meaning, Schema, read_labels

SCHEMA = Schema(
    (
        Attribute("region", "", "categorical", ("9",)),
        Attribute("mood", "", "ordinal", ()),
        Attribute("age", "", "numeric", ()),
    )
)
TABLE = """column,code,label
mood,10,very high
mood,2.0,low
region,n,"north, with the sea"
region,s,south
region,9,not stated
region,,nobody
age,18,adult
shoe,41,large
"""


def read(tmp_path: Path, text: str, encoding: str = "utf-8") -> LabelTable:
    (tmp_path / "labels.csv").write_text(text, encoding)
    return read_labels(tmp_path / "labels.csv", SCHEMA)


def test_a_code_has_its_label_and_numbers_their_order(tmp_path: Path) -> None:
    table = read(tmp_path, TABLE)
    assert {name: list(codes.items()) for name, codes in table.labels.items()} == {
        "mood": [("2", "low"), ("10", "very high")],
        "region": [("n", "north, with the sea"), ("s", "south")],
    }
    assert table.not_used == ("age", "shoe")
    assert table.meanings({})["mood"].direction is None
    assert not table.meanings({})["mood"].complete


@pytest.mark.parametrize("separator", [";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_any_usual_form_of_table_is_read(tmp_path: Path, separator: str, encoding: str) -> None:
    rows = ("Label", "Code", "Column", "note"), ("5 Zoll, \u00fcber", "x", "region", "")
    table = read(tmp_path, "\r\n".join(map(separator.join, rows)), encoding)
    assert table.labels == {"region": {"x": "5 Zoll, \u00fcber"}}


def test_labels_stand_over_those_of_a_dictionary(tmp_path: Path) -> None:
    others = {"mood": Meaning("How they feel", {"1": "bad", "2": "so so"}), "x": Meaning("other")}
    meanings = read(tmp_path, TABLE).meanings(others)
    assert meanings["mood"] == Meaning(
        "How they feel", {"1": "bad", "2": "low", "10": "very high"}, complete=True
    )
    assert meanings["x"] == others["x"]


def test_codes_that_no_row_holds_are_counted(tmp_path: Path) -> None:
    table = read(tmp_path, TABLE)
    remarks = table.remarks({"mood": {"1", "2"}, "region": {"n"}})
    assert list(map(str, remarks)) == [
        "labels of columns that are no codes are not used: age, shoe",
        "2 codes have labels and are in no row: mood, region",
    ]
    assert table.remarks({"mood": {"2", "10"}, "region": None})[1:] == []


@pytest.mark.parametrize(
    ("text", "words"),
    {
        "column;code\nregion;n\n": "no column label",
        "column,code,label\nshoe,1,small\n": "labels of 1 columns, none of them an attribute",
        "column,code,label\nregion,n,north\nregion, n ,nord\n": "line 3, column region: a second",
        "column,code,label\nregion,n,north,cold\n": "line 2: 4 cells, expected 3",
        'column,code,label\nregion,n,"5" screen"\n': "line 2: a quote is opened",
        'column,code,label\nregion,n,"north\n': "line 2: a quote is opened",
    }.items(),
)
def test_what_is_no_table_of_labels_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataError) as refused:
        read(tmp_path, text)
    assert f"{tmp_path / 'labels.csv'}" in str(refused.value)
    assert words in str(refused.value)
    assert "north" not in str(refused.value)


def test_labels_of_other_codes_alone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no row of either extract holds one of its codes"):
        read(tmp_path, TABLE).remarks({"mood": {"low"}, "region": {"North"}})
