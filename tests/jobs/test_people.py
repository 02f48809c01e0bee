"""People by their ids: every form of id, rows that repeat one, and who must not be mailed."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from jobs.run import main
from segment_lib.schema.ids import hash_ids
from tests.conftest import ROOT, Completed, RunJob, hashes
from tests.kinds import KINDS, documented
from tests.people import ATTRIBUTES, FIRST, N, customers_of, people, write_people

POPULATION = people()
CUSTOMERS = customers_of(POPULATION)
Form = Callable[[pl.DataFrame], pl.DataFrame]


def as_type(kind: pl.DataType) -> Form:
    return lambda rows: rows.with_columns(pl.col("LNR").cast(kind))


def as_text(spelling: str) -> Form:
    """Ids written so, `{}` being the number."""
    return lambda rows: rows.with_columns(pl.format(spelling, "LNR").alias("LNR"))


def renamed(form: Form, change: Callable[[pl.Expr], pl.Expr]) -> Form:
    return lambda rows: form(rows.with_columns(change(pl.col("LNR"))))


FORMS: dict[str, Form] = {
    "whole numbers, signed or not": as_type(pl.UInt64()),
    "floating-point numbers, `910001.0`": as_type(pl.Float64()),
    "decimal numbers, `910001.00`": as_type(pl.Decimal(18, 2)),
    "text": as_type(pl.String()),
    "text of a string dictionary": lambda rows: as_type(pl.Categorical())(
        as_type(pl.String())(rows)
    ),
    "text with decimals, `910001.0`, `910001,0`": as_text("{},0"),
    'text in quotes, `"910001"`, `\'910001`, `="910001"`': as_text('="{}"'),
    "text among blanks, also non-breaking ones": as_text("\u00a0 {} "),
    "full-width digits": lambda rows: rows.with_columns(
        pl.col("LNR")
        .cast(pl.String)
        .str.replace_many(list("0123456789"), [chr(0xFF10 + digit) for digit in range(10)])
    ),
    "leading zeros, `0000910001`": as_text("0000{}"),
    "a plus sign, `+910001`": as_text("+{}"),
    "all digits in scientific notation, `9.10001E5`": lambda rows: rows.with_columns(
        pl.col("LNR").map_elements(lambda n: f"{n / 1e5:.5f}E5", return_dtype=pl.String)
    ),
}
REFUSED: dict[str, tuple[Form, str]] = {
    "floating-point numbers from 2⁵³ on": (
        renamed(as_type(pl.Float64()), lambda ids: ids + 2**53),
        "ids that were rounded",
    ),
    "digits lost in scientific notation, `1.23457E+11`": (
        as_text("1.{}E+11"),
        "ids that were rounded",
    ),
    "32-bit floating-point numbers": (as_type(pl.Float32()), "ids of type float"),
    "true and false": (renamed(as_type(pl.Boolean()), lambda ids: ids % 2), "ids of type bool"),
    "dates": (as_type(pl.Date()), "ids of type date32"),
}


def ingest(run_job: RunJob, config: Path, run: Path, *options: str) -> Completed:
    return run_job("jobs.ingest", config, "--run-dir", run, *options)


def raw(run: Path, name: str) -> pl.DataFrame:
    return pl.concat(
        [pl.read_parquet(part) for part in sorted((run / f"raw/{name}").glob("*.parquet"))]
    )


def record_of(run: Path) -> dict:
    return json.loads((run / "run.json").read_text())["stages"]["ingest"]


def facts(run: Path) -> dict:
    return record_of(run)["facts"]


def test_all_forms_of_ids_that_are_documented_are_tried() -> None:
    assert documented("Forms of ids") == [*FORMS, *REFUSED]


@pytest.mark.parametrize("extract", ["population", "customers"])
@pytest.mark.parametrize("form", FORMS)
def test_an_id_is_that_of_one_person_in_every_form(
    run_in_process, tmp_path: Path, form: str, extract: str
) -> None:
    """Known customers are recognised though the other extract has whole numbers."""
    extracts = {"population": POPULATION.head(60), "customers": POPULATION.head(20)}
    extracts[extract] = FORMS[form](extracts[extract])
    config = write_people(tmp_path, extracts["population"], extracts["customers"], parts=25)
    assert run_in_process("ingest", config, tmp_path / "run") == 0
    keys = {name: set(hash_ids(raw(tmp_path / "run", name)["LNR"]).tolist()) for name in extracts}
    assert len(keys["population"]) == 60
    assert len(keys["customers"] & keys["population"]) == len(keys["customers"]) == 20
    if "zeros" not in form:
        assert raw(tmp_path / "run", extract)["LNR"][0] == str(FIRST)
    KINDS.note("Forms of ids", "right")


@pytest.mark.parametrize("extract", ["population", "customers"])
@pytest.mark.parametrize("form", REFUSED)
def test_ids_that_are_nobodys_are_refused_in_a_line(
    run_in_process, tmp_path: Path, form: str, extract: str, capsys: pytest.CaptureFixture[str]
) -> None:
    change, message = REFUSED[form]
    extracts = {"population": POPULATION.head(60), "customers": POPULATION.head(20)}
    extracts[extract] = change(extracts[extract])
    config = write_people(tmp_path, extracts["population"], extracts["customers"])
    assert run_in_process("ingest", config, tmp_path / "run") == 3
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert f"{extract}.parquet, column LNR: {message}" in error
    assert "91000" not in error
    KINDS.note("Forms of ids", "refused")


@pytest.fixture
def run_in_process() -> Callable[..., int]:
    """A stage within this process; gives its exit code."""

    def run(stage: str, config: Path, folder: Path, *options: str) -> int:
        with pytest.raises(SystemExit) as left:
            main([str(config), "--run-dir", str(folder), "--no-progress", *options], only=stage)
        return int(str(left.value.code))

    return run


# --- repeated ids --------------------------------------------------------------------------------

ORDERS = pl.concat([CUSTOMERS] + [CUSTOMERS.filter(MEDIA="paper")] * 4)
"""A row for each order: those who read paper order five times as often."""


def by_hand(rows: pl.DataFrame) -> list[int]:
    """The numbers of the rows of which each is the first of its id."""
    seen: dict[int, int] = {}
    for number, person in enumerate(rows["LNR"]):
        seen.setdefault(person, number)
    return list(seen.values())


def test_customers_with_a_row_per_order_count_once(run_job: RunJob, tmp_path: Path) -> None:
    once = write_people(tmp_path / "once", POPULATION, CUSTOMERS)
    orders = write_people(tmp_path / "orders", POPULATION, ORDERS, parts=130)
    for config in (once, orders):
        done = run_job("jobs.run", config, "--run-dir", config.parent / "run", "--until", "gains")
        assert done.returncode == 0, done.stderr
    repeated = ORDERS.height - CUSTOMERS.height
    assert f"{repeated} of {ORDERS.height} rows repeat an id of an earlier row" in done.stderr
    kept = raw(tmp_path / "orders/run", "customers")
    assert kept["row"].to_list() == by_hand(ORDERS)
    assert facts(tmp_path / "orders/run")["ids"]["customers"] == {
        "without_id": 0, "rows": repeated, "differing": 0, "padded": 0, "most": 5,
        "people": CUSTOMERS.filter(MEDIA="paper").height,
    }  # fmt: skip
    counted = [
        pl.read_csv(config.parent / "run/compare/segments.csv").select(
            "segment", "population_rows", "customer_rows", "index"
        )
        for config in (once, orders)
    ]
    assert counted[0].equals(counted[1])
    assert counted[1]["customer_rows"].sum() == CUSTOMERS.height
    record = record_of(tmp_path / "orders/run")
    assert record["rows_in"] - record["rows_out"] == repeated
    assert run_job("jobs.verify", tmp_path / "orders/run").returncode == 0


def test_parts_decide_nothing_about_who_is_first(run_job: RunJob, tmp_path: Path) -> None:
    twice = pl.concat([POPULATION.head(700), POPULATION.tail(900), POPULATION.head(300)])
    by_cut = []
    for parts in (37, 10_000):
        config = write_people(tmp_path, twice, ORDERS, parts=parts)
        assert ingest(run_job, config, tmp_path / f"run-{parts}").returncode == 0
        by_cut.append(
            [raw(tmp_path / f"run-{parts}", name) for name in ("population", "customers")]
        )
        assert by_cut[-1][0]["row"].to_list() == by_hand(twice)
    assert all(a.equals(b) for a, b in zip(*by_cut, strict=True))


def test_attributes_that_differ_among_the_rows_of_a_person_are_told(
    run_job: RunJob, tmp_path: Path
) -> None:
    other = CUSTOMERS.head(30).with_columns(AGE=pl.col("AGE") + 1)
    orders = pl.concat([CUSTOMERS, CUSTOMERS.head(50), other])
    config = write_people(tmp_path, POPULATION, orders)
    done = ingest(run_job, config, tmp_path / "run")
    assert "80 of 480 rows repeat an id" in done.stderr
    assert "30 of them differ from the first row" in done.stderr
    kept = raw(tmp_path / "run", "customers").drop("row").with_columns(pl.col("LNR").cast(pl.Int64))
    assert kept["AGE"].to_list() == CUSTOMERS["AGE"].to_list()


def test_repeated_ids_are_refused_where_they_are_to_be(run_job: RunJob, tmp_path: Path) -> None:
    config = write_people(tmp_path, POPULATION, ORDERS, 'repeated_ids = "refuse"\n')
    done = ingest(run_job, config, tmp_path / "run")
    assert done.returncode == 3
    repeated = ORDERS.height - CUSTOMERS.height
    assert f"column LNR: {repeated} of {ORDERS.height} rows repeat an id" in done.stderr
    config = write_people(tmp_path, POPULATION, CUSTOMERS, 'repeated_ids = "refuse"\n')
    assert ingest(run_job, config, tmp_path / "run").returncode == 0


@pytest.mark.parametrize("extract", ["population", "customers"])
@pytest.mark.parametrize("repeated", ["once", "rows"])
def test_ids_that_differ_in_leading_zeros_alone_are_asked_about(
    run_in_process,
    tmp_path: Path,
    extract: str,
    repeated: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Both may be of one person: nobody is left out of the extract, or of the list, by a guess."""
    extracts = {"population": POPULATION.head(60), "customers": POPULATION.head(20)}
    ids = extracts[extract]["LNR"].cast(pl.String)
    again = extracts[extract].head(1).with_columns(LNR="00" + ids.head(1))
    extracts[extract] = pl.concat([extracts[extract].with_columns(LNR=ids), again])
    config = write_people(tmp_path, extracts["population"], extracts["customers"], parts=25)
    options = ("--set", f"inputs.repeated_ids={repeated}")
    assert run_in_process("ingest", config, tmp_path / "run", *options) == 3
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert f"{extract}.parquet, column LNR: some ids differ in leading zeros alone" in error


