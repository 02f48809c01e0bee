"""Weights of customer-likeness in decoded words."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from segment_lib.profile.components import feature_words
from segment_lib.schema import Meaning
from segment_lib.schema.language import ENGLISH, Language
from segment_lib.schema.translated import phrases_in

WEIGHTS = {
    "attribute": pl.String,
    "feature": pl.String,
    "label": pl.String,
    "odds_ratio": pl.Float64,
    "weight": pl.Float64,
}


def weights_table(
    weights: np.ndarray,
    deviations: np.ndarray,
    features: Mapping[str, str],
    meanings: Mapping[str, Meaning],
) -> pl.DataFrame:
    """Table of what makes a person customer-like, strongest first.

    Parameters
    ----------
    weights : log odds of a unit of each feature, shape (n_features,)
    deviations : standard deviation of each feature, shape (n_features,)
    features : feature to the attribute it is made from, in the order of the weights

    Returns
    -------
    weights : columns of WEIGHTS. `label` is the end of the feature that customers have more of, the
        low one where the weight is negative; so no `odds_ratio`, which is that of one standard
        deviation towards it, is below 1
    """
    rows = []
    for (feature, attribute), weight, deviation in zip(
        features.items(), weights.tolist(), deviations.tolist(), strict=True
    ):
        rows.append((attribute, feature, "", float(np.exp(abs(weight) * deviation)), weight))
    table = pl.DataFrame(rows, schema=WEIGHTS, orient="row")
    table = table.sort("odds_ratio", "feature", descending=[True, False])
    return label_weights(table, meanings)


def label_weights(
    weights: pl.DataFrame, meanings: Mapping[str, Meaning], language: Language = ENGLISH
) -> pl.DataFrame:
    """Table of weights with its labels in a language, which is that of the meanings too."""
    phrases, labels = phrases_in(language), []
    for attribute, feature, weight in weights.select("attribute", "feature", "weight").iter_rows():
        meaning = meanings.get(attribute, Meaning())
        words = feature_words(feature, attribute, meaning, phrases, language)
        labels.append(words.high if weight > 0 else words.low)
    return weights.with_columns(pl.Series("label", labels, pl.String))
