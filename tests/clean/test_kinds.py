"""What a column is taken for by its cells, against truths written by hand."""

import random
from collections.abc import Callable

import polars as pl
import pytest

from segment_lib.clean.columns import ColumnCounts
from segment_lib.clean.kinds import ColumnDraft, KnownColumn, draft_column
from segment_lib.clean.roles import assign_roles, id_draft
from segment_lib.clean.tally import count_values
from segment_lib.schema import Attribute, Meaning

ROWS = 1000
_LEVEL, _NUMBER = Attribute("x", "", "categorical", ()), Attribute("x", "", "numeric", ())


def counted(
    cells: list[str | None], numbers: bool = False, distinct: int | None = None
) -> ColumnCounts:
    """Counts of a column of text, or of one of amounts whose words stay text."""
    column = pl.Series("x", cells, dtype=pl.String)
    if not numbers:
        return ColumnCounts(len(cells), count_values(column, _LEVEL), distinct=distinct)
    parsed = column.cast(pl.Float64, strict=False)
    words = column.filter(parsed.is_null())
    return ColumnCounts(
        len(cells), count_values(words, _LEVEL), count_values(parsed.drop_nulls(), _NUMBER)
    )


def cells_of(draw: Callable[[random.Random], object]) -> list[str | None]:
    chance = random.Random(5)
    drawn = (draw(chance) for _ in range(ROWS))
    return [None if cell is None else str(cell) for cell in drawn]


def drafted(
    name: str, cells: list[str | None], known: KnownColumn | None = None, **options: bool
) -> ColumnDraft:
    counts = counted(cells, **options)
    return draft_column(name, counts, counts, known or KnownColumn(), min_cell=10)


@pytest.mark.parametrize(
    ("name", "draw", "kind", "missing"),
    [
        ("Newsletter", lambda r: r.choice("JN"), "categorical", ()),
        ("aktiv", lambda r: r.choice(["wahr", "falsch", "k.A."]), "categorical", ("k.A.",)),
        ("smoker", lambda r: r.choice([0, 1]), "categorical", ()),
        ("grade", lambda r: r.choices([1, 2, 3, 4, 9], [9, 9, 9, 9, 2])[0], "ordinal", ("9",)),
        ("mood", lambda r: r.choice([-1, 1, 2, 3, 4]), "ordinal", ("-1",)),
        ("opinion", lambda r: r.randint(-2, 2), "ordinal", ()),
        ("household_type", lambda r: r.randint(1, 7), "categorical", ()),
        ("branch", lambda r: r.choice([10, 20, 45, 70]), "categorical", ()),
        ("kinder", lambda r: min(9, int(r.expovariate(1))), "numeric", ()),
        ("letter", lambda r: r.choices([1, 2, 3, "X"], [9, 9, 9, 1])[0], "ordinal", ("X",)),
        ("home", lambda r: r.choice(["rent", "own", "unknown"]), "categorical", ("unknown",)),
        ("day", lambda r: f"{r.randint(1, 28):02}.{r.randint(1, 12):02}.1980", "date", ()),
        ("since", lambda r: f"{r.randint(1990, 2020)}-07-01", "date", ()),
        ("uk", lambda r: f"{r.randint(1, 28)}/{r.randint(1, 12)}/1980", "date", ()),
        ("us", lambda r: f"{r.randint(1, 12)}/{r.randint(1, 28)}/1980", "us date", ()),
        ("us0", lambda r: f"{r.randint(1, 12):02}/{r.randint(1, 28):02}/1980 00:00", "us date", ()),
        ("mixed", lambda r: r.choice(["13/1/1980", "1/13/1980", "2/2/1981"]), "text", ()),
        ("short", lambda r: f"{r.randint(1, 12)}/{r.randint(1, 28)}/80", "text", ()),
        ("plz", lambda r: f"{r.randint(1000, 99999):05}", "postcode", ()),
        ("area", lambda r: f"0{r.randint(1000, 9999)}", "postcode", ()),
        ("mail", lambda r: f"{r.random()}@example.org", "text", ()),
        ("note", lambda r: f"called {r.random()} times", "text", ()),
        ("job", lambda r: f"job{r.randint(1, 300)}", "text", ()),
        ("country", lambda _: "DE", "left out", ()),
        ("flag", lambda r: "x" if r.random() < 0.03 else None, "left out", ()),
        ("OptIn", lambda r: r.choice("yn"), "left out", ()),
    ],
)  # fmt: skip
def test_a_column_is_what_its_cells_say(
    name: str, draw: Callable[[random.Random], object], kind: str, missing: tuple[str, ...]
) -> None:
    draft = drafted(name, cells_of(draw))
    assert (draft.kind, draft.missing) == (kind, missing), draft.why


