"""The run folder: what run.json does not list never happened."""

import json
import os
import shutil
from importlib.util import spec_from_file_location
from pathlib import Path

import polars as pl
import pytest
import scipy

import segment_lib
from segment_lib.cluster.preflight import installed
from segment_lib.cluster.versions import PACKAGES
from segment_lib.cluster.workers import local_workers
from segment_lib.config import Config, Inputs
from segment_lib.errors import IntegrityError, ResourceError
from segment_lib.run.checkpoint import finish_part, is_whole, noted_parts
from segment_lib.run.context import Context
from segment_lib.run.fingerprint import fingerprint, fingerprint_file, package_versions
from segment_lib.run.inputs import EDITABLE_PLAN, EditablePlan
from segment_lib.run.integrity import faults
from segment_lib.run.job import Job
from segment_lib.run.json_values import typed
from segment_lib.run.manifest import Manifest
from segment_lib.run.progress import Console
from segment_lib.run.record import FORMAT, StageRecord
from segment_lib.run.runner import run_stages
from segment_lib.run.stage import Cost, Outcome, Stage
from segment_lib.storage.files import StoredFile, read_file, write_file


def run_stage(
    manifest: Manifest,
    stage: str,
    files: dict[str, str],
    mark: str = "mark",
    following: tuple[str, ...] = (),
    **facts: str,
) -> None:
    work = manifest.folder.begin(stage, mark)
    written = tuple(write_file(work, path, text.encode()) for path, text in files.items())
    record = StageRecord(mark, written, facts=facts)
    manifest.publish(stage, work, record, following)


def on_disk(root: Path) -> set[str]:
    return {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()}


class Killed(BaseException):
    """Stands for the end of the process: nothing of ours catches it."""


