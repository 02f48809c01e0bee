"""Parts taken over from a base, and made where there is none to take over."""

from dataclasses import replace
from pathlib import Path

import pytest
from dask import delayed
from jobs.parts import Part, make_parts, part_key

from segment_lib.cluster.workers import local_workers
from segment_lib.config import Config, Inputs
from segment_lib.run.job import Job
from segment_lib.run.manifest import Manifest
from segment_lib.run.progress import Console
from segment_lib.run.record import StageRecord
from segment_lib.storage.files import StoredFile, write_file


def job_in(root: Path, base: Manifest | None = None) -> Job:
    manifest = Manifest(root)
    return Job(Config(Inputs()), manifest, local_workers(1), Console(shown=False), base)


def parts_of(work: Path, *contents: bytes) -> list[Part]:
    return [
        Part(path, part_key("copy", content.hex()), delayed(write_file)(work, path, content))
        for i, content in enumerate(contents)
        for path in [f"raw/part-{i}"]
    ]


@pytest.fixture
def base(tmp_path: Path) -> Manifest:
    job = job_in(tmp_path / "base")
    work = job.manifest.folder.begin("ingest", "mark")
    made = make_parts(job, "ingest", parts_of(work, b"one", b"two"), work)
    assert made.facts["parts"] == {"made": 2, "taken_over": 0}
    record = StageRecord("", tuple(made.files), facts=made.facts)
    job.manifest.publish("ingest", work, record, following=())
    return Manifest(tmp_path / "base")


def test_a_part_of_the_same_key_is_linked_wherever_it_stands(
    base: Manifest, tmp_path: Path
) -> None:
    job = job_in(tmp_path / "new", base)
    work = job.manifest.folder.begin("ingest", "mark")
    reported: list[StoredFile] = []
    made = make_parts(job, "ingest", parts_of(work, b"new", b"one"), work, reported.append)
    assert made.facts["parts"] == {"made": 1, "taken_over": 1}
    assert [(work / file.path).read_bytes() for file in made.files] == [b"new", b"one"]
    assert (work / "raw/part-1").samefile(base.root / "raw/part-0")
    assert {file.path for file in reported} == {"raw/part-0", "raw/part-1"}


def test_a_part_whose_bytes_are_others_is_made_anew(base: Manifest, tmp_path: Path) -> None:
    (base.root / "raw/part-0").write_bytes(b"0ne")
    job = job_in(tmp_path / "new", base)
    work = job.manifest.folder.begin("ingest", "mark")
    made = make_parts(job, "ingest", parts_of(work, b"one", b"two"), work)
    assert made.facts["parts"] == {"made": 1, "taken_over": 1}
    assert (work / "raw/part-0").read_bytes() == b"one"


def test_without_a_base_everything_is_made(base: Manifest, tmp_path: Path) -> None:
    job = replace(job_in(tmp_path / "base"), base=None)
    work = job.manifest.folder.begin("ingest", "mark")
    made = make_parts(job, "ingest", parts_of(work, b"one", b"two"), work)
    assert made.facts["parts"] == {"made": 2, "taken_over": 0}


def test_a_link_to_another_file_system_is_a_copy(
    base: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr("os.link", refuse)
    job = job_in(tmp_path / "new", base)
    work = job.manifest.folder.begin("ingest", "mark")
    made = make_parts(job, "ingest", parts_of(work, b"two"), work)
    assert made.facts["parts"] == {"made": 0, "taken_over": 1}
    assert not (work / "raw/part-0").samefile(base.root / "raw/part-1")
    assert (work / "raw/part-0").read_bytes() == b"two"


def test_a_key_tells_what_is_done_and_to_what() -> None:
    assert part_key("a", 1, ["x"]) == part_key("a", 1, ["x"])
    assert len({part_key("a", 1), part_key("b", 1), part_key("a", 2), part_key("a", "1")}) == 4
