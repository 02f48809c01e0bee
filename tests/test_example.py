"""The worked example: every command of its page is run, and prints what the page shows."""

import doctest
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import ROOT
from tests.office import opened

Followed = tuple[Path, list[tuple[str, str, str]]]
EXAMPLE = ROOT / "docs/example"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)


def run_page(page: str, folder: Path) -> list[tuple[str, str, str]]:
    """Follow a page in a folder; return commands, what the page shows of them, and their output."""
    commands = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    shown = list[tuple[str, str, str]]()
    asked = output = ""
    for kind, text in BLOCK.findall(page):
        if kind == "sh":
            done = subprocess.run(
                ["sh", "-e", "-c", text], cwd=folder, env=commands, check=False, timeout=600,
                text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout
            asked, output = text, done.stdout
        elif kind == "toml":
            with (folder / "my/my.toml").open("a", encoding="utf-8") as config:
                config.write(f"\n{text}")
        else:
            shown.append((asked, text, output))
    return shown


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    folder = tmp_path_factory.mktemp("example")
    shutil.copy(EXAMPLE / "make_files.py", folder)
    return folder, run_page((EXAMPLE / "README.md").read_text(encoding="utf-8"), folder)


def test_every_command_prints_what_the_page_shows(followed: Followed) -> None:
    assert [asked.split()[1] for asked, _, _ in followed[1] if asked.startswith("segments")] == [
        *("draft", "run", "export")
    ]
    checker = doctest.OutputChecker()
    for asked, page, output in followed[1]:
        # On a slow machine lines of progress come first.
        assert checker.check_output(f"...{page}", output, doctest.ELLIPSIS), f"{asked}\n{output}"


def test_the_list_is_of_the_planted_taste_and_opens_as_it_is(
    followed: Followed, tmp_path: Path
) -> None:
    folder, _ = followed
    listed = pl.read_parquet(folder / "runs/my/export/targets.parquet")
    sheets = opened(folder / "runs/my/export/targets.xlsx", tmp_path)
    header, *rows = next(rows for name, rows in sheets.items() if name.endswith("list"))
    assert header == ["id", "segment", "name", "cell"]
    assert [row[0] for row in rows] == listed["id"].to_list()
    people = pl.read_excel(folder / "bevoelkerung.xlsx", schema_overrides={"KundenNr": pl.String})
    families = (pl.col("Kinder") > 0) & (pl.col("Garten") == "J")
    best = people.filter(pl.col("KundenNr").is_in(listed["id"].head(500).implode()))
    assert best.filter(families).height > 3 * best.height * people.filter(families).height / len(
        people
    )
    banned = people.filter(Werbesperre="J")["KundenNr"]
    assert not set(banned) & set(listed["id"])
