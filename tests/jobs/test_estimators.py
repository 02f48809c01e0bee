"""A whole job, watched on all threads: what scales, projects and passes is the estimators."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import polars as pl
import pytest

from segment_lib.model import (
    IncrementalPCA,
    KMeans,
    StandardScaler,
    kmeans,
    lloyd,
    sample,
    stability,
)

METHODS = {
    StandardScaler: ("fit", "transform"),
    IncrementalPCA: ("fit", "transform"),
    KMeans: ("fit_sweep", "predict", "predict_sweep", "measure"),
}
KERNEL = {
    kmeans: ("label_rows", "nearest"),
    lloyd: ("tally_rows", "measure_rows", "nearest"),
    sample: ("nearest",),
}
"""The inner loops over rows and centres, where they are called by name."""


@dataclass
class Watch:
    """Calls of the estimators' methods, and of the inner loops while none of these is at work."""

    calls: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    """Rows in memory that a method was given, by its name."""
    outside: Counter[str] = field(default_factory=Counter)
    inner: int = 0
    _at_work: int = 0
    _lock: Any = field(default_factory=Lock)

    def method(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            with self._lock:
                self.calls[name] += 1
                self.rows[name] += sum(len(a) for a in args if type(a) is np.ndarray)
                self._at_work += 1
            try:
                return function(*args, **kwargs)
            finally:
                with self._lock:
                    self._at_work -= 1

        return watched

    def loop(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            with self._lock:
                self.inner += 1
                self.outside[name] += not self._at_work
            return function(*args, **kwargs)

        return watched


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch()
    for kind, names in METHODS.items():
        for name in names:
            watched = watch.method(f"{kind.__name__}.{name}", getattr(kind, name))
            is_static = isinstance(vars(kind)[name], staticmethod)
            monkeypatch.setattr(kind, name, staticmethod(watched) if is_static else watched)
    # Halves of the sample are clustered by the search that KMeans begins with.
    again = "_recluster"
    monkeypatch.setattr(stability, again, watch.method(again, getattr(stability, again)))
    for module, names in KERNEL.items():
        for name in names:
            monkeypatch.setattr(module, name, watch.loop(name, getattr(module, name)))
    return watch


def n_rows(run: Path, folder: str) -> int:
    return pl.scan_parquet(run / folder / "*.parquet").select(pl.len()).collect().item()


def test_every_scaling_projection_and_pass_of_a_job_goes_through_the_estimators(
    small_config: Path, tmp_path: Path, watch: Watch, call: Callable[..., tuple[int, list[str]]]
) -> None:
    run = tmp_path / "run"
    seen: dict[str, Counter[str]] = {}
    for stage in ("fit", "sweep", "assign", "compare", "gains"):
        watch.rows.clear()
        assert call("run", small_config, "--run-dir", run, "--until", stage)[0] == 0
        seen[stage] = watch.rows.copy()
    people, customers = (n_rows(run, f"features/{name}") for name in ("population", "customers"))
    # The rows of the likeness are scaled as they are unpacked, by what the scaler has learned.
    for stage in ("fit", "sweep", "assign", "compare", "gains"):
        assert seen[stage]["StandardScaler.transform"] == seen[stage]["IncrementalPCA.transform"]
    for stage in ("sweep", "assign", "compare"):
        assert seen[stage]["StandardScaler.transform"] == people + customers
    assert seen["gains"]["StandardScaler.transform"] > 2 * people + customers
    assert seen["assign"]["KMeans.predict"] == people + customers
    assert watch.calls["StandardScaler.fit"] == watch.calls["IncrementalPCA.fit"] == 1
    assert watch.calls["KMeans.fit_sweep"] == 1
    assert watch.calls["_recluster"] == 8
    assert watch.inner > 100
    assert watch.outside.total() == 0, watch.outside
