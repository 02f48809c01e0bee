"""The run folder: what run.json does not list never happened."""

import json
from hashlib import sha256

import pytest

from segment_lib.errors import IntegrityError
from segment_lib.run.fingerprint import package_versions
from segment_lib.run.inputs import EDITABLE_PLAN, EditablePlan
from segment_lib.run.json_values import typed
from segment_lib.run.manifest import Manifest
from segment_lib.run.record import FORMAT, StageRecord
from segment_lib.storage.files import StoredFile, read_file, write_file
from tests.publishing import Killed, job_in, kill_at, on_disk, run_stage


def test_a_run_folder_need_not_exist_yet(tmp_path):
    assert Manifest(tmp_path / "new").stages == {}


def test_a_published_stage_is_done_when_the_folder_is_opened_again(tmp_path):
    run_stage(Manifest(tmp_path), "ingest", {"raw/a": "1"})
    assert Manifest(tmp_path).is_done("ingest", "mark")


def test_run_json_ends_with_the_sha256_of_all_before_it(tmp_path):
    run_stage(Manifest(tmp_path), "ingest", {"raw/a": "1"})
    content = (tmp_path / "run.json").read_text()
    listed = json.loads(content)
    seal = listed.pop("sha256")
    assert seal == sha256(json.dumps(listed, indent=1).encode()).hexdigest()
    assert content == json.dumps({**listed, "sha256": seal}, indent=1)


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
