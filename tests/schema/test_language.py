"""Words and numbers of both languages, and labels."""

import pytest

from segment_lib.schema import known_meanings, known_phrases
from segment_lib.schema.language import Language
from segment_lib.terms import LANGUAGES

ENGLISH, GERMAN = map(Language, LANGUAGES)


@pytest.mark.parametrize(
    ("method", "value", "english", "german"),
    [
        ("count", 1234567, "1,234,567", "1.234.567"),
        ("count", None, "–", "–"),
        ("decimals", 1234.5678, "1,234.568", "1.234,568"),
        ("decimals", -0.25, "−0.250", "−0,250"),
        ("one_decimal", 1234.56, "1,234.6", "1.234,6"),
        ("percent", 0.12, "12%", "12\u00a0%"),
        ("percent", 0.0123, "1.2%", "1,2\u00a0%"),
        ("percent", 0.0001, "under 0.1%", "unter 0,1\u00a0%"),
        ("percent", float("nan"), "–", "–"),
        ("percent_tenths", 0.5393, "53.9%", "53,9\u00a0%"),
        ("short_number", 8.25, "8.2", "8,2"),
        ("short_number", 1240.0, "1,240", "1.240"),
        ("figure", 29_600_000.0, "29.6 million", "29,6 Millionen"),
        ("figure", 0.64, "0.640", "0,640"),
        ("figure", float("nan"), "–", "–"),
        ("times", 310.0, "3.1 times", "3,1-mal"),
        ("money", 2050.5, "2,050", "2.050"),
        ("money", 0.9, "0.90", "0,90"),
        ("size", 1_250_000, "1.2 MB", "1,2 MB"),
        ("listed", ["a"], "a", "a"),
        ("listed", ["a", "b", "c"], "a, b and c", "a, b und c"),
    ],
)
def test_figures_are_written_as_the_language_writes_them(
    method: str, value: object, english: str, german: str
) -> None:
    assert getattr(ENGLISH, method)(value) == english
    assert getattr(GERMAN, method)(value) == german


def test_a_range_is_written_in_words() -> None:
    assert ENGLISH.index_range(80.4, 1200) == "80 to 1,200"
    assert GERMAN.index_range(80.4, 1200) == "80 bis 1.200"


def test_a_field_is_written_by_the_method_it_names() -> None:
    text = "{who} holds {share:percent} of {n:count}"
    assert ENGLISH.gettext(text, who="A", share=0.5, n=2000) == "A holds 50% of 2,000"
    assert GERMAN.gettext(text, who="A", share=0.5, n=2000) == "A holds 50\u00a0% of 2.000"


def test_a_text_without_fields_may_hold_braces() -> None:
    assert GERMAN.gettext("refresh.renamed = {A}") == "refresh.renamed = {A}"


def test_a_number_chooses_the_singular() -> None:
    one = "%(n)s feature with the same value in the whole population:"
    many = "%(n)s features with the same value in the whole population:"
    assert ENGLISH.ngettext(one, many, 1) == one
    assert GERMAN.ngettext(one, many, 1).startswith("%(n)s Variable mit")
    assert GERMAN.ngettext(one, many, 1200).startswith("%(n)s Variablen mit")


def test_vega_is_given_the_marks_of_the_language() -> None:
    marks = [Language(code).vega for code in LANGUAGES]
    assert [(m["decimal"], m["thousands"], m["percent"]) for m in marks] == [
        (".", ",", "%"),
        (",", ".", "\u00a0%"),
    ]


def test_labels_that_differ_in_english_differ_in_german() -> None:
    texts = {name: meaning.levels for name, meaning in known_meanings().items()}
    texts |= {f"phrases {name}": own.words for name, own in known_phrases().items()}
    texts["meanings"] = {name: m.meaning for name, m in known_meanings().items()}
    for name, labels in texts.items():
        german = {GERMAN.label(label) for label in labels.values()}
        assert len(german) == len(set(labels.values())), name
        assert {ENGLISH.label(label) for label in labels.values()} == set(labels.values())
