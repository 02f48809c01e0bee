"""Ranking by customer-likeness: cells of like people, and gains and calibration on unseen rows.

Likeness is counted in bins (see `LIKENESS_BINS`). Cases are customers and controls the population;
of a response, cases are those who responded and controls those who were asked.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import polars as pl

from segment_lib.mailing.gains import DEPTHS, gains_in_order, shrink_ratios
from segment_lib.schema.language import N_, Sentence, sentence
from segment_lib.terms import DEPTH, LIKENESS_BINS, SET_ASIDE

LISTED = {"segment": pl.Int32, "bin": pl.Int32, "population_rows": pl.Int64}
"""The population by segment and the bin that ranks it; the bin of rows set aside is null."""
UNSEEN = {
    "in_first_half": pl.Boolean,
    "bin": pl.Int32,
    "controls": pl.Int64,
    "cases": pl.Int64,
}
"""Rows by half and bin of the fit that has not seen them; the bin of rows set aside is null."""
CALIBRATION = {
    "tenth": pl.Int64,
    "predicted": pl.Float64,
    "index": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "rows": pl.Int64,
    "cases": pl.Int64,
}
LIKENESS_CELLS = (
    *("rank", "cell", "likeness_from", "likeness", "segment", "segment_share", "population_rows"),
    *("customer_rows", "index", "micro_index", "micro_index_low", "micro_index_high", "depth"),
)
"""Columns of the table of cells."""

RANKINGS = {"logistic": "customer-likeness", "micro": "micro-segments"}
"""Name of each ranking for people."""

Limits = Callable[[int, int, int, int], tuple[float | None, float | None, float | None]]
"""From cases, all cases, controls and all controls to the lower limit, index and upper limit."""


@dataclass(frozen=True)
class RankingChoice:
    """The ranking that orders the list: "logistic" or "micro", and why."""

    ranking: str
    why: Sentence

    @property
    def words(self) -> str:
        """The ranking in words, and why."""
        return f"{RANKINGS[self.ranking]} ({self.why})"


def likeness_of_bins(bins: pl.Expr) -> pl.Expr:
    """Likeness in the middle of a bin; 100 is average."""
    return 100 * (bins / LIKENESS_BINS).exp()


def likeness_bins(values: np.ndarray) -> np.ndarray:
    """Bins of likenesses, shape (n_rows,), float64; NaN stays."""
    return np.asarray(np.rint(np.log(values.astype(np.float64) / 100) * LIKENESS_BINS))


def likeness_gains(
    unseen: pl.DataFrame, population: int, depths: Sequence[float] = DEPTHS
) -> pl.DataFrame:
    """Table of the cases reached at each depth, the columns of `gains_table`.

    The fit to the first half ranks the second half, of cases and of controls: nobody counted here
    has had part in the ranking. The rows set aside stand where their index in the first half puts
    them.

    Parameters
    ----------
    unseen : columns of UNSEEN
    population : rows of the population, of which the depth is a share
    """
    ranking, measured = (unseen.filter(pl.col("in_first_half") == first) for first in (True, False))
    aside = _bin_of_set_aside(ranking)
    counts = measured.select(
        pl.col("bin").fill_null(aside).alias("logistic"),
        pl.col("controls").alias("population_rows"),
        pl.col("cases").alias("measured_rows"),
    )
    best_first = counts["logistic"].unique().sort(descending=True)
    return gains_in_order(counts, "logistic", best_first, population, depths)


def _bin_of_set_aside(unseen: pl.DataFrame) -> int:
    """Bin in which the index of the rows set aside lies; that of the average if they are few."""
    aside, placed = (
        unseen.filter(pl.col("bin").is_null() == is_aside).select(pl.col("cases", "controls").sum())
        for is_aside in (True, False)
    )
    (cases, controls), (all_cases, all_controls) = aside.row(0), placed.row(0)
    # Half a case more on both sides: none is no proof that nobody responds.
    expected = controls * all_cases / max(all_controls, 1)
    return round(LIKENESS_BINS * float(np.log((cases + 0.5) / (expected + 0.5))))


def calibration_table(unseen: pl.DataFrame, limits: Limits) -> pl.DataFrame:
    """Table of the predicted index against the measured one, by tenths of the controls.

    Each row has the likeness of the fit that has not seen it; the rows set aside have none. The
    mean likeness of controls is the index that their cases should have.

    Returns
    -------
    calibration : columns of CALIBRATION, the most customer-like tenth first; `low` and `high` are
        the limits of the measured index
    """
    bins = (unseen.drop_nulls("bin").group_by("bin").agg(pl.col("controls", "cases").sum())).sort(
        "bin", descending=True
    )
    all_cases, all_controls = (int(bins[name].sum()) for name in ("cases", "controls"))
    if not min(all_cases, all_controls):
        return pl.DataFrame(schema=CALIBRATION)
    middle = pl.col("controls").cum_sum() - pl.col("controls") / 2
    tenths = (
        bins.with_columns(
            (1 + (10 * middle / all_controls).floor().clip(0, 9)).cast(pl.Int64).alias("tenth")
        )
        .group_by("tenth")
        .agg(
            (likeness_of_bins(pl.col("bin")) * pl.col("controls")).sum().alias("predicted"),
            pl.col("cases", "controls").sum(),
        )
        .filter(pl.col("controls") > 0)
        .with_columns(pl.col("predicted") / pl.col("controls"))
        .sort("tenth")
    )
    measured = [
        limits(cases, all_cases, controls, all_controls)
        for cases, controls in tenths.select("cases", "controls").iter_rows()
    ]
    columns = zip(("low", "index", "high"), zip(*measured, strict=True), strict=True)
    return tenths.with_columns(
        *(pl.Series(name, values, dtype=pl.Float64) for name, values in columns),
        pl.col("controls").alias("rows"),
    ).select(pl.col(name).cast(kind) for name, kind in CALIBRATION.items())


def likeness_cells(listed: pl.DataFrame, unseen: pl.DataFrame, n_cells: int) -> pl.DataFrame:
    """Table of cells of like people, the most customer-like first; -1 are the rows set aside.

    A cell is a run of bins with about one part in `n_cells` of the population. Its index is that of
    rows by the fit that has not seen them, smoothed towards the likeness as micro-segments are
    towards their segments; 100 is the average of those not set aside. Cells stand in the order of
    their likeness, the rows set aside where their smoothed index puts them.

    Returns
    -------
    cells : columns of LIKENESS_CELLS; `likeness_from` is the least likeness of the cell, null for
        the rows set aside
    """
    edges = _edges(listed, n_cells)
    rows, controls, cases = (pl.col(name) for name in ("population_rows", "controls", "cases"))
    people = (
        listed.with_columns(_cell(listed["bin"], edges))
        .group_by("cell", "segment")
        .agg(rows.sum(), (likeness_of_bins(pl.col("bin")) * rows).sum().alias("likeness"))
        .sort(rows, "segment", descending=[True, False])
        .group_by("cell")
        .agg(
            pl.col("segment").first(),
            (rows.first() / rows.sum()).alias("segment_share"),
            rows.sum(),
            (pl.col("likeness").sum() / rows.sum()).alias("likeness"),
        )
    )
    measured = (
        unseen.with_columns(_cell(unseen["bin"], edges))
        .group_by("cell")
        .agg(cases.sum(), controls.sum())
    )
    table = people.join(measured, on="cell", how="left").sort("cell")
    table = table.with_columns(
        pl.col("cases", "controls").fill_null(0),
        pl.when(pl.col("cell") != SET_ASIDE).then("likeness").alias("likeness"),
    )
    placed = table.filter(pl.col("cell") != SET_ASIDE)
    per_row = int(placed["cases"].sum()) / max(int(placed["controls"].sum()), 1)
    expected = table["controls"].to_numpy() * per_row
    counted, ratio = table["cases"].to_numpy(), pl.when(controls > 0).then(cases / controls)
    prior = table.select(
        (pl.col("likeness") / 100).fill_null(ratio / max(per_row, 1e-12)).fill_null(1.0)
    ).to_series()
    smoothed = shrink_ratios(counted, expected, prior.to_numpy())
    names = ("micro_index", "micro_index_low", "micro_index_high")
    place = pl.col("likeness").fill_null(pl.col("micro_index"))
    return (
        table.with_columns(
            (100 * ratio / max(per_row, 1e-12)).alias("index"),
            *(pl.Series(name, 100 * values) for name, values in zip(names, smoothed, strict=True)),
            pl.Series(
                "likeness_from",
                [None if cell == SET_ASIDE else edges[cell] for cell in table["cell"]],
                dtype=pl.Float64,
            ),
        )
        .with_columns(likeness_of_bins(pl.col("likeness_from")).alias("likeness_from"))
        .sort(place, "cell", descending=[True, False])
        .with_columns(
            pl.int_range(1, pl.len() + 1).alias("rank"),
            (rows.cum_sum() / rows.sum()).alias("depth"),
            cases.alias("customer_rows"),
        )
        .select(*LIKENESS_CELLS)
    )


def _edges(listed: pl.DataFrame, n_cells: int) -> list[int]:
    """Least bin of each cell, falling: the last bin before a further part in `n_cells` begins."""
    bins = listed.drop_nulls("bin").group_by("bin").agg(pl.col("population_rows").sum())
    bins = bins.sort("bin", descending=True)
    n = max(int(bins["population_rows"].sum()), 1)
    cells = ((pl.col("population_rows").cum_sum() * n_cells - 1) // n).alias("part")
    return bins.group_by(cells).agg(pl.col("bin").min())["bin"].sort(descending=True).to_list()


def _cell(bins: pl.Series, edges: Sequence[int]) -> pl.Series:
    """Cell of each bin, from 0 for the highest; SET_ASIDE where it is null."""
    ascending = np.array(edges[::-1], dtype=np.float64)
    place = np.searchsorted(ascending, bins.cast(pl.Float64).fill_null(0).to_numpy(), "right") - 1
    cells = len(edges) - 1 - np.maximum(place, 0)
    return pl.Series("cell", np.where(bins.is_null(), SET_ASIDE, cells), dtype=pl.Int64)


def cells_of(values: pl.Series, table: pl.DataFrame) -> np.ndarray:
    """Cell of each likeness, SET_ASIDE where it is null; shape (n_rows,), int64.

    Parameters
    ----------
    table : the table of cells
    """
    edges = np.sort(likeness_bins(table["likeness_from"].drop_nulls().to_numpy()))[::-1]
    bins = pl.Series(likeness_bins(values.cast(pl.Float64).fill_null(100.0).to_numpy()))
    known = pl.DataFrame({"bin": bins, "is_known": values.is_not_null()})
    return _cell(known.select(pl.when("is_known").then("bin"))["bin"], edges.tolist()).to_numpy()


def choose_ranking(
    wanted: str, gains: pl.DataFrame, measured: int, *, by_response: bool = False
) -> RankingChoice:
    """Choose what ranks the list.

    By "auto" it is likeness where it reaches more held-out customers at DEPTH than micro-segments
    and than no selection by more than one standard error of a share, the largest of them. That
    error is of independent samples: the same customers measure both, so the true one is smaller.

    Parameters
    ----------
    wanted : "auto", "logistic" or "micro"
    gains : the tables of gains of both
    measured : customers that measure both
    by_response : whether those who responded measure both
    """
    deep = gains.filter((pl.col("depth") - DEPTH).abs() < 1e-9)
    reached = dict(deep.select("by", "customers_reached").iter_rows())
    ours, theirs = (reached.get(by) for by in ("logistic", "micro_segment"))
    if "logistic" not in reached:
        return RankingChoice("micro", sentence(N_("too few customers to fit a likeness")))
    if wanted != "auto":
        return RankingChoice(wanted, sentence(N_("as set in mailing.ranking")))
    if ours is None or theirs is None or not measured:
        no_one = N_("no customer is held out to measure a likeness")
        return RankingChoice("micro", sentence(no_one))
    others = max(theirs, DEPTH)
    error = sqrt(max(share * (1 - share) for share in (ours, others)) / measured)
    text = (
        N_(
            "at {depth:percent} depth it reaches {ours:percent_tenths} of held-out responders, "
            "micro-segments {theirs:percent_tenths}, with a standard error of "
            "{error:percent_tenths}"
        )
        if by_response
        else N_(
            "at {depth:percent} depth it reaches {ours:percent_tenths} of held-out customers, "
            "micro-segments {theirs:percent_tenths}, with a standard error of "
            "{error:percent_tenths}"
        )
    )
    why = sentence(text, depth=DEPTH, ours=ours, theirs=theirs, error=error)
    return RankingChoice("logistic" if ours - others > error else "micro", why)
