"""Answers to a mailing read back: counted by hand, in any form of file, with and without cells."""

import csv
import json
from pathlib import Path

import polars as pl
import pytest
from scipy.stats.contingency import relative_risk

from jobs.export import main as export_main
from jobs.response import main, parse_amounts
from segment_lib.errors import DataError
from tests.commands import Command, in_process
from tests.conftest import RunJob
from tests.people import customers_of, people, write_people
from tests.workbooks import workbook

MONEY = "[mailing]\ncost_per_piece = 0.5\nmargin_per_order = 20.0\nbase_response_rate = 0.05\n"


@pytest.fixture(scope="module")
def run(run_job: RunJob, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with money and a list of everybody but the customers, a fifth of them the control."""
    folder = tmp_path_factory.mktemp("response")
    config = write_people(folder, people(), customers_of(people()), parts=400)
    config.write_text(config.read_text() + MONEY)
    done = run_job(
        "jobs.run", config, "--run-dir", folder / "run", "--until", "gains",
        "--set", "compare.allow_suspicious=true", "--set", "model.sweep=[2,2]",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with pytest.raises(SystemExit) as left:
        export_main([str(folder / "run"), "--depth", "1", "--control", "0.2", "--test-cells", "2"])
    assert left.value.code == 0
    return folder / "run"


@pytest.fixture
def read_back(run: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command within this process."""
    return in_process(main, run, capsys)


@pytest.fixture
def listed(run: Path) -> list[dict[str, str]]:
    with (run / "export/targets.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def answered(row: dict[str, str]) -> bool:
    """Whether this person answers: more of those mailed than of the control."""
    return int(row["id"]) % (20 if row["cell"] == "control" else 7) == 0


def table(run: Path) -> dict[tuple[str, str], dict[str, object]]:
    read = pl.read_csv(run / "export/targets_response.csv", schema_overrides={"group": pl.String})
    return {(row["by"], row["group"]): row for row in read.rows(named=True)}


def test_answers_are_those_counted_by_hand(
    run: Path, read_back: Command, listed: list[dict[str, str]], tmp_path: Path
) -> None:
    lines = [f"{row['id']};{'ja' if answered(row) else 'nein'};12,50" for row in listed]
    again = [line for line in lines if ";ja;" in line][:5]
    strangers = ["1;ja;99,00", "2;nein;1,00", ";ja;3,00"]
    (tmp_path / "r.csv").write_text("\n".join(["LNR;responded;amount", *lines, *again, *strangers]))
    done = read_back(tmp_path / "r.csv")
    assert done.returncode == 0, done.stderr
    summary = json.loads((run / "export/targets_response.json").read_text())
    assert (summary["not_on_the_list"], summary["repeated"], summary["without_id"]) == (2, 5, 1)
    answers = table(run)
    mailed = [row for row in listed if row["cell"] != "control"]
    control = [row for row in listed if row["cell"] == "control"]
    groups = {("all", "all"): mailed, ("cell", "control"): control}
    for cell in ("test 1", "test 2"):
        groups["cell", cell] = [row for row in listed if row["cell"] == cell]
    for segment in {row["segment"] for row in listed}:
        groups["segment", segment] = [row for row in mailed if row["segment"] == segment]
    for tenth in range(1, 11):
        groups["tenth", str(tenth)] = [
            row for i, row in enumerate(listed) if i * 10 // len(listed) == tenth - 1
            and row["cell"] != "control"
        ]  # fmt: skip
    assert set(answers) == set(groups)
    whole_rate = sum(map(answered, mailed)) / len(mailed)
    for group, rows in groups.items():
        row, yes = answers[group], sum(map(answered, rows))
        assert (row["people"], row["responses"]) == (len(rows), yes)
        assert row["rate"] == pytest.approx(yes / len(rows))
        assert row["amount"] == pytest.approx(12.5 * yes)
        pieces = 0 if group == ("cell", "control") else len(rows)
        assert row["profit"] == pytest.approx(20 * yes - 0.5 * pieces)
        if group[0] in ("segment", "tenth"):
            assert row["lift"] == pytest.approx(yes / len(rows) / whole_rate)
        elif group != ("cell", "control"):
            bought = sum(map(answered, control))
            other = relative_risk(yes, len(rows), bought, len(control))
            limits = other.confidence_interval(0.95)
            assert (row["lift"], row["lift_low"], row["lift_high"]) == pytest.approx(
                (other.relative_risk, limits.low, limits.high)
            )
            brought = 20 * yes - 0.5 * len(rows) - 20 * len(rows) * bought / len(control)
            assert row["profit_over_control"] == pytest.approx(brought)


def test_a_file_of_ids_alone_means_that_they_answered(
    run: Path, read_back: Command, listed: list[dict[str, str]], tmp_path: Path
) -> None:
    ids = [row["id"] for row in listed if answered(row)]
    expected = len(ids)
    for text in ("\n".join(ids), "Kundennummer\n" + "\n".join(ids), "id\n" + "\r\n".join(ids)):
        (tmp_path / "r.csv").write_text(text)
        done = read_back(tmp_path / "r.csv")
        assert done.returncode == 0, done.stderr
        assert "everybody in the file taken as such" in done.stderr
        answers = table(run)
        assert (
            answers["all", "all"]["responses"] + answers["cell", "control"]["responses"] == expected
        )  # type: ignore[operator]
    pl.DataFrame({"ID": [int(id_) for id_ in ids], "order": ["x"] * len(ids)}).write_parquet(
        tmp_path / "r.parquet"
    )
    (tmp_path / "r.xlsx").write_bytes(workbook({"A": [("ID",), *((id_,) for id_ in ids)]}))
    for name in ("r.parquet", "r.xlsx"):
        assert read_back(tmp_path / name).returncode == 0
        assert table(run) == answers


def test_columns_of_other_names_can_be_named(
    run: Path, read_back: Command, listed: list[dict[str, str]], tmp_path: Path
) -> None:
    lines = [f"{row['id']},{int(answered(row))},7" for row in listed]
    (tmp_path / "r.csv").write_text("\n".join(["id,bought,total", *lines]))
    done = read_back(tmp_path / "r.csv", "--responded", "bought", "--amount", "Total", "--excel")
    assert done.returncode == 0, done.stderr
    text = (run / "export/targets_response.csv").read_text("utf-8-sig")
    with (run / "export/targets_response.csv").open(newline="", encoding="utf-8-sig") as file:
        first = next(csv.DictReader(file, delimiter=";"))
    yes = sum(answered(row) for row in listed if row["cell"] != "control")
    assert (first["responses"], float(first["amount"].replace(",", "."))) == (str(yes), 7.0 * yes)
    assert text.startswith('"by";"group";"name"')


def test_the_printed_table_is_short_and_holds_no_small_count(
    read_back: Command, listed: list[dict[str, str]], tmp_path: Path
) -> None:
    (tmp_path / "r.csv").write_text("\n".join(row["id"] for row in listed if answered(row)))
    done = read_back(tmp_path / "r.csv")
    lines = done.stdout.splitlines()
    assert len(lines) < 25
    assert max(map(len, lines)) <= 100
    assert lines[1].startswith("All that were mailed")
    assert lines[-1].startswith("profit: ")
    assert "of it through the mailing, by the control" in lines[-1]
    (tmp_path / "few.csv").write_text("\n".join([row["id"] for row in listed][:9]))
    few = read_back(tmp_path / "few.csv")
    assert few.returncode == 0
    assert "under 10" in few.stdout
    shown = few.stdout.splitlines()
    assert few.stdout.count("too few to show") == len(shown) - 4
    assert shown[1].endswith("%"), "the lift would tell the rate of the control group"
    assert "through the mailing" not in few.stdout


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("LNR;responded\n910001;maybe\n", 3, "1 cells are neither yes nor no"),
        ("LNR;amount\n910001;1.234\n", 3, "decimals or thousands"),
        ("LNR;amount\n910001;1-2\n", 3, "1 of the amounts are no numbers"),
        ("name;town\nA;B\n", 3, "no column LNR or id"),
        ("LNR\n5\n6\n", 3, "none of its 2 ids is on the list"),
        ("LNR;x\n910001;1\n", 3, "no column gone"),
    ],
)
def test_results_that_cannot_be_counted_are_refused_without_a_cell_value(
    read_back: Command, tmp_path: Path, text: str, code: int, message: str
) -> None:
    (tmp_path / "r.csv").write_text(text)
    options = ("--responded", "gone") if "gone" in message else ()
    done = read_back(tmp_path / "r.csv", *options)
    assert done.returncode == code
    assert message in done.stderr
    assert "910001" not in done.stderr
    assert "maybe" not in done.stderr