def test_rows_are_people_where_they_are_to_be_and_still_listed_once(
    run_job: RunJob, tmp_path: Path
) -> None:
    strangers = CUSTOMERS.with_columns(pl.col("LNR") + N)
    strangers = pl.concat([strangers, POPULATION.filter(LNR=FIRST)])
    twice = pl.concat([POPULATION, POPULATION.head(500)])
    config = write_people(tmp_path, twice, strangers, 'repeated_ids = "rows"\n', parts=300)
    run = tmp_path / "run"
    done = run_job("jobs.run", config, "--run-dir", run, "--until", "gains")
    assert done.returncode == 0, done.stderr
    assert "500 of 2,000 rows repeat an id of an earlier row and are taken as people" in done.stderr
    assert raw(run, "population").height == N + 500
    assert run_job("jobs.export", run, "--depth", "1").returncode == 0
    listed = pl.read_parquet(run / "export/targets.parquet")
    assert sorted(listed["id"].to_list()) == sorted(str(FIRST + i) for i in range(1, N))
    summary = json.loads((run / "export/targets.json").read_text())
    assert (summary["considered"], summary["listed"]) == (N + 500, N - 1)
    assert (summary["known_customers_left_out"], summary["repeated_left_out"]) == (2, 499)


def test_rows_without_an_id_all_stay_and_are_not_listed(run_job: RunJob, tmp_path: Path) -> None:
    words = pl.Series(["", None, "NULL", " NaN "] * 10, dtype=pl.String)
    nameless = POPULATION.tail(40).with_columns(LNR=words)
    text = POPULATION.with_columns(pl.col("LNR").cast(pl.String))
    config = write_people(tmp_path, pl.concat([text.head(N - 40), nameless]), CUSTOMERS, parts=400)
    run = tmp_path / "run"
    done = run_job("jobs.run", config, "--run-dir", run, "--until", "gains")
    assert "population: 40 rows have no id" in done.stderr
    assert raw(run, "population").height == N
    assert raw(run, "population")["LNR"].null_count() == 40
    assert run_job("jobs.export", run, "--depth", "1").returncode == 0
    summary = json.loads((run / "export/targets.json").read_text())
    assert summary["without_id_left_out"] == 40
    assert pl.read_csv(run / "export/targets.csv")["id"].null_count() == 0


