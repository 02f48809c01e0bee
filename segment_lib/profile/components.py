"""Principal components in words: which features pull one up and down, the right way round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from segment_lib.profile.traits import family, topic
from segment_lib.schema import Meaning, Phrases

TOP = 5
"""Features told at each end of a component."""
_READ = 3

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
    """What a small and a large value of a feature mean."""

    attribute: str
    low: str
    high: str


def feature_words(
    feature: str, attribute: str, meaning: Meaning, phrases: Mapping[str, Phrases]
) -> FeatureWords:
    """The words for a feature of the plan: a scale, a level of an attribute, or a recoded fact."""
    known = phrases.get(feature)
    low, high = (known.get("low"), known.get("high")) if known else (None, None)
    if low is not None and high is not None:
        return FeatureWords(attribute, low, high)
    about = topic(attribute, meaning)
    level = feature.removeprefix(f"{attribute}=")
    if level != feature:
        told = f"{about}: {meaning.label(level)}"
        if of := phrases.get(attribute):
            told = of.get(level) or f"{of.topic} {meaning.label(level)}".strip()
        return FeatureWords(attribute, f"not {told}", told)
    if feature != attribute:
        about = feature.replace("_", " ").replace("=", ": ")
        return FeatureWords(attribute, f"{about}: low", f"{about}: high")
    first, last = "low", "high"
    if len(meaning.levels) > 1:
        labels = list(meaning.levels.values())
        first, last = labels[0], labels[-1]
    return FeatureWords(attribute, f"{about}: {first}", f"{about}: {last}")


def component_tables(
    components: np.ndarray,
    explained_variance_ratio: np.ndarray,
    features: Sequence[str],
    words: Mapping[str, FeatureWords],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Each component with a line that reads it, and its strongest loadings.

    Parameters
    ----------
    components : shape (n_components, n_features)
    explained_variance_ratio : shape (n_components,) or longer

    Returns
    -------
    components, loadings : columns of COMPONENTS and of LOADINGS. `toward` says what people with a
        high score have more of: of a feature that pulls down it is the other end
    """
    readings, loadings = [], []
    for number, (loading, share) in enumerate(
        zip(components, explained_variance_ratio, strict=False), 1
    ):
        order = np.argsort(-np.abs(loading), kind="stable")
        told: list[str] = []
        families: set[str] = set()
        for i in order:
            of = words[features[i]]
            if family(of.attribute) not in families and len(told) < _READ and loading[i]:
                families.add(family(of.attribute))
                told.append(of.high if loading[i] > 0 else of.low)
        readings.append((number, float(share), f"high: {'; '.join(told)}"))
        ups = [i for i in order if loading[i] > 0][:TOP]
        downs = [i for i in order if loading[i] < 0][:TOP]
        for i in ups + downs[::-1]:
            of = words[features[i]]
            toward = of.high if loading[i] > 0 else of.low
            loadings.append((number, features[i], float(loading[i]), of.attribute, toward))
    return (
        pl.DataFrame(readings, schema=COMPONENTS, orient="row"),
        pl.DataFrame(loadings, schema=LOADINGS, orient="row"),
    )
