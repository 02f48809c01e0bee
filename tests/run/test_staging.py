"""Staging folders: what a stage that ended early leaves, and what is swept."""

import shutil
from importlib.util import spec_from_file_location
from pathlib import Path

import dask
import pytest

import segment_lib
from segment_lib.errors import ResourceError
from segment_lib.run.checkpoint import is_whole, noted_parts
from segment_lib.run.context import Context
from segment_lib.run.manifest import Manifest
from segment_lib.run.record import StageRecord
from segment_lib.run.results import Result
from segment_lib.run.runner import run_stages
from segment_lib.run.stage import Cost, Outcome, Script, Stage
from segment_lib.storage.files import write_file
from tests.publishing import Killed, finish, job_in, kill_at, on_disk


def test_a_stage_begins_in_an_empty_private_folder(tmp_path):
    work = Manifest(tmp_path).folder.begin("ingest", "mark")
    assert (list(work.iterdir()), work.stat().st_mode & 0o777) == ([], 0o700)


def test_what_a_killed_stage_left_is_swept_when_the_next_begins(tmp_path):
    write_file(Manifest(tmp_path).folder.begin("ingest", "mark"), "raw/a", b"half")
    Manifest(tmp_path).folder.begin("ingest", "mark")
    assert on_disk(tmp_path) == set()


def test_parts_finished_are_there_when_the_stage_begins_again(tmp_path):
    part = finish(Manifest(tmp_path).folder.begin("ingest", "mark"), "raw/a.parquet")
    assert noted_parts(Manifest(tmp_path).folder.begin("ingest", "mark")) == [part]


@pytest.mark.parametrize(("stage", "mark"), [("ingest", "other"), ("encode", "mark")])
def test_parts_of_another_stage_or_fingerprint_are_swept(tmp_path, stage, mark):
    finish(Manifest(tmp_path).folder.begin("ingest", "mark"), "raw/a.parquet")
    Manifest(tmp_path).folder.begin(stage, mark)
    assert on_disk(tmp_path) == set()


def test_parts_made_with_other_packages_are_swept(tmp_path, monkeypatch):
    finish(Manifest(tmp_path).folder.begin("ingest", "mark"), "raw/a.parquet")
    monkeypatch.setattr("segment_lib.run.folder.package_versions", lambda: {"polars": "9"})
    Manifest(tmp_path).folder.begin("ingest", "mark")
    assert on_disk(tmp_path) == set()


def test_parts_made_by_other_code_are_swept(tmp_path, monkeypatch):
    finish(Manifest(tmp_path).folder.begin("ingest", "mark"), "raw/a.parquet")
    other = shutil.copytree(Path(segment_lib.__file__).parent, tmp_path / "other" / "segment_lib")
    (other / "hashing.py").write_text((other / "hashing.py").read_text() + "# another\n")
    spec = spec_from_file_location("segment_lib", other / "__init__.py")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: spec)
    Manifest(tmp_path).folder.begin("ingest", "mark")
    assert list((tmp_path / ".work").rglob("*.parquet")) == []


def test_parts_made_by_other_code_of_the_jobs_are_swept(tmp_path, monkeypatch):
    there = []

    def run(context: Context) -> Outcome:
        there.append(len(noted_parts(context.staging_dir)))
        finish(context.staging_dir, "raw/a.parquet")
        raise Killed

    stage = Stage("ingest", lambda: Script(run, lambda _: Cost(1, 1)), reads=(), settings=())
    for code in ("one", "one", "another"):
        monkeypatch.setattr("segment_lib.run.runner.code_below", lambda _, code=code: code)
        with pytest.raises(Killed):
            run_stages(job_in(Manifest(tmp_path)), [stage])
    assert there == [0, 1, 0]


def test_a_stage_loads_its_libraries_before_their_threads_are_limited(tmp_path):
    """Or a limit would not hold for a library that the stage alone loads."""
    limited = []

    def note(context: Context | None = None) -> Outcome:
        limited.append(dask.config.get("pool", None) is not None)
        return Outcome(Result(), 0, 0, "")

    def load() -> Script:
        note()
        return Script(note, lambda _: Cost(1, 1))

    run_stages(job_in(Manifest(tmp_path)), [Stage("ingest", load, reads=(), settings=())])
    assert limited == [False, True]


def test_a_stage_that_fails_without_a_finished_part_leaves_nothing(tmp_path):
    manifest = Manifest(tmp_path)
    work = manifest.folder.begin("ingest", "mark")
    write_file(work, "scratch/a", b"half")
    manifest.folder.abandon(work)
    assert list(tmp_path.iterdir()) == []


def test_parts_put_in_place_by_a_run_that_was_killed_are_not_made_again(tmp_path, monkeypatch):
    work = Manifest(tmp_path).folder.begin("ingest", "mark")
    files = tuple(finish(work, path) for path in ("raw/a.parquet", "raw/b.parquet"))
    with monkeypatch.context() as patch:
        kill_at(patch, 3)
        with pytest.raises(Killed):
            Manifest(tmp_path).publish("ingest", work, StageRecord("mark", files), ())
    manifest = Manifest(tmp_path)
    work = manifest.folder.begin("ingest", "mark")
    assert (tmp_path / "raw/a.parquet").exists()
    assert all(is_whole([work, tmp_path], file) for file in noted_parts(work))
    manifest.publish("ingest", work, StageRecord("mark", files), ())
    assert on_disk(tmp_path) == {"run.json", "raw/a.parquet", "raw/b.parquet"}
    assert Manifest(tmp_path).is_done("ingest", "mark")


def test_a_run_folder_that_cannot_be_made_is_a_matter_of_resources(tmp_path):
    (tmp_path / "run").write_text("a file where a folder is wanted")
    with pytest.raises(ResourceError, match="--run-dir"):
        Manifest(tmp_path / "run").folder.begin("ingest", "mark")