@pytest.mark.parametrize(
    ("draw", "missing"),
    [
        (lambda r: round(r.gauss(50, 10), 1), ()),
        (lambda r: 99 if r.random() < 0.05 else r.randint(18, 95), ("99",)),
        (lambda r: 99999998 if r.random() < 0.2 else r.randint(100, 90000), ("99999998",)),
        (lambda r: 0 if r.random() < 0.4 else r.randint(1920, 2005), ("0",)),
        (lambda r: -1 if r.random() < 0.1 else r.randint(0, 500), ("-1",)),
        (lambda r: "k.A." if r.random() < 0.1 else r.randint(0, 500), ("k.A.",)),
    ],
)  # fmt: skip
def test_missing_codes_of_amounts(
    draw: Callable[[random.Random], object], missing: tuple[str, ...]
) -> None:
    draft = drafted("amount", cells_of(draw), numbers=True)
    assert (draft.kind, draft.missing) == ("numeric", missing)


@pytest.mark.parametrize(
    "draw",
    [
        lambda r: round(r.lognormvariate(8, 1.2), 2),
        lambda r: 0 if r.random() < 0.9 else r.randint(1, 5000),
    ],
)
def test_amounts_of_which_few_are_very_large_are_called_so(
    draw: Callable[[random.Random], object],
) -> None:
    draft = drafted("income", cells_of(draw), numbers=True)
    assert (draft.kind, draft.missing) == ("amount", ())
    assert "few are very large" in draft.why


def test_a_number_taken_for_missing_is_doubtful() -> None:
    draft = drafted("grade", ["1", "2", "3", "9"] * 50)
    assert draft.doubts == {"apart": ("9",), "scale": ()}


def test_a_code_that_few_rows_hold_is_not_named() -> None:
    draft = drafted("grade", [*("1", "2", "3") * 100, *["9"] * 9])
    assert draft.missing == ()
    assert "9" not in [code for code, _ in draft.commonest(10)]


def test_shares_do_not_tell_how_few_are_left_over() -> None:
    counts = [*["a"] * 500, *["b"] * 400, *["c"] * 3]
    assert drafted("kind", counts).commonest(10) == [("a", pytest.approx(500 / 903))]


def test_labels_say_which_codes_are_missing_and_whether_a_column_is_a_scale() -> None:
    meaning = Meaning("", {"0": "unknown", "1": "very low", "2": "medium", "3": "very high"})
    draft = drafted("x", ["0", "1", "2", "3"] * 50, KnownColumn(meaning))
    assert (draft.kind, draft.missing) == ("ordinal", ("0",))
    named = Meaning("", {"0": "tenant", "1": "owner", "2": "lodger", "3": "guest"})
    draft = drafted("x", ["0", "1", "2", "3"] * 50, KnownColumn(named))
    assert (draft.kind, draft.missing) == ("categorical", ())


def test_a_flag_that_all_customers_have_is_left_out() -> None:
    people, buyers = counted(["yes", "no"] * 100), counted(["yes"] * 100)
    draft = draft_column("bought", people, buyers, KnownColumn(), min_cell=10)
    assert draft.kind == "left out"
    assert "flag" in (draft.doubts or {})


@pytest.mark.parametrize(
    ("name", "cells", "distinct", "taken"),
    [
        ("KundenNr", [str(i) for i in range(500)], 500, True),
        ("number", [str(1_000_000 + i) for i in range(500)], 500, True),
        ("LNR", [str(i // 2) for i in range(500)], 250, True),
        ("key", [f"AB{i}" for i in range(500)], 500, True),
        ("income", [str(i * i) for i in range(500)], 500, False),
        ("age", [str(i % 80) for i in range(500)], 80, False),
    ],
)
def test_ids_are_another_in_every_row_and_look_like_ids(
    name: str, cells: list[str | None], distinct: int, taken: bool
) -> None:
    counts = counted(cells, distinct=distinct)
    assert (id_draft(name, counts, counts, 10) is not None) is taken


def test_bans_and_responses_are_named_in_the_config_and_no_attributes() -> None:
    cells = ["J", "N"] * 100
    drafts = [drafted(name, cells) for name in ("Werbesperre", "Antwort", "Hund", "Geschlecht")]
    roles, columns = assign_roles(drafts)
    assert (roles.suppress_column, roles.response) == ("Werbesperre", "Antwort")
    assert roles.sensitive == ("Geschlecht",)
    assert [column.is_attribute for column in columns] == [False, False, True, True]
