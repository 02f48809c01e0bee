"""The counts of the house, on a small one with a violation planted for each."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import house

HOUSE = {
    "segment_lib/__init__.py": '"""A library; told, found and model/arrays.npz are words here."""',
    "segment_lib/run/__init__.py": "",
    "segment_lib/run/artifacts.py": """
from types import SimpleNamespace

ARTIFACTS = [SimpleNamespace(folder="", path="plan.json")]
FOLDERS = ["model", "raw"]
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
    "jobs/run.py": "from jobs import encode",
    "extracts/__init__.py": "",
    "benchmarks/__init__.py": "",
    "pyproject.toml": """
[[tool.importlinter.contracts]]
type = "layers"
layers = ["jobs", "segment_lib.run", "segment_lib.storage"]
""",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in HOUSE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    shutil.copy(house.__file__, tmp_path / "benchmarks")
    return tmp_path


def counted(root: Path) -> tuple[int, str]:
    """Exit code and output of the command, below this root."""
    command = [sys.executable, "-m", "benchmarks.house"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_a_house_in_order_holds(root: Path) -> None:
    code, table = counted(root)
    assert code == 0, table
    rows = table.splitlines()[1:]
    assert len(rows) == 8
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
    ],
)  # fmt: skip
def test_a_planted_violation_is_counted_with_its_place(
    root: Path, what: str, file: str, text: str, place: str
) -> None:
    (root / file).parent.mkdir(exist_ok=True)
    with (root / file).open("a") as module:
        module.write(text)
    code, table = counted(root)
    (row,) = (line for line in table.splitlines() if line.endswith("NO"))
    assert code == 1
    assert what in row
    assert row.split()[-3] == "1"
    assert place in table.partition(row)[2]


def test_names_beyond_the_bound_are_listed(root: Path) -> None:
    for number in range(house.MAX_NAMES - 1):
        (root / f"segment_lib/room_{number}.py").write_text("")
    names = house.names_at_top(root / "segment_lib")
    assert len(names) == house.MAX_NAMES + 1
    assert not house.Count("names", len(names), house.MAX_NAMES, names).holds


def test_product_lines_are_those_with_code_or_a_comment() -> None:
    text = '"""About."""\n\nrows = """a\nb"""\n# Why.\n\n\ndef f():\n    """One.\n\n    Two."""\n'
    assert house.product_lines(house.Module("m.py", text)) == 4


def test_the_violations_beyond_ten_are_counted_alone() -> None:
    table = house.as_table([house.Count("cycles", 12, 0, tuple("abcdefghijkl"))])
    assert table.endswith("  j\n  and 2 more")