def test_a_list_that_is_not_there_or_was_changed_is_refused(
    run: Path, read_back: Command, tmp_path: Path
) -> None:
    (tmp_path / "r.csv").write_text("910001\n")
    done = read_back(tmp_path / "r.csv", "--list", "customers")
    assert (done.returncode, "no summary of a list" in done.stderr) == (2, True)
    for name in ("targets.json", "targets.parquet"):
        (tmp_path / name).write_bytes((run / "export" / name).read_bytes())
    (tmp_path / "targets.parquet").write_bytes(b"other")
    done = read_back(tmp_path / "r.csv", "--out", tmp_path)
    assert (done.returncode, "not as the export left it" in done.stderr) == (2, True)


def test_a_table_of_others_is_not_replaced(
    run: Path, read_back: Command, tmp_path: Path, listed: list[dict[str, str]]
) -> None:
    for name in ("targets.json", "targets.parquet"):
        (tmp_path / name).write_bytes((run / "export" / name).read_bytes())
    (tmp_path / "targets_response.csv").write_text("mine")
    (tmp_path / "r.csv").write_text(listed[0]["id"])
    done = read_back(tmp_path / "r.csv", "--out", tmp_path)
    assert (done.returncode, "there already" in done.stderr) == (2, True)
    assert (tmp_path / "targets_response.csv").read_text() == "mine"


