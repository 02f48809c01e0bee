"""The counts of the house, on a small one with a violation planted for each."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import house, places, syntax
from jobs import refresh, run
from tests.conftest import ROOT

HOUSE = {
    "segment_lib/__init__.py": '"""A library; told, found and model/arrays.npz are words here."""',
    "segment_lib/run/__init__.py": "",
    "segment_lib/run/artifacts.py": """
from types import SimpleNamespace

ARTIFACTS = [
    SimpleNamespace(folder="", path="plan.json"),
    SimpleNamespace(folder="model", path="model/arrays.npz"),
]
FOLDERS = ["model", "raw"]
""",
    "segment_lib/run/artifact_kinds.py": "class PartedArtifact: ...",
    "segment_lib/config/__init__.py": "",
    "segment_lib/config/sections.py": """
class Run:
    memory: str = ""
SECTIONS = {"run": Run}
""",
    "segment_lib/schema/__init__.py": "",
    "segment_lib/schema/values.py": """
def keys(section: type) -> dict[str, object]:
    return section.__annotations__
""",
    "segment_lib/storage/__init__.py": "",
    "segment_lib/storage/s3.py": """
class StoredFile: ...
class S3Path: ...
def is_remote(path: object) -> bool:
    return isinstance(path, S3Path)
""",
    "jobs/__init__.py": "",
    "jobs/encode.py": """
from segment_lib.storage.s3 import S3Path, StoredFile
def run(rows: object, parts: str = "draw/") -> bool:
    \"\"\"Write raw/ parts.\"\"\"
    return isinstance(rows, StoredFile)
""",
    "jobs/fit.py": "run = None",
    "jobs/stages.py": "_stage('fit')",
    "jobs/run.py": "from . import encode, fit",
    "jobs/refresh.py": "from .fit import run",
    "extracts/__init__.py": "",
    "benchmarks/__init__.py": "",
    "pyproject.toml": """
