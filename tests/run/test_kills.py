"""Jobs killed while they publish a stage, made for the first time or anew."""

from pathlib import Path

import pytest

from segment_lib.run.manifest import Manifest
from segment_lib.run.record import StageRecord
from segment_lib.storage.files import read_file, write_file
from tests.publishing import Killed, kill_at, on_disk, run_stage


def publish_killed(root: Path, monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    """Make a stage anew, and kill the job at a call while it publishes that."""
    manifest = Manifest(root)
    run_stage(manifest, "ingest", {"raw/a": "1"}, mark="old")
    work = manifest.folder.begin("ingest", "mark")
    files = tuple(write_file(work, path, b"2") for path in ("raw/a", "raw/b"))
    with monkeypatch.context() as patch:
        kill_at(patch, call)
        with pytest.raises(Killed):
            manifest.publish("ingest", work, StageRecord("new", files), ())


@pytest.mark.parametrize("call", [1, 2, 3, 4])
def test_a_kill_while_publishing_leaves_a_stage_that_is_not_done(tmp_path, monkeypatch, call):
    publish_killed(tmp_path, monkeypatch, call)
    assert not Manifest(tmp_path).is_done("ingest", "new")


@pytest.mark.parametrize("call", [1, 2, 3, 4])
def test_a_stage_that_is_done_after_a_kill_is_whole(tmp_path, monkeypatch, call):
    publish_killed(tmp_path, monkeypatch, call)
    reopened = Manifest(tmp_path)
    listed = reopened.files("ingest") if "ingest" in reopened.stages else []
    assert [read_file(tmp_path, file) for file in listed] in ([], [b"1"])


@pytest.mark.parametrize("call", [2, 3, 4])
def test_a_kill_while_publishing_forgets_what_follows(tmp_path, monkeypatch, call):
    manifest = Manifest(tmp_path)
    run_stage(manifest, "ingest", {"raw/a": "1"}, mark="old")
    run_stage(manifest, "encode", {"features/a": "1"})
    work = manifest.folder.begin("ingest", "mark")
    files = tuple(write_file(work, path, b"2") for path in ("raw/a", "raw/b"))
    with monkeypatch.context() as patch:
        kill_at(patch, call)
        with pytest.raises(Killed):
            manifest.publish("ingest", work, StageRecord("new", files), ("encode",))
    assert "encode" not in Manifest(tmp_path).stages


def test_after_a_kill_the_stage_can_be_run_again(tmp_path, monkeypatch):
    manifest = Manifest(tmp_path)
    work = manifest.folder.begin("ingest", "mark")
    files = tuple(write_file(work, path, b"1") for path in ("raw/a", "raw/b"))
    with monkeypatch.context() as patch:
        kill_at(patch, 3)
        with pytest.raises(Killed):
            manifest.publish("ingest", work, StageRecord("mark", files), ())
    run_stage(Manifest(tmp_path), "ingest", {"raw/a": "1"})
    assert Manifest(tmp_path).is_done("ingest", "mark")


def test_what_a_kill_left_in_place_is_gone_once_the_stage_is_done(tmp_path, monkeypatch):
    manifest = Manifest(tmp_path)
    work = manifest.folder.begin("ingest", "mark")
    files = tuple(write_file(work, path, b"1") for path in ("raw/a", "raw/b"))
    with monkeypatch.context() as patch:
        kill_at(patch, 4)
        with pytest.raises(Killed):
            manifest.publish("ingest", work, StageRecord("mark", files), ())
    run_stage(Manifest(tmp_path), "ingest", {"raw/a": "1"})
    assert on_disk(tmp_path) == {"run.json", "raw/a"}
