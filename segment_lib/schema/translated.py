"""Labels and phrases of the known attributes in the language of a page."""

from collections.abc import Mapping

from segment_lib.schema.labels import Meaning, Phrases, known_meanings, known_phrases
from segment_lib.schema.language import ENGLISH, Language


def meanings_in(language: Language, meanings: Mapping[str, Meaning]) -> dict[str, Meaning]:
    """Meanings in a language, those of attributes that the project does not know as delivered.

    English ones stay. In another language, a known attribute whose codes are all known has the
    words of the project, as the dictionary that is delivered with it is English.
    """
    shipped = known_meanings() if language != ENGLISH else {}
    return {
        name: _in_language(language, shipped[name], meaning)
        if name in shipped and meaning.levels.keys() <= shipped[name].levels.keys()
        else meaning
        for name, meaning in meanings.items()
    }


def _in_language(language: Language, shipped: Meaning, delivered: Meaning) -> Meaning:
    levels = {level: language.label(shipped.levels[level]) for level in delivered.levels}
    return Meaning(language.label(shipped.meaning), levels, delivered.complete)


def phrases_in(language: Language) -> dict[str, Phrases]:
    """The phrases of the known attributes in a language."""
    return {
        name: Phrases(
            {key: language.label(words) for key, words in own.words.items()},
            topic=language.label(own.topic) if own.topic else "",
        )
        for name, own in known_phrases().items()
    }
