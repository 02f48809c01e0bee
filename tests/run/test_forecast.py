"""What a dry run foretells, held against what the run then does, on eight shapes of delivery."""

import gzip
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from segment_lib.run.manifest import Manifest
from tests.conftest import RunJob
from tests.faults.test_room import tmpfs

EXTRACTS = {
    "population": "Udacity_AZDIAS_Subset.csv",
    "customers": "Udacity_CUSTOMERS_Subset.csv",
}
MIB = 2**20


@dataclass(frozen=True)
class Shape:
    """A delivery: its size and the form of its files."""

    rows: int
    attributes: int
    form: str
    per_part: int
    files: int = 1

    def deliver(self, source: Path, folder: Path) -> Path:
        """Write the extracts and their config, from those in `source`; customers are a fifth."""
        head, *known = (source / "AZDIAS_Feature_Summary.csv").read_text().splitlines()
        columns = [known[i % len(known)].split(";", 1) for i in range(self.attributes)]
        names = [f"{c[0]}_{i}" if i >= len(known) else c[0] for i, c in enumerate(columns)]
        lines = (f"{name};{rest}" for name, (_, rest) in zip(names, columns, strict=True))
        (folder / "summary.csv").write_text("\n".join([head, *lines]) + "\n")
        for (extract, file), rows in zip(
            EXTRACTS.items(), (self.rows, self.rows // 5), strict=True
        ):
            own = pl.read_csv(source / file, separator=";", infer_schema=False)
            own = pl.concat([own] * -(-rows // own.height)).head(rows)
            table = own.select(
                own[c[0]].alias(name) for name, c in zip(names, columns, strict=True)
            )
            (folder / extract).mkdir()
            for i, part in enumerate(table.iter_slices(-(-rows // self.files))):
                write(part, folder / extract / f"{i}.{self.form}")
        config = folder / "job.toml"
        config.write_text(
            '[inputs]\npopulation = "population"\ncustomers = "customers"\n'
            'feature_summary = "summary.csv"\n[model]\nsweep = [2, 3]\n'
            f"[compare]\nallow_suspicious = true\n[run]\nrows_per_part = {self.per_part}\n"
        )
        return config


def write(table: pl.DataFrame, file: Path) -> None:
    if file.suffix == ".parquet":
        table.write_parquet(file)
        return
    text = table.write_csv(separator=";").encode()
    if file.suffix == ".zst":
        with pa.output_stream(str(file), compression="zstd") as stream:
            stream.write(text)
    else:
        file.write_bytes(gzip.compress(text) if file.suffix == ".gz" else text)


SHAPES = {
    "few rows": Shape(3_000, 85, "csv", 100_000),
    "many parts": Shape(12_000, 85, "csv", 1_500),
    "narrow and many rows": Shape(60_000, 10, "csv", 10_000),
    "wide": Shape(4_000, 366, "csv", 2_000),
    "compressed": Shape(10_000, 85, "csv.gz", 2_500),
    "compressed and narrow": Shape(50_000, 12, "csv.zst", 15_000),
    "Parquet": Shape(15_000, 85, "parquet", 2_000),
    "Parquet in ten files": Shape(15_000, 30, "parquet", 1_000, files=10),
}


@dataclass(frozen=True)
class Line:
    """A stage in the dry run; sizes in MiB."""

    parts: int
    written: float


def foretold(dry_run: str) -> dict[str, Line]:
    """The lines of a dry run by stage."""
    rows = (line.replace(",", "").split() for line in dry_run.splitlines()[1:])
    return {row[0]: Line(int(row[3]), float(row[4])) for row in rows}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_parts_and_bytes_are_foretold_within_a_fifth(
    shape: Shape, small_config: Path, run_job: RunJob, tmp_path: Path
) -> None:
    config, run = shape.deliver(small_config.parent, tmp_path), tmp_path / "run"
    command = ("jobs.run", config, "--run-dir", run, "--until", "gains")
    dry = run_job(*command, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    done = run_job(*command)
    assert done.returncode == 0, done.stderr
    lines, stages = foretold(dry.stdout), Manifest(run).stages
    for name in ("ingest", "encode", "fit", "sweep", "assign", "compare", "gains"):
        assert lines[name].parts == pytest.approx(stages[name].work["made"], rel=0.2), name
    written = {name: sum(file.bytes for file in stages[name].files) / MIB for name in stages}
    for name in ("ingest", "encode"):
        # The forecast is rounded to a tenth of a MiB.
        assert lines[name].written == pytest.approx(written[name], rel=0.2, abs=0.05), name
    assert sum(line.written for line in lines.values()) == pytest.approx(
        sum(written.values()), rel=0.2
    )


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    with tmpfs(tmp_path / "disk", "2m") as disk:
        yield disk


def test_a_job_is_refused_before_it_begins_if_the_disk_has_no_room(
    small_config: Path, full_disk: Path, run_job: RunJob
) -> None:
    done = run_job("jobs.run", small_config, "--run-dir", full_disk / "run")
    assert done.returncode == 4, done.stderr
    error = re.search(r"error: .*writes about (\d+) MiB, .*and (\d+) MiB are free", done.stderr)
    assert error, done.stderr
    assert int(error[1]) > int(error[2]) == shutil.disk_usage(full_disk).free // MIB
    assert not (full_disk / "run" / "raw").exists()


def test_a_dry_run_says_what_it_takes_and_refuses_a_full_disk_as_the_job_does(
    small_config: Path, small_run: Path, full_disk: Path, run_job: RunJob, tmp_path: Path
) -> None:
    for command in (
        ("jobs.run", small_config),
        ("jobs.refresh", small_config, "--base", small_run),
    ):
        for folder, code in ((full_disk, 4), (tmp_path, 0)):
            done = run_job(*command, "--run-dir", folder / "next", "--dry-run")
            assert done.returncode == code, done.stderr
            assert "report" in foretold(done.stdout)
            assert ("MiB are free" in done.stderr) == bool(code)
            assert not (folder / "next").exists()
