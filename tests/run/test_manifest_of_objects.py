import json
import os
import stat
import tempfile
from pathlib import Path

import pytest

from segment_lib.errors import ConfigError
from segment_lib.run.checkpoint import noted_parts
from segment_lib.run.fingerprint import fingerprint_file
from segment_lib.run.manifest import Manifest
from segment_lib.run.record import StageRecord
from segment_lib.storage.files import StoredFile, hash_file, link_file, read_file, write_file
from segment_lib.storage.s3 import S3Path
from segment_lib.storage.scratch import private_folder


@pytest.fixture
def root(bucket: S3Path) -> S3Path:
    return bucket / "runs" / "one"


def keys(root: S3Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path, _ in root.listed())


def publish(manifest: Manifest, stage: str, path: str, content: bytes) -> StoredFile:
    """A stage that leaves one file."""
    work = manifest.folder.begin(stage, "mark")
    file = write_file(work, path, content)
    manifest.publish(stage, work, StageRecord("mark", (file,)), following=())
    return file


def test_a_stage_is_published_by_copies_and_then_its_entry(root: S3Path) -> None:
    manifest = Manifest(root)
    file = publish(manifest, "ingest", "raw/a.bin", b"rows")
    assert keys(root) == ["raw/a.bin", "run.json"]
    again = Manifest(root)
    assert read_file(root, again.file("ingest", "raw/a.bin")) == b"rows"
    assert again.is_done("ingest", "mark")
    assert hash_file(root / "raw/a.bin") == file.sha256
    (root / "raw/a.bin").unlink()
    assert not again.is_done("ingest", "mark")
    write_file(root, "raw/a.bin", b"other rows")
    assert not again.is_done("ingest", "mark")


def test_of_two_jobs_the_second_publishes_nothing(root: S3Path) -> None:
    publish(Manifest(root), "ingest", "raw/a.bin", b"rows")
    first, second = Manifest(root), Manifest(root)
    publish(first, "ingest", "raw/a.bin", b"rows of the first")
    before = json.loads((root / "run.json").read_bytes())
    with pytest.raises(ConfigError, match="another job has written it") as raised:
        publish(second, "ingest", "raw/a.bin", b"rows of the second")
    assert raised.value.exit_code == 2
    assert json.loads((root / "run.json").read_bytes()) == before
    assert (root / "raw/a.bin").read_bytes() == b"rows of the first"


def test_of_two_jobs_in_a_new_folder_one_publishes(root: S3Path) -> None:
    first, second = Manifest(root), Manifest(root)
    publish(first, "ingest", "raw/a.bin", b"rows of the first")
    with pytest.raises(ConfigError, match="another job has written it"):
        publish(second, "ingest", "raw/a.bin", b"rows of the second")
    assert (root / "raw/a.bin").read_bytes() == b"rows of the first"


def test_what_no_stage_lists_stays_when_one_is_published(root: S3Path) -> None:
    manifest = Manifest(root)
    publish(manifest, "ingest", "raw/a.bin", b"rows")
    write_file(root, "raw/mine.bin", b"1")
    write_file(root, "export/list.csv", b"1")
    publish(manifest, "ingest", "raw/b.bin", b"rows")
    assert keys(root) == ["export/list.csv", "raw/b.bin", "raw/mine.bin", "run.json"]
    assert manifest.unlisted() == [root / "raw/mine.bin"]


def test_objects_that_are_no_run_are_refused_and_stay(root: S3Path) -> None:
    write_file(root, "raw/mine.bin", b"1")
    with pytest.raises(ConfigError, match=r"no run\.json, and not empty: raw"):
        Manifest(root).lock().__enter__()
    assert keys(root) == ["raw/mine.bin"]


def test_a_stage_begins_where_one_of_its_kind_ended_early(root: S3Path) -> None:
    manifest = Manifest(root)
    work = manifest.folder.begin("ingest", "mark")
    part = write_file(work, "raw/a.bin", b"rows")
    note = json.dumps(part.as_json()).encode()
    write_file(work, ".kept/raw/a.bin.json", note)
    write_file(work, "raw/unfinished.bin", b"1")
    assert manifest.folder.begin("ingest", "mark") == work
    assert noted_parts(work) == [part]
    assert [path.name for path in work.rglob("*")] == ["a.bin.json", "a.bin"]
    manifest.folder.begin("ingest", "another mark")
    assert keys(root) == []


def test_what_needs_a_disk_lies_in_a_private_folder_that_goes(
    root: S3Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = private_folder(root)
    (left / "rows").write_bytes(b"1")
    of_another = private_folder(root.parent)
    manifest = Manifest(root)
    with manifest.lock():
        assert not left.exists()
        scratch = manifest.folder.local(root / "work")
        assert scratch == manifest.folder.local(root / "work")
        assert stat.S_IMODE(os.stat(scratch).st_mode) == 0o700
    assert list(tmp_path.iterdir()) == [of_another]
    assert Manifest(tmp_path).folder.local(tmp_path) == tmp_path


def test_a_job_that_is_refused_leaves_the_private_folder_of_the_one_at_work(
    root: S3Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    first = Manifest(root)
    with first.lock():
        rows = first.folder.local(root / "work") / "rows"
        rows.write_bytes(b"1")
        with pytest.raises(ConfigError, match="another job is at work"):
            Manifest(root).lock().__enter__()
        assert rows.read_bytes() == b"1"


def test_a_delivered_object_written_anew_is_another(bucket: S3Path) -> None:
    write_file(bucket, "a.csv", b"1")
    first = fingerprint_file(bucket / "a.csv")
    assert fingerprint_file(bucket / "a.csv") == first
    write_file(bucket, "a.csv", b"2")
    assert fingerprint_file(bucket / "a.csv") != first


def test_files_are_linked_on_one_disk_copied_in_a_store_and_else_not(
    root: S3Path, tmp_path: Path
) -> None:
    write_file(root, "a", b"1")
    write_file(tmp_path, "a", b"1")
    assert link_file(root / "a", root / "b")
    assert link_file(tmp_path / "a", tmp_path / "b")
    assert (root / "b").read_bytes() == (tmp_path / "b").read_bytes() == b"1"
    assert not link_file(root / "a", tmp_path / "c")
    assert not link_file(tmp_path / "a", root / "c")
