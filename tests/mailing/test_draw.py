"""The draw of cells: by the hash of the id alone, in each segment, to the person."""

from hashlib import blake2b
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from segment_lib.mailing import draw
from segment_lib.mailing.draw import CONTROL, CellPlan, draw_cells, draw_hashes

PLAN = CellPlan(0.1, 2, 7)
N = 5_000
IDS = [f"{number:06d}" for number in range(N)]
SEGMENTS = np.random.default_rng(0).choice([-1, 0, 4], N, p=[0.01, 0.3, 0.69])


def cells_by_id(folder: Path, order: np.ndarray, plan: CellPlan = PLAN) -> dict[str, str | None]:
    """The cell of each id, drawn from a file with its rows in this order; every tenth has none."""
    ids = pl.Series([IDS[i] for i in order])
    hashes = draw_hashes(ids, plan.seed).set(pl.Series(order % 10 == 3), None)
    rows = pl.DataFrame({"id": ids, "segment": SEGMENTS[order], "draw": hashes})
    path = folder / "rows.parquet"
    rows.write_parquet(path, row_group_size=700)
    drawn = draw_cells(path, plan)
    cells = drawn.cells_of(rows)
    counted = rows.with_columns(cells).drop_nulls("cell").group_by("segment", "cell").len()
    sizes = {
        (segment, name): people
        for segment, size in drawn.sizes.items()
        for name, people in zip(plan.names, size, strict=True)
        if people
    }
    assert {(segment, cell): n for segment, cell, n in counted.iter_rows()} == sizes
    return dict(zip(ids, cells, strict=True))


def by_hand(plan: CellPlan = PLAN) -> dict[str, str | None]:
    """People of a segment sorted by their hash in memory: the first tenth is the control."""
    key = plan.seed.to_bytes(8, "big")
    cells: dict[str, str | None] = dict.fromkeys(IDS)
    for segment in (-1, 0, 4):
        own = [i for i in range(N) if SEGMENTS[i] == segment and i % 10 != 3]
        own.sort(key=lambda i: blake2b(str(i).encode(), digest_size=8, key=key).digest())
        control = round(len(own) * plan.control)
        first = (len(own) - control + 1) // 2
        for place, i in enumerate(own):
            cells[IDS[i]] = CONTROL if place < control else f"test {1 + (place >= control + first)}"
    return cells


def test_cells_are_those_of_a_sort_in_memory(tmp_path: Path) -> None:
    assert cells_by_id(tmp_path, np.arange(N)) == by_hand()


@pytest.mark.parametrize("rows_at_once", [13, 100_000])
def test_a_person_is_in_the_same_cell_in_any_order_and_any_batches(
    tmp_path: Path, rows_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draw, "_ROWS_AT_ONCE", rows_at_once)
    order = np.random.default_rng(1).permutation(N)
    assert cells_by_id(tmp_path, order) == by_hand()


def test_another_seed_draws_others(tmp_path: Path) -> None:
    other = cells_by_id(tmp_path, np.arange(N), CellPlan(0.1, 2, 8))
    control = {name for name, cell in by_hand().items() if cell == CONTROL}
    again = {name for name, cell in other.items() if cell == CONTROL}
    assert len(control & again) < 0.2 * len(control)


def test_all_spellings_of_an_id_are_drawn_alike() -> None:
    spellings = pl.Series(["42", "0042", " 42 ", '"42"', "42.0"])
    assert draw_hashes(spellings, 3).n_unique() == 1
    assert draw_hashes(pl.Series([None, "-"]), 3).to_list() == [None, None]


def test_the_cells_have_the_sizes_of_the_plan() -> None:
    assert CellPlan(0.1, 2, 0).sizes(1_001) == (100, 451, 450)
    assert CellPlan(0.1, 1, 0).sizes(3) == (0, 3)
    assert CellPlan(0.0, 3, 0).sizes(10) == (4, 3, 3)
    assert CellPlan(0.0, 3, 0).names == ("test 1", "test 2", "test 3")


def test_the_table_has_a_row_per_segment_and_all_of_them(tmp_path: Path) -> None:
    cells_by_id(tmp_path, np.arange(N))
    drawn = draw_cells(tmp_path / "rows.parquet", PLAN)
    table = drawn.table({-1: "Rows set aside", 0: "Savers", 4: "Spenders"}, 0.05)
    assert table["segment"].to_list() == [-1, 0, 4, None]
    *segments, whole = table.drop("name", "smallest_lift").rows()
    assert whole[1:] == tuple(map(sum, zip(*[row[1:] for row in segments], strict=True)))
    assert whole[-1] == sum(whole[1:-1]) == N - N // 10
    lifts = table["smallest_lift"].to_list()
    assert lifts[1] > lifts[2] > lifts[3] > 1


def test_nobody_to_mail_gives_cells_of_nobody(tmp_path: Path) -> None:
    schema = {"segment": pl.Int32, "draw": pl.UInt64}
    pl.DataFrame(schema=schema).write_parquet(tmp_path / "rows.parquet")
    drawn = draw_cells(tmp_path / "rows.parquet", PLAN)
    assert drawn.table({}, 0.02).rows() == [(None, "All", 0, 0, 0, 0, None)]
