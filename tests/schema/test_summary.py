"""The feature summary: forms that are read, slips that are forgiven, faults that are refused."""

import csv
import io
import os
from pathlib import Path

import pytest

from segment_lib.errors import DataError
from segment_lib.schema import Attribute, Schema, canonical, read_feature_summary

HEADER = "attribute;information_level;type;missing_or_unknown\n"


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "summary.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def real(name: str) -> Path:
    if "REAL_DATA" not in os.environ:
        pytest.skip("REAL_DATA is not set: the real feature summaries are not at hand")
    return Path(os.environ["REAL_DATA"]) / name


@pytest.mark.parametrize(
    ("code", "spelled"),
    [
        ("8", "8"),
        ("8.0", "8"),
        ("8.000", "8"),
        (" 8 ", "8"),
        ("-1.0", "-1"),
        ("8.5", "8.5"),
        ("8.50", "8.50"),
        ("W", "W"),
        ("1A", "1A"),
        ("XX", "XX"),
        ("v1.0", "v1.0"),
        ("", ""),
    ],
)
def test_a_code_has_one_spelling(code, spelled):
    assert canonical(code) == spelled


@pytest.mark.parametrize("code", ["8", "8.0", " 8", "W", "-1.00", "10.0.0"])
def test_the_one_spelling_is_its_own_spelling(code):
    assert canonical(canonical(code)) == canonical(code)


def test_attributes_are_read_in_the_order_of_the_file(tmp_path):
    path = write(tmp_path, HEADER + "b;person;ordinal;[]\na;person;numeric;[]\n")
    assert read_feature_summary(path).names == ("b", "a")


@pytest.mark.parametrize(
    ("cell", "codes"),
    [
        ("[-1,0]", ("-1", "0")),
        ("[-1,X]", ("-1", "X")),
        ("[XX]", ("XX",)),
        ("[]", ()),
        ("[ -1 , 0 ]", ("-1", "0")),
        ("[-1.0,9]", ("-1", "9")),
    ],
)
def test_missing_codes_are_read_in_their_one_spelling(tmp_path, cell, codes):
    (attribute,) = read_feature_summary(write(tmp_path, f"{HEADER}a;person;ordinal;{cell}\n"))
    assert attribute.missing == codes


def test_the_space_before_a_type_is_forgiven(tmp_path):
    (attribute,) = read_feature_summary(write(tmp_path, HEADER + "a;person; ordinal;[]\n"))
    assert attribute.type == "ordinal"


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_a_byte_order_mark_change_nothing(tmp_path, newline, mark):
    text = mark + HEADER + "a;person;ordinal;[-1]\n"
    (attribute,) = read_feature_summary(write(tmp_path, text.replace("\n", newline)))
    assert attribute == Attribute("a", "person", "ordinal", ("-1",))


def test_columns_may_stand_in_another_order_beside_others(tmp_path):
    text = "note;type;attribute;missing_or_unknown;information_level\nx;mixed;a;[];person\n"
    (attribute,) = read_feature_summary(write(tmp_path, text))
    assert attribute == Attribute("a", "person", "mixed", ())


@pytest.mark.parametrize(
    ("kind", "missing", "storage"),
    [
        ("categorical", (), "text"),
        ("mixed", ("0",), "text"),
        ("ordinal", ("-1", "0"), "number"),
        ("interval", (), "number"),
        ("numeric", ("-9.5",), "number"),
        ("numeric", ("?",), "number"),
        ("ordinal", ("-1", "X"), "number"),
    ],
)
def test_storage_follows_from_the_feature_summary_alone(kind, missing, storage):
    assert Attribute("a", "person", kind, missing).storage == storage


def test_a_schema_gives_attributes_by_name():
    a, b = Attribute("a", "person", "ordinal", ()), Attribute("b", "person", "mixed", ())
    assert Schema((a, b))["b"] is b


def test_an_unknown_attribute_is_a_key_error():
    with pytest.raises(KeyError):
        Schema(())["a"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name;type\na;ordinal\n", "line 1: no column attribute, information_level, missing_or"),
        (HEADER + ";person;ordinal;[]\n", "line 2: no attribute name"),
        (HEADER + "a;person;odd;[]\n", "line 2: unknown type of a"),
        (
            HEADER + "a;person;ordinal;-1,0\n",
            "line 2: missing_or_unknown of a is no list in brackets",
        ),
        (HEADER + "a;person;ordinal\n", "line 2: 3 cells, expected 4"),
        (HEADER + "row;person;ordinal;[]\n", "cannot be called row"),
        (HEADER + "a;p;mixed;[]\na;p;mixed;[]\n", "a is listed 2 times"),
        (HEADER, "it lists no attribute"),
        ("", "line 1: no column"),
    ],
)
def test_faults_are_named_with_their_line(tmp_path, text, message):
    with pytest.raises(DataError, match=message) as error:
        read_feature_summary(write(tmp_path, text))
    assert str(tmp_path / "summary.csv") in str(error.value)


def test_a_blank_line_does_not_shift_the_line_numbers(tmp_path):
    with pytest.raises(DataError, match="line 4: unknown type of b"):
        read_feature_summary(write(tmp_path, HEADER + "a;person;ordinal;[]\n\nb;person;odd;[]\n"))


def test_all_faults_are_listed_at_once(tmp_path):
    text = HEADER + "a;person;odd;[]\nb;person;ordinal;0,1\nc;p;mixed;[]\nc;p;mixed;[]\n"
    with pytest.raises(DataError) as error:
        read_feature_summary(write(tmp_path, text))
    assert [fault in str(error.value) for fault in ("of a", "of b", "c is listed 2")] == [True] * 3


