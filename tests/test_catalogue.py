"""Every text of the page stands in the catalogue, and has a translation with the same fields."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest
from babel.messages import Message

from docs.catalogue import read, texts
from segment_lib.terms import LANGUAGES

FIELD = re.compile(r"\{\w*(?::\w+)?\}|%\(\w+\)s|</?\w+>")
"""A field of a text, of a template, or a tag."""
ALIKE = {"Calinski–Harabasz", "Davies–Bouldin", "Fairness", "Index", "Lift", "Name", "PSI"}
ALIKE |= {"SHA-256", "Segment", "Segment {number}", "Silhouette", "ordinal"}
"""Texts that are the same words in German."""


def forms(message: Message) -> Iterator[tuple[str, str]]:
    """Yield each text of a message with its translation, singular and plural."""
    ids, strings = message.id, message.string
    if isinstance(ids, str):
        ids, strings = (ids,), (strings,)
    yield from zip(ids, strings, strict=True)


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_the_catalogue_holds_the_texts_of_the_code_and_no_others(language: str) -> None:
    wanted = {(message.context, message.id) for message in texts()}
    held = {(message.context, message.id) for message in read(language)}
    assert held == wanted, "make words"


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_text_is_translated_with_the_same_fields(language: str) -> None:
    for message in read(language):
        for text, translation in forms(message) if message.id else ():
            assert translation, text
            assert Counter(FIELD.findall(translation)) == Counter(FIELD.findall(text)), text
            assert not message.fuzzy, text


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_a_sentence_is_not_its_own_translation(language: str) -> None:
    same = {
        text
        for message in read(language)
        if message.id and message.context != "label"
        for text, translation in forms(message)
        if text == translation
    }
    assert same == ALIKE
