"""Labels of the known attributes in the language of a page."""

from segment_lib.schema import Meaning, known_meanings
from segment_lib.schema.language import ENGLISH, Language
from segment_lib.schema.translated import meanings_in, phrases_in

GERMAN = Language("de")
DELIVERED = {
    "ANREDE_KZ": Meaning("gender", {"1": "a man", "2": "a woman"}),
    "SOHO_KZ": Meaning("small office", {"0": "no", "1": "yes", "7": "a code of our own"}),
    "OWN": Meaning("an attribute of our own", {"1": "male"}),
}


def test_known_attributes_have_german_words_whatever_words_the_dictionary_has() -> None:
    sex = meanings_in(GERMAN, DELIVERED)["ANREDE_KZ"]
    assert sex == Meaning("Geschlecht / Anrede", {"1": "männlich", "2": "weiblich"})


def test_attributes_and_codes_that_the_project_does_not_know_stay_as_delivered() -> None:
    german = meanings_in(GERMAN, DELIVERED)
    assert {name: german[name] for name in ("SOHO_KZ", "OWN")} == {
        name: DELIVERED[name] for name in ("SOHO_KZ", "OWN")
    }


def test_an_english_page_has_the_words_of_the_dictionary() -> None:
    assert meanings_in(ENGLISH, DELIVERED) == DELIVERED
    assert meanings_in(ENGLISH, known_meanings()) == known_meanings()


def test_phrases_and_their_topics_are_german() -> None:
    german = phrases_in(GERMAN)
    assert german["FINANZ_SPARER"].get("low") == "Sparer"
    assert german["ZABEOTYP"].topic == "Energietyp"