def test_an_id_that_stands_for_none_is_refused_and_can_be_listed(
    run_job: RunJob, tmp_path: Path
) -> None:
    ids = pl.when(pl.int_range(pl.len()) % 3 == 0).then(0).otherwise("LNR")
    config = write_people(tmp_path, POPULATION.with_columns(ids.alias("LNR")), CUSTOMERS)
    done = ingest(run_job, config, tmp_path / "run")
    assert done.returncode == 3
    assert "column LNR: one id stands in 500 of 1,500 rows" in done.stderr
    done = ingest(run_job, config, tmp_path / "run", "--set", "inputs.repeated_ids=rows")
    assert "population: one id stands in 500 rows" in done.stderr
    done = ingest(run_job, config, tmp_path / "run", "--set", 'inputs.missing=["0"]')
    assert "population: 500 rows have no id" in done.stderr
    assert raw(tmp_path / "run", "population").height == N


def test_a_word_for_a_missing_id_counts_though_it_changes_no_attribute(
    run_job: RunJob, tmp_path: Path
) -> None:
    """Ids are read by inputs.missing too: a run done without it is not done with it."""
    ids = pl.when(pl.int_range(pl.len()) < 5).then(0).otherwise("LNR")
    config = write_people(tmp_path, POPULATION.with_columns(ids.alias("LNR")), CUSTOMERS)
    summary = tmp_path / "summary.csv"
    summary.write_text(summary.read_text().replace("[]", "[0]"))
    assert ingest(run_job, config, tmp_path / "run").returncode == 0
    assert raw(tmp_path / "run", "population").height == N - 4
    done = ingest(run_job, config, tmp_path / "run", "--set", 'inputs.missing=["0"]')
    assert "population: fewer than 10 rows have no id" in done.stderr
    assert raw(tmp_path / "run", "population").height == N


