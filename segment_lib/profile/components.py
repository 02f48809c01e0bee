"""Readings of the principal components: the strongest loadings of each, in decoded words."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from segment_lib.profile.traits import LEVEL, family, topic
from segment_lib.schema import Meaning, Phrases
from segment_lib.schema.language import ENGLISH, N_, Language
from segment_lib.schema.translated import phrases_in

MAX_LOADINGS = 5
"""Loadings listed at each end of a component."""
NOT = N_("not {trait}")
_MAX_READ = 3
"""Features in the reading of a component, each of another family of attributes."""

COMPONENTS = {
    "component": pl.Int32,
    "explained_variance_ratio": pl.Float64,
    "reading": pl.String,
}
LOADINGS = {
    "component": pl.Int32,
    "feature": pl.String,
    "loading": pl.Float64,
    "attribute": pl.String,
    "toward": pl.String,
}


@dataclass(frozen=True)
class FeatureWords:
    """Words for a small and a large value of a feature."""

    attribute: str
    low: str
    high: str


def feature_words(
    feature: str,
    attribute: str,
    meaning: Meaning,
    phrases: Mapping[str, Phrases],
    language: Language = ENGLISH,
) -> FeatureWords:
    """Words for a feature of the plan: a scale, an indicator of a level, or a recoded attribute."""
    scale = phrases.get(feature)
    low, high = (scale.get("low"), scale.get("high")) if scale else (None, None)
    if low is not None and high is not None:
        return FeatureWords(attribute, low, high)
    subject, low, high = (
        topic(attribute, meaning),
        language.gettext("low"),
        language.gettext("high"),
    )
    level = feature.removeprefix(f"{attribute}=")
    if level != feature:
        known = phrases.get(attribute, Phrases())
        level_words = known.get(level) or language.gettext(
            LEVEL, topic=known.topic or subject, label=meaning.label(level)
        )
        return FeatureWords(attribute, language.gettext(NOT, trait=level_words), level_words)
    if feature != attribute:
        subject = feature.replace("_", " ").replace("=", ": ")
        return FeatureWords(attribute, f"{subject}: {low}", f"{subject}: {high}")
    first, last = low, high
    if len(meaning.levels) > 1:
        labels = list(meaning.levels.values())
        first, last = labels[0], labels[-1]
    return FeatureWords(attribute, f"{subject}: {first}", f"{subject}: {last}")


def component_tables(
    components: np.ndarray,
    explained_variance_ratio: np.ndarray,
    words: Mapping[str, FeatureWords],
    language: Language = ENGLISH,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Tables of the components, each with its reading, and of their strongest loadings.

    Parameters
    ----------
    components : shape (n_components, n_features)
    explained_variance_ratio : shape (n_components,) or longer
    words : those of each feature, in the order of the columns

    Returns
    -------
    components, loadings : columns of COMPONENTS and of LOADINGS. `toward` names the end of the
        feature that a high score goes with: the low end where the loading is negative
    """
    features = list(words)
    readings, loadings = [], []
    for number, (loading, share) in enumerate(
        zip(components, explained_variance_ratio, strict=False), 1
    ):
        order = np.argsort(-np.abs(loading), kind="stable")
        strongest: list[str] = []
        families: set[str] = set()
        for i in order:
            feature = words[features[i]]
            group = family(feature.attribute)
            if group not in families and len(strongest) < _MAX_READ and loading[i]:
                families.add(group)
                strongest.append(feature.high if loading[i] > 0 else feature.low)
        readings.append(
            (number, float(share), language.gettext("high: {traits}", traits="; ".join(strongest)))
        )
        ups = [i for i in order if loading[i] > 0][:MAX_LOADINGS]
        downs = [i for i in order if loading[i] < 0][:MAX_LOADINGS]
        for i in ups + downs[::-1]:
            feature = words[features[i]]
            toward = feature.high if loading[i] > 0 else feature.low
            loadings.append((number, features[i], float(loading[i]), feature.attribute, toward))
    return (
        pl.DataFrame(readings, schema=COMPONENTS, orient="row"),
        pl.DataFrame(loadings, schema=LOADINGS, orient="row"),
    )


def explain_components(
    components: np.ndarray,
    explained_variance_ratio: np.ndarray,
    features: Mapping[str, str],
    meanings: Mapping[str, Meaning],
    language: Language = ENGLISH,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return components and loadings in words.

    Parameters
    ----------
    components : shape (n_components, n_features)
    features : feature to the attribute it is made from, in the order of the columns
    """
    phrases = phrases_in(language)
    words = {
        feature: feature_words(feature, name, meanings.get(name, Meaning()), phrases, language)
        for feature, name in features.items()
    }
    return component_tables(components, explained_variance_ratio, words, language)
