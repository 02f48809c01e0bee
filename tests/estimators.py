"""Figures of the estimators beside dask-ml's, for the end of the suite."""

from dataclasses import dataclass, field


@dataclass
class EstimatorFigures:
    """scikit-learn's checks passed, and behaviours that dask-ml documents."""

    checks: list[str] = field(default_factory=list)
    behaviours: int = 0
    otherwise: int = 0

    def lines(self) -> list[str]:
        lines = sorted(self.checks)
        if self.behaviours:
            total = self.behaviours + self.otherwise
            lines.append(f"dask-ml's behaviours: {self.behaviours} of {total} met")
        return lines


FIGURES = EstimatorFigures()
