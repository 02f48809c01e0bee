"""Hash of row numbers, from which samples of rows are drawn independently of the parts."""

import numpy as np

_GOLDEN = 0x9E3779B97F4A7C15


def row_hash(rows: np.ndarray, seed: int) -> np.ndarray:
    """Hash of each row number, uniform in 0 to 2⁶⁴ - 1; shape (n_rows,), uint64.

    SplitMix64 (Steele, Lea and Flood 2014, doi:10.1145/2714064.2660195). It is one to one for a
    seed: no two rows share a hash, so rows in the order of their hashes have no ties.
    """
    z = rows.astype(np.uint64) + np.uint64((seed + 1) * _GOLDEN % 2**64)
    z *= np.uint64(_GOLDEN)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def in_first_half(rows: np.ndarray, seed: int) -> np.ndarray:
    """True for about half of the rows, shape (n_rows,)."""
    return row_hash(rows, seed) < np.uint64(2**63)


def hashed_share(rows: np.ndarray, seed: int, share: float) -> np.ndarray:
    """True for about this share of the rows, those with the smallest hashes, shape (n_rows,)."""
    if share >= 1:
        return np.ones(len(rows), dtype=bool)
    return row_hash(rows, seed) < np.uint64(share * 2**64)
