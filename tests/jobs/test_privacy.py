"""A canary in cells, headers and labels: no line says it, and the page only shows it."""

import gzip
import json
import os
import random
import stat
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from jobs.command import run_and_exit
from segment_lib.errors import DataError
from segment_lib.run.progress import start_logging
from segment_lib.sources import expand, packed
from tests.canary import CANARY
from tests.conftest import RunJob

HOSTILE = f'"><script>{CANARY}()</script><img src=x onerror={CANARY}()>'
SUMMARY = """attribute;information_level;type;missing_or_unknown
age;person;numeric;[]
kind;person;categorical;[-1]
score;person;ordinal;[0]
"""
DICTIONARY = f"""# Data dictionary

### 1.1. kind
What {HOSTILE} is meant by it.
- a: one {HOSTILE}
- b: other {CANARY}
- c: third

### 1.2. score
Grows with {CANARY}.
- 1: {HOSTILE}
- 2: low
- 3: middle
- 4: high
- 5: highest
"""
CONFIG = """[inputs]
population = "population.csv"
customers = "customers.csv"
feature_summary = "summary.csv"
data_dictionary = "dictionary.md"
id_column = "id"
extra_columns = "carry"
{more}
[cleaning]
max_unseen_share = 1.0
[model]
sweep = [2, 3]
n_micro = 10
[compare]
allow_suspicious = true
min_segment_rows = 10
[run]
rows_per_part = 700
"""


def rows(seed: int, n: int) -> list[str]:
    """Every row bears the canary: as id, in a column carried along, and now and then as a code."""
    draw = random.Random(seed)
    return [
        ";".join(
            [
                f"{CANARY}{seed}{i}",
                str(draw.randrange(20, 80)),
                draw.choice("abc") if i % 50 else f"{CANARY}-code",
                str(draw.randrange(1, 6)),
                f"{HOSTILE}".replace('"', "'").replace(";", ","),
            ]
        )
        for i in range(n)
    ]


def deliver(folder: Path, more: str = "", change: Callable[[str], str] = lambda text: text) -> Path:
    header = f"id;age;kind;score;{CANARY}-header"
    for seed, (name, n) in enumerate((("population", 2000), ("customers", 600))):
        text = "\n".join([header, *rows(seed, n)]) + "\n"
        (folder / f"{name}.csv").write_text(change(text) if name == "population" else text)
    (folder / "summary.csv").write_text(SUMMARY)
    (folder / "dictionary.md").write_text(DICTIONARY)
    config = folder / "canary.toml"
    config.write_text(CONFIG.format(more=more))
    return config


