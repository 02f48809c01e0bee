"""Choice of the number of segments: the best held-out gain among the stable and large enough."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segment_lib.errors import ConfigError
from segment_lib.hashing import row_hash
from segment_lib.terms import DEPTH, DISSOLVED, STABLE

AGREE = 1 / 3
"""Restarts on the same rows agree by this at least (mean adjusted Rand index): of columns
shuffled each by itself two segments were found again by 0.79, from one optimum among many."""
MIN_SHARE = 0.01
"""A segment below this share of the population is too small to plan a mail-out on. A crumb does no
harm beside large ones, so such segments may hold as much together."""


def numbers_to_try(sweep: tuple[int, int], n_clusters: int | str, n_rows: int) -> list[int]:
    """Return the numbers of clusters to try: the sweep and, if one is asked for, that one.

    Raises
    ------
    ConfigError
        If there is none that so few rows allow.
    """
    (least, most), allowed = sweep, max(n_rows // 2, 2)
    wanted = {k for k in range(least, most + 1) if k <= allowed}
    if isinstance(n_clusters, int):
        wanted.add(n_clusters)
    if not wanted:
        raise ConfigError(
            f"model.sweep = [{least}, {most}]: {n_rows:,} rows of the population allow up to "
            f"{allowed} segments. Set model.sweep to begin there or below, or model.n_clusters."
        )
    return sorted(wanted)


def small_share(counts: np.ndarray) -> float:
    """Return the share of rows in segments that are too small, from the rows per segment."""
    return float(counts[counts < MIN_SHARE * counts.sum()].sum() / counts.sum())


@dataclass(frozen=True)
class Gain:
    """Share of customers reached at a depth, and its standard error."""

    share: float
    error: float


@dataclass(frozen=True)
class Trial:
    """Figures by which one number of segments is judged."""

    n_clusters: int
    stability: float
    """Mean over people of the stability of their segment."""
    segment_stability: float
    """Mean over segments."""
    restarts_agree: float
    """Mean adjusted Rand index of pairs of restarts; not a number if there was but one."""
    small_share: float
    """Share of people in segments that are too small."""
    gain: Gain

    @property
    def is_stable(self) -> bool:
        found_again = self.stability >= STABLE and self.segment_stability > DISSOLVED
        return found_again and not self.restarts_agree < AGREE

    @property
    def is_large(self) -> bool:
        return self.small_share <= MIN_SHARE


def holdout_split(rows: np.ndarray, random_state: int) -> np.ndarray:
    """Return 0 for rows that rank segments, 1 for rows that measure the ranking, else 2.

    By the same hash as the halves of the gains table: 0 and 1 are in the half that ranks there, so
    that customers by whom it is measured have no part in how many segments there are.
    """
    split = row_hash(rows, random_state) >> np.uint64(62)
    return np.asarray(np.minimum(split, 2), dtype=np.int64)


def held_out_gain(
    population: np.ndarray, ranking: np.ndarray, measured: np.ndarray, depth: float = DEPTH
) -> Gain:
    """Customers reached when segments are mailed by falling ratio of customers to population.

    Parameters
    ----------
    population, ranking, measured : rows per segment of the population, of the customers by whom
        segments are ranked, and of those by whom the gain is measured; shape (n_segments,)
    depth : the share of the population that is mailed; a segment partly mailed counts in part

    Returns
    -------
    gain : its error is that of a mean over the measured customers, each counted by the part of the
        own segment that is mailed
    """
    filled = population > 0
    population, ranking, measured = population[filled], ranking[filled], measured[filled]
    total = measured.sum()
    if not total:
        return Gain(float("nan"), float("nan"))
    order = np.argsort(-ranking / population, kind="stable")
    before = np.cumsum(population[order]) - population[order]
    mailed = np.clip((depth * population.sum() - before) / population[order], 0.0, 1.0)
    counted = measured[order]
    share = float((mailed * counted).sum() / total)
    variance = float((mailed**2 * counted).sum() / total) - share**2
    return Gain(share, max(variance, 0.0) ** 0.5 / float(total) ** 0.5)


def choose_clusters(trials: Sequence[Trial]) -> tuple[int, str]:
    """Choose the number of segments with the best gain among those stable and large enough.

    The smallest number whose gain is within one standard error of the best is taken.

    Returns
    -------
    chosen, rule : the number of clusters, and the sentence that says why
    """
    large = [trial for trial in trials if trial.is_large]
    stable = [trial for trial in large if trial.is_stable]
    if not stable:
        best = max(large or trials, key=lambda t: (np.nan_to_num(t.stability), -t.n_clusters))
        small = "" if large else f"; segments of under {MIN_SHARE:.0%} hold too many people"
        return best.n_clusters, (
            f"the number of segments found again best (mean matched Jaccard {best.stability:.2f}, "
            f"restarts agree by {best.restarts_agree:.2f}); none is found again well enough "
            f"({STABLE} on average over people, more than {DISSOLVED} over segments, restarts "
            f"{AGREE:.2f}) with segments large enough{small}: these segments are not stable, so do "
            "not plan on them"
        )
    best = max(stable, key=lambda t: (np.nan_to_num(t.gain.share), -t.n_clusters))
    least = best.gain.share - best.gain.error
    chosen = min(
        (t for t in stable if not t.gain.share < least), key=lambda t: t.n_clusters, default=best
    )
    share = f"{chosen.gain.share:.1%} at {DEPTH:.0%} of the population"
    if np.isnan(chosen.gain.share):
        reaches = "the smallest: no customer is held out to tell which of them reaches the most"
    elif chosen is best:
        reaches = (
            f"the one whose best segments reach the most held-out customers: {share}; a tie within "
            "one standard error goes to fewer segments"
        )
    else:
        reaches = (
            "the smallest whose best segments reach within one standard error of the most held-out "
            f"customers: {share}, where {best.n_clusters} segments reach {best.gain.share:.1%}"
        )
    return chosen.n_clusters, (
        f"of the numbers of segments found again in other samples (mean matched Jaccard of at "
        f"least {STABLE}) and from other starts, and large enough (segments of under "
        f"{MIN_SHARE:.0%} of the population hold no more than that together), {reaches}"
    )
