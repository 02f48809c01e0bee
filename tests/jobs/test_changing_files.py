"""Files that change while they are read, or between two runs."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import jobs.ingest
from segment_lib.storage.s3 import S3Path
from tests.deliveries import (
    BY_YEAR,
    CHANGES,
    HALVES,
    PEOPLE,
    SORTED,
    TABLE,
    Case,
    deliver,
    one,
    parquet,
    read,
    rewrite,
    run,
    text,
)
from tests.kinds import KINDS


@pytest.mark.parametrize(
    ("kind", "change"), [(kind, change) for kind, changes in CHANGES.items() for change in changes]
)
def test_what_changes_while_it_is_read_is_refused(
    kind: str,
    change: Callable[[Path], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = deliver(tmp_path, Case(HALVES, population="p"))
    between = jobs.ingest.refuse_copies

    def changing(contents):
        change(tmp_path / "p/1.csv")
        return between(contents)

    monkeypatch.setattr(jobs.ingest, "refuse_copies", changing)
    assert run(config) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert "changed while it was read" in line
    assert not (tmp_path / "run/run.json").exists()
    KINDS.note(TABLE, "refused")


def test_a_parquet_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = "population.parquet"
    config = deliver(tmp_path, one(parquet(PEOPLE), path))
    between = jobs.ingest.refuse_copies
    other = parquet([(age, kind, 2019) for age, kind, _ in PEOPLE])

    def changing(contents):
        before = (tmp_path / path).stat()
        (tmp_path / path).write_bytes(other)
        os.utime(tmp_path / path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return between(contents)

    monkeypatch.setattr(jobs.ingest, "refuse_copies", changing)
    assert run(config) == 3
    assert path in capsys.readouterr().err


def test_content_is_compared_where_the_time_of_change_cannot_be_trusted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = deliver(tmp_path, one(text(PEOPLE)))
    assert run(config, "--check-content") == 0
    rewrite(tmp_path / "population.csv")
    assert run(config, "--check-content") == 0
    assert "nothing changed" not in capsys.readouterr().err
    assert read(tmp_path)[0] == (21, "a", 2020)
    os.utime(tmp_path / "population.csv")
    assert run(config, "--check-content") == 0
    assert "nothing changed" in capsys.readouterr().err


def test_a_file_that_comes_and_is_left_out_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = deliver(tmp_path, Case(HALVES, population="p"))
    assert run(config) == 0
    assert "left out" not in capsys.readouterr().err
    (tmp_path / "p/README.txt").write_text("Read me")
    assert run(config) == 0
    assert "left out by their names, as no data: README.txt." in capsys.readouterr().err


def test_a_delivery_that_was_moved_is_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = deliver(tmp_path, Case(HALVES, population="p"))
    assert run(config) == 0
    (tmp_path / "p").rename(tmp_path / "q")
    config.write_text(config.read_text().replace('"p"', '"q"'))
    assert run(config) == 0
    assert "nothing changed" in capsys.readouterr().err


def test_a_partition_that_is_renamed_is_another_delivery(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = deliver(tmp_path, Case(BY_YEAR, population="p"))
    assert run(config) == 0
    (tmp_path / "p/year=2020").rename(tmp_path / "p/year=2019")
    assert run(config) == 0
    assert "nothing changed" not in capsys.readouterr().err
    assert read(tmp_path)[0][2] == 2019


def test_partitions_of_an_object_store_are_read_as_those_of_a_disk(
    bucket: S3Path, tmp_path: Path
) -> None:
    for name, content in BY_YEAR.items():
        (bucket / name).put(content)
    for pattern in (f"{bucket}/p", f"{bucket}/p/*/*.csv"):
        config = deliver(tmp_path, Case({}))
        config.write_text(config.read_text().replace("population.csv", pattern))
        assert run(config) == 0
        assert read(tmp_path) == SORTED
        shutil.rmtree(tmp_path / "run")


def test_an_object_that_is_written_anew_while_it_is_read_is_refused(
    bucket: S3Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    between = jobs.ingest.refuse_copies
    for name, content, other in (
        ("p.csv", text(PEOPLE), text(PEOPLE[::-1])),
        ("p.parquet", parquet(PEOPLE), parquet(PEOPLE[::-1])),
    ):
        (bucket / name).put(content)
        config = deliver(tmp_path, Case({}))
        config.write_text(config.read_text().replace("population.csv", f"{bucket}/{name}"))

        def changing(contents, name=name, other=other):
            (bucket / name).put(other)
            return between(contents)

        monkeypatch.setattr(jobs.ingest, "refuse_copies", changing)
        assert run(config) == 3
        (line,) = capsys.readouterr().err.splitlines()
        assert name in line
        assert "changed while it was read" in line
