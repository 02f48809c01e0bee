"""Extracts in a PostgreSQL database, against CSV of the same rows."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from segment_lib.run.drafting import SUMMARY
from tests import alike
from tests.alike import Call, assert_segments_of_csv, rows_of
from tests.conftest import RunJob
from tests.people import N, customers_of, write_people
from tests.postgres import BINARIES, PASSWORD, USER, execute, load, server

PEOPLE = alike.PEOPLE.with_columns(pl.col("HH").cast(pl.Decimal(10, 2)))
BUYERS = customers_of(PEOPLE).sort("LNR")
QUERY = "SELECT * FROM {} -- all of them"

pytestmark = pytest.mark.skipif(BINARIES is None, reason="Debian's postgresql is not installed")


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGUSER", USER)
        patch.setenv("PGPASSWORD", PASSWORD)
        with server() as url:
            yield url


@pytest.fixture
def url(database: str) -> str:
    """The address of a database with both extracts, in no order that means anything."""
    load(database, "people", PEOPLE.sample(fraction=1, shuffle=True, seed=1))
    load(database, "buyers", BUYERS.sample(fraction=1, shuffle=True, seed=2))
    return database


def deliver(folder: Path, url: str = "", more: str = "") -> Path:
    """A config beside CSV of both extracts; of an address, with queries of it."""
    config = write_people(folder, PEOPLE, BUYERS, parts=400)
    text = config.read_text()
    for name, table, rows in (("population", "people", PEOPLE), ("customers", "buyers", BUYERS)):
        rows.write_csv(folder / f"{name}.csv", separator=";")
        place = f'"{url}"\n{name}_query = "{QUERY.format(table)}"' if url else f'"{name}.csv"'
        text = text.replace(f'"{name}.parquet"', place)
    config.write_text(text + more)
    return config


def copies(run: Path) -> dict[str, int]:
    """Copies of tables in a run folder, and which file each is."""
    return {file.name: file.stat().st_ino for file in (run / "tables").iterdir()}


def test_a_database_gives_the_segments_of_csv(call: Call, url: str, tmp_path: Path) -> None:
    run = assert_segments_of_csv(
        call, deliver(tmp_path / "csv"), deliver(tmp_path / "database", url)
    )
    assert PASSWORD not in (run / "run.json").read_text()


def test_only_a_table_that_has_changed_is_read_again(call: Call, url: str, tmp_path: Path) -> None:
    config, run = deliver(tmp_path, url), tmp_path / "run"
    start = ("run", config, "--run-dir", run, "--until", "ingest")
    assert call(*start)[0] == 0
    first = copies(run)
    # The same rows in another order, and another size of parts, are no other table.
    load(url, "people", PEOPLE)
    code, lines = call(*start, "--set", "run.rows_per_part=500")
    assert code == 0, lines
    assert copies(run) == first
    assert not [line for line in lines if "done before" in line]
    code, lines = call(*start, "--set", "run.rows_per_part=500")
    assert [line for line in lines if line.startswith("ingest") and "done before" in line]
    execute(url, 'UPDATE people SET "AGE" = 77 WHERE "LNR" = \'0910005\'')
    code, lines = call(*start)
    assert code == 0, lines
    assert len(copies(run).keys() & first.keys()) == 1
    assert rows_of(run).filter(LNR="0910005")["AGE"].to_list() == [77]


def test_a_dry_run_leaves_no_copy(call: Call, url: str, tmp_path: Path) -> None:
    config, run = deliver(tmp_path, url), tmp_path / "run"
    assert call("run", config, "--run-dir", run, "--dry-run")[0] == 0
    assert not run.exists()
    assert call("run", config, "--run-dir", run, "--until", "ingest")[0] == 0
    load(url, "people", PEOPLE)
    assert call("run", config, "--run-dir", run, "--dry-run")[0] == 0


def test_a_dry_run_reads_no_row(call: Call, run_job: RunJob, url: str, tmp_path: Path) -> None:
    # A query that fails at the first row that is read.
    load(url, "people", PEOPLE)
    load(url, "zeros", pl.DataFrame({"zero": [0]}))
    execute(url, "ANALYZE people")
    failing = "SELECT people.*, 1 / zero AS none FROM people, zeros"
    config = deliver(tmp_path, url)
    config.write_text(config.read_text().replace(QUERY.format("people"), failing))
    dry = run_job("jobs.run", config, "--run-dir", tmp_path / "run", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert re.search(r"ingest +will run", dry.stdout)
    rows = re.search(r"population has about ([\d,]+) rows, of which none was read", dry.stdout)
    assert rows
    assert int(rows[1].replace(",", "")) >= N
    code, lines = call("run", config, "--run-dir", tmp_path / "run")
    assert (code, "division by zero" in lines[-1]) == (3, False)


def test_a_draft_of_queries_is_that_of_files(
    call: Call, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_people(tmp_path, alike.PEOPLE, customers_of(alike.PEOPLE).sort("LNR"))
    load(url, "people", alike.PEOPLE.sample(fraction=1, shuffle=True, seed=1))
    monkeypatch.chdir(tmp_path)
    queries = [f"--population-query={QUERY.format('people')}"]
    queries += [f"--customers-query={QUERY.format('buyers')}"]
    for name, *command in (
        ("files", "population.parquet", "customers.parquet"),
        ("queries", url, url, *queries),
    ):
        code, lines = call("draft", *command, "-o", name)
        assert code == 0, lines
    assert Path("queries", SUMMARY).read_text() == Path("files", SUMMARY).read_text()
    inputs, others = (
        tomllib.loads(Path(name, "my.toml").read_text())["inputs"] for name in ("queries", "files")
    )
    assert {key: inputs.pop(key) for key in ("population_query", "customers_query")} == {
        "population_query": QUERY.format("people"),
        "customers_query": QUERY.format("buyers"),
    }
    assert inputs == {**others, "population": url, "customers": url}
    assert PASSWORD not in Path("queries/my.toml").read_text()
    code, lines = call("run", "queries/my.toml", "--run-dir", "run", "--until", "encode")
    assert code == 0, lines
    assert rows_of(tmp_path / "run").height == PEOPLE.height


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (("postgresql:///crm", "b.csv"), "--population-query: expected beside the address"),
        (("a.csv", "b.csv", "--customers-query", "SELECT 1"), "--customers-query: expected"),
        (
            ("postgresql://me:hunter2@h/d", "b.csv", "--population-query", "SELECT 1"),
            "holds a password; take it out and set PGPASSWORD",
        ),
    ],
)
def test_what_a_draft_cannot_take_is_one_line(
    call: Call, tmp_path: Path, options: tuple[str, ...], fault: str
) -> None:
    code, lines = call("draft", *options, "-o", tmp_path / "my")
    assert code == 2
    assert fault in lines[-1]
    assert "hunter2" not in lines[-1]
    assert not (tmp_path / "my").exists()


def test_customers_can_be_marked_in_a_database(call: Call, url: str, tmp_path: Path) -> None:
    marked = PEOPLE.with_columns(
        buyer=pl.when(pl.col("LNR").is_in(BUYERS["LNR"].implode())).then(1).otherwise(0)
    )
    load(url, "people", marked)
    config = deliver(tmp_path, url)
    text = config.read_text().replace(f'customers = "{url}"', 'customers_where = "buyer = 1"')
    config.write_text("".join(
        line for line in text.splitlines(keepends=True) if "customers_query" not in line
    ))  # fmt: skip
    run = tmp_path / "run"
    code, lines = call("run", config, "--run-dir", run, "--until", "ingest")
    assert code == 0, lines
    delivered = pl.concat(map(pl.read_parquet, sorted((run / "raw/customers").glob("*.parquet"))))
    assert delivered["LNR"].to_list() == BUYERS["LNR"].to_list()


@pytest.mark.parametrize(
    ("old", "new", "code", "expected"),
    [
        ("FROM people", "FROM nobody", 3, 'relation "nobody" does not exist'),
        ("SELECT * FROM people", "DELETE FROM people RETURNING *", 3, "the query fails"),
        ("SELECT *", 'SELECT CAST(\\"MEDIA\\" AS integer), *', 3, "broke it off"),
        ("///postgres?", "///nowhere?", 2, 'database "nowhere" does not exist'),
        ("///postgres?", "///postgres?user=nobody&", 2, "authentication failed"),
    ],
)
def test_what_a_database_refuses_is_one_line(
    call: Call, url: str, tmp_path: Path, old: str, new: str, code: int, expected: str
) -> None:
    config = deliver(tmp_path, url)
    config.write_text(config.read_text().replace(old, new))
    done, lines = call("run", config, "--run-dir", tmp_path / "run", "--until", "ingest")
    assert done == code
    assert expected in lines[-1]
    assert not [line for line in lines if "paper" in line or "web" in line]


def test_a_cell_that_cannot_be_read_is_told_by_its_row_in_the_copy(
    call: Call, url: str, tmp_path: Path
) -> None:
    ages = pl.when(pl.col("LNR") == "0910700").then(pl.lit("Zaphod")).otherwise("AGE")
    load(url, "people", PEOPLE.with_columns(ages.alias("AGE")))
    done, lines = call(
        "run", deliver(tmp_path, url), "--run-dir", tmp_path / "run", "--until", "ingest"
    )
    assert done == 3
    assert "row 699, column AGE: not a number" in lines[-1]
    assert "Zaphod" not in lines[-1]
    (copy,) = (tmp_path / "run/tables").glob("population-*.parquet")
    assert str(copy) in lines[-1]
    assert pl.read_parquet(copy)["AGE"][699] == "Zaphod"