def test_a_list_of_customers_and_one_without_cells_are_read_back_too(
    run: Path, read_back: Command, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit):
        export_main([str(run), "--customers", "--out", str(tmp_path)])
    ids = pl.read_parquet(tmp_path / "customers.parquet")["id"].to_list()
    (tmp_path / "r.csv").write_text("\n".join(ids[:100]))
    done = read_back(tmp_path / "r.csv", "--list", "customers", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    answers = pl.read_csv(tmp_path / "customers_response.csv")
    assert set(answers["by"]) == {"all", "segment", "tenth"}
    first = answers.filter(by="all").row(0, named=True)
    assert (first["people"], first["responses"], first["lift"]) == (len(ids), 100, None)
    assert first["profit_over_control"] is None
    tenths = answers.filter(by="tenth")["responses"].to_list()
    assert sum(tenths) == 100 == tenths[0] + tenths[1] + tenths[2]


@pytest.mark.parametrize(
    ("cells", "amounts"),
    [
        (["12,50 €", "1.234,00 €", None], [12.5, 1234.0, 0.0]),
        (["12.50", "1,234.00", ""], [12.5, 1234.0, 0.0]),
        (["EUR 7", "8"], [7.0, 8.0]),
        (["-3,5"], [-3.5]),
        (["1 234,50 EUR", "2"], [1234.5, 2.0]),
    ],
)
def test_amounts_are_read_in_the_form_that_all_of_them_show(
    cells: list[str | None], amounts: list[float]
) -> None:
    assert parse_amounts(pl.Series(cells, dtype=pl.String)).to_list() == amounts


@pytest.mark.parametrize("cell", ["12abc4", "1,5E+05", "12-50"])
def test_what_is_no_amount_is_refused_and_not_read_without_its_letters(cell: str) -> None:
    with pytest.raises(DataError, match="no numbers"):
        parse_amounts(pl.Series([cell, "10"]))


def test_an_amount_that_can_be_read_in_two_ways_is_refused() -> None:
    with pytest.raises(DataError, match="decimals or thousands"):
        parse_amounts(pl.Series(["1.234", "10"]))
