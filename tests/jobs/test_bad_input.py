"""What is wrong with an input is said in one line, with its exit code, and nothing is half done."""

from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.run import main
from tests.conftest import RunJob

SECRET = "Zaphod"
SUMMARY = """attribute;information_level;type;missing_or_unknown
age;person;numeric;[]
kind;person;categorical;[-1]
score;person;ordinal;[0]
"""
HEADER = "age;kind;score"
ROWS = [f"{20 + i % 50};{'abc'[i % 3]};{1 + i % 5}" for i in range(400)]


def _text(lines: list[str]) -> str:
    return "\n".join([HEADER, *lines]) + "\n"


def _write(text: str) -> Callable[[Path], None]:
    return lambda path: path.write_text(text)


def _replace(i: int, row: str) -> list[str]:
    return [*ROWS[:i], row, *ROWS[i + 1 :]]


BAD = {
    "missing attribute": (
        _write(_text(ROWS).replace("score", "points")),
        3,
        ["population.csv", "line 1", "score"],
    ),
    "duplicated header": (
        _write("age;kind;score;kind\n" + "\n".join(f"{row};x" for row in ROWS) + "\n"),
        3,
        ["population.csv", "line 1", "kind", "more than once"],
    ),
    "ragged row": (
        _write(_text(_replace(122, f"33;{SECRET}"))),
        3,
        ["population.csv", "line 124", "2 cells", "expected 3"],
    ),
    "row too long": (
        _write(_text(_replace(122, f"33;{SECRET};1;1"))),
        3,
        ["population.csv", "line 124", "4 cells", "expected 3"],
    ),
    "truncated last line": (
        _write(_text(ROWS).removesuffix(";5\n")),
        3,
        ["population.csv", "line 401", "cut off"],
    ),
    "text where a number belongs": (
        _write(_text(_replace(122, f"{SECRET};a;1"))),
        3,
        ["population.csv", "line 124", "column age", "not a number"],
    ),
    "empty file": (_write(""), 3, ["population.csv", "empty"]),
    "header only": (_write(HEADER + "\n"), 3, ["population.csv", "no rows"]),
    "not UTF-8": (
        lambda path: path.write_bytes(_text(ROWS).encode() + b"30;\xc3\xbc;1\n30;\xfc;1\n"),
        3,
        ["population.csv", "line 403", "inputs.encoding"],
    ),
    "UTF-16 without a byte order mark": (
        lambda path: path.write_bytes(_text(ROWS).encode("utf-16-le")),
        3,
        ["population.csv", "UTF-16"],
    ),
    "CR alone": (
        lambda path: path.write_bytes(_text(ROWS).replace("\n", "\r").encode()),
        3,
        ["population.csv", "CR"],
    ),
    "no such file": (lambda path: None, 3, ["population.csv", "no such file"]),
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "summary.csv").write_text(SUMMARY)
    (tmp_path / "customers.csv").write_text(_text(ROWS[:90]))
    path = tmp_path / "job.toml"
    path.write_text(
        '[inputs]\npopulation = "population.csv"\ncustomers = "customers.csv"\n'
        'feature_summary = "summary.csv"\n[model]\nsweep = [2, 3]\n'
    )
    return path


@pytest.mark.parametrize("fault", BAD)
def test_bad_input_ends_with_one_line_that_says_where(
    fault: str, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver, code, expected = BAD[fault]
    deliver(tmp_path / "population.csv")
    with pytest.raises(SystemExit) as left:
        main([str(config), "--run-dir", str(tmp_path / "run")])
    output = capsys.readouterr()
    assert left.value.code == code, output.err
    (line,) = output.err.splitlines()
    assert all(words in line for words in expected), line
    assert SECRET not in line
    assert output.out == ""
    assert not (tmp_path / "run/run.json").exists()


def test_no_traceback_comes_from_a_process_of_its_own(
    config: Path, run_job: RunJob, tmp_path: Path
) -> None:
    (tmp_path / "population.csv").write_text(_text(_replace(122, f"33;{SECRET}")))
    done = run_job("jobs.run", config, "--run-dir", tmp_path / "run")
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert SECRET not in line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[modell]\n", ["modell", "did you mean model"]),
        ("[run]\nmemroy = '1GiB'\n", ["run.memroy", "did you mean memory"]),
        ("[model]\nn_clusters = 'many'\nsweep = [5, 2]\n", ["n_clusters", "sweep"]),
        ("[run\n", ["no TOML"]),
    ],
)
def test_a_wrong_config_ends_with_code_2(
    text: str, expected: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "job.toml"
    path.write_text(text)
    with pytest.raises(SystemExit) as left:
        main([str(path), "--run-dir", str(tmp_path / "run")])
    assert left.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert all(words in line for words in expected), line
    assert not (tmp_path / "run").exists()


def test_a_fault_in_a_later_delivery_leaves_the_finished_run_as_it_was(
    config: Path, run_job: RunJob, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    (tmp_path / "population.csv").write_text(_text(ROWS))
    assert run_job("jobs.run", config, "--run-dir", run).returncode == 0
    before = (run / "compare/segments.csv").read_bytes(), (run / "run.json").read_bytes()
    (tmp_path / "population.csv").write_text(_text(_replace(122, "33;b")))
    assert run_job("jobs.run", config, "--run-dir", run).returncode == 3
    assert ((run / "compare/segments.csv").read_bytes(), (run / "run.json").read_bytes()) == before


def test_a_sweep_that_begins_beyond_what_the_rows_allow_ends_with_code_2(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "population.csv").write_text(_text(ROWS[:10]))
    arguments = [str(config), "--run-dir", str(tmp_path / "run"), "--set", "model.sweep=[8, 12]"]
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("error: model.sweep = [8, 12]: 10 rows")
    assert "up to 5 segments" in line
    with pytest.raises(SystemExit) as left:
        main([*arguments, "--set", "model.n_clusters=3", "--until", "sweep"])
    assert left.value.code == 0
