"""The target list: best cells first, ties by hash, whoever is left out counted, text made safe."""

import csv
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segment_lib.hashing import row_hash
from segment_lib.mailing import targets
from segment_lib.mailing.list_files import batches, csv_file, write_files
from segment_lib.mailing.targets import (
    Exclusions,
    ListRows,
    Ranking,
    Tally,
    count_distinct,
    positions,
    write_list,
    write_sorted_part,
)
from segment_lib.schema.ids import hash_ids
from segment_lib.storage.tables import PLAIN

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

PLAIN_ROWS = ListRows({-1: "Rows set aside", 0: "Savers", 1: "Spenders"})


def listed(
    folder: Path,
    wanted: int,
    parts: list[int],
    out: Exclusions = NOBODY,
    ids: pl.Series | None = None,
    marked: pl.Series | None = None,
    repeating: bool = False,
    holding: ListRows = PLAIN_ROWS,
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
    rows = folder / "t.parquet"
    for name in (rows, folder / "t.csv"):
        name.unlink(missing_ok=True)
    tally = write_list(runs, ranking.n_buckets, wanted, rows, holding, repeating=repeating)
    write_files(batches(rows), [csv_file(folder / "t.csv", PLAIN)])
    for run in runs:
        run.path.unlink()
    return pl.read_parquet(rows), tally


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
    columns = ["rank", "row", "segment", "micro_segment", "micro_index", "name"]
    assert people.columns == columns
    assert set(people.select("segment", "name").iter_rows()) <= set(PLAIN_ROWS.names.items())


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


def test_a_list_of_everybody_says_of_each_whether_they_may_be_mailed(tmp_path: Path) -> None:
    order = by_hand(1000)
    ids = pl.Series([None if row == order[0] else f"P{row}" for row in range(1000)])
    marked = pl.Series([row in order[1:3] for row in range(1000)])
    known, suppressed = (
        np.unique(hash_ids(pl.Series([f"P{row}" for row in rows])))
        for rows in (order[3:5], order[5:6])
    )
    people, tally = listed(
        tmp_path,
        1000,
        [300],
        Exclusions(known, suppressed),
        ids,
        marked,
        holding=ListRows(PLAIN_ROWS.names, everybody=True),
    )
    assert people["rank"].to_list() == list(range(1, 1001))
    assert people["id"].to_list() == [ids[row] for row in order]
    words = ["no: without id", *["no: marked"] * 2, *["no: customer"] * 2, "no: suppressed"]
    assert people["mail"].to_list() == [*words, *["yes"] * 994]
    assert tally == Tally(994, 2, 1, 2, 1)


@pytest.mark.parametrize("bucket", [37, 100_000])
def test_a_list_of_everybody_keeps_the_best_row_of_an_id_and_all_without_one(
    tmp_path: Path, bucket: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "ROWS_PER_BUCKET", bucket)
    ids = [None if row % 10 == 0 else f"P{row // 3}" for row in range(1000)]
    best = list(dict.fromkeys(ids[row] for row in by_hand(1000) if ids[row]))
    everybody = ListRows(PLAIN_ROWS.names, everybody=True)
    people, tally = listed(
        tmp_path, 1000, [300], ids=pl.Series(ids), repeating=True, holding=everybody
    )
    assert people["id"].drop_nulls().to_list() == best
    assert people["id"].null_count() == tally.without_id == 100
    assert tally.repeated == 900 - len(best)


def test_a_person_marked_in_any_row_is_in_no_list_to_mail(tmp_path: Path) -> None:
    ids = pl.Series([f"P{row // 2}" for row in range(1000)])
    marked = pl.Series([row == 7 for row in range(1000)])
    out = Exclusions(NOBODY.customers, NOBODY.suppressed, np.unique(hash_ids(pl.Series(["P3"]))))
    people, tally = listed(tmp_path, 1000, [7], out, ids, marked, repeating=True)
    assert "P3" not in people["id"].to_list()
    assert (tally.listed, tally.marked) == (499, 2)


def test_people_without_a_segment_can_be_left_out_and_nobody_moves_up(tmp_path: Path) -> None:
    everybody, _ = listed(tmp_path, 500, [300])
    out = replace(NOBODY, set_aside=True)
    people, tally = listed(tmp_path, 500, [300], out)
    with_segment = everybody.filter(pl.col("segment") >= 0)
    assert people["row"].to_list() == with_segment["row"].to_list()
    assert (tally.listed, tally.without_segment) == (with_segment.height, 500 - with_segment.height)
    assert 0 < tally.without_segment < 500


def test_columns_carried_along_meet_no_column_of_the_list(tmp_path: Path) -> None:
    delivered = pl.DataFrame({"name": ["Ünal"] * 1000, "rank": ["x"] * 1000, "key": ["k"] * 1000})
    holding = ListRows(PLAIN_ROWS.names, {"name (delivered)": "name", "rank (delivered)": "rank",
                                          "key": "key"})  # fmt: skip
    ranking = Ranking.best(CELLS, 10)
    rows = ROWS.hstack(holding.carry(delivered))
    part = write_sorted_part(rows, MICRO, None, None, ranking, NOBODY, 7, tmp_path / "a.arrow")
    write_list([part], ranking.n_buckets, 10, tmp_path / "t.parquet", holding)
    people = pl.read_parquet(tmp_path / "t.parquet")
    assert people["name (delivered)"].to_list() == ["Ünal"] * 10
    assert people["key"].to_list() == ["k"] * 10
    assert people["rank"].to_list() == list(range(1, 11))
