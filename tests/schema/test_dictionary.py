"""The data dictionary as delivered: headings for one or many, ranges, remarks, wrapped lines."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extracts.dictionary import data_dictionary
from segment_lib.errors import DataError
from segment_lib.schema import (
    Attribute,
    Schema,
    known_meanings,
    read_dictionary,
    read_feature_summary,
)
from tests.conftest import ROOT

SCHEMA = Schema(
    (
        Attribute("AGER_TYP", "person", "categorical", ("-1", "0")),
        Attribute("FINANZ_SPARER", "person", "ordinal", ("-1",)),
        Attribute("FINANZ_ANLEGER", "person", "ordinal", ("-1",)),
        Attribute("FINANZ_HAUSBAUER", "person", "ordinal", ("-1",)),
        Attribute("GEBURTSJAHR", "person", "numeric", ("0",)),
        Attribute("ALTER_HH", "household", "interval", ("0",)),
        Attribute("CAMEO_DEU_2015", "microcell_rr4", "categorical", ("XX",)),
        Attribute("shoe_size", "person", "ordinal", ()),
    )
)

DELIVERED = """# Data dictionary

## Table of contents

1. Person-level features
2. Household-level features
- a remark: that explains nothing

-----

## 1. Person-level features

### 1.1. AGER_TYP
Best-ager typology, which is
wrapped by hand

- -1: unknown
-  0: no classification
     possible
-  1: passive elderly,
     at home
-  2: cultural elderly

### 1.2. FINANZ_SPARER, FINANZ_ANLEGER,
###      FINANZ_HAUSBAUER
Financial typology, for each dimension:

- -1: unknown
-  1: very high
-  5: very low

Dimension translations:

- SPARER: money-saver
- ANLEGER: investor

### 1.3. GEBURTSJAHR
Year of birth

A remark on its own.

- missing values are coded 0
- 1900-2017: calendar year

## 2. Household-level features

#### 2.1) ALTER_HH
Birth class of the head

- 1-3: before 1910
- …
- 21: 1995 to 1999

### 2.2 CAMEO_DEU_2015
Wealth and life stage

- 1A: Work-Life-Balance
- XX: unknown

### 2.3. NOBODY_HAS_IT
- 1: something

### shoe_size
"""


def read(tmp_path: Path, text: str, schema: Schema = SCHEMA):
    path = tmp_path / "Data_Dictionary.md"
    path.write_text(text)
    return read_dictionary(path, schema)


@pytest.fixture
def delivered(tmp_path: Path):
    return read(tmp_path, DELIVERED).meanings


def test_an_attribute_has_its_sentence_and_its_levels_without_missing_codes(delivered) -> None:
    meaning = delivered["AGER_TYP"]
    assert meaning.meaning == "Best-ager typology, which is wrapped by hand"
    assert meaning.levels == {"1": "passive elderly, at home", "2": "cultural elderly"}


def test_a_family_over_several_heading_lines_shares_its_levels(delivered) -> None:
    for name in ("FINANZ_SPARER", "FINANZ_ANLEGER", "FINANZ_HAUSBAUER"):
        assert delivered[name].levels == {"1": "very high", "5": "very low"}


def test_the_second_list_of_a_family_names_its_members(delivered) -> None:
    assert delivered["FINANZ_SPARER"].meaning.endswith(": money-saver")
    assert delivered["FINANZ_ANLEGER"].meaning.endswith(": investor")
    assert delivered["FINANZ_HAUSBAUER"].meaning == "Financial typology, for each dimension"


def test_a_number_has_no_levels(delivered) -> None:
    assert delivered["GEBURTSJAHR"].levels == {}
    assert delivered["GEBURTSJAHR"].meaning == "Year of birth"


def test_a_range_labels_each_code_and_an_open_list_is_not_complete(delivered) -> None:
    meaning = delivered["ALTER_HH"]
    assert meaning.levels == dict.fromkeys("123", "before 1910") | {"21": "1995 to 1999"}
    assert not meaning.complete
    assert delivered["AGER_TYP"].complete


def test_codes_may_be_words(delivered) -> None:
    assert delivered["CAMEO_DEU_2015"].levels == {"1A": "Work-Life-Balance"}


def test_a_section_may_be_empty(delivered) -> None:
    assert delivered["shoe_size"].levels == {}


def test_what_is_not_covered_and_what_is_not_delivered_are_told(tmp_path: Path) -> None:
    dictionary = read(tmp_path, DELIVERED.replace("### 1.1. AGER_TYP", "### 1.1. ANOTHER_TYP"))
    assert dictionary.not_covered == ("AGER_TYP",)
    assert dictionary.not_delivered == ("ANOTHER_TYP", "NOBODY_HAS_IT")


def test_the_generated_dictionary_gives_the_labels_of_the_project(tmp_path: Path) -> None:
    schema = read_feature_summary(ROOT / "extracts/feature_summary.csv")
    dictionary = read(tmp_path, data_dictionary(), schema)
    assert (dictionary.not_covered, dictionary.not_delivered) == ((), ())
    for name, shipped in known_meanings().items():
        labels = {code: dictionary.meanings[name].levels.get(code) for code in shipped.levels}
        labels.pop("0" if name == "WOHNLAGE" else "", None)
        assert labels == {code: label for code, label in shipped.levels.items() if code in labels}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"# Something else\n\n- 1: one\n", "no section for any attribute"),
        (b"### AGER_TYP\n- 1: \x81lter\n", "line 2: not UTF-8"),
        (None, "no such file"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "Data_Dictionary.md"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_dictionary(path, SCHEMA)


LABELS = st.dictionaries(
    st.integers(1, 99).map(str),
    st.lists(st.sampled_from(["very", "high", "low", "1950s", "(East)", "a-b", "x:y"]), min_size=1),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LABELS, st.sampled_from(["-", "*", "+"]), st.integers(1, 6), st.booleans())
def test_any_list_comes_back_however_it_is_laid_out(
    tmp_path: Path, labels: dict[str, list[str]], bullet: str, depth: int, wrapped: bool
) -> None:
    gap = "\n     " if wrapped else " "
    items = [f"{bullet} {code:>2}: {gap.join(words)}" for code, words in labels.items()]
    text = "\n".join(["#" * depth + " 4.2. AGER_TYP", "What kind", "", *items]) + "\n"
    meaning = read(tmp_path, text).meanings["AGER_TYP"]
    assert meaning.levels == {code: " ".join(words) for code, words in labels.items()}
