"""One extract in which a column marks the customers, against two files and rows chosen by hand."""

import csv
import gzip
import io
import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from segment_lib.schema.customer_mark import CustomerMark
from tests.people import ATTRIBUTES, customers_of, people, write_people

Call = Callable[..., tuple[int, list[str]]]
WHERE = 'customers_where = "buyer = yes"\n'
PEOPLE = people()
BUYERS = customers_of(PEOPLE).sort("LNR")
WORDS = ["yes", "Yes", " YES "]
"""Spellings of the value; the others hold no, or nothing."""
FORMS = ("csv", "csv.gz", "csv.zst", "parquet", "several", "partitions", "boolean")


def marked() -> pl.DataFrame:
    """All people, with a column that marks the customers among them."""
    ids = set(BUYERS["LNR"])
    flags = [
        WORDS[i % 3] if person in ids else ["no", "No", None][i % 3]
        for i, person in enumerate(PEOPLE["LNR"])
    ]
    return PEOPLE.with_columns(pl.Series("buyer", flags))


def chosen_by_hand(text: str) -> list[dict[str, str]]:
    rows = csv.DictReader(io.StringIO(text), delimiter=";")
    return [row for row in rows if row["buyer"].strip().lower() == "yes"]


def write_one(folder: Path, form: str, more: str = WHERE, *, parts: int = 130) -> Path:
    """A config with one extract, in a form of files, instead of two."""
    config = write_people(folder, PEOPLE, BUYERS, more, parts=parts)
    rows, name = marked(), "all.csv"
    if form == "parquet":
        name = "all.parquet"
        rows.write_parquet(folder / name, row_group_size=400)
    elif form == "boolean":
        name = "all.parquet"
        mark = CustomerMark("buyer", "yes").matches(rows["buyer"])
        rows.with_columns(buyer=mark).write_parquet(folder / name)
    elif form == "several":
        name = "all"
        (folder / name).mkdir()
        for i, part in enumerate((rows[:700], rows[700:710], rows[710:])):
            part.write_csv(folder / name / f"{i}.csv", separator=";,|"[i])
    elif form == "partitions":
        name = "all"
        for mark, part in (
            ("yes", rows.filter(pl.col("LNR").is_in(BUYERS["LNR"].implode()))),
            ("no", rows.filter(~pl.col("LNR").is_in(BUYERS["LNR"].implode()))),
        ):
            below = folder / name / f"buyer={mark}"
            below.mkdir(parents=True)
            part.drop("buyer").write_csv(below / "part.csv", separator=";")
    else:
        name = f"all.{form}"
        content = rows.write_csv(separator=";").encode()
        if form == "csv.gz":
            content = gzip.compress(content)
        if form == "csv.zst":
            rows.write_csv(folder / name, separator=";", compression="zstd")
        else:
            (folder / name).write_bytes(content)
    text = config.read_text().replace('customers = "customers.parquet"\n', "")
    value = "true" if form == "boolean" else "yes"
    text = text.replace("population.parquet", name).replace("= yes", f"= {value}")
    config.write_text(text)
    return config


def raw(run: Path, extract: str = "customers") -> pl.DataFrame:
    parts = sorted((run / "raw" / extract).glob("*.parquet"))
    return pl.concat(pl.read_parquet(part) for part in parts)


