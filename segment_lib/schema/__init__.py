"""The schema of an extract: attributes, their types, missing codes, and labels of their levels."""

from segment_lib.schema.codes import canonical, is_null_word, is_number
from segment_lib.schema.dictionary import Dictionary, read_dictionary
from segment_lib.schema.label_table import LabelTable, read_labels
from segment_lib.schema.labels import (
    Meaning,
    Phrases,
    complete_levels,
    known_families,
    known_meanings,
    known_phrases,
)
from segment_lib.schema.summary import Attribute, Schema, read_feature_summary
