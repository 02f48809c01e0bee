"""Input of the page: the tables of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from segment_lib.report.drift import DriftSection
from segment_lib.schema.language import Language

Figures = Mapping[str, float]
"""Named numbers, such as those of one chi-square test."""


@dataclass(frozen=True)
class RunFacts:
    """Tables and figures of a run that the page shows, with the columns of docs/files.md."""

    folder: str
    """Name of the folder of the run."""
    attributes: pl.DataFrame
    """assess/attributes.parquet"""
    rows: pl.DataFrame
    """assess/rows.parquet"""
    max_missing_per_row: int
    """Rows missing more of the kept attributes than this are set aside."""
    sweep: pl.DataFrame
    """model/sweep.csv"""
    rule: str
    """The sentence that says how n_clusters was chosen."""
    stability: pl.DataFrame
    """model/stability.csv"""
    sensitivity: pl.DataFrame
    """model/sensitivity.csv"""
    explained_variance_ratio: Sequence[float]
    """Ratios of the components kept, falling."""
    n_above_chance: int
    """Those of them that stand out from chance."""
    n_features: int
    constant_features: Sequence[str]
    """Names of the features with a single value in the whole population."""
    components: pl.DataFrame
    """compare/components.csv"""
    loadings: pl.DataFrame
    """compare/loadings.csv"""
    segments: pl.DataFrame
    """compare/segments.csv"""
    names: pl.DataFrame
    """compare/names.csv"""
    traits: pl.DataFrame
    """compare/traits.csv, of attributes that are kept, not redundant, and may describe people"""
    groups: pl.DataFrame
    """compare/groups.csv"""
    group_traits: pl.DataFrame
    """compare/group_traits.csv, of the same attributes as `traits`"""
    tests: Mapping[str, Figures | None]
    """compare/tests.json: all_segments and without_set_aside, None where there is no test"""
    suspicious: Sequence[str]
    """Warnings of the sanity checks that the config allows, a sentence each."""
    fairness: pl.DataFrame
    """compare/fairness.csv"""
    gains: pl.DataFrame
    """gains/gains.csv"""
    depths: pl.DataFrame
    """gains/depths.csv"""
    n_micro: int
    """Number of micro-segments, without the one of the rows set aside."""
    depth: Mapping[str, Any] | None
    """gains/depth.json, if the config has costs"""
    response: pl.DataFrame | None
    """gains/response.csv, if the config has a response column"""
    stages: pl.DataFrame
    """stage, rows_in, rows_out, seconds, peak_mib, files, bytes, sha256 (of the list of its files'
    sha256)"""
    inputs: pl.DataFrame
    """input, path, bytes, rows, sha256 (of an extract: of its rows as read)"""
    settings: Mapping[str, str]
    versions: Mapping[str, str]
    ranking: str = "micro"
    """What orders the target list: logistic or micro"""
    why: str = ""
    """Why it is that one"""
    aside: tuple[float, float] = (0.0, 0.0)
    """Depths between which the rows set aside stand in that order; 0 and 0 if there are none"""
    calibration: pl.DataFrame | None = None
    """gains/calibration.csv, if there is a likeness"""
    weights: pl.DataFrame | None = None
    """gains/weights.csv, if there is a likeness"""
    min_cell: int = 10
    """Counts of people below this are suppressed."""
    min_segment_rows: int = 500
    """Segments with fewer rows of the population are marked small."""
    remarks: Sequence[str] = ()
    """Remarks of the stages for the reader, a sentence each."""
    drift: DriftSection | None = None
    """Section on the refresh; None for a run without a base."""
    language: Language = field(default_factory=Language)
    """What the page is written in."""
