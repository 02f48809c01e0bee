"""Findings of a comparison with the base, in sentences, and the decision to refit the model."""

from collections.abc import Collection, Mapping
from typing import Literal

import polars as pl

from segment_lib.disclosure import suppressed_segments
from segment_lib.errors import ConfigError
from segment_lib.schema.language import N_, Sentence, sentence

MAX_DISTANCE_GROWTH = 0.05
"""The largest growth of the mean distance to the centres at which the model still fits."""

FARTHER = N_("rows lie {growth:percent_tenths} farther from the centres of their segments")

Policy = Literal["auto", "apply", "refit"]
Decision = Literal["apply", "refit"]


def distance_growth(distances: Mapping[str, float]) -> float:
    """Growth of the mean distance of rows to their centre, as a share of the base's."""
    base = distances["distance_base"]
    return distances["distance_new"] / base - 1 if base else 0.0


def findings(
    attributes: pl.DataFrame,
    segments: pl.DataFrame,
    distances: Mapping[str, float],
    min_cell: int,
) -> list[Sentence]:
    """Sentences on what has drifted; empty if nothing has.

    Parameters
    ----------
    attributes : attribute, psi, drifted, customers_psi, customers_drifted of the kept attributes
    segments : the table of `segment_drift`
    distances : the table of `distance_table`
    min_cell : shares of fewer people are suppressed
    """
    sentences = []
    shares = (
        pl.when(~suppressed_segments(pl.col(f"rows_{run}"), min_cell)).then(f"share_{run}")
        for run in ("base", "new")
    )
    texts = {
        "": N_("attributes of the population have drifted: {attributes:with_psi}"),
        "customers_": N_("attributes of the customers have drifted: {attributes:with_psi}"),
    }
    for prefix, text in texts.items():
        drifted = attributes.filter(pl.col(f"{prefix}drifted"))
        if drifted.height:
            sentences.append(sentence(text, attributes=_by_psi(drifted, f"{prefix}psi")))
    moved = segments.with_columns(shares).filter("drifted")
    for number, *ends in moved.select("segment", "share_base", "share_new").iter_rows():
        text = (
            N_("the share set aside went from {before:share} to {now:share} of the population")
            if number < 0
            else N_("segment {number} went from {before:share} to {now:share} of the population")
        )
        sentences.append(sentence(text, number=number, before=ends[0], now=ends[1]))
    if (growth := distance_growth(distances)) > MAX_DISTANCE_GROWTH:
        sentences.append(sentence(FARTHER, growth=growth))
    return sentences


def refuse_other_features(policy: Policy, changed: Collection[str]) -> None:
    """Raise a ConfigError if a model is to be applied that was not fitted on these features."""
    if changed and policy == "apply":
        raise ConfigError(
            "The plan makes other features than that of the base, so its model cannot be applied. "
            'Set refresh.policy = "refit" or "auto", or leave --plan out.'
        )


def decide(
    policy: Policy,
    attributes: pl.DataFrame,
    used: Collection[str],
    distances: Mapping[str, float],
    changed: Collection[str] = (),
) -> tuple[Decision, Sentence]:
    """Decide whether the base's model is applied or refitted; returns the decision and the reason.

    By "auto" it is refitted if an attribute it uses has drifted in the population, or rows lie
    farther from their centres by more than MOST_FARTHER. A segment that has grown or shrunk calls
    for no other model: there are more or fewer of the same people.

    Parameters
    ----------
    used : attributes that make features
    changed : features that only the base or only this run has; with any of them, a refit is needed
    """
    if changed:
        other = N_("the plan makes other features than that of the base: {features:listed_first}")
        return "refit", sentence(other, features=list(changed))
    if policy != "auto":
        return policy, sentence(N_("as set in refresh.policy"))
    in_model = attributes.filter(pl.col("attribute").is_in(list(used)))
    drifted = in_model.filter("drifted")
    if drifted.height:
        moved = N_("attributes the model uses have drifted: {attributes:with_psi}")
        return "refit", sentence(moved, attributes=_by_psi(drifted, "psi"))
    growth = distance_growth(distances)
    if growth > MAX_DISTANCE_GROWTH:
        return "refit", sentence(FARTHER, growth=growth)
    calm = (
        N_(
            "no attribute the model uses has drifted (the most: {attribute}, PSI {psi:decimals}), "
            "and rows lie {growth:percent_tenths} farther from the centres of their segments"
        )
        if growth >= 0
        else N_(
            "no attribute the model uses has drifted (the most: {attribute}, PSI {psi:decimals}), "
            "and rows lie {growth:percent_tenths} nearer to the centres of their segments"
        )
    )
    top = in_model.sort("psi", descending=True).row(0, named=True)
    return "apply", sentence(calm, attribute=top["attribute"], psi=top["psi"], growth=abs(growth))


def _by_psi(attributes: pl.DataFrame, psi: str) -> list[list[str | float]]:
    """Attributes with their stability index, the largest first."""
    rows = attributes.sort(psi, descending=True).select("attribute", psi).iter_rows()
    return [list(row) for row in rows]
