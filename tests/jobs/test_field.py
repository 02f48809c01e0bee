"""Files as their owners write them: public cases, each read rightly or refused in a line."""

import csv
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from jobs.export import main as export
from jobs.run import main as run_job
from tests.generated import parts
from tests.kinds import KINDS

TABLE = "Files as their owners write them"


@dataclass(frozen=True)
class Ended:
    """How a job ended."""

    code: int
    lines: Sequence[str]
    run: Path

    def notes(self) -> str:
        return "\n".join(line for line in self.lines if "note: " in line)

    def error(self) -> str:
        """The one line of a refusal, the last there is."""
        (line,) = [line for line in self.lines if line.startswith("error: ")]
        assert self.lines[-1] == line
        return line


Job = Callable[..., Ended]


@pytest.fixture
def field(real_data: Path) -> Path:
    return real_data / "field"


@pytest.fixture
def job(field: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Job:
    """Run the job on a config of the field, or on one written here; to assess unless told."""

    def run(config: str | Path, *options: str, until: str = "assess") -> Ended:
        path = config if isinstance(config, Path) else field / config
        folder = tmp_path / f"run-{path.parent.name}-{path.stem}"
        with pytest.raises(SystemExit) as left:
            run_job([str(path), "--run-dir", str(folder), "--until", until, *options])
        code = left.value.code
        assert isinstance(code, int)
        lines = capsys.readouterr().err.splitlines()
        KINDS.note(TABLE, "right" if code == 0 else "refused")
        return Ended(code, lines, folder)

    return run


def rows(path: Path, separator: str = ";") -> list[dict[str, str]]:
    """A CSV file by Python's own reader."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file, delimiter=separator))


def assessed(run: Path, attribute: str) -> dict[str, object]:
    table = pl.read_parquet(run / "assess/attributes.parquet")
    return table.row(by_predicate=pl.col("attribute") == attribute, named=True)


def people(ended: Ended, extract: str = "population") -> pl.DataFrame:
    assert ended.code == 0, ended.lines
    return parts(ended.run, "raw", extract)


ATTRIBUTES = {"AGE": float, "KIND": str, "REG": str, "INC": float, "HH": float, "MEDIA": str}


def cells(table: pl.DataFrame) -> Iterator[tuple[object, ...]]:
    return table.select(list(ATTRIBUTES)).iter_rows()


def expected(lines: list[dict[str, str]]) -> Iterator[tuple[object, ...]]:
    return (tuple(kind(line[name]) for name, kind in ATTRIBUTES.items()) for line in lines)


def test_an_inch_mark_is_text(job: Job, field: Path) -> None:
    table = people(job("01-inch-marks/config.toml"))
    delivered = rows(field / "01-inch-marks/population.csv")
    assert len(delivered) == 3_000
    assert list(cells(table)) == list(expected(delivered))


@pytest.mark.parametrize("config", ["config", "config_unquoted"])
def test_quotes_in_a_list_of_missing_codes_are_none_of_the_code(job: Job, config: str) -> None:
    ended = job(f"02-quoted-missing-codes/{config}.toml")
    assert ended.code == 0
    assert assessed(ended.run, "MEDIA")["missing"] == 426
    assert assessed(ended.run, "AGE")["missing"] == 288


def test_points_that_may_be_thousands_are_asked_about(job: Job) -> None:
    ended = job("03-german-thousands/config.toml")
    assert ended.code == 3
    assert "SPEND" in ended.error()
    assert "inputs.thousands" in ended.error()
    assert "inputs.decimal" in ended.error()


def test_points_said_to_be_thousands_are_read_as_such(job: Job, field: Path) -> None:
    ended = job("03-german-thousands/config.toml", "--set", "inputs.thousands=.")
    delivered = rows(field / "03-german-thousands/population.csv")
    spent = [float(row["SPEND"].replace(".", "")) for row in delivered]
    assert people(ended)["SPEND"].to_list() == spent
    assert round(sum(spent) / len(spent)) == 1_023


def test_a_header_in_the_middle_is_no_person(job: Job) -> None:
    ended, clean = (
        job(f"04-header-in-the-middle/{name}.toml", until="compare")
        for name in ("config", "config_clean")
    )
    assert people(ended).height == 3_000
    assert "header" in ended.notes()
    for path in ("plan.json", "compare/segments.csv"):
        assert (ended.run / path).read_bytes() == (clean.run / path).read_bytes()


@pytest.mark.parametrize("config", ["config", "config_both_double", "config_int"])
def test_ids_of_other_number_types_name_the_same_people(
    job: Job, field: Path, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = field / "06-ids-as-double"
    ended = job(f"06-ids-as-double/{config}.toml", until="gains")
    assert ended.code == 0
    population, customers = (
        {int(one) for one in pq.read_table(folder / f"{name}.parquet")["LNR"].to_pylist()}
        for name in ("population", "customers")
    )
    suppressed = {int(line) for line in (folder / "robinson.txt").read_text().split()}
    assert (len(population & customers), len(population & suppressed)) == (1_200, 200)
    for depth in ("0.4", "1"):
        with pytest.raises(SystemExit) as left:
            export([str(ended.run), "--depth", depth, "--suppress", str(folder / "robinson.txt")])
        assert left.value.code == 0
        if depth == "0.4":
            counts = json.loads((ended.run / "export/targets.json").read_text())
            in_list = ("listed", "known_customers_left_out", "suppressed_left_out")
            assert sum(counts[name] for name in in_list) == 1_200
            assert counts["known_customers_left_out"] > 800
    capsys.readouterr()
    listed = [row["id"] for row in rows(ended.run / "export/targets.csv", ",")]
    assert sorted(map(int, listed)) == sorted(population - customers - suppressed)


def test_nan_is_missing_in_a_coded_column(job: Job) -> None:
    ended = job("07-nan-in-categories/config.toml")
    assert ended.code == 0
    assert assessed(ended.run, "KIND")["missing"] == 374
    assert "NaN" not in (ended.run / "plan.json").read_text()


def test_categories_of_pandas_are_read_on_a_scale(job: Job, field: Path) -> None:
    table = people(job("08-pandas-category-scale/config.toml"))
    delivered = pq.read_table(field / "08-pandas-category-scale/population.parquet")
    assert table["INC"].to_list() == [float(one) for one in delivered["INC"].to_pylist()]


def test_a_line_that_says_the_separator_is_no_header(job: Job, field: Path) -> None:
    table = people(job("10-sep-line/config.toml"))
    text = (field / "10-sep-line/population.csv").read_text("utf-8-sig").split("\n", 1)[1]
    assert list(cells(table)) == list(
        expected(list(csv.DictReader(text.split("\n"), delimiter=";")))
    )


def test_a_separator_at_the_end_of_lines_makes_no_column(job: Job, field: Path) -> None:
    table = people(job("11-trailing-separators/config.toml"))
    assert list(cells(table)) == list(
        expected(rows(field / "11-trailing-separators/population.csv"))
    )


@pytest.mark.parametrize("config", ["config", "config_named"])
def test_row_names_are_ignored_and_na_is_remarked_on(job: Job, config: str) -> None:
    ended = job(f"12-row-names-and-NA/{config}.toml")
    assert people(ended).height == 3_000
    assert assessed(ended.run, "AGE")["missing"] == 282
    assert "KIND" in ended.notes()
    assert "inputs.missing" in ended.notes()
    declared = job(f"12-row-names-and-NA/{config}.toml", "--set", 'inputs.missing=["NA"]')
    assert assessed(declared.run, "KIND")["missing"] == 293


def test_an_attribute_of_too_many_levels_is_dropped(job: Job) -> None:
    ended = job("13-many-postcodes/config.toml")
    assert ended.code == 0
    assert any("PLZ" in line for line in ended.lines)
    assert "PLZ" in (ended.run / "plan.json").read_text()


@pytest.mark.parametrize("words", ["true", "True", "TRUE"])
def test_true_is_one_level_in_any_case(job: Job, words: str) -> None:
    ended = job(f"15-booleans/config_{words}.toml")
    levels = {
        extract: set(people(ended, extract)["OWNER"]) for extract in ("population", "customers")
    }
    assert levels["population"] == levels["customers"]


@pytest.mark.parametrize("words", ["tf", "JN", "yesno", "10"])
def test_other_words_for_yes_are_one_level_or_told_as_that(job: Job, words: str) -> None:
    ended = job(f"15-booleans/config_{words}.toml")
    assert ended.code == 3
    assert re.search(r"OWNER.*yes and no in other words", ended.error())


def test_each_extract_has_a_separator_of_its_own(job: Job, field: Path) -> None:
    ended = job("16-two-separators/config.toml")
    assert list(cells(people(ended))) == list(
        expected(rows(field / "16-two-separators/population.csv"))
    )
    customers = rows(field / "16-two-separators/customers.csv", ",")
    assert list(cells(people(ended, "customers"))) == list(expected(customers))


def test_a_separator_said_for_both_that_fits_one_is_refused(job: Job) -> None:
    ended = job("16-two-separators/config_comma.toml")
    assert ended.code == 3
    assert "population.csv" in ended.error()
    assert "Leave inputs.separator out" in ended.error()


def test_parts_of_other_column_orders_are_read_by_name(job: Job, field: Path) -> None:
    table = people(job("18-column-orders/config.toml"))
    weeks = [rows(field / f"18-column-orders/pop/week-{i}.csv") for i in (1, 2, 3)]
    assert list(cells(table)) == list(expected([row for week in weeks for row in week]))


def test_declared_codes_are_missing_and_a_value_among_them_is_none(job: Job) -> None:
    ended = job("19-none-is-88/config.toml")
    assert ended.code == 0
    assert assessed(ended.run, "DAYS")["missing"] == 336
    assert people(ended).filter(pl.col("DAYS") == 88).height > 0


def test_a_blank_is_missing_and_a_loss_is_a_number(job: Job) -> None:
    ended = job("20-blank-zero-loss/config.toml")
    assert ended.code == 0
    assert assessed(ended.run, "SEMP")["missing"] == 614
    assert people(ended)["SEMP"].min() == -9_965


def test_a_sentinel_nobody_declared_is_remarked_on(job: Job) -> None:
    ended = job("21-undeclared-sentinel/config.toml")
    assert ended.code == 0
    assert "INCTOT" in ended.notes()
    declared = job("21-undeclared-sentinel/config_declared.toml")
    assert assessed(declared.run, "INCTOT")["missing"] == 779
    assert "INCTOT" not in declared.notes()


def test_levels_that_became_dates_are_told_as_such(job: Job) -> None:
    ended = job("22-excel-date-levels/config.toml")
    assert ended.code == 3
    assert re.search(r"UNITS.*date", ended.error())


def test_one_customer_is_told(job: Job) -> None:
    ended = job("23-one-customer/config.toml", until="compare")
    assert ended.code == 3
    assert "fewer than 30 customers" in ended.notes()
    assert "allow_suspicious" in ended.error()


def test_a_customer_with_many_orders_counts_once(job: Job, field: Path) -> None:
    folder = field / "25-orders-not-customers"
    delivered = rows(folder / "customers.csv")
    repeated = len(delivered) - len({row["LNR"] for row in delivered})
    assert repeated == 643
    ended = job("25-orders-not-customers/config.toml", until="compare")
    assert people(ended, "customers").height == 400
    assert f"{repeated}" in ended.notes()
    once = job("25-orders-not-customers/config_once.toml", until="compare")
    table = pl.read_csv(ended.run / "compare/segments.csv")
    assert table.equals(pl.read_csv(once.run / "compare/segments.csv"))
    # Counted by orders the best segment has 150.
    assert table["drawn_index"].max() > 240  # type: ignore[operator]


def test_a_person_twice_in_the_population_is_listed_once(
    job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = job(
        "25-orders-not-customers/c2.toml", "--set", "compare.allow_suspicious=true", until="gains"
    )
    assert ended.code == 0, ended.lines
    with pytest.raises(SystemExit) as left:
        export([str(ended.run), "--depth", "1", "--allow-unmatched"])
    assert left.value.code == 0
    capsys.readouterr()
    listed = [row["id"] for row in rows(ended.run / "export/targets.csv", ",")]
    assert len(listed) == len(set(listed)) == 400


@pytest.mark.parametrize("config", ["config", "config_cell", "config_header"])
def test_a_stray_cr_is_read_past_or_told(job: Job, field: Path, config: str) -> None:
    ended = job(f"26-stray-cr/{config}.toml")
    if ended.code:
        assert ended.code == 3
        assert "CR" in ended.error()
    else:
        assert people(ended).height == 3_000


FORMS = {
    "comma": 0, "tab": 0, "sep": 0, "utf16": 0, "cp1252": 0, "index": 0, "caps": 0, "dias": 3,
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_the_feature_summary(job: Job, field: Path, tmp_path: Path, form: str) -> None:
    folder = field / "29-summary-forms"
    path = tmp_path / f"{form}.toml"
    path.write_text(
        f'[inputs]\npopulation = "{folder / "population.csv"}"\n'
        f'customers = "{folder / "customers.csv"}"\n'
        f'feature_summary = "{folder / f"fs_{form}.csv"}"\n'
    )
    ended = job(path)
    assert ended.code == FORMS[form], ended.lines
    if ended.code:
        assert "attribute;information_level;type;missing_or_unknown" in ended.error()
    else:
        kinds = [(assessed(ended.run, name)["type"]) for name in ("AGE", "KIND")]
        assert kinds == ["numeric", "categorical"]


def test_words_for_nothing_are_remarked_on_and_can_be_declared(job: Job, field: Path) -> None:
    delivered = rows(field / "30-null-words/population.csv")
    words = {"KIND": "NULL", "REG": "#N/A", "MEDIA": "NaN"}
    counts = {name: sum(row[name] == word for row in delivered) for name, word in words.items()}
    assert counts == {"KIND": 357, "REG": 357, "MEDIA": 324}
    ended = job("30-null-words/config.toml")
    assert ended.code == 0
    assert all(name in ended.notes() for name in words)
    declared = job("30-null-words/config.toml", "--set", 'inputs.missing=["NULL", "#N/A", "NaN"]')
    assert {name: assessed(declared.run, name)["missing"] for name in words} == counts


def test_every_case_of_the_field_is_tried(field: Path) -> None:
    text = Path(__file__).read_text()
    folders = {path.name for path in field.iterdir() if path.is_dir()}
    assert folders == {name for name in folders if f"{name}" in text}
