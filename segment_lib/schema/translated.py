"""Labels and phrases that the project ships, in the language of the page."""

from collections.abc import Mapping

from segment_lib.schema.labels import Meaning, Phrases, known_meanings
from segment_lib.schema.language import Language


def translated_meanings(meanings: Mapping[str, Meaning], language: Language) -> dict[str, Meaning]:
    """Meanings in a language; what says other than the shipped labels stays as it was delivered.

    A delivered dictionary may set a sentence on the family of an attribute before its meaning.
    """
    shipped = known_meanings()
    return {
        name: _translated(meaning, shipped[name], language) if name in shipped else meaning
        for name, meaning in meanings.items()
    }


def _translated(meaning: Meaning, shipped: Meaning, language: Language) -> Meaning:
    is_shipped = meaning.meaning.lower().endswith(shipped.meaning.lower())
    return Meaning(
        language.label(shipped.meaning) if is_shipped else meaning.meaning,
        {
            level: language.label(label) if label == shipped.levels.get(level) else label
            for level, label in meaning.levels.items()
        },
        meaning.complete,
    )


def translated_phrases(phrases: Mapping[str, Phrases], language: Language) -> dict[str, Phrases]:
    """Shipped phrases in a language."""
    return {
        name: Phrases(
            {key: language.label(words) for key, words in own.words.items()},
            topic=language.label(own.topic) if own.topic else "",
        )
        for name, own in phrases.items()
    }
