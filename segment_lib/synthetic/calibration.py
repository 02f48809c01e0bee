"""The calibration table: every published figure beside ours, the distance, the bound and the source."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from segment_lib.synthetic.figures import Json

Source = dict[str, Json]


@dataclass(frozen=True)
class Line:
    """One published figure and ours."""

    topic: str
    figure: str
    published: float
    ours: float
    distance: float
    """In the unit of the bound: rows, total variation, a share of the published value, or absolute."""
    bound: float
    source: str

    @property
    def within(self) -> bool:
        """Whether the distance keeps the bound."""
        return self.distance <= self.bound