@pytest.fixture(scope="module")
def outputs(run_job: RunJob, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A whole run with the canary all over it, and all it said."""
    folder = tmp_path_factory.mktemp("canary")
    folder.chmod(0o755)
    (folder / "run").mkdir(mode=0o755)
    config = deliver(folder)
    done = run_job("jobs.run", config, "--run-dir", folder / "run", "--log-format", "json")
    assert done.returncode == 0, done.stderr
    listed = run_job("jobs.export", folder / "run", "--depth", "0.3", "--allow-unmatched")
    assert listed.returncode == 0, listed.stderr
    return folder / "run", done.stderr + done.stdout + listed.stderr + listed.stdout


def test_a_run_says_nothing_of_what_cells_headers_and_labels_hold(
    outputs: tuple[Path, str],
) -> None:
    assert CANARY not in outputs[1]
    assert "column 5 not in the summary, carried along" in outputs[1]


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.shown = ""
        self.scripts = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] == "script" and self.cdata_elem == "script":
            self.scripts += data
        else:
            self.shown += data


def test_the_page_shows_hostile_words_and_runs_none(outputs: tuple[Path, str]) -> None:
    page = (outputs[0] / "report/index.html").read_text()
    assert CANARY in page
    assert f"<script>{CANARY}" not in page
    assert f"<img src=x onerror={CANARY}" not in page
    read = _Page()
    read.feed(page)
    assert "onerror" not in read.attributes
    assert f"<script>{CANARY}()" in read.shown
    assert f"{CANARY}()</script>" not in read.scripts


def test_figures_run_none_either(outputs: tuple[Path, str]) -> None:
    figures = list((outputs[0] / "report/figures").glob("*.svg"))
    assert figures
    for path in figures:
        assert "<script" not in path.read_text()


def test_everything_is_for_the_owner_alone(outputs: tuple[Path, str]) -> None:
    run = outputs[0]
    assert (run / "export/targets.csv").exists()
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in [run, *run.rglob("*")]}
    assert modes == {(True, 0o700), (False, 0o600)}


def _lines(edit: Callable[[list[str]], list[str]]) -> Callable[[str], str]:
    return lambda text: "\n".join(edit(text.splitlines())) + "\n"


WRONG = {
    "no number": lambda lines: [*lines[:900], f"x;{CANARY};a;1;y", *lines[901:]],
    "too few cells": lambda lines: [*lines[:900], f"x;{CANARY}", *lines[901:]],
    "too many cells": lambda lines: [*lines[:900], f"x;1;a;1;{CANARY};y", *lines[901:]],
    "a quote not closed": lambda lines: [*lines[:900], f'x;1;"{CANARY};1;y', *lines[901:]],
    "infinite": lambda lines: [*lines[:900], f"{CANARY};inf;a;1;{CANARY}", *lines[901:]],
    "no header": lambda lines: lines[1:],
    "names twice": lambda lines: [f"{lines[0]};{CANARY}-header", *(f"{x};z" for x in lines[1:])],
    "another separator": lambda lines: [lines[0], *(x.replace(";", ",") for x in lines[1:])],
    "empty": lambda lines: lines[:1],
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_faulty_cell_is_told_by_its_place_alone(
    run_job: RunJob, tmp_path: Path, fault: str
) -> None:
    config = deliver(tmp_path, change=_lines(WRONG[fault]))
    done = run_job("jobs.run", config, "--run-dir", tmp_path / "run", "--until", "assess")
    assert done.returncode == 3, done.stderr
    assert CANARY not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_a_response_of_other_words_is_told_without_them(run_job: RunJob, tmp_path: Path) -> None:
    text = deliver(tmp_path, more='response = "bought"').read_text().replace('"carry"', '"ignore"')
    header = (tmp_path / "population.csv").read_text().replace(f"{CANARY}-header", "bought")
    (tmp_path / "population.csv").write_text(header)
    (tmp_path / "canary.toml").write_text(text)
    done = run_job("jobs.run", tmp_path / "canary.toml", "--run-dir", tmp_path / "run")
    assert done.returncode == 3, done.stderr
    assert CANARY not in done.stderr + done.stdout


def test_a_faulty_suppression_file_is_told_by_its_line(run_job: RunJob, small_run: Path) -> None:
    path = small_run.parent / "suppress.txt"
    path.write_text(f"12\n{CANARY}\n")
    done = run_job("jobs.export", small_run, "--depth", "0.2", "--suppress", path)
    assert done.returncode == 3
    assert "line 2" in done.stderr
    assert CANARY not in done.stderr


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_bug_shows_where_it_is_and_not_what_it_says(
    capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    words: list[str] = []

    def query() -> None:
        try:
            pl.Series("x", [CANARY]).cast(pl.Int64)
        except pl.exceptions.PolarsError as error:
            words.append(str(error))
            raise RuntimeError(f"no number: {CANARY}") from error

    start_logging(log_format)  # type: ignore[arg-type]
    with pytest.raises(SystemExit) as left:
        run_and_exit(query)
    output = capsys.readouterr().err
    assert CANARY in words[0]
    assert left.value.code == 1
    assert CANARY not in output
    assert "InvalidOperationError" in output
    assert "RuntimeError" in output
    assert "in query" in output
    if log_format == "json":
        assert json.loads(output)["level"] == "critical"


# Compressed deliveries


def test_a_file_that_unpacks_beyond_measure_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "ALWAYS", 1 << 20)
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"0" * (64 << 20)))
    with pytest.raises(DataError, match="unpacks to more than 200 times"):
        expand(path, tmp_path / "scratch", tmp_path)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_what_is_unpacked_is_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"a;b\n1;2\n"))
    before = os.umask(0)
    try:
        plain = expand(path, tmp_path / "scratch", tmp_path)
    finally:
        os.umask(before)
    assert plain.read_bytes() == b"a;b\n1;2\n"
    assert stat.S_IMODE(plain.stat().st_mode) == 0o600
    assert stat.S_IMODE(plain.parent.stat().st_mode) == 0o700