def kill_at(monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    """The process dies instead of its `call`-th rename from now on."""
    rename, calls = os.replace, iter(range(1, 10**6))

    def replace(*paths: Path) -> None:
        if next(calls) >= call:
            raise Killed
        rename(*paths)

    monkeypatch.setattr(os, "replace", replace)


# Done or not


def test_a_run_folder_need_not_exist_yet(tmp_path):
    assert Manifest(tmp_path / "new").stages == {}


def test_a_published_stage_is_done_when_the_folder_is_opened_again(tmp_path):
    run_stage(Manifest(tmp_path), "ingest", {"raw/a": "1"})
    assert Manifest(tmp_path).is_done("ingest", "mark")


def test_a_stage_of_another_fingerprint_is_not_done(tmp_path):
    run_stage(Manifest(tmp_path), "ingest", {"raw/a": "1"})
    assert not Manifest(tmp_path).is_done("ingest", "other")


def test_a_stage_that_never_ran_is_not_done(tmp_path):
    assert not Manifest(tmp_path).is_done("ingest", "mark")


@pytest.mark.parametrize("change", ["gone", "shorter", "a folder"])
def test_a_stage_whose_files_are_not_there_is_not_done(tmp_path, change):
    run_stage(Manifest(tmp_path), "ingest", {"raw/a": "123"})
    path = tmp_path / "raw" / "a"
    path.unlink()
    if change == "shorter":
        path.write_text("1")
    if change == "a folder":
        path.mkdir()
    assert not Manifest(tmp_path).is_done("ingest", "mark")


def test_an_edited_plan_does_not_undo_the_stage_that_derived_it(tmp_path):
    run_stage(Manifest(tmp_path), "assess", {"plan.json": "derived"})
    (tmp_path / "plan.json").write_text("edited by hand")
    assert Manifest(tmp_path).is_done("assess", "mark")


def test_a_deleted_plan_is_derived_anew(tmp_path):
    run_stage(Manifest(tmp_path), "assess", {"plan.json": "derived"})
    (tmp_path / "plan.json").unlink()
    assert not Manifest(tmp_path).is_done("assess", "mark")


def test_a_record_comes_back_as_it_was(tmp_path):
    record = StageRecord(
        "mark", (StoredFile("a", 1, "f", 7), StoredFile("b", 1, "f")), 5, 4, 1.5, 900, {"k": [1]}
    )
    assert typed(StageRecord, json.loads(json.dumps(record.as_json()))) == record


# The folder


def test_published_files_lie_under_their_names_and_nothing_else_does(tmp_path):
    run_stage(Manifest(tmp_path), "ingest", {"raw/p/a": "1", "raw/c/a": "2"})
    assert on_disk(tmp_path) == {"run.json", "raw/p/a", "raw/c/a"}


def test_what_is_listed_can_be_read(tmp_path):
    run_stage(Manifest(tmp_path), "ingest", {"raw/a": "hello"})
    manifest = Manifest(tmp_path)
    assert read_file(tmp_path, manifest.file("ingest", "raw/a")) == b"hello"


def test_files_of_a_folder_come_in_the_order_of_their_names(tmp_path):
    run_stage(Manifest(tmp_path), "ingest", {"raw/p/b": "", "raw/c/a": "", "raw/p/a": ""})
    files = Manifest(tmp_path).files("ingest", "raw/p/")
    assert [file.path for file in files] == ["raw/p/a", "raw/p/b"]


def test_a_stage_begins_in_an_empty_private_folder(tmp_path):
    work = Manifest(tmp_path).folder.begin("ingest", "mark")
    assert (list(work.iterdir()), work.stat().st_mode & 0o777) == ([], 0o700)


def test_what_a_killed_stage_left_is_swept_when_the_next_begins(tmp_path):
    write_file(Manifest(tmp_path).folder.begin("ingest", "mark"), "raw/a", b"half")
    Manifest(tmp_path).folder.begin("ingest", "mark")
    assert on_disk(tmp_path) == set()


def finish(work: Path, path: str) -> StoredFile:
    return finish_part(work, path, pl.DataFrame({"row": [1, 2]}))


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

    stage = Stage("ingest", run, reads=(), settings=(), cost=lambda _: Cost(1, 1))
    for code in ("one", "one", "another"):
        monkeypatch.setattr("segment_lib.run.runner.code_of", lambda _, code=code: code)
        with pytest.raises(Killed):
            run_stages(job_in(Manifest(tmp_path)), [stage])
    assert there == [0, 1, 0]


def test_workers_and_run_json_are_asked_for_all_packages_that_decide_the_bytes():
    assert set(PACKAGES) <= set(package_versions())
    assert set(PACKAGES) <= set(installed())
    assert package_versions()["scipy"] == scipy.__version__


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


def test_stages_that_follow_are_forgotten(tmp_path):
    manifest = Manifest(tmp_path)
    run_stage(manifest, "ingest", {"raw/a": "1"})
    run_stage(manifest, "encode", {"features/a": "1"})
    run_stage(manifest, "ingest", {"raw/a": "2"}, following=("encode",))
    assert list(Manifest(tmp_path).stages) == ["ingest"]


def test_a_stage_made_again_keeps_its_place_before_those_that_stay(tmp_path):
    manifest = Manifest(tmp_path)
    for stage in ("ingest", "encode", "fit"):
        run_stage(manifest, stage, {f"{stage}/a": "1"})
    run_stage(manifest, "encode", {"encode/a": "1"})
    assert list(Manifest(tmp_path).stages) == ["ingest", "encode", "fit"]


def test_a_file_the_stage_no_longer_writes_is_removed(tmp_path):
    manifest = Manifest(tmp_path)
    run_stage(manifest, "ingest", {"raw/a": "1", "raw/b": "1"})
    run_stage(manifest, "ingest", {"raw/a": "2"})
    assert on_disk(tmp_path) == {"run.json", "raw/a"}


def test_a_file_a_following_stage_no_longer_writes_is_removed(tmp_path):
    # As when rows_per_part grows: fewer parts of every stage.
    manifest = Manifest(tmp_path)
    run_stage(manifest, "ingest", {"raw/a": "1", "raw/b": "1"})
    run_stage(manifest, "encode", {"features/a": "1", "features/b": "1"})
    run_stage(manifest, "ingest", {"raw/a": "2"}, following=("encode",))
    run_stage(manifest, "encode", {"features/a": "2"})
    assert on_disk(tmp_path) == {"run.json", "raw/a", "features/a"}


# Kills


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


# Publishing


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


# The edited plan


def job_in(manifest: Manifest) -> Job:
    return Job(Config(Inputs()), manifest, local_workers(1), Console(shown=False))


def plan_in(manifest: Manifest) -> EditablePlan:
    return EDITABLE_PLAN.value(job_in(manifest))


def derive(manifest: Manifest, text: str = "derived") -> None:
    plan_in(manifest).note_derived(text)
    run_stage(manifest, "assess", {"plan.json": text})


def test_a_plan_as_derived_is_not_taken_for_edited(tmp_path):
    derive(Manifest(tmp_path))
    assert plan_in(Manifest(tmp_path)).edited() is None


def test_an_edited_plan_is_found(tmp_path):
    derive(Manifest(tmp_path))
    (tmp_path / "plan.json").write_text("mine")
    assert plan_in(Manifest(tmp_path)).edited() == "mine"


def test_an_edited_plan_outlives_another_ingest(tmp_path):
    manifest = Manifest(tmp_path)
    run_stage(manifest, "ingest", {"raw/a": "1"})
    derive(manifest)
    (tmp_path / "plan.json").write_text("mine")
    run_stage(manifest, "ingest", {"raw/a": "2"}, following=("assess", "encode"))
    assert plan_in(Manifest(tmp_path)).edited() == "mine"


def test_an_edited_plan_outlives_a_kill_while_it_is_assessed_again(tmp_path, monkeypatch):
    manifest = Manifest(tmp_path)
    derive(manifest)
    (tmp_path / "plan.json").write_text("mine")
    work = manifest.folder.begin("assess", "mark")
    files = (write_file(work, "plan.json", b"mine"),)
    with monkeypatch.context() as patch:
        kill_at(patch, 2)
        with pytest.raises(Killed):
            manifest.publish("assess", work, StageRecord("mark", files), ())
    assert plan_in(Manifest(tmp_path)).edited() == "mine"


# run.json


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", "{}", '{"format_version": 1}'])
def test_what_is_no_manifest_is_told(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(IntegrityError, match="--run-dir"):
        Manifest(tmp_path)


def test_a_manifest_of_another_format_is_told(tmp_path):
    run_stage(Manifest(tmp_path), "ingest", {"raw/a": "1"})
    record = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps(record | {"format_version": FORMAT + 1}))
    with pytest.raises(IntegrityError, match=f"format version {FORMAT + 1}"):
        Manifest(tmp_path)


def test_what_the_run_is_stands_in_run_json(tmp_path):
    manifest = Manifest(tmp_path)
    manifest.describe(config={"run": {"memory": "4GiB"}}, versions=package_versions())
    run_stage(manifest, "ingest", {"raw/a": "1"})
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["config"] == {"run": {"memory": "4GiB"}}
    assert record["versions"]["polars"] == package_versions()["polars"]


# Fingerprints


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ((["a", 1], []), (["a", 1], []), True),
        ((["a", 1], []), (["a", 2], []), False),
        (([], ["a"]), (["a"], []), False),
        (({"a": 1, "b": 2}, []), ({"b": 2, "a": 1}, []), True),
        (((2, 20), []), ([2, 20], []), True),
        ((["1"], []), ([1], []), False),
    ],
)
def test_a_fingerprint_is_that_of_settings_and_inputs(one, other, same):
    assert (fingerprint(*one) == fingerprint(*other)) is same


def test_a_delivered_file_that_changes_has_another_fingerprint(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("1")
    before = fingerprint_file(path)
    path.write_text("12")
    assert fingerprint_file(path) != before


def test_a_delivered_file_of_the_same_size_and_a_later_date_is_another(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("1")
    os.utime(path, ns=(0, 10**9))
    before = fingerprint_file(path)
    path.write_text("2")
    os.utime(path, ns=(0, 2 * 10**9))
    assert fingerprint_file(path) != before
