"""Suppression files in the forms in which they are delivered, on the way to a target list."""

import csv
import gzip
import io
import json
import random
import zipfile
from pathlib import Path

import polars as pl
import pytest

from jobs.export import main
from segment_lib.errors import DataError
from segment_lib.mailing import suppression
from segment_lib.mailing.suppression import open_suppression
from segment_lib.schema.ids import hash_ids
from tests.commands import Command, in_process
from tests.conftest import RunJob
from tests.kinds import KINDS, documented
from tests.people import FIRST, N, customers_of, people, write_people
from tests.workbooks import workbook

POPULATION = people()
CUSTOMERS = customers_of(POPULATION)
OTHERS = sorted(set(POPULATION["LNR"]) - set(CUSTOMERS["LNR"]))
IDS = OTHERS[::11]
"""Who is not to be mailed."""
NAMES = [f"Müller-Lüdenscheidt {letter}" for letter in "ABCDEFG"]


def lines(ids: list[str], end: str = "\n") -> bytes:
    return "".join(f"{number}{end}" for number in ids).encode()


def table(separator: str, *, header: bool = True, encoding: str = "utf-8", id_name: str = "LNR"
          ) -> bytes:  # fmt: skip
    """Four columns of which the third holds the ids, names in quotes."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator="\r\n")
    if header:
        writer.writerow(["Nr.", "Name", id_name, "Grund"])
    for i, number in enumerate(IDS):
        writer.writerow([i + 1, f"{NAMES[i % 7]}{separator} geb. Ö", number, "Widerspruch"])
    return text.getvalue().encode(encoding)


def parquet(rows: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    rows.write_parquet(buffer)
    return buffer.getvalue()


def zipped(member: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(member, content)
    return buffer.getvalue()


PLAIN = [str(number) for number in IDS]
READ: dict[str, bytes] = {
    "an id per line": lines(PLAIN),
    "a header, and other columns: the one named as the id column": table(";"),
    "other columns, no name: the only one that holds ids of people": table(";", header=False),
    "a header of other names": table(";", id_name="Kundennummer"),
    "a title above the header": b"Robinson list;;;\r\n\r\n" + table(";"),
    "cells in quotes": lines([f'"{number}"' for number in IDS]),
    "a separator at the end of each line": lines([f"{number};" for number in IDS]),
    "separated by commas": table(","),
    "separated by tabs": table("\t"),
    "separated by bars": table("|"),
    "UTF-8 with a byte order mark": b"\xef\xbb\xbf" + table(";"),
    "cp1252, latin-1": table(";", encoding="cp1252"),
    "UTF-16": table(";", encoding="utf-16"),
    "lines that end in CRLF, or in CR alone": lines(PLAIN, "\r"),
    "`sep=;` in the first line": b"sep=;\r\n" + table(";"),
    "blank lines, remarks (`#`) above": b"# Robinson\n\n" + lines(PLAIN, "\n\n"),
    "a sum at the end": lines(PLAIN) + f"Summe;{len(IDS)}\n".encode(),
    'ids as a spreadsheet writes them, `910001,0`, `\'910001`, `="910001"`': lines(
        [f'"=""{number}"""' if number % 2 else f'"{number},0"' for number in IDS]
    ),
    "Parquet": parquet(pl.DataFrame({"NAME": "x", "LNR": [float(number) for number in IDS]})),
    "`.gz`": gzip.compress(table(";")),
    "an Excel workbook: its first sheet": workbook(
        {"Robinson": [("NAME", "LNR"), *(("x", number) for number in IDS)], "B": [("LNR",), (1,)]}
    ),
}
REFUSED: dict[str, tuple[bytes, str]] = {
    "a damaged Excel workbook": (zipped("xl/workbook.xml", b"<x/>"), "is damaged or locked"),
    "a zip archive": (zipped("robinson.txt", lines(PLAIN)), "a zip archive"),
    "several columns that hold ids of people": (
        b"".join(b"%d;%d\n" % (number, number) for number in IDS),
        "columns 1, 2 hold ids of people. Call the right one LNR",
    ),
    "ids whose digits a spreadsheet cut off": (
        lines([*PLAIN[:5], "1.23457E+11"]),
        "line 6: ids that were rounded",
    ),
    "a quote that is not closed": (
        lines([*PLAIN[:5], '"' + PLAIN[5], *PLAIN[6:]]),
        "a quoted cell runs over line ends",
    ),
    "ids of nobody in the population": (
        lines(["1", "2", "3"]),
        "none of its 3 ids is an id in LNR",
    ),
    "no ids": (b"\n", "holds no ids"),
    "binary": (bytes(range(256)), "neither text nor Parquet"),
}


