"""The data dictionary has the form of the delivered one and covers all attributes."""

import re

from extracts.dictionary import data_dictionary
from extracts.figures import attributes


def test_every_attribute_has_a_heading() -> None:
    headings = " ".join(re.findall(r"^### +(?:\d+\.\d+\. )?(.*)$", data_dictionary(), re.M))
    named = [name for name in re.split(r"[, ]+", headings) if name]
    assert named == [attribute.name for attribute in attributes()]


def test_lines_keep_to_80_columns() -> None:
    assert max(map(len, data_dictionary().splitlines())) <= 80


def test_a_family_names_its_members_in_a_second_list() -> None:
    family = data_dictionary().split("FINANZ_MINIMALIST, ", 1)[1].split("### 1.6", 1)[0]
    assert "- -1: unknown\n-  1: very high" in family
    assert "The dimensions are:\n\n- MINIMALIST: " in family


def test_a_number_has_a_remark_and_no_list_of_codes() -> None:
    section = data_dictionary().split("GEBURTSJAHR\n", 1)[1].split("###", 1)[0]
    assert "- missing values are coded 0" in section
    assert "- 1900" not in section


def test_codes_are_listed_as_they_stand_in_the_files() -> None:
    text = data_dictionary()
    for line in ("- 1A: ", "- XX: ", "-  X: ", "- 40: ", "-  O: "):
        assert f"\n{line}" in text
