"""Components as the page reads them: their share, a line of words, and their strongest loadings."""

from dataclasses import dataclass

import polars as pl

from segment_lib.schema.language import NOTHING, Language


@dataclass(frozen=True)
class Loading:
    """Loading of one feature; width is that of its bar as a percentage of the longest."""

    feature: str
    toward: str
    text: str
    width: float


@dataclass(frozen=True)
class Component:
    """Component with its one-line reading and its strongest loadings."""

    number: int
    share: float
    reading: str
    loadings: tuple[Loading, ...]


def components(
    read: pl.DataFrame, loadings: pl.DataFrame, language: Language, *, shown: int
) -> tuple[Component, ...]:
    """First components, each with its strongest loadings, the largest absolute one first."""
    read_components = []
    columns = ("component", "explained_variance_ratio", "reading")
    for number, share, reading in read.sort("component").head(shown).select(columns).iter_rows():
        rows = (
            loadings.filter(pl.col("component") == number)
            .sort(pl.col("loading").abs(), "feature", descending=[True, False])
            .select("feature", "toward", "loading")
            .rows()
        )
        longest = max((abs(loading) for _, _, loading in rows), default=0.0) or 1.0
        ends = tuple(
            Loading(
                feature,
                toward or feature,
                f"{'+' if loading > 0 else ''}{language.decimals(loading, 2)}",
                round(100 * abs(loading) / longest, 1),
            )
            for feature, toward, loading in rows
        )
        read_components.append(Component(number, share, reading or NOTHING, ends))
    return tuple(read_components)
