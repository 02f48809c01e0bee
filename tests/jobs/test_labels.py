"""A table of labels from the draft to what people read."""

import tomllib
from pathlib import Path

from tests.conftest import RunJob
from tests.people import customers_of, people, write_people

LABELS = """column;code;label
KIND;a;Young and in town
KIND;b;Young, by the sea
KIND;z;Nobody
REG;north;The north
TOWN;1;Ulm
"""


def test_labels_come_along_from_the_draft_to_the_plan(run_job: RunJob, tmp_path: Path) -> None:
    population = people()
    write_people(tmp_path, population, customers_of(population))
    (tmp_path / "labels.csv").write_text(LABELS)
    files = "population.parquet", "customers.parquet"
    done = run_job("jobs.draft", *files, "--labels", "labels.csv", "-o", "my", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "labels of columns that are no codes are not used: TOWN" in done.stdout
    assert "1 code has a label and is in no row: KIND" in done.stdout
    config = tmp_path / "my/my.toml"
    assert tomllib.loads(config.read_text())["inputs"]["labels"] == "../labels.csv"
    done = run_job("jobs.run", config, "--run-dir", tmp_path / "run", "--until", "assess")
    assert done.returncode == 0, done.stderr
    assert "1 code has a label and is in no row: KIND" in done.stderr
    plan = (tmp_path / "run/plan.json").read_text()
    assert "Young, by the sea" in plan


def test_labels_that_fit_nothing_are_refused_in_a_line(run_job: RunJob, tmp_path: Path) -> None:
    population = people()
    config = write_people(tmp_path, population, customers_of(population), 'labels = "labels.csv"\n')
    (tmp_path / "labels.csv").write_text("column,code,label\nKIND,A,Young\n")
    done = run_job("jobs.run", config, "--run-dir", tmp_path / "run", "--until", "assess")
    assert done.returncode == 3
    assert "labels.csv: no row of either extract holds one of its codes" in done.stderr
