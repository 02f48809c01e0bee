"""Scaled rows in a quarter of the memory: codes stay bytes until a tile of them is asked for."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from segment_lib.model import loops
from segment_lib.model.scale import StandardScaler


@dataclass(frozen=True)
class CompactRows:
    """Features of rows, a byte each where all of a feature are whole numbers up to 255."""

    small: np.ndarray
    """Shape (n_rows, n_features), uint8; 0 where a feature does not fit."""
    wide: np.ndarray
    """The features that do not fit, shape (n_rows, n_wide), float32."""
    places: np.ndarray
    """Which those are, shape (n_wide,)."""
    mean: np.ndarray
    factor: np.ndarray
    """1 ÷ scale, shape (n_features,)."""

    @classmethod
    def from_block(cls, block: np.ndarray, scaler: StandardScaler) -> Self:
        """Pack an array of shape (n_rows, n_features), float32."""
        with np.errstate(invalid="ignore"):
            small = block.astype(np.uint8)
        places = np.flatnonzero((small != block).any(axis=0))
        small[:, places] = 0
        return cls(small, block[:, places], places, scaler.mean_, 1 / scaler.scale_)

    def __len__(self) -> int:
        return len(self.small)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """Rows by their places, scaled, shape (n, n_features), float64."""
        scaled = np.empty((len(rows), len(self.mean)))
        self.unpack(rows, scaled)
        return scaled

    def unpack(self, rows: np.ndarray, scaled: np.ndarray) -> None:
        """Write rows, by their places, into the first columns of `scaled`, shape (n, …)."""
        loops.unpack(self.small, self.wide, self.places, self.mean, self.factor, rows, scaled)
