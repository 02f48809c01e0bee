"""Parallel analysis: how many components stand out from those of independent attributes.

Horn (1965), "A rationale and test for the number of factors in factor analysis", Psychometrika 30,
179-185, with the 95th percentile of Glorfeld (1995), Educational and Psychological Measurement 55,
377-393, in place of the mean.
"""

from collections.abc import Sequence

import numpy as np

from segment_lib.model.scale import Moments

_DRAWS = 40
_QUANTILE = 0.95
RELATIVE_ROUNDING = 1e-9
"""Of the sum of all variances, what rounding leaves of those that are none."""


def variances_by_chance(moments: Moments, blocks: Sequence[object] | None = None) -> np.ndarray:
    """Return the variances that the components of independent blocks reach by chance.

    The reference has the blocks as they are and nothing between them: the eigenvalues of the block
    diagonal of the covariance matrix, spread by sampling as those of normal rows are. Eigenvalues
    of a sample depend on those of its population alone, so a Wishart matrix is all that is drawn.

    Parameters
    ----------
    moments : of the rows
    blocks : block of each feature, such as the attribute it is made from; None if each is its own

    Returns
    -------
    variances : in falling order, at most one for each feature
    """
    reference = _block_variances(moments, blocks)
    total = np.trace(moments.scatter) / max(moments.n - 1, 1)
    reference = reference[reference > RELATIVE_ROUNDING * total]
    if not len(reference):
        return np.zeros(0)
    draw = np.random.default_rng(0)
    drawn = np.stack([_sample_variances(reference, moments.n, draw) for _ in range(_DRAWS)])
    return np.asarray(np.quantile(drawn, _QUANTILE, axis=0))


def count_above(variances: np.ndarray, by_chance: np.ndarray) -> int:
    """Count the leading components whose variance chance would not reach.

    Parameters
    ----------
    variances, by_chance : in falling order
    """
    compared = min(len(variances), len(by_chance))
    return int((variances[:compared] > by_chance[:compared]).cumprod().sum())


def _block_variances(moments: Moments, blocks: Sequence[object] | None) -> np.ndarray:
    """Return the eigenvalues of all blocks of the covariance matrix, in falling order."""
    covariance = moments.scatter / max(moments.n - 1, 1)
    if blocks is None:
        return np.sort(np.diag(covariance))[::-1]
    places: dict[object, list[int]] = {}
    for place, block in enumerate(blocks):
        places.setdefault(block, []).append(place)
    values = [np.linalg.eigvalsh(covariance[np.ix_(at, at)]) for at in places.values()]
    return np.sort(np.concatenate(values))[::-1]


def _sample_variances(variances: np.ndarray, n_rows: int, draw: np.random.Generator) -> np.ndarray:
    """Draw the eigenvalues of the covariance of `n_rows` normal rows, in falling order.

    By the decomposition of Bartlett (1933), Proceedings of the Royal Society of Edinburgh 53,
    260-283: the factor of a Wishart matrix is triangular, with chi variables on its diagonal.
    """
    size, free = len(variances), max(n_rows - 1, 1)
    if free < size:
        factor = draw.standard_normal((size, free))
    else:
        factor = np.tril(draw.standard_normal((size, size)), -1)
        factor[np.diag_indices(size)] = np.sqrt(draw.chisquare(free - np.arange(size)))
    scaled = np.sqrt(variances)[:, None] * factor
    return np.asarray(np.linalg.eigvalsh(scaled @ scaled.T / free)[::-1])
