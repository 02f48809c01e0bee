"""Components in words: the strongest loadings, each toward what it means."""

import numpy as np
import pytest

from segment_lib.profile.components import FeatureWords, component_tables, feature_words
from segment_lib.schema import Meaning, Phrases, known_meanings, known_phrases

STRENGTH = {"1": "very high", "2": "high", "3": "low"}


@pytest.mark.parametrize(
    ("feature", "attribute", "expected"),
    [
        ("FINANZ_SPARER", "FINANZ_SPARER", ("savers", "rarely save money")),
        ("HH_EINKOMMEN_SCORE", "HH_EINKOMMEN_SCORE", ("high income", "low income")),
        ("cameo_wealth", "CAMEO_INTL_2015", ("wealthy neighbourhood", "poorer neighbourhood")),
        ("ZABEOTYP=1", "ZABEOTYP", ("not energy type “green”", "energy type “green”")),
        ("ANREDE_KZ=2", "ANREDE_KZ", ("not women", "women")),
        ("LP_STATUS_GROB=1", "LP_STATUS_GROB", ("not low earners", "low earners")),
    ],
)
def test_known_features_have_words_the_right_way_round(feature, attribute, expected):
    words = feature_words(feature, attribute, known_meanings()[attribute], known_phrases())
    assert (words.low, words.high) == expected


def test_unknown_features_are_told_by_their_labels():
    scale = Meaning('the trait "thrift" (1 = strongest)', STRENGTH)
    assert feature_words("T", "T", scale, {}) == FeatureWords(
        "T", "thrift: very high", "thrift: low"
    )
    kind = Meaning("what kind", {"a": "apple"})
    assert feature_words("K=a", "K", kind, {}).high == "what kind “apple”"
    assert feature_words("life_band", "K", kind, {}).low == "life band: low"
    assert feature_words("N", "N", Meaning(), {"X": Phrases()}).high == "N: high"


WORDS = {
    "A": FeatureWords("A", "a low", "a high"),
    "B=1": FeatureWords("B", "not b1", "b1"),
    "B=2": FeatureWords("B", "not b2", "b2"),
    "C": FeatureWords("C", "c low", "c high"),
}


def test_a_component_is_read_by_its_strongest_loadings_one_of_each_family():
    read, loadings = component_tables(
        np.array([[0.1, -0.8, 0.5, -0.3], [0.9, 0.0, 0.0, 0.1]]), np.array([0.6, 0.3, 0.1]),
        WORDS,
    )  # fmt: skip
    assert read["reading"].to_list() == ["high: not b1; c low; a high", "high: a high; c high"]
    assert read["explained_variance_ratio"].to_list() == [0.6, 0.3]
    first = loadings.filter(component=1)
    assert first["feature"].to_list() == ["B=2", "A", "C", "B=1"]
    assert first["loading"].to_list() == [0.5, 0.1, -0.3, -0.8]
    assert first["toward"].to_list() == ["b2", "a high", "c low", "not b1"]