def test_an_extract_in_which_nobody_has_an_id_is_refused(run_job: RunJob, tmp_path: Path) -> None:
    nobody = POPULATION.with_columns(LNR=pl.lit(None, dtype=pl.String))
    done = ingest(run_job, write_people(tmp_path, nobody, CUSTOMERS), tmp_path / "run")
    assert done.returncode == 3
    assert "inputs.id_column = LNR: empty in every row of the population" in done.stderr


@pytest.mark.parametrize("killed_at", [0, 2, 3])
def test_a_killed_job_leaves_out_the_same_rows_when_taken_up_again(
    run_job: RunJob, tmp_path: Path, killed_at: int
) -> None:
    twice = pl.concat([POPULATION, POPULATION.head(700)]).sample(fraction=1, shuffle=True, seed=3)
    config = write_people(tmp_path, twice, ORDERS, parts=130)
    code = (
        "import os, signal, sys; from segment_lib.tasks.people import FirstRows\n"
        "calls, make = [], FirstRows.make\n"
        "def killed(*given):\n"
        "    if len(calls) == int(sys.argv[1]): os.kill(os.getpid(), signal.SIGKILL)\n"
        "    calls.append(0); return make(*given)\n"
        "FirstRows.make = killed\n"
        "from jobs.run import main; main(sys.argv[2:], only='ingest')"
    )
    command = [sys.executable, "-c", code, killed_at, config, "--threads", 1, "--run-dir"]
    killed = subprocess.run(
        [*map(str, command), str(tmp_path / "killed")], cwd=ROOT, capture_output=True, check=False
    )
    assert killed.returncode == -9
    (tmp_path / "killed/.lock").unlink(missing_ok=True)
    for run in ("killed", "whole"):
        assert ingest(run_job, config, tmp_path / run).returncode == 0
    assert hashes(tmp_path / "killed") == hashes(tmp_path / "whole")
    killed_record, whole_record = (record_of(tmp_path / run) for run in ("killed", "whole"))
    for entry in ("facts", "remarks", "keys", "work"):
        assert killed_record[entry] == whole_record[entry]
    assert not (tmp_path / "killed/delivered").exists()


