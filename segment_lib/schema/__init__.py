"""What the dictionary says: the attributes, their types and missing codes, and what levels mean."""

from segment_lib.schema.codes import canonical, is_number, is_word_for_nothing
from segment_lib.schema.dictionary import Dictionary, read_dictionary
from segment_lib.schema.labels import (
    Meaning,
    Phrases,
    complete_levels,
    known_meanings,
    known_phrases,
)
from segment_lib.schema.summary import Attribute, Schema, read_feature_summary

__all__ = [
    "Attribute",
    "Dictionary",
    "Meaning",
    "Phrases",
    "Schema",
    "canonical",
    "complete_levels",
    "is_number",
    "is_word_for_nothing",
    "known_meanings",
    "known_phrases",
    "read_dictionary",
    "read_feature_summary",
]