@pytest.fixture(scope="module")
def run(run_job: RunJob, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    config = write_people(folder, POPULATION, CUSTOMERS, parts=600)
    done = run_job("jobs.run", config, "--run-dir", folder / "run", "--until", "gains")
    assert done.returncode == 0, done.stderr
    return folder / "run"


@pytest.fixture
def export(run: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command within this process."""
    return in_process(main, run, capsys)


def test_all_forms_of_suppression_files_that_are_documented_are_tried() -> None:
    assert documented("Forms of suppression files") == [*READ, *REFUSED]


@pytest.mark.parametrize("form", READ)
def test_nobody_of_a_suppression_file_is_listed(export, tmp_path: Path, form: str) -> None:
    path = tmp_path / "robinson"
    path.write_bytes(READ[form])
    done = export("--depth", "1", "--suppress", path, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "out/targets.json").read_text())
    assert (summary["suppressed_met"], summary["suppressed_left_out"]) == (len(IDS), len(IDS))
    assert summary["suppressed_told"] == len(IDS)
    assert f"({len(IDS)} of the {len(IDS)} ids read are of the population)" in done.stderr
    listed = set(pl.read_csv(tmp_path / "out/targets.csv")["id"])
    assert listed == set(OTHERS) - set(IDS)
    KINDS.note("Forms of suppression files", "right")


@pytest.mark.parametrize("form", REFUSED)
def test_a_file_that_would_suppress_nobody_stops_the_export(
    export, tmp_path: Path, form: str
) -> None:
    content, message = REFUSED[form]
    path = tmp_path / "robinson"
    path.write_bytes(content)
    done = export("--depth", "1", "--suppress", path, "--out", tmp_path / "out")
    assert done.returncode == 3, done.stderr
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error")]
    assert message in error
    assert "91000" not in error
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
    KINDS.note("Forms of suppression files", "refused")


def test_an_old_list_stays_where_a_file_meets_nobody(run: Path, export, tmp_path: Path) -> None:
    assert export("--depth", "0.3").returncode == 0
    before = (run / "export/targets.json").read_bytes()
    (tmp_path / "robinson").write_text("1\n")
    done = export("--depth", "0.2", "--suppress", tmp_path / "robinson")
    assert done.returncode == 3
    assert (run / "export/targets.json").read_bytes() == before
    assert sorted(path.name for path in (run / "export").iterdir()) == [
        "targets.csv", "targets.json", "targets.parquet"
    ]  # fmt: skip
    done = export("--depth", "0.2", "--suppress", tmp_path / "robinson", "--allow-unmatched")
    assert done.returncode == 0
    summary = json.loads((run / "export/targets.json").read_text())
    assert (summary["suppressed_told"], summary["suppressed_met"]) == (1, 0)


@pytest.mark.parametrize("numbers", [range(FIRST, FIRST + 3), range(1, 4)])
def test_a_column_that_meets_people_by_chance_is_not_taken_for_that_of_ids(
    export, tmp_path: Path, numbers: range
) -> None:
    """Codes and running numbers are no ids of people, though one or the other looks like one."""
    rows = "".join(f"{n};{OTHERS[i % 2]};{number}\n" for i, (n, number) in enumerate(
        zip([*numbers] * 40, OTHERS[5:125], strict=True)))  # fmt: skip
    (tmp_path / "robinson").write_text(rows)
    done = export("--depth", "1", "--suppress", tmp_path / "robinson", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "column 3 holds ids of people" in done.stderr
    assert "120 suppressed" in done.stderr


def test_customers_are_counted_by_their_ids(run: Path, export) -> None:
    done = export("--depth", "1")
    assert f"({CUSTOMERS.height} of the {CUSTOMERS.height} ids of customers" in done.stderr
    summary = json.loads((run / "export/targets.json").read_text())
    assert summary["customer_ids"] == summary["customer_ids_met"] == CUSTOMERS.height
    assert summary["known_customers_left_out"] == CUSTOMERS.height


def test_customers_of_whom_nobody_is_of_the_population_stop_the_export(
    run_job: RunJob, export, tmp_path: Path
) -> None:
    text = POPULATION.with_columns(LNR=pl.format("P{}", "LNR"))
    buyers = CUSTOMERS.with_columns(LNR=pl.format("p{}", "LNR"))
    config = write_people(tmp_path, text, buyers)
    run = tmp_path / "run"
    done = run_job("jobs.run", config, "--run-dir", run, "--until", "gains")
    assert done.returncode == 0, done.stderr
    done = export("--depth", "1", folder=run)
    assert done.returncode == 3
    assert f"none of the {CUSTOMERS.height} ids of the customers" in done.stderr
    assert "Some are, but for upper and lower case." in done.stderr
    assert not list(run.glob("export/targets*"))
    (tmp_path / "robinson").write_text(f"p{FIRST}\n")
    options = ("--depth", "1", "--suppress", tmp_path / "robinson")
    done = export(*options, folder=run)
    assert done.returncode == 3
    assert "Some are, but for upper and lower case." in done.stderr
    assert export(*options, "--allow-unmatched", folder=run).returncode == 0
    assert pl.read_csv(run / "export/targets.csv").height == N


def test_ids_both_doubles_are_listed_as_whole_numbers(run_job: RunJob, tmp_path: Path) -> None:
    """The population's and the customers' ids are doubles; the suppressed are whole numbers."""
    double = pl.col("LNR").cast(pl.Float64)
    config = write_people(tmp_path, POPULATION.with_columns(double), CUSTOMERS.with_columns(double))
    run = tmp_path / "run"
    done = run_job("jobs.run", config, "--run-dir", run, "--until", "gains")
    assert done.returncode == 0, done.stderr
    (tmp_path / "robinson").write_bytes(lines(PLAIN))
    done = run_job("jobs.export", run, "--depth", "1", "--suppress", tmp_path / "robinson")
    assert done.returncode == 0, done.stderr
    listed = pl.read_parquet(run / "export/targets.parquet")["id"].to_list()
    assert sorted(listed) == sorted(str(number) for number in set(OTHERS) - set(IDS))


# --- the file alone ------------------------------------------------------------------------------


def test_a_long_file_is_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suppression, "ROWS_AT_ONCE", 100)
    drawn = random.Random(1).sample(range(10**9), 1_234)
    (tmp_path / "x").write_bytes(b"ID;NAME\n" + b"".join(b"%d;x\n" % number for number in drawn))
    opened = open_suppression(tmp_path / "x", "ID")
    keys = hash_ids(pl.Series([str(number) for number in drawn]))
    assert opened.keys(opened.columns[0]).tolist() == sorted(keys.tolist())


@pytest.mark.parametrize(
    "content",
    [b"\xef\xbb\xbf12\r\n\r\n 7 \r\n12\r\n", b"row\n12\n7\n", b"12;\n7;\n", b"Nr;row\n1;12\n2;7\n",
     b"12.0\n7.0\n", "12\r7\r".encode("utf-16")],
)  # fmt: skip
def test_row_numbers_are_read_where_there_are_no_ids(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    assert open_suppression(tmp_path / "x", "row").row_numbers().tolist() == [7, 12]


@pytest.mark.parametrize("line", ["secret", "-1", "1.5", "٣", "9" * 20])
def test_a_line_that_is_no_row_number_is_refused_by_its_line(tmp_path: Path, line: str) -> None:
    (tmp_path / "x").write_text(f"3\n\n{line}\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 3: no row number") as error:
        open_suppression(tmp_path / "x", "row").row_numbers()
    assert "secret" not in str(error.value)