[[tool.importlinter.contracts]]
type = "layers"
layers = ["jobs", "segment_lib.run", "segment_lib.config:segment_lib.storage:segment_lib.schema"]
""",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in HOUSE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for module in (house, places, syntax):
        shutil.copy(module.__file__, tmp_path / "benchmarks")
    return tmp_path


def counted(root: Path, *options: str) -> tuple[int, str]:
    """Exit code and output of the command, below this root."""
    command = [sys.executable, "-m", "benchmarks.house", *options]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_a_house_in_order_holds(root: Path) -> None:
    code, table = counted(root)
    assert code == 0, table
    rows = table.splitlines()[1:]
    assert len(rows) == 12
    assert all(row.endswith("yes") for row in rows)


@pytest.mark.parametrize(
    ("what", "file", "text", "place"),
    [
        (
            "import cycles", "jobs/encode.py",
            'if __name__ == "__main__":\n    from jobs.run import encode', "jobs.run",
        ),
        ("modules over 420 lines", "jobs/encode.py", "\n" * 420, "jobs/encode.py: 425"),
        ("isinstance", "jobs/encode.py", "isinstance(1, int | S3Path)", "jobs/encode.py:6"),
        ("isinstance", "jobs/encode.py", "match 1:\n    case S3Path():\n        ...", ":7"),
        ("literals", "jobs/encode.py", "f'{1}/model/{2}'", ""),
        ("literals", "jobs/encode.py", "1, 'raw/'", "jobs/encode.py:6: 'raw/'"),
        ("literals", "jobs/encode.py", "1, 'Edit model/plan.txt.'", "jobs/encode.py:6"),
        ("literals", "jobs/encode.py", "1, 'plan.json'", "jobs/encode.py:6: 'plan.json'"),
        ("variables", "jobs/encode.py", "told = 1", "jobs/encode.py:6: told"),
        ("variables", "tests/test_it.py", "def f(found): ...", "tests/test_it.py:1: found"),
        ("variables", "jobs/encode.py", "[1 for of in ()]", "jobs/encode.py:6: of"),
        ("variables", "jobs/encode.py", "run.told = 1", "jobs/encode.py:6: told"),
        ("variables", "jobs/encode.py", "import io as found", "jobs/encode.py:6: found"),
        ("in no layer", "segment_lib/new.py", "", "new"),
        ("private", "jobs/encode.py", "def f(c: Context): c._stage", "jobs/encode.py:6: c._stage"),
        ("private", "jobs/encode.py", "1, context._stage", "jobs/encode.py:6: context._stage"),
        ("private", "jobs/encode.py", "1, run.base._job.root", "jobs/encode.py:6: run.base._job"),
    ],
)  # fmt: skip
def test_a_planted_violation_is_counted_with_its_place(
    root: Path, what: str, file: str, text: str, place: str
) -> None:
    (root / file).parent.mkdir(exist_ok=True)
    with (root / file).open("a") as module:
        module.write(text)
    code, table = counted(root)
    assert code == 1
    number, listed = failing(table, what)
    assert number == 1
    assert place in listed


@pytest.mark.parametrize(
    ("what", "file", "text", "number", "place"),
    [
        ("name a stage", "jobs/encode.py", "stages['fit']", 3, "fit: 3: jobs/encode.py, "),
        ("name a stage", "jobs/encode.py", "import jobs.fit", 3, "fit: 3: jobs/encode.py, "),
        ("name a stage", "segment_lib/run/order.py", "['fit']", 3, "segment_lib/run/order.py"),
        ("path of an artifact", "jobs/encode.py", "run / 'model' / 'arrays.npz'", 2, "encode.py"),
        ("path of an artifact", "jobs/encode.py", "1, 'Edit plan.json.'", 2, "plan.json: 2: jobs/"),
        (
            "define a key", "segment_lib/config/loading.py", "key == 'memory'", 2,
            "run.memory: 2: segment_lib/config/loading.py, segment_lib/config/sections.py",
        ),
        (
            "define a key", "segment_lib/sources/text_format.py", "class F:\n    memory: str", 2,
            "run.memory: 2: segment_lib/config/sections.py, segment_lib/sources/text_format.py",
        ),
    ],
)  # fmt: skip
def test_a_name_that_is_spelled_in_one_more_file_is_over_the_bound(
    root: Path, what: str, file: str, text: str, number: int, place: str
) -> None:
    (root / file).parent.mkdir(exist_ok=True)
    with (root / file).open("a") as module:
        module.write(text)
    code, table = counted(root)
    assert code == 1
    largest, listed = failing(table, what)
    assert largest == number
    assert place in listed


def failing(table: str, what: str) -> tuple[int, str]:
    """Number and places of the count that does not hold."""
    (row,) = (line for line in table.splitlines() if line.endswith("NO") and what in line)
    name, number, *_ = re.split(r"  +", row)
    return int(number), table.partition(f"\n{name}:\n")[2].partition("\n\n")[0]


def test_every_stage_of_both_jobs_is_looked_for() -> None:
    product = syntax.modules(ROOT, *house.PRODUCT)
    stages = {stage.name for stage in (*run.STAGES, *refresh.STAGES)}
    assert places.stage_places(product).keys() == stages


def test_the_word_of_a_stage_in_a_room_that_knows_no_run_is_another_word() -> None:
    stages = syntax.Module("jobs/stages.py", "_stage('fit')")
    text = "table('fit')"
    page = syntax.Module("segment_lib/report/page.py", text)
    assert places.stage_places([stages, page]) == {"fit": []}
    informed = syntax.Module(page.name, f"from segment_lib.run import stage\n{text}")
    assert places.stage_places([stages, informed]) == {"fit": [page.name]}


def test_all_places_of_all_counts_are_listed_if_asked_for(root: Path) -> None:
    _, table = counted(root, "--all")
    for place in ("storage", "fit: 2: jobs/refresh.py, jobs/run.py", "run.memory: 1: "):
        assert f"\n  {place}" in table


def test_names_beyond_the_bound_are_listed(root: Path) -> None:
    for number in range(house.MAX_NAMES - 3):
        (root / f"segment_lib/room_{number}.py").write_text("")
    names = house.names_at_top(root / "segment_lib")
    assert len(names) == house.MAX_NAMES + 1
    assert not house.Count("names", len(names), house.MAX_NAMES, names).holds


def test_product_lines_are_those_with_code_or_a_comment() -> None:
    text = '"""About."""\n\nrows = """a\nb"""\n# Why.\n\n\ndef f():\n    """One.\n\n    Two."""\n'
    assert house.product_lines(syntax.Module("m.py", text)) == 4


def test_the_violations_beyond_ten_are_counted_alone() -> None:
    table = house.as_table([house.Count("cycles", 12, 0, tuple("abcdefghijkl"))])
    assert table.endswith("  j\n  and 2 more")


def test_no_violation_is_left_out_if_all_are_asked_for() -> None:
    counts = [house.Count("cycles", 12, 0, tuple("abcdefghijkl")), house.Count("c", 0, 0, ("m",))]
    assert house.as_table(counts, all_places=True).endswith("  k\n  l\n\nc:\n  m")
