"""A stage is published by one write of run.json: old files are good before, new ones after it."""

import os
from pathlib import Path

import pytest

from segment_lib.run.integrity import faults
from segment_lib.run.manifest import Manifest
from segment_lib.run.record import StageRecord
from segment_lib.storage.files import read_file, write_file
from tests.publishing import Killed, kill_at, on_disk, run_stage


def publish_and_be_killed(root: Path, monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    """A stage made anew, of other files; the process dies instead of its `call`-th rename."""
    manifest = Manifest(root)
    run_stage(manifest, "ingest", {"raw/a": "1", "raw/old": "1"}, mark="old")
    run_stage(manifest, "encode", {"features/a": "1"})
    work = manifest.folder.begin("ingest", "mark")
    files = tuple(write_file(work, path, b"2") for path in ("raw/a", "raw/new"))
    with monkeypatch.context() as patch:
        kill_at(patch, call)
        with pytest.raises(Killed):
            manifest.publish("ingest", work, StageRecord("new", files), ("encode",))


def test_the_old_files_are_good_until_the_new_ones_are_noted(tmp_path, monkeypatch):
    publish_and_be_killed(tmp_path, monkeypatch, call=1)
    with Manifest(tmp_path).lock():
        pass
    reopened = Manifest(tmp_path)
    assert reopened.is_done("ingest", "old")
    assert reopened.is_done("encode", "mark")
    assert [read_file(tmp_path, file) for file in reopened.files("ingest")] == [b"1", b"1"]


@pytest.mark.parametrize("call", [2, 3, 4])
def test_the_next_job_puts_the_rest_of_the_new_files_in_place(tmp_path, monkeypatch, call):
    publish_and_be_killed(tmp_path, monkeypatch, call)
    assert faults(Manifest(tmp_path)) == []
    with Manifest(tmp_path).lock():
        pass
    reopened = Manifest(tmp_path)
    assert (list(reopened.stages), reopened.publishing) == (["ingest"], None)
    assert reopened.is_done("ingest", "new")
    assert on_disk(tmp_path) == {"run.json", "raw/a", "raw/new"}
    assert [read_file(tmp_path, file) for file in reopened.files("ingest")] == [b"2", b"2"]


@pytest.mark.parametrize("call", [2, 3])
def test_what_is_being_published_and_damaged_is_forgotten(tmp_path, monkeypatch, call):
    publish_and_be_killed(tmp_path, monkeypatch, call)
    (half,) = tmp_path.glob(".work/*/raw/new")
    half.write_text("3")
    with Manifest(tmp_path).lock():
        pass
    assert (Manifest(tmp_path).stages, Manifest(tmp_path).publishing) == ({}, None)
    assert [name for name in on_disk(tmp_path) if not name.startswith(".work")] == ["run.json"]
    run_stage(Manifest(tmp_path), "ingest", {"raw/a": "2"})
    assert on_disk(tmp_path) == {"run.json", "raw/a"}


def test_a_job_sees_what_another_published_before_it_held_the_folder(tmp_path):
    waiting = Manifest(tmp_path)
    run_stage(Manifest(tmp_path), "ingest", {"raw/a": "1"})
    with waiting.lock():
        assert waiting.is_done("ingest", "mark")
        run_stage(waiting, "encode", {"features/a": "1"})
    assert list(Manifest(tmp_path).stages) == ["ingest", "encode"]


def test_what_is_published_is_flushed_to_the_disk_before_it_is_listed(tmp_path, monkeypatch):
    events: list[str] = []
    flush, rename = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        events.append(f"flush {os.readlink(f'/proc/self/fd/{descriptor}')}")
        flush(descriptor)

    def replace(source: Path, target: Path) -> None:
        events.append(f"rename {target}")
        rename(source, target)

    manifest = Manifest(tmp_path)
    work = manifest.folder.begin("ingest", "mark")
    files = tuple(write_file(work, path, b"1") for path in ("raw/a", "raw/b"))
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    manifest.publish("ingest", work, StageRecord("mark", files), ())
    notes = [at for at, event in enumerate(events) if event == f"rename {tmp_path / 'run.json'}"]
    assert len(notes) == 2
    before, between, after = events[: notes[0]], events[notes[0] : notes[1]], events[notes[1] :]
    assert {f"flush {work / name}" for name in ("raw/a", "raw/b", "raw", "")} >= {
        event for event in before if str(work) in event
    }
    assert {f"flush {work / name}" for name in ("raw/a", "raw/b", "raw")} <= set(before)
    # run.json itself, under the name it has before it takes its place.
    assert "/.run.json." in before[-1]
    assert f"flush {tmp_path / 'raw'}" in between
    assert f"flush {tmp_path}" in between
    assert after == [f"rename {tmp_path / 'run.json'}", f"flush {tmp_path}"]
