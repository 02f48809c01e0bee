"""What the dictionary says: the attributes, their types and missing codes, and what levels mean."""

from segment_lib.schema.dictionary import Dictionary, read_dictionary
from segment_lib.schema.labels import Meaning, known_meanings
from segment_lib.schema.summary import Attribute, Schema, canonical, read_feature_summary

__all__ = [
    "Attribute",
    "Dictionary",
    "Meaning",
    "Schema",
    "canonical",
    "known_meanings",
    "read_dictionary",
    "read_feature_summary",
]
