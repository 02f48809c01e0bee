"""What no job wrote is as it was after every command, in whatever folder that is told."""

import json
import os
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from jobs.make_extracts import main as make_extracts
from segment_lib.errors import ConfigError, IntegrityError
from segment_lib.run.artifacts import FOLDERS
from segment_lib.run.integrity import faults
from segment_lib.run.layout import STAGING
from segment_lib.run.manifest import Manifest
from segment_lib.run.record import StageRecord
from segment_lib.storage.files import write_file
from segment_lib.storage.lock import LOCK
from tests.conftest import RunJob


def tree(folder: Path) -> dict[str, object]:
    """All below a folder: of files the sha256, of links where they lead, of each the mode."""
    entries: dict[str, object] = {".": folder.lstat().st_mode}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            what: object = os.readlink(path)
        else:
            what = sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        entries[str(path.relative_to(folder))] = what, path.lstat().st_mode
    return entries


def publish(root: Path, stage: str, files: dict[str, bytes]) -> None:
    manifest = Manifest(root)
    with manifest.lock():
        work = manifest.folder.begin(stage, "mark")
        written = tuple(write_file(work, path, content) for path, content in files.items())
        manifest.publish(stage, work, StageRecord("mark", written), ())


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder of somebody else, with names that runs have too."""
    folder = tmp_path / "elsewhere"
    for name in ("raw/population/part-00000.parquet", "report/index.html", "a", "model/model.json",
                 "ingest-0123456789abcdef0123456789abcdef/a", "targets.csv"):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("mine")
    folder.chmod(0o755)
    return folder


# Folders that are no run


def test_a_folder_of_others_is_refused_and_stays_as_it_was(
    small_config: Path, elsewhere: Path, run_job: RunJob
) -> None:
    before = tree(elsewhere)
    for command in (
        ("jobs.run", small_config, "--run-dir", elsewhere),
        ("jobs.run", small_config, "--run-dir", elsewhere, "--dry-run"),
        ("jobs.clean", elsewhere, "--remove", "--remove-unlisted"),
        ("jobs.export", elsewhere, "--depth", "0.2"),
        ("jobs.verify", elsewhere),
    ):
        done = run_job(*command)
        assert done.returncode == 2, done.stderr
        (line,) = done.stderr.splitlines()
        assert "no run.json" in line
        assert tree(elsewhere) == before
    assert "a, ingest-" in run_job("jobs.run", small_config, "--run-dir", elsewhere).stderr


@pytest.mark.parametrize(
    "name",
    [
        ".work/notes.txt",
        ".work/ingest-1/a",
        "plan.json",
        ".git/config",
        "raw",
        ".lock",
        ".run.json",
    ],
)
def test_one_file_that_no_job_leaves_is_enough_to_refuse_a_folder(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / "run" / name
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(ConfigError, match="Nothing was changed"), Manifest(tmp_path / "run").lock():
        pass
    assert tree(tmp_path) == before


def test_up_to_five_names_are_told(tmp_path: Path) -> None:
    for name in "abcdefg":
        (tmp_path / name).touch()
    with pytest.raises(ConfigError, match="a, b, c, d, e …"), Manifest(tmp_path).lock():
        pass


def test_what_a_job_killed_before_it_published_leaves_is_a_run(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path)
    write_file(manifest.folder.begin("ingest", "mark"), "raw/a", b"half")
    write_file(tmp_path, LOCK, json.dumps({"host": "x", "pid": 1, "since": "then"}).encode())
    os.utime(tmp_path / LOCK, (0, 0))
    (tmp_path / f".run.json.{'0' * 32}").write_text("{")
    (tmp_path / "plan.proposed.json").write_text("{}")
    publish(tmp_path, "ingest", {"raw/a": b"1"})
    assert Manifest(tmp_path).is_done("ingest", "mark")


def test_a_folder_that_is_a_link_may_be_a_run_folder(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "disk")
    publish(tmp_path / "run", "ingest", {"raw/a": b"1"})
    assert (tmp_path / "disk/raw/a").read_bytes() == b"1"


# Files of others in a run


def test_files_of_others_in_a_run_stay_and_are_named(tmp_path: Path) -> None:
    publish(tmp_path, "ingest", {"raw/a": b"1", "raw/b": b"1"})
    mine = ["raw/mine.txt", "report/notes/mine.txt", ".work/mine.txt", "mine.txt", "export/a.csv"]
    for name in mine:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("mine")
    publish(tmp_path, "ingest", {"raw/a": b"2"})
    assert [(tmp_path / name).read_text() for name in mine] == ["mine"] * len(mine)
    assert not (tmp_path / "raw/b").exists()
    assert [fault.path for fault in faults(Manifest(tmp_path))] == mine[:2]


def test_a_file_of_others_in_the_place_of_a_new_one_is_not_replaced(tmp_path: Path) -> None:
    publish(tmp_path, "ingest", {"raw/a": b"1"})
    (tmp_path / "features").mkdir()
    (tmp_path / "features/a").write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(IntegrityError, match=r"features/a: there already"):
        publish(tmp_path, "encode", {"features/a": b"1"})
    shutil.rmtree(tmp_path / STAGING)
    assert tree(tmp_path) == before


# Links


def break_with_link(run: Path, name: str, to: Path) -> None:
    path = run / name
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(to)


LINKS = [*FOLDERS, STAGING, "export", "raw/population", "model/model.json", "report/index.html",
         "run.json", LOCK, "plan.json", f"{STAGING}/encode-{'0' * 32}", "raw/unlisted"]  # fmt: skip


@pytest.mark.parametrize("name", LINKS)
@pytest.mark.parametrize("leads", ["there", "nowhere"])
def test_no_link_in_a_run_is_followed(
    tmp_path: Path, elsewhere: Path, name: str, leads: str
) -> None:
    run = tmp_path / "run"
    files = {"raw/population/part-00000.parquet": b"1", "model/model.json": b"1"}
    publish(run, "ingest", files)
    publish(run, "report", {"report/index.html": b"1"})
    break_with_link(run, name, elsewhere if leads == "there" else tmp_path / "nowhere")
    before = tree(tmp_path)
    with pytest.raises(IntegrityError, match=rf"{run / name}: a link"):
        publish(run, "ingest", files)
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    "name", ["report", STAGING, "export", "raw/population", "model/model.json"]
)
def test_a_link_ends_each_command_with_a_line_that_names_it(
    small_config: Path, small_run: Path, tmp_path: Path, elsewhere: Path, name: str,
    call: Callable[..., tuple[int, list[str]]],
) -> None:  # fmt: skip
    run = shutil.copytree(small_run, tmp_path / "run")
    break_with_link(run, name, elsewhere)
    before = tree(tmp_path)
    for command in (
        ("run", small_config, "--run-dir", run, "--from", "report"),
        ("verify", run),
        ("clean", run, "--remove"),
        ("export", run, "--depth", "0.2"),
    ):
        code, lines = call(*command)
        assert (code, len(lines)) == (6, 1), lines
        assert f"{run / name}: a link" in lines[0]
        assert tree(tmp_path) == before


# Exports and charts


def test_a_list_of_others_is_not_replaced(
    small_run: Path, elsewhere: Path, tmp_path: Path, call: Callable[..., tuple[int, list[str]]]
) -> None:
    run = shutil.copytree(small_run, tmp_path / "run")
    before = tree(elsewhere)
    code, lines = call("export", run, "--depth", "0.2", "--out", elsewhere)
    assert code == 2
    assert f"{elsewhere / 'targets.csv'}: there already" in lines[-1]
    assert tree(elsewhere) == before


@pytest.mark.parametrize("change", ["edited", "summary of others", "note of others"])
def test_a_list_that_was_changed_since_is_not_replaced(
    small_run: Path, tmp_path: Path, change: str, call: Callable[..., tuple[int, list[str]]]
) -> None:
    run, out = shutil.copytree(small_run, tmp_path / "run"), tmp_path / "out"
    assert call("export", run, "--depth", "0.2", "--out", out)[0] == 0
    assert call("export", run, "--depth", "0.3", "--out", out)[0] == 0
    name = {"edited": "targets.csv", "summary of others": "targets.json"}.get(
        change, ".targets.json"
    )
    (out / name).write_text('{"mine": 1}')
    before = tree(out)
    code, lines = call("export", run, "--depth", "0.2", "--out", out)
    assert (code, str(out / name) in lines[-1]) == (2, True)
    assert tree(out) == before


def test_a_medium_that_can_only_be_read_stays_as_it_is(
    small_run: Path, tmp_path: Path, call: Callable[..., tuple[int, list[str]]]
) -> None:
    run = shutil.copytree(small_run, tmp_path / "medium" / "run")
    for path in [*run.rglob("*"), run]:
        path.chmod(0o500 if path.is_dir() else 0o400)
    before = tree(run)
    codes = [
        call("verify", run)[0],
        call("clean", run)[0],
        call("export", run, "--depth", "0.2", "--out", tmp_path / "out")[0],
    ]
    after = tree(run)
    for path in [run, *run.rglob("*")]:
        path.chmod(0o700)
    assert after == before
    assert codes[:2] == [0, 0]
    # Root may write the lock anywhere; for others the medium itself refuses.
    assert codes[2] in (0, 4)


def test_a_chart_of_others_is_not_replaced(
    tmp_path: Path, call: Callable[..., tuple[int, list[str]]]
) -> None:
    from tests.jobs.test_history import make_run

    make_run(tmp_path / "first", 310.0, "2026-11-01T00:00:00Z")
    make_run(tmp_path / "second", 300.0, "2027-11-01T00:00:00Z", base="first")
    (tmp_path / "history-first.svg").write_text("mine")
    code, lines = call("history", tmp_path)
    assert (code, "history-first.svg: there already" in lines[-1]) == (2, True)
    assert (tmp_path / "history-first.svg").read_text() == "mine"
    (tmp_path / "history-first.svg").unlink()
    assert [call("history", tmp_path)[0] for _ in range(2)] == [0, 0]


@pytest.mark.parametrize("name", ["Udacity_AZDIAS_Subset.csv", "AZDIAS_Feature_Summary.csv"])
def test_extracts_of_others_are_not_replaced_by_generated_ones(tmp_path: Path, name: str) -> None:
    asked = ["--rows", "30", "--customers", "20", "--jobs", "1", "--out", str(tmp_path)]
    assert [make_extracts(asked) for _ in range(2)] == [0, 0]
    assert make_extracts([*asked, "--seed", "1"]) == 2
    (tmp_path / name).write_text("AGER_TYP;ALTERSKATEGORIE_GROB\n1;2\n")
    before = tree(tmp_path)
    assert make_extracts(asked) == 2
    assert tree(tmp_path) == before
