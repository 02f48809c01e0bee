"""Choice of the number of segments: the fewest that reach the most, among those found again."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segment_lib.errors import ConfigError
from segment_lib.hashing import row_hash
from segment_lib.schema.language import N_, Sentence, sentence
from segment_lib.terms import DEPTH, FOUND_AGAIN

MOST_PEOPLE = 0.8
"""Share of people in segments found again from which on a number of segments is stable."""
MIN_SHARE = 0.01
"""A segment below this share of the population is too small to plan a mail-out on."""
MAX_SEGMENTS = 12
"""The most that are chosen unless asked for: more cannot be kept in mind."""
_NEARLY = 0.1
"""Where none is stable, how much of the best share of people found again may be given up."""


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


def numbers_to_choose(tried: Sequence[int], n_clusters: int | str) -> list[int]:
    """Return the numbers of those tried that may be chosen, and are therefore clustered anew."""
    if isinstance(n_clusters, int):
        return [n_clusters]
    return [k for k in tried if k <= MAX_SEGMENTS] or list(tried)


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
    found_again: float
    """Share of people in segments found again."""
    smallest_share: float
    """Share of people in the smallest segment."""
    gain: Gain
    stands_out: bool = True
    """False if the components do not stand out from chance: slices of noise come out again too."""

    @property
    def is_stable(self) -> bool:
        return self.stands_out and self.found_again >= MOST_PEOPLE

    @property
    def is_large(self) -> bool:
        return self.smallest_share >= MIN_SHARE


def holdout_split(rows: np.ndarray, random_state: int) -> np.ndarray:
    """Return 0 and 1 for the two quarters of rows that compare numbers of segments, 2 for others.

    By the same hash as the halves of the gains table: 0 and 1 are in the half that ranks there, so
    that customers by whom it is measured have no part in how many segments there are.
    """
    split = row_hash(rows, random_state) >> np.uint64(62)
    return np.asarray(np.minimum(split, 2), dtype=np.int64)


def cross_fitted_gain(population: np.ndarray, customers: np.ndarray, depth: float = DEPTH) -> Gain:
    """Customers reached, ranked by each quarter and measured by the other; the mean of the two.

    Parameters
    ----------
    population : rows per segment, shape (n_segments,)
    customers : those of both quarters, shape (2, n_segments)
    depth : the share of the population that is mailed
    """
    first, second = customers
    gains = [
        held_out_gain(population, ranking, measured, depth)
        for ranking, measured in ((first, second), (second, first))
    ]
    share = float(np.mean([gain.share for gain in gains]))
    return Gain(share, float(np.linalg.norm([gain.error for gain in gains]) / 2))


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


def choose_clusters(trials: Sequence[Trial]) -> tuple[int, Sentence]:
    """Choose the fewest segments whose gain is within one standard error of the best.

    Looked at are the numbers whose segments are found again and large enough. Where there is none,
    the population is a continuum: of those nearly as stable as the best, it is the fewest within
    one standard error again.

    Parameters
    ----------
    trials : of the numbers that may be chosen

    Returns
    -------
    chosen, rule : the number of clusters, and the sentence that says why
    """
    most = max(t.n_clusters for t in trials)
    large = [trial for trial in trials if trial.is_large]
    stable = [trial for trial in large if trial.is_stable]
    known = large or list(trials)
    best_share = max(trial.found_again for trial in known)
    if stable:
        rule = [
            N_(
                "Of the numbers up to {most} at which {share:percent} of people or more are in "
                "segments found again when half of the people are segmented anew, and no segment "
                "is under {least}% of the population, these are"
            )
        ]
    else:
        stable = [t for t in known if t.found_again >= best_share - _NEARLY]
        why = (
            N_(
                "The population is a continuum without clear borders: at no number up to {most} "
                "are {share:percent} of people in segments found again."
            )
            if all(trial.stands_out for trial in known)
            else N_(
                "The population is a continuum without clear borders: what its attributes share "
                "is no more than chance gives."
            )
        )
        small = [] if large else [N_("Segments of under {least}% could not be avoided.")]
        nearly = N_(
            "Of the numbers nearly as good as the best, at which {best_share:percent} of people "
            "are in segments found again, these are"
        )
        rule = [why, *small, nearly]
    best = max(stable, key=lambda t: (np.nan_to_num(t.gain.share), -t.n_clusters))
    least = best.gain.share - best.gain.error
    chosen = min(t.n_clusters for t in stable if not t.gain.share < least)
    fewest = (
        N_("the fewest: no customer is held out to tell which reach the most.")
        if np.isnan(best.gain.share)
        else N_(
            "the fewest whose best segments reach as many held-out customers as the best of them, "
            "{best} segments, within one standard error."
        )
    )
    return chosen, sentence(
        *rule,
        fewest,
        most=most,
        share=MOST_PEOPLE,
        least=round(100 * MIN_SHARE),
        best_share=best_share,
        best=best.n_clusters,
    )


def found_again_share(stability: np.ndarray, people: np.ndarray) -> float:
    """Return the share of people in segments found again.

    Parameters
    ----------
    stability, people : mean Jaccard coefficient and rows per segment, shape (n_clusters,)
    """
    return float(people[stability >= FOUND_AGAIN].sum() / people.sum())
