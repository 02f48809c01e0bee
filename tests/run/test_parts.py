"""Parts taken over from a base, made where there is none, and made of others of the same stage."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pytest

from segment_lib.cluster.workers import local_workers
from segment_lib.config import Config, Inputs
from segment_lib.run.baseline import Baseline
from segment_lib.run.job import Job
from segment_lib.run.manifest import Manifest
from segment_lib.run.parts import MadeParts, make_parts
from segment_lib.run.progress import Console
from segment_lib.run.record import StageRecord
from segment_lib.storage.files import StoredFile, read_part
from segment_lib.storage.location import Location
from segment_lib.tasks.part import PartRows, PartTask


@dataclass(frozen=True)
class OneRow(PartTask):
    """A part of one row."""

    value: int

    def make(self, root: Location) -> PartRows:
        return PartRows(pl.DataFrame({"row": [self.value]}))


@dataclass(frozen=True)
class Unmakable(OneRow):
    """A part that must be there already."""

    def make(self, root: Location) -> PartRows:
        raise AssertionError


def tasks_of(*values: int, folder: str = "raw") -> list[PartTask]:
    return [OneRow(f"{folder}/part-{i}", value) for i, value in enumerate(values)]


def job_in(root: Path, base: Manifest | None = None) -> Job:
    config = Config(Inputs())
    baseline = Baseline(base, config) if base else None
    return Job(config, Manifest(root), local_workers(1), Console(shown=False), baseline)


def made_by(job: Job, tasks: Sequence[PartTask]) -> tuple[MadeParts, Location]:
    staging_dir = job.manifest.folder.begin("ingest", "fingerprint")
    return make_parts(job, "ingest", tasks, job.root, staging_dir), staging_dir


def values_in(folder: Location, made: MadeParts) -> list[int]:
    return [read_part(folder, file)["row"].item() for file in made.files]


@pytest.fixture
def base(tmp_path: Path) -> Manifest:
    job, tasks = job_in(tmp_path / "base"), tasks_of(1, 2)
    made, staging_dir = made_by(job, tasks)
    assert made.reused == 0
    keys = {task.path: task.key for task in tasks}
    job.manifest.publish("ingest", staging_dir, StageRecord("", tuple(made.files), keys=keys), ())
    return Manifest(tmp_path / "base")


def test_a_part_of_the_same_key_is_linked_wherever_it_stands(
    base: Manifest, tmp_path: Path
) -> None:
    job = job_in(tmp_path / "new", base)
    staging_dir = job.manifest.folder.begin("ingest", "fingerprint")
    done: list[StoredFile] = []
    made = make_parts(job, "ingest", tasks_of(3, 1), job.root, staging_dir, done.append)
    assert made.reused == 1
    assert values_in(staging_dir, made) == [3, 1]
    assert (tmp_path / "base/raw/part-0").samefile(str(staging_dir / "raw/part-1"))
    assert {file.path for file in done} == {"raw/part-0", "raw/part-1"}


def test_a_part_whose_bytes_are_others_is_made_anew(base: Manifest, tmp_path: Path) -> None:
    (tmp_path / "base/raw/part-0").write_bytes(b"0ne")
    made, staging_dir = made_by(job_in(tmp_path / "new", base), tasks_of(1, 2))
    assert made.reused == 1
    assert values_in(staging_dir, made) == [1, 2]


def test_without_a_base_everything_is_made(base: Manifest) -> None:
    made, _ = made_by(job_in(Path(str(base.root))), tasks_of(1, 2))
    assert made.reused == 0


def test_a_link_to_another_file_system_is_a_copy(
    base: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr("os.link", refuse)
    made, staging_dir = made_by(job_in(tmp_path / "new", base), tasks_of(2))
    assert made.reused == 1
    assert not (tmp_path / "base/raw/part-1").samefile(str(staging_dir / "raw/part-0"))
    assert values_in(staging_dir, made) == [2]


def test_parts_finished_before_a_kill_are_not_made_again(tmp_path: Path) -> None:
    made_by(job_in(tmp_path / "run"), tasks_of(1, 2))
    again = [Unmakable("raw/part-0", 1), OneRow("raw/part-1", 2), OneRow("raw/part-2", 3)]
    made, staging_dir = made_by(job_in(tmp_path / "run"), again)
    assert values_in(staging_dir, made) == [1, 2, 3]
    assert made.reused == 0


def test_a_part_finished_before_a_kill_is_made_again_if_it_is_damaged(tmp_path: Path) -> None:
    _, staging_dir = made_by(job_in(tmp_path / "run"), tasks_of(1, 2))
    Path(str(staging_dir / "raw/part-0")).write_bytes(b"damaged")
    made, staging_dir = made_by(job_in(tmp_path / "run"), tasks_of(1, 2))
    assert values_in(staging_dir, made) == [1, 2]


def test_an_intermediate_part_is_published_as_it_is_where_nothing_changes_it(
    base: Manifest, tmp_path: Path
) -> None:
    """Those that the base has too count as taken over from it."""
    job = job_in(tmp_path / "new", base)
    staging_dir = job.manifest.folder.begin("ingest", "fingerprint")
    tasks = tasks_of(1, 5, folder="delivered")
    first = make_parts(job, "ingest", tasks, job.root, staging_dir)
    intermediate = {task.key: file for task, file in zip(tasks, first.files, strict=True)}
    published = [replace(task, path=task.path.replace("delivered", "raw")) for task in tasks]
    made = make_parts(job, "ingest", published, job.root, staging_dir, intermediate=intermediate)
    assert (first.reused, made.reused) == (1, 1)
    assert values_in(staging_dir, made) == [1, 5]
    staged = Path(str(staging_dir))
    assert (staged / "raw/part-1").samefile(staged / "delivered/part-1")
