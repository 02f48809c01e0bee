"""Counts of too few people: what is hidden with them, and that it cannot be computed back."""

from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from segment_lib.compare import compare_segments
from segment_lib.disclosure import count_text, suppress_segments, suppressed, suppressed_segments
from segment_lib.profile import COUNTS
from segment_lib.profile.describe import describe_segments
from segment_lib.profile.fairness import fairness_table
from segment_lib.report import data_tables, index_tables, tables
from segment_lib.report.segments import build_segments
from segment_lib.schema.language import Language
from segment_lib.storage.tables import PLAIN
from tests.attack import Cell, published_sums, range_of

MIN_CELL = 10
NO_TRAITS = pl.DataFrame(
    schema={
        "segment": pl.Int32, "attribute": pl.String, "levels": pl.String, "words": pl.String,
        "direction": pl.String, "population_rows": pl.Int64, "segment_share": pl.Float64,
        "population_share": pl.Float64, "index": pl.Float64, "effect": pl.Float64,
    }
)  # fmt: skip


def suppressed_ids(counts: dict[int, int]) -> set[int]:
    table = pl.DataFrame({"segment": list(counts), "rows": list(counts.values())})
    return set(table.filter(suppressed_segments(pl.col("rows"), MIN_CELL))["segment"])


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({0: 50, 1: 60, 2: 70}, set()),
        ({0: 50, 1: 60, 2: 4}, {2, 0}),
        ({0: 5, 1: 60, 2: 6}, {2, 0}),
        ({0: 5, 1: 60, 2: 4}, {2, 0, 1}),
        ({0: 0, 1: 60, 2: 0, 3: 70}, {0, 2, 1}),
        ({-1: 50, 0: 4, 1: 60, 2: 70}, {0, 1}),
        ({-1: 4, 0: 50, 1: 60}, {-1, 0}),
        ({-1: 50, 0: 4}, {-1, 0}),
        ({0: 4}, {0}),
    ],
    ids=[
        "none", "a lone one", "two", "two of under ten together", "two of nobody",
        "not with the rows set aside", "the rows set aside", "but these", "alone",
    ],
)  # fmt: skip
def test_a_small_count_hides_others_until_their_sum_says_nothing(
    counts: dict[int, int], expected: set[int]
) -> None:
    assert suppressed_ids(counts) == expected


def test_of_equal_counts_the_same_is_hidden_in_any_order() -> None:
    assert suppressed_ids({2: 50, 1: 50, 0: 4}) == suppressed_ids({0: 4, 1: 50, 2: 50}) == {0, 1}


def test_groups_are_hidden_each_by_itself() -> None:
    table = pl.DataFrame({"of": ["a", "b", "a", "b"], "at": [0, 0, 1, 1], "rows": [4, 50, 60, 70]})
    flags = table.select(suppressed(pl.col("rows"), MIN_CELL, "of", tie="at")).to_series()
    assert flags.to_list() == [True, False, True, False]


# Computed back


LEVELS = ("x", "y", "z")
ROWS = st.lists(
    st.one_of(st.integers(0, 12), st.integers(0, 5_000)), min_size=len(LEVELS), max_size=len(LEVELS)
)


def levels(rows: Sequence[Sequence[int]]) -> pl.DataFrame:
    """Counts by level of segments -1, 0, 1, …"""
    return pl.DataFrame(
        [
            (segment, "A", level, n)
            for segment, counts in enumerate(rows, start=-1)
            for level, n in zip(LEVELS, counts, strict=True)
        ],
        schema=COUNTS,
        orient="row",
    )


def sizes(counts: pl.DataFrame) -> dict[int, int]:
    return dict(counts.group_by("segment").agg(pl.col("rows").sum()).iter_rows())