def test_a_refresh_takes_over_the_parts_in_which_nobody_repeats(
    run_job: RunJob, tmp_path: Path
) -> None:
    twice = pl.concat([POPULATION, POPULATION.head(10)])
    config = write_people(tmp_path, twice, CUSTOMERS, parts=500)
    base = tmp_path / "base"
    assert run_job("jobs.run", config, "--run-dir", base, "--until", "gains").returncode == 0
    done = run_job("jobs.refresh", config, "--base", base, "--run-dir", tmp_path / "next",
                   "--until", "ingest")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert record_of(tmp_path / "next")["work"]["reused"] >= 3
    raw_parts = {name for name in hashes(base) if name.startswith("raw/")}
    for name in raw_parts:
        assert hashes(tmp_path / "next")[name] == hashes(base)[name]


# --- a column that says who must not be mailed ----------------------------------------------------


def marked(form: tuple[object, object], name: str = "SPERRE") -> pl.DataFrame:
    """Every fifth person is marked."""
    yes, no = (pl.lit(value) for value in form)
    return POPULATION.with_columns(
        pl.when(pl.int_range(pl.len()) % 5 == 0).then(yes).otherwise(no).alias(name)
    )


@pytest.mark.parametrize("place", ["carried", "attribute"])
def test_the_marked_are_in_segments_and_not_on_the_list(
    run_job: RunJob, tmp_path: Path, place: str
) -> None:
    summary = (*ATTRIBUTES, "SPERRE") if place == "attribute" else ATTRIBUTES
    customers = customers_of(marked(("X", None)))
    config = write_people(
        tmp_path, marked(("X", None)), customers, 'suppress_column = "SPERRE"\n', summary=summary
    )
    run = tmp_path / "run"
    done = run_job("jobs.run", config, "--run-dir", run, "--until", "gains")
    assert done.returncode == 0, done.stderr
    done = run_job("jobs.export", run, "--depth", "1")
    assert done.returncode == 0, done.stderr
    known = set(CUSTOMERS["LNR"])
    banned = {FIRST + i for i in range(0, N, 5)} - known
    listed = set(pl.read_csv(run / "export/targets.csv")["id"])
    assert listed == {FIRST + i for i in range(N)} - known - banned
    summary_of_list = json.loads((run / "export/targets.json").read_text())
    assert summary_of_list["marked_left_out"] == len(banned)
    assert f"{len(banned)} marked as not to be mailed" in done.stderr
    counted = pl.read_csv(run / "compare/segments.csv")
    assert counted["population_rows"].sum() == N


@pytest.mark.parametrize(
    ("population", "inputs", "code", "message"),
    [
        (marked(("A", "B")), 'suppress_column = "SPERRE"\n', 3, "Understood are J/N"),
        (marked(("X", None)), 'suppress_column = "SPER"\n', 3, "neither extract has such a column"),
        (marked(("X", None)), 'suppress_column = "LNR"\n', 2, "is the id column"),
        (marked((None, "N")), 'suppress_column = "SPERRE"\n', 0, "SPERRE marks nobody"),
        (marked(("J", "N"), "OPT_IN"), 'suppress_column = "OPT_IN"\n', 0, "who may be mailed"),
        (marked(("X", None)), "", 0, "SPERRE: may say who must not be mailed"),
    ],
)
def test_a_column_that_leaves_doubt_is_told(
    run_job: RunJob, tmp_path: Path, population: pl.DataFrame, inputs: str, code: int, message: str
) -> None:
    done = ingest(run_job, write_people(tmp_path, population, CUSTOMERS, inputs), tmp_path / "run")
    assert done.returncode == code, done.stderr
    assert message in done.stderr


def test_a_mark_of_customers_alone_needs_ids(run_job: RunJob, tmp_path: Path) -> None:
    customers = CUSTOMERS.with_columns(SPERRE=pl.lit("X"))
    config = write_people(tmp_path, POPULATION, customers, 'suppress_column = "SPERRE"\n')
    done = ingest(run_job, config, tmp_path / "run")
    assert "only the customers have SPERRE" in done.stderr
    done = ingest(run_job, config, tmp_path / "run", "--set", "inputs.id_column=")
    assert done.returncode == 2
    assert "without inputs.id_column" in done.stderr


def test_an_attribute_that_looks_like_a_mark_is_told(run_job: RunJob, tmp_path: Path) -> None:
    config = write_people(
        tmp_path, marked(("X", "O"), "ROBINSON"), customers_of(marked(("X", "O"), "ROBINSON")),
        summary=(*ATTRIBUTES, "ROBINSON"),
    )  # fmt: skip
    done = run_job("jobs.run", config, "--run-dir", tmp_path / "run", "--until", "assess")
    assert "assess   note: ROBINSON: may say who must not be mailed" in done.stderr
