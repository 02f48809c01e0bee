"""The target list: best cells first, ties by hash, whoever is left out counted, text made safe."""

import csv
import itertools
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segment_lib.hashing import row_hash
from segment_lib.mailing import targets
from segment_lib.mailing.targets import (
    Exclusions,
    Ranking,
    Tally,
    count_distinct,
    positions,
    write_list,
    write_sorted_part,
)
from segment_lib.schema.ids import hash_ids

NOBODY = Exclusions(np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.uint64))
MICRO = np.random.default_rng(0).choice([-1, 0, 1, 2], 1000)
ROWS = pl.DataFrame(
    {"row": np.arange(1000), "segment": MICRO // 2, "micro_segment": MICRO},
    schema={"row": pl.Int64, "segment": pl.Int32, "micro_segment": pl.Int32},
)
CELLS = pl.DataFrame(
    {
        "micro_segment": [2, -1, 0, 1],
        "micro_index": [300.0, 250.0, 80.0, 20.0],
        "population_rows": [int((micro == MICRO).sum()) for micro in (2, -1, 0, 1)],
    }
)


def listed(
    folder: Path,
    wanted: int,
    parts: list[int],
    out: Exclusions = NOBODY,
    ids: pl.Series | None = None,
    marked: pl.Series | None = None,
    repeating: bool = False,
) -> tuple[pl.DataFrame, Tally]:
    """The list from parts that end at these rows."""
    ranking = Ranking.best(CELLS, wanted)
    edges = [0, *parts, ROWS.height]
    runs = [
        write_sorted_part(
            ROWS[a:b],
            MICRO[a:b],
            None if ids is None else ids[a:b],
            None if marked is None else marked[a:b],
            ranking,
            out,
            7,
            folder / f"{a}-{i}.arrow",
        )
        for i, (a, b) in enumerate(itertools.pairwise(edges))
        if b > a
    ]
    names = folder / "t.parquet", folder / "t.csv"
    for name in names:
        name.unlink(missing_ok=True)
    tally = write_list(runs, ranking.n_buckets, wanted, *names, repeating=repeating)
    for run in runs:
        run.path.unlink()
    return pl.read_parquet(names[0]), tally


def by_hand(wanted: int) -> list[int]:
    """Sorted in memory."""
    order = {micro: rank for rank, micro in enumerate(CELLS["micro_segment"])}
    hashes = row_hash(np.arange(1000), 7).tolist()
    return sorted(range(1000), key=lambda row: (order[MICRO[row]], hashes[row]))[:wanted]


@pytest.mark.parametrize("wanted", [0, 1, 100, 500, 1000])
def test_the_list_is_that_of_a_sort_in_memory(tmp_path: Path, wanted: int) -> None:
    people, tally = listed(tmp_path, wanted, [400])
    assert people["row"].to_list() == by_hand(wanted)
    assert people["rank"].to_list() == list(range(1, wanted + 1))
    assert tally == Tally(wanted, 0, 0)


@given(parts=st.lists(st.integers(0, 1000), max_size=5), wanted=st.integers(0, 1000))
@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_parts_and_any_buckets_give_the_same_list(
    tmp_path: Path, parts: list[int], wanted: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(targets, "ROWS_PER_BUCKET", 37)
        people, _ = listed(tmp_path, wanted, sorted(parts))
    assert people["row"].to_list() == by_hand(wanted)


def test_the_csv_file_says_the_same_as_the_parquet_file(tmp_path: Path) -> None:
    people, _ = listed(tmp_path, 300, [])
    assert pl.read_csv(tmp_path / "t.csv", schema_overrides=people.schema).equals(people)
    assert people.columns == ["rank", "row", "segment", "micro_segment", "micro_index"]


def test_the_suppressed_are_left_out_and_nobody_moves_up(tmp_path: Path) -> None:
    out = Exclusions(NOBODY.customers, np.array(sorted(by_hand(500)[::5]), dtype=np.uint64))
    people, tally = listed(tmp_path, 500, [200], out)
    assert tally == Tally(400, 0, 100)
    assert people["row"].to_list() == [row for i, row in enumerate(by_hand(500)) if i % 5]
    assert people["rank"].to_list() == list(range(1, 401))


def test_known_customers_are_counted_as_such_even_if_suppressed_too(tmp_path: Path) -> None:
    ids = pl.Series([f"P{row}" for row in range(1000)])
    best = [f" P{row} " for row in by_hand(10)]
    known, suppressed = (np.unique(hash_ids(pl.Series(ids))) for ids in (best[:3], best[1:6]))
    people, tally = listed(tmp_path, 10, [500], Exclusions(known, suppressed), ids)
    assert tally == Tally(4, 3, 3)
    assert people["id"].to_list() == [f"P{row}" for row in by_hand(10)[6:]]


def test_suppressed_who_are_of_the_population_are_met() -> None:
    suppressed = np.array([3, 999, 5000], dtype=np.uint64)
    parts = [np.arange(500, dtype=np.uint64), np.arange(400, 1000, dtype=np.uint64)]
    met = [positions(part, suppressed) for part in parts]
    assert [part.tolist() for part in met] == [[0], [1]]
    assert count_distinct([*met, met[0]]) == 2


def test_people_without_an_id_are_not_listed_and_counted(tmp_path: Path) -> None:
    best = by_hand(10)
    ids = pl.Series([None if row in best[:4] else f"P{row}" for row in range(1000)])
    people, tally = listed(tmp_path, 10, [300], ids=ids)
    assert tally == Tally(6, 0, 0, without_id=4)
    assert people["id"].to_list() == [f"P{row}" for row in best[4:]]


def test_the_marked_are_left_out_and_counted(tmp_path: Path) -> None:
    best = by_hand(10)
    marked = pl.Series([row in best[:4] for row in range(1000)])
    out = Exclusions(NOBODY.customers, np.array([best[0]], dtype=np.uint64))
    people, tally = listed(tmp_path, 10, [300], out, marked=marked)
    assert tally == Tally(6, 0, 1, marked=3)
    assert people["row"].to_list() == best[4:]


@pytest.mark.parametrize("bucket", [37, 100_000])
def test_an_id_of_several_rows_is_listed_once_where_it_stands_first(
    tmp_path: Path, bucket: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "ROWS_PER_BUCKET", bucket)
    ids = [f"P{row // 3}" for row in range(1000)]
    once = list(dict.fromkeys(ids[row] for row in by_hand(600)))
    people, tally = listed(tmp_path, 600, [300], ids=pl.Series(ids), repeating=True)
    assert people["id"].to_list() == once
    assert tally == Tally(len(once), 0, 0, repeated=600 - len(once))


@pytest.mark.parametrize("lead", ["=", "+", "-", "@", "\t", "\r", " =", "\n+"])
def test_text_that_could_be_a_formula_gets_an_apostrophe(tmp_path: Path, lead: str) -> None:
    ids = [f'{lead}cmd|"/c calc"!A{row}' if row % 2 else f"a=b{row}" for row in range(1000)]
    people, _ = listed(tmp_path, 20, [500], ids=pl.Series(ids))
    assert set(people["id"]) <= set(ids)
    with (tmp_path / "t.csv").open(newline="") as file:
        written = [row["id"] for row in csv.DictReader(file)]
    assert written == [text if text.startswith("a=b") else f"'{text}" for text in people["id"]]
    assert len({text[0] for text in written}) == 2
