"""Figures of the estimators beside dask-ml's, for the end of the suite."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class EstimatorFigures:
    """scikit-learn's checks passed, and behaviours that dask-ml documents."""

    checks: list[str] = field(default_factory=list)
    behaviours: int = 0
    otherwise: Sequence[str] = ()
    """Of the rest how many, what they are and what ours does."""

    def lines(self) -> list[str]:
        lines = sorted(self.checks)
        if self.behaviours:
            total = self.behaviours + sum(int(case.split()[0]) for case in self.otherwise)
            lines.append(f"dask-ml's cases: {self.behaviours} of {total} hold")
            lines += [f"  {case}" for case in self.otherwise]
        return lines


FIGURES = EstimatorFigures()
