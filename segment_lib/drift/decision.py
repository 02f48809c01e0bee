"""Findings of a comparison with the base, in sentences, and the decision to refit the model."""

from collections.abc import Collection, Mapping
from typing import Literal

import polars as pl

from segment_lib.disclosure import suppressed_segments
from segment_lib.errors import ConfigError
from segment_lib.schema.wording import listed

MAX_DISTANCE_GROWTH = 0.05
"""The largest growth of the mean distance to the centres at which the model still fits."""
_NAMED = 5

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
) -> list[str]:
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
    for extract, prefix in (("population", ""), ("customers", "customers_")):
        drifted = attributes.filter(pl.col(f"{prefix}drifted"))
        if drifted.height:
            sentences.append(
                f"attributes of the {extract} have drifted: {_by_psi(drifted, f'{prefix}psi')}"
            )
    moved = segments.with_columns(shares).filter("drifted")
    for number, *ends in moved.select("segment", "share_base", "share_new").iter_rows():
        name = "the share set aside" if number < 0 else f"segment {number}"
        p, q = ("hardly any" if share is None else f"{share:.1%}" for share in ends)
        sentences.append(f"{name} went from {p} to {q} of the population")
    if (growth := distance_growth(distances)) > MAX_DISTANCE_GROWTH:
        sentences.append(f"rows lie {growth:.1%} farther from the centres of their segments")
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
) -> tuple[Decision, str]:
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
        features = listed(list(changed), _NAMED)
        return "refit", f"the plan makes other features than that of the base: {features}"
    if policy != "auto":
        return policy, "as set in refresh.policy"
    in_model = attributes.filter(pl.col("attribute").is_in(list(used)))
    drifted = in_model.filter("drifted")
    if drifted.height:
        return "refit", f"attributes the model uses have drifted: {_by_psi(drifted, 'psi')}"
    growth = distance_growth(distances)
    if growth > MAX_DISTANCE_GROWTH:
        return "refit", f"rows lie {growth:.1%} farther from the centres of their segments"
    top = in_model.sort("psi", descending=True).head(1).select("attribute", "psi").row(0)
    return "apply", (
        f"no attribute the model uses has drifted (the most: {top[0]}, PSI {top[1]:.3f}), and rows "
        f"lie {growth:+.1%} farther from the centres of their segments"
    )


def _by_psi(attributes: pl.DataFrame, psi: str) -> str:
    largest = attributes.sort(psi, descending=True).select("attribute", psi)
    return listed([f"{name} (PSI {value:.2f})" for name, value in largest.iter_rows()], _NAMED)
