"""Log lines for programs and for people, held to the schema in docs/."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from segment_lib.errors import ConfigError, DataError, ResourceError
from segment_lib.run import progress
from segment_lib.run.error_facts import error_facts
from segment_lib.run.progress import Console, in_unit, start_logging
from tests.people import customers_of, people, write_people

Call = Callable[..., tuple[int, list[str]]]
SCHEMA = json.loads((Path(__file__).parents[2] / "docs/log.schema.json").read_text())
PEOPLE = people()


def events(lines: list[str]) -> list[dict[str, object]]:
    """The objects of the lines, each as the schema says."""
    objects = [json.loads(line) for line in lines]
    for one in objects:
        jsonschema.validate(one, SCHEMA)
    return objects


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = write_people(tmp_path, PEOPLE, customers_of(PEOPLE))
    PEOPLE.write_csv(tmp_path / "population.csv", separator=";")
    path.write_text(path.read_text().replace("population.parquet", "population.csv"))
    return path


def test_a_whole_run_is_told_in_objects_that_fit_the_schema(
    call: Call, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_EVERY", 0.0)
    run = tmp_path / "run"
    code, lines = call("run", config, "--run-dir", run, "--log-format", "json")
    assert code == 0, lines
    objects = events(lines)
    done = [one for one in objects if one["event"] == "stage"]
    assert [one["stage"] for one in done] == list(
        json.loads((run / "run.json").read_text())["stages"]
    )
    assert done[0]["rows_in"] == PEOPLE.height + customers_of(PEOPLE).height
    sweep = [one for one in objects if one["event"] == "progress" and one["stage"] == "sweep"]
    assert str(sweep[0]["note"]).startswith(f"pass 1, {PEOPLE.height:,} rows read")
    last = objects[-1]
    assert (last["event"], last["run_dir"]) == ("result", str(run))
    assert Path(str(last["report"])).is_file()
    code, lines = call("run", config, "--run-dir", run, "--log-format", "json")
    assert {str(one["event"]) for one in events(lines)} == {"skipped", "result"}


def test_people_get_no_object_and_no_line_of_the_result(
    call: Call, config: Path, tmp_path: Path
) -> None:
    code, lines = call("run", config, "--run-dir", tmp_path / "run", "--until", "assess")
    assert code == 0
    assert not [line for line in lines if line.startswith(("{", "done:"))]


def test_an_error_names_file_line_and_column(call: Call, config: Path, tmp_path: Path) -> None:
    file = tmp_path / "population.csv"
    rows = file.read_text().splitlines()
    rows[70] = ";".join([*rows[70].split(";")[:1], "Zaphod", *rows[70].split(";")[2:]])
    file.write_text("\n".join(rows))
    run = ("run", config, "--run-dir", tmp_path / "run", "--log-format", "json")
    code, lines = call(*run)
    last = events(lines)[-1]
    assert (code, last["event"], last["code"]) == (3, "error", 3)
    assert (last["file"], last["line"], last["column"]) == (str(file), 71, "AGE")
    code, lines = call(*run, "--set", "model.n_clusters=0")
    last = events(lines)[-1]
    assert (code, last["code"], last["key"]) == (2, 2, "model.n_clusters")
    assert last["file"] == str(config)


@pytest.mark.parametrize(
    ("error", "facts"),
    [
        (DataError("/data/p.csv: no such file. Set it."), {"code": 3, "file": "/data/p.csv"}),
        (
            DataError("s3://bucket/p.parquet, row group 3: is damaged."),
            {"code": 3, "file": "s3://bucket/p.parquet"},
        ),
        (
            DataError("/a b/p.parquet, row 0, column AGE: not a number. Set inputs.missing."),
            {"code": 3, "file": "/a b/p.parquet", "line": 0, "column": "AGE",
             "key": "inputs.missing"},
        ),
        (ConfigError("postgresql://h:5433/d: no connection (refused)."),
         {"code": 2, "file": "postgresql://h:5433/d"}),
        (ResourceError("A memory budget of 1 MiB is too small: set run.memory."),
         {"code": 4, "key": "run.memory"}),
    ],
)  # fmt: skip
def test_places_and_keys_are_taken_from_the_line(
    error: DataError, facts: dict[str, object]
) -> None:
    assert error_facts(error) == facts


@pytest.mark.parametrize(
    ("amount", "unit", "text"),
    [
        (29_637_111, "bytes", "29.6 MB"),
        (1_412_345, "bytes", "1.41 MB"),
        (215_312.4, "rows", "215,000 rows"),
        (7.25, "parts", "7.25 parts"),
        (0, "rows", "0 rows"),
    ],
)
def test_amounts_are_written_as_people_write_them(amount: float, unit: str, text: str) -> None:
    assert in_unit(amount, unit) == text


def test_lines_tell_a_rate_without_exponents(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_EVERY", 0.0)
    start_logging("text")
    with Console().progress("ingest", 80_000_000, "bytes") as shown:
        time.sleep(0.01)
        shown.add(39_131_658)
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("ingest   39.13 MB of 80 MB, ")
    assert " MB/s, about " in line
    assert "e+" not in line


def test_the_clock_of_the_bar_goes_on_while_nothing_is_added(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_TICK", 0.05)
    with Console(bar=True).progress("sweep", 19, "clusterings") as shown:
        shown.add(0, "pass 1, 1,000 rows read")
        time.sleep(1.3)
    frames = capsys.readouterr().err.split("\r")
    assert [frame for frame in frames if "00:01, pass 1, 1,000 rows read" in frame]
