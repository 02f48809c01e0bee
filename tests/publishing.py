"""Stages published into a run folder by hand, and jobs killed at a rename."""

import os
from pathlib import Path

import polars as pl
import pytest

from segment_lib.cluster.workers import local_workers
from segment_lib.config import Config, Inputs
from segment_lib.run.checkpoint import finish_part
from segment_lib.run.job import Job
from segment_lib.run.manifest import Manifest
from segment_lib.run.progress import Console
from segment_lib.run.record import StageRecord
from segment_lib.storage.files import StoredFile, write_file


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


def finish(work: Path, path: str) -> StoredFile:
    return finish_part(work, path, pl.DataFrame({"row": [1, 2]}))


def job_in(manifest: Manifest) -> Job:
    return Job(Config(Inputs()), manifest, local_workers(1), Console(shown=False))