@pytest.fixture(scope="module")
def two_files(run_job, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two files, made by hand from the same rows."""
    folder = tmp_path_factory.mktemp("two")
    config = write_people(folder, PEOPLE, BUYERS, parts=130)
    done = run_job("jobs.run", config, "--run-dir", folder / "run", "--until", "compare")
    assert done.returncode == 0, done.stderr
    return folder / "run"


@pytest.mark.parametrize("form", FORMS)
def test_marked_customers_are_those_of_a_second_file(
    call: Call, two_files: Path, tmp_path: Path, form: str
) -> None:
    config = write_one(tmp_path, form)
    code, lines = call("run", config, "--run-dir", tmp_path / "run", "--until", "compare")
    assert code == 0, lines
    by_hand = chosen_by_hand(marked().write_csv(separator=";"))
    customers = raw(tmp_path / "run")
    assert customers["LNR"].to_list() == [row["LNR"] for row in by_hand]
    assert customers["AGE"].to_list() == [float(row["AGE"]) for row in by_hand]
    assert customers["row"].to_list() == list(range(len(by_hand)))
    assert customers.columns == ["row", "LNR", *ATTRIBUTES]
    assert raw(tmp_path / "run", "population").height == PEOPLE.height
    if form != "partitions":  # Their population is in another order.
        own, other = (r / "compare/segments.csv" for r in (tmp_path / "run", two_files))
        assert own.read_bytes() == other.read_bytes()


def test_a_mark_that_is_listed_as_an_attribute_makes_no_feature(call: Call, tmp_path: Path) -> None:
    config = write_one(tmp_path, "csv")
    with (tmp_path / "summary.csv").open("a") as summary:
        summary.write("buyer;person;categorical;[]\n")
    assert call("run", config, "--run-dir", tmp_path / "run", "--until", "encode")[0] == 0
    assert "buyer" not in (tmp_path / "run/plan.json").read_text()
    attributes = pl.read_parquet(tmp_path / "run/assess/attributes.parquet")
    assert attributes["attribute"].to_list() == list(ATTRIBUTES)


def test_another_mark_reads_the_customers_anew(call: Call, tmp_path: Path) -> None:
    config = write_one(tmp_path, "csv")
    run = ("run", config, "--run-dir", tmp_path / "run", "--until", "ingest")
    assert call(*run)[0] == 0
    before = raw(tmp_path / "run").height
    assert call(*run, "--set", "inputs.customers_where=buyer = NO")[0] == 0
    assert raw(tmp_path / "run").height == marked()["buyer"].is_in(["no", "No"]).sum() != before


def test_marked_customers_are_left_off_the_list_without_ids(run_job, tmp_path: Path) -> None:
    config = write_one(tmp_path, "csv")
    config.write_text(config.read_text().replace('id_column = "LNR"\n', ""))
    done = run_job("jobs.run", config, "--run-dir", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    done = run_job("jobs.export", tmp_path / "run", "--depth", 1)
    assert done.returncode == 0, done.stderr
    assert f"{BUYERS.height} customers, marked as such" in done.stderr
    listed = pl.read_csv(tmp_path / "run/export/targets.csv")["row"].sort().to_list()
    ids = set(BUYERS["LNR"])
    assert listed == [i for i, person in enumerate(PEOPLE["LNR"]) if person not in ids]
    summary = json.loads((tmp_path / "run/export/targets.json").read_text())
    assert summary["known_customers_left_out"] == BUYERS.height


@pytest.mark.parametrize(
    ("where", "words"),
    {
        "buyers = yes": ("column buyers", "as the file has it"),
        "buyer = perhaps": ("column buyer", "no row holds"),
        "everybody = 1": ("column everybody", "all rows hold"),
    }.items(),
)
@pytest.mark.parametrize("command", ["ingest", "draft"])
def test_a_mark_that_marks_nobody_or_everybody_is_refused_in_a_line(
    run_job, tmp_path: Path, where: str, words: tuple[str, ...], command: str
) -> None:
    config = write_one(tmp_path, "csv", f'customers_where = "{where}"\n')
    marked().with_columns(everybody=1).write_csv(tmp_path / "all.csv", separator=";")
    if command == "draft":
        options = tmp_path / "all.csv", "--customers-where", where, "-o", tmp_path / "my"
    else:
        options = config, "--run-dir", tmp_path / "run"
    done = run_job(f"jobs.{command}", *options)
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()[-1:]
    assert all(word in line for word in ("all.csv", *words))
    assert "perhaps" not in line


def test_a_single_marked_row_is_a_customer(call: Call, tmp_path: Path) -> None:
    config = write_one(tmp_path, "csv", 'customers_where = "one = 1"\n')
    rows = marked().with_columns(one=(pl.int_range(pl.len()) == 901).cast(pl.Float64))
    rows.write_csv(tmp_path / "all.csv", separator=";")
    code, lines = call("run", config, "--run-dir", tmp_path / "run", "--until", "assign")
    assert code == 0, lines
    assert raw(tmp_path / "run")["LNR"].to_list() == [str(PEOPLE["LNR"][901])]
    assert any("fewer than 30 customers" in line for line in lines)


@pytest.mark.parametrize(
    ("inputs", "fault"),
    {
        'population = "a"\nfeature_summary = "s"\ncustomers = "b"\ncustomers_where = "y = yes"': (
            "both set"
        ),
        'population = "a"\nfeature_summary = "s"\ncustomers_where = "yes"': "column = value",
        'population = "a"\nfeature_summary = "s"': "inputs.customers is not set",
    }.items(),
)
def test_a_config_says_once_who_the_customers_are(
    call: Call, tmp_path: Path, inputs: str, fault: str
) -> None:
    (tmp_path / "job.toml").write_text(f"[inputs]\n{inputs}\n")
    code, lines = call("run", tmp_path / "job.toml", "--run-dir", tmp_path / "run")
    assert code == 2
    assert fault in lines[-1]


def test_a_draft_of_marked_customers_is_that_of_two_files(run_job, tmp_path: Path) -> None:
    write_one(tmp_path, "csv")
    PEOPLE.write_csv(tmp_path / "people.csv", separator=";")
    BUYERS.write_csv(tmp_path / "buyers.csv", separator=";")
    one = ("all.csv", "--customers-where", "buyer = Yes", "-o", "one")
    for files in (one, ("people.csv", "buyers.csv", "-o", "two")):
        done = run_job("jobs.draft", *files, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    own, other = ((tmp_path / name / "feature_summary.csv").read_text() for name in ("one", "two"))
    *lines, last = own.splitlines()
    assert lines == other.splitlines()
    assert last.startswith("buyer;;left out;")
    assert last.endswith(";;marks the customers")
    inputs = tomllib.loads((tmp_path / "one/my.toml").read_text())["inputs"]
    assert "customers" not in inputs
    assert inputs["customers_where"] == "buyer = Yes"


def test_a_draft_is_told_once_who_the_customers_are(run_job, tmp_path: Path) -> None:
    write_one(tmp_path, "csv")
    for more in ((), (tmp_path / "customers.parquet", "--customers-where", "buyer = yes")):
        done = run_job("jobs.draft", tmp_path / "all.csv", *more, "-o", tmp_path / "my")
        assert done.returncode == 2
        assert "Say who the customers are, once" in done.stderr


@pytest.mark.parametrize(
    ("text", "mark"),
    {
        "y = yes": ("y", "yes"),
        "y=1.0": ("y", "1"),
        " Kunde seit = 'Ja' ": ("Kunde seit", "ja"),
        "y": None,
        "= yes": None,
        "y =": None,
        "y = ''": None,
    }.items(),
)
def test_a_mark_is_a_column_and_a_value(text: str, mark: tuple[str, str] | None) -> None:
    parsed = CustomerMark.parse(text)
    assert (parsed and (parsed.column, parsed.value)) == mark


@pytest.mark.parametrize(("marked_in_it", "expected"), [(True, 0), (False, 3)])
def test_a_mark_that_goes_with_a_segment_is_said_and_stops_nothing(
    call: Call, tmp_path: Path, marked_in_it: bool, expected: int
) -> None:
    """Of customers in files of their own, other codes could be the reason."""
    i = pl.int_range(3_000)
    is_poor = i % 4 == 0
    buys = pl.when(pl.when(is_poor).then(i % 5 < 2).otherwise(i % 33 == 1))
    noise = {name: (i * step // 7) % 2 for name, step in (("A", 11), ("B", 13), ("C", 17))}
    codes = {name: pl.when(is_poor).then(8).otherwise(1) + own for name, own in noise.items()}
    rows = pl.select(**codes, buyer=buys.then(pl.lit("yes")).otherwise(pl.lit("no")))
    rows.write_csv(tmp_path / "all.csv", separator=";")
    rows.filter(pl.col("buyer") == "yes").write_csv(tmp_path / "buyers.csv", separator=";")
    customers = WHERE if marked_in_it else 'customers = "buyers.csv"\n'
    summary = [f"{name};person;ordinal;[]" for name in codes]
    head = "attribute;information_level;type;missing_or_unknown"
    (tmp_path / "summary.csv").write_text("\n".join([head, *summary]) + "\n")
    config = tmp_path / "job.toml"
    config.write_text(
        f'[inputs]\npopulation = "all.csv"\nfeature_summary = "summary.csv"\n{customers}'
        "[model]\nn_clusters = 2\n"
    )
    code, lines = call("run", config, "--run-dir", tmp_path / "run", "--until", "compare")
    assert code == expected, lines
    said = "suspicious, but allowed: segment" if marked_in_it else "looks like a broken delivery"
    assert [line for line in lines if said in line], lines