@given(rows=st.lists(st.tuples(ROWS, ROWS), min_size=3, max_size=6))
@example([([3, 0, 0], [9, 9, 9]), ([99, 50, 20], [30, 20, 10]), ([500, 600, 700], [50, 60, 70])])
@example([([0, 0, 10], [0, 0, 10]), ([0, 0, 0], [0, 0, 9]), ([0, 0, 10], [0, 0, 1])])  # No index.
@settings(deadline=None, max_examples=40)
def test_what_is_hidden_in_the_tables_cannot_be_computed_from_all_of_them(
    rows: list[tuple[list[int], list[int]]],
) -> None:
    """All levels are known of everybody, so that the fairness table tells of sizes too."""
    n = len(rows)
    people, customers = (levels(counts) for counts in zip(*rows, strict=True))
    if not all(sum(sizes(counts).values()) >= 2 * MIN_CELL for counts in (people, customers)):
        return
    shares = compare_segments(sizes(people), sizes(customers))
    names = shares.select("segment", name=pl.lit("name"))
    cards = build_segments(shares, names, NO_TRAITS, MIN_CELL)
    clustered = {s: rows for s, rows in sizes(people).items() if s >= 0}
    whole = sum(clustered.values())
    overlap = {s: 0.9 if s % 2 else 0.5 for s in clustered}
    again = sum(rows for s, rows in clustered.items() if overlap[s] > 0.75)
    sweep = pl.DataFrame(
        {
            "n_clusters": [n - 1], "chosen": [True], "stable": [True], "large": [True],
            "smallest_share": [min(clustered.values()) / max(whole, 1)],
            "found_again": [again / max(whole, 1)],
        }
    )  # fmt: skip
    stability = pl.DataFrame(
        {
            "n_clusters": n - 1, "segment": list(clustered), "stability": list(overlap.values()),
            "least": 0.4, "population_rows": list(clustered.values()), "dissolved": 0.0,
        }
    )  # fmt: skip
    stages = pl.DataFrame({"stage": ["ingest", "sweep"], "rows_in": [10**9, whole],
                           "rows_out": [10**9, whole]})  # fmt: skip
    tried = tables.sweep_rows(sweep, whole, cards, MIN_CELL, Language())
    page = {
        "index": pl.read_csv(index_tables.index_table(cards, Language()).csv(PLAIN).encode()),
        "limits": pl.read_csv(index_tables.limits_table(cards, Language()).csv(PLAIN).encode()),
        "stability": pl.read_csv(
            tables.stability_table(stability, n - 1, cards, MIN_CELL, Language())
            .csv(PLAIN)
            .encode()
        ),
        "sweep": tried.rename({"tried": "Segments", "smallest_share": "Smallest segment",
                               "found_again": "People found again"}),
        "stages": data_tables.stage_rows(stages, cards)
                             .rename({"stage": "Stage", "rows_in": "Rows in"}),
    }  # fmt: skip
    described = describe_segments(shares, names, NO_TRAITS, min_cell=MIN_CELL)
    fair = fairness_table(people, customers, shares, {"A": LEVELS}, {}, min_cell=MIN_CELL)
    for who, counts in (("population", people), ("customer", customers)):
        truth: dict[Cell, int] = {(s,): rows for s, rows in sizes(counts).items()}
        truth |= {(s, a, level): rows for s, a, level, rows in counts.iter_rows()}
        known = list(published_sums(who, truth, page, described, fair))
        for cell in (cell for cell, rows in truth.items() if rows < MIN_CELL):
            least, most = range_of(cell, truth, known)
            assert most - least >= 1, (who, cell)


def test_with_a_count_go_its_share_and_with_either_index_limits_and_verdict() -> None:
    table = compare_segments(
        {0: 500, 1: 400, 2: 4, 3: 300}, {0: 90, 1: 6, 2: 40, 3: 50}, min_rows=0
    )
    shown = {
        row["segment"]: row for row in suppress_segments(table, MIN_CELL).iter_rows(named=True)
    }
    for segment, people, customers in ((0, True, True), (1, True, False), (2, False, False)):
        row = shown[segment]
        assert (row["population_rows"] is not None) is people
        assert (row["population_share"] is not None) is people
        assert (row["customer_rows"] is not None) is customers
        for name in ("index", "index_low", "high", "verdict", "drawn_index", "drawn_low"):
            assert (row[name] is not None) is (people and customers), (segment, name)


@pytest.mark.parametrize(
    ("aside", "totals"),
    [
        ((40, 30), (1000, 200)),
        ((4, 30), (1004, 200)),
        ((40, 3), (1000, 203)),
        ((4, 3), (1004, 203)),
    ],
    ids=["both shown", "people hidden", "customers hidden", "both hidden"],
)
@pytest.mark.parametrize("base", ["placed", "all"])
def test_shares_are_of_all_rows_and_indices_too_where_the_rows_set_aside_are_hidden(
    aside: tuple[int, int], totals: tuple[int, int], base: str
) -> None:
    """An index against the rows that have a segment would tell how many have none."""
    counts = {0: 300, 1: 400, 2: 300}, {0: 50, 1: 90, 2: 60}
    population, customers = ({-1: n, **rows} for n, rows in zip(aside, counts, strict=True))
    if base == "all":
        totals = (1000 + aside[0], 200 + aside[1])
    table = compare_segments(population, customers, base=base)
    shown = suppress_segments(table, MIN_CELL).filter(segment=1).row(0, named=True)
    assert shown["population_share"] == pytest.approx(400 / (1000 + aside[0]))
    assert shown["customer_share"] == pytest.approx(90 / (200 + aside[1]))
    assert shown["drawn_index"] == pytest.approx(100 * (90 / totals[1]) / (400 / totals[0]))
    assert shown["drawn_high"] / shown["drawn_index"] == pytest.approx(
        table.filter(segment=1)["drawn_high"].item() / table.filter(segment=1)["drawn_index"].item()
    )


@pytest.mark.parametrize(
    ("found_again", "shown"),
    [(0.0, True), (0.5, True), (1.0, True), (0.999, False), (0.001, False), (None, False)],
)
def test_a_share_found_again_that_tells_of_too_few_people_is_hidden(
    found_again: float | None, shown: bool
) -> None:
    sweep = pl.DataFrame(
        {"n_clusters": [3], "chosen": [False], "stable": [True], "large": [True],
         "smallest_share": [0.2], "found_again": [found_again]},
        schema_overrides={"found_again": pl.Float64},
    )  # fmt: skip
    row = tables.sweep_rows(sweep, 5_000, (), MIN_CELL, Language()).row(0, named=True)
    assert (row["found_again"] is not None) is shown


@pytest.mark.parametrize(
    ("rows", "text"), [(0, "0"), (1, "under 10"), (9, "under 10"), (10, "10"), (12_345, "12,345")]
)
def test_a_count_in_the_log_is_told_from_ten_on_and_if_it_is_none(rows: int, text: str) -> None:
    assert count_text(rows, MIN_CELL) == text