def test_an_absent_file_is_told_with_what_to_set(tmp_path):
    with pytest.raises(DataError, match=r"no such file\. Set inputs\.feature_summary"):
        read_feature_summary(tmp_path / "absent.csv")


PLAIN = HEADER + "AGE;Gebäude;numeric;[-1,0]\nKIND;person;categorical;[]\nINC;person;ordinal;[X]\n"
ROWS = [line.split(";") for line in PLAIN.splitlines()]


def table(rows: list[list[str]], separator: str = ";", **dialect: object) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n", **dialect).writerows(rows)
    return text.getvalue()


FORMS: dict[str, str | bytes] = {
    "commas, the list quoted": table(ROWS, ","),
    "commas, the list not quoted": PLAIN.replace(";", ","),
    "tabs": table(ROWS, "\t"),
    "bars": table(ROWS, "|"),
    "sep= first": "sep=;\n" + PLAIN,
    "sep= first, of a comma": "sep=,\r\n" + table(ROWS, ",").replace("\n", "\r\n"),
    "all cells quoted": table(ROWS, quoting=csv.QUOTE_ALL),
    "UTF-8 with a byte order mark": b"\xef\xbb\xbf" + PLAIN.encode(),
    "UTF-16": PLAIN.encode("utf-16"),
    "UTF-16, the other order": b"\xfe\xff" + PLAIN.encode("utf-16-be"),
    "cp1252": PLAIN.encode("cp1252"),
    "German Excel": table(ROWS, ";").replace("\n", "\r\n").encode("cp1252"),
    "CRLF": PLAIN.replace("\n", "\r\n"),
    "CR alone": PLAIN.replace("\n", "\r"),
    "capitals in the header": PLAIN.replace(HEADER, HEADER.upper()),
    "words in the header": PLAIN.replace(HEADER, HEADER.replace("_", " ").title()),
    "blanks around cells": table([[f" {cell} " for cell in row] for row in ROWS]),
    "an index column": table([[str(i or ""), *row] for i, row in enumerate(ROWS)]),
    "other columns, in another order": table([["?", *reversed(row), "note"] for row in ROWS]),
    "types with capitals": PLAIN.replace("numeric", "Numeric").replace("ordinal", "ORDINAL"),
    "blank lines": PLAIN.replace("\n", "\n\n"),
    "empty rows": PLAIN + ";;;\n;;;\n",
    "a separator at the end of every line": PLAIN.replace("\n", ";\n"),
    "a list cut at its own separators": PLAIN.replace("[-1,0]", "[-1;0]"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_usual_form_of_a_feature_summary_gives_the_same_attributes(form, tmp_path):
    assert read_feature_summary(write(tmp_path, FORMS[form])) == Schema(
        (
            Attribute("AGE", "Gebäude", "numeric", ("-1", "0")),
            Attribute("KIND", "person", "categorical", ()),
            Attribute("INC", "person", "ordinal", ("X",)),
        )
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (PLAIN.encode("utf-16-le"), "no text"),
        (PLAIN.encode("utf-32"), "no text|not utf-16"),
        (b"PK\x03\x04\x14\x00\x00\x08", "no text"),
        (HEADER.replace("type", "kind").encode() + b"a;p;mixed;[]\n", "no column type; expected"),
        (b"attribute;" + PLAIN.encode(), "attribute named more than once"),
        (PLAIN.replace("INC;", "INC;x;").encode(), "line 4: 5 cells, expected 4"),
        (PLAIN.encode() + b'B;"p;mixed;[]\n' * 3, "line 5: a quote is opened"),
        (PLAIN.encode() + b'B;"p;mixed;[]\nC;p";mixed;[]\n', "line 5: a quote is opened"),
        (b'"' * 200_000, "no column"),
    ],
)
def test_what_is_no_feature_summary_is_refused_in_one_line(content, message, tmp_path):
    with pytest.raises(DataError, match=message) as refused:
        read_feature_summary(write(tmp_path, content))
    assert "\n" not in str(refused.value)


def test_codes_that_mean_missing_everywhere_are_added_to_those_of_each_attribute(tmp_path):
    path = write(tmp_path, HEADER + "a;p;ordinal;[-1,NA]\nb;p;mixed;[]\n")
    codes = [attribute.missing for attribute in read_feature_summary(path, ("NA", " 99.0"))]
    assert codes == [("-1", "NA", "99"), ("NA", "99")]


def test_of_many_faults_the_first_are_listed(tmp_path):
    text = HEADER + "".join(f"a{i};p;odd;[]\n" for i in range(50))
    with pytest.raises(DataError, match=r"line 21: unknown type of a19; use .*and 30 more"):
        read_feature_summary(write(tmp_path, text))


def test_a_line_that_is_neither_utf8_nor_cp1252_is_named(tmp_path):
    with pytest.raises(DataError, match="line 2: not UTF-8"):
        read_feature_summary(write(tmp_path, HEADER.encode() + b"a;g\x81;ordinal;[]\n"))


def test_the_real_azdias_summary_has_the_published_types():
    schema = read_feature_summary(real("azdias/AZDIAS_Feature_Summary.csv"))
    kinds = [attribute.type for attribute in schema]
    counts = {kind: kinds.count(kind) for kind in sorted(set(kinds))}
    # Published in every notebook that counts them: 49 ordinal, 21 categorical, 7 mixed, 7 numeric.
    assert counts == {"categorical": 21, "interval": 1, "mixed": 7, "numeric": 7, "ordinal": 49}


def test_the_real_census_summary_is_read_without_a_special_case():
    schema = read_feature_summary(real("adult/adult_feature_summary.csv"))
    assert (len(schema), schema["workclass"].missing) == (14, ("?",))
