"""What a comparison with the base finds, in sentences, and whether to refit the model."""

from collections.abc import Collection, Mapping
from typing import Literal

import polars as pl

from segment_lib.disclosure import suppressed_segments
from segment_lib.errors import ConfigError

MOST_FARTHER = 0.05
"""Rows lying farther from their centres by more than this share speak of other people."""
_NAMED = 5

Policy = Literal["auto", "apply", "refit"]
Decision = Literal["apply", "refit"]


def farther(distances: Mapping[str, float]) -> float:
    """By which share the mean distance of rows to their centre has grown."""
    base = distances["distance_base"]
    return distances["distance_new"] / base - 1 if base else 0.0


def findings(
    attributes: pl.DataFrame,
    segments: pl.DataFrame,
    distances: Mapping[str, float],
    min_cell: int,
) -> list[str]:
    """What has drifted, a sentence each; none if the ground is where it was.

    Parameters
    ----------
    attributes : attribute, psi, drifted and the same of the customers; the attributes that count
    segments : a table of `segment_drift`
    distances : of `distance_table`
    min_cell : shares of fewer people are not told
    """
    told = []
    shares = (
        pl.when(~suppressed_segments(pl.col(f"rows_{run}"), min_cell)).then(f"share_{run}")
        for run in ("base", "new")
    )
    for who, of in (("population", ""), ("customers", "customers_")):
        drifted = attributes.filter(pl.col(f"{of}drifted"))
        if drifted.height:
            told.append(f"attributes of the {who} have drifted: {_listed(drifted, f'{of}psi')}")
    moved = segments.with_columns(shares).filter("drifted")
    for number, *ends in moved.select("segment", "share_base", "share_new").iter_rows():
        name = "the share set aside" if number < 0 else f"segment {number}"
        p, q = ("hardly any" if share is None else f"{share:.1%}" for share in ends)
        told.append(f"{name} went from {p} to {q} of the population")
    if (more := farther(distances)) > MOST_FARTHER:
        told.append(f"rows lie {more:.1%} farther from the centres of their segments")
    return told


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
    """Whether the base's model is applied or refitted, and why.

    By "auto" it is refitted if an attribute it uses has drifted in the population, or rows lie
    farther from their centres by more than MOST_FARTHER. A segment that has grown or shrunk calls
    for no other model: there are more or fewer of the same people.

    Parameters
    ----------
    used : attributes that make features
    changed : features the base has not, and those it alone has: then it must be refitted
    """
    if changed:
        return "refit", f"the plan makes other features than that of the base: {_some(changed)}"
    if policy != "auto":
        return policy, "as set in refresh.policy"
    mine = attributes.filter(pl.col("attribute").is_in(list(used)))
    moved = mine.filter("drifted")
    if moved.height:
        return "refit", f"attributes the model uses have drifted: {_listed(moved, 'psi')}"
    more = farther(distances)
    if more > MOST_FARTHER:
        return "refit", f"rows lie {more:.1%} farther from the centres of their segments"
    top = mine.sort("psi", descending=True).head(1).select("attribute", "psi").row(0)
    return "apply", (
        f"no attribute the model uses has drifted (the most: {top[0]}, PSI {top[1]:.3f}), and rows "
        f"lie {more:+.1%} farther from the centres of their segments"
    )


def _listed(attributes: pl.DataFrame, psi: str) -> str:
    found = attributes.sort(psi, descending=True).select("attribute", psi)
    return _some([f"{name} (PSI {value:.2f})" for name, value in found.iter_rows()])


def _some(names: Collection[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(list(names)[:_NAMED]) + more
