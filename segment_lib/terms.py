"""Terms that more than one room speaks of: each is defined here and nowhere else."""

EXTRACTS = ("population", "customers")
"""The two deliveries, in the order in which they are read."""

SET_ASIDE = -1
"""The segment, and the micro-segment, of rows too incomplete to cluster."""

PLACED, ALL = "placed", "all"
"""Whose shares are index 100: of the rows that have a segment, or of all rows."""

OVER, UNDER, AVERAGE = VERDICTS = ("over", "under", "average")
"""Whether customers are surely more common in a segment, surely rarer, or neither."""

LEVELS = ("far above", "above", "average", "below", "far below")
"""How common customers are in a segment, in words for people: a verdict and how far it goes."""

FAR = (50, 150)
"""A verdict goes far where the limit of the index nearest 100 lies beyond these."""

NEAR = (80, 125)
"""Without money, nobody is advised on a segment with an index within these: 4 for 5, either way."""


def level_of(verdict: str, low: float | None, high: float | None) -> str:
    """Level of a segment, from its verdict and the limits of its index that the verdict is from."""
    if verdict == OVER:
        return LEVELS[0] if low is not None and low > FAR[1] else LEVELS[1]
    if verdict == UNDER:
        return LEVELS[4] if high is not None and high < FAR[0] else LEVELS[3]
    return LEVELS[2]


LANGUAGES = ("en", "de")
"""Languages of the page: English and German."""


CONFIDENCE = 0.95
"""Of every interval and of every limit by chance."""

DEPTH = 0.2
"""The share of the population mailed when gains are compared."""

FOUND_AGAIN, STABLE, DISSOLVED = 0.75, 0.6, 0.5
"""Mean Jaccard coefficients over clusterings anew: from the first on a segment is found again, from
the second on in outline (Hennig 2007, "Cluster-wise assessment of cluster stability"), up to the
third it has dissolved (Hennig 2008, "Dissolution point and isolation robustness")."""

MAX_LISTED = 25
"""Numbers with more distinct values are profiled and compared in bins."""

LIKENESS_BINS = 64
"""Bins of customer-likeness for each unit of its logarithm: one is 1.6 % wide."""
