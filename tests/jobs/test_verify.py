"""A run folder as it was left, and every way in which it may not be."""

import hashlib
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from segment_lib.errors import IntegrityError
from segment_lib.run.integrity import faults
from segment_lib.run.manifest import Manifest
from segment_lib.run.record import with_checksum
from segment_lib.storage.arrays import pack_arrays
from tests.conftest import ROOT, RunJob, hashes


@pytest.fixture
def run(small_run: Path, tmp_path: Path) -> Path:
    return shutil.copytree(small_run, tmp_path / "run")


def is_faulty(run: Path) -> bool:
    """True if something is found to be wrong."""
    try:
        return bool(faults(Manifest(run)))
    except IntegrityError:
        return True


def test_a_run_as_it_was_left_is_whole(run: Path, run_job: RunJob) -> None:
    before = {path: path.stat().st_mtime_ns for path in [run, *run.rglob("*")]}
    done = run_job("jobs.verify", run)
    assert done.returncode == 0, done.stderr
    assert "as they were left" in done.stderr
    assert {path: path.stat().st_mtime_ns for path in [run, *run.rglob("*")]} == before


def test_every_flipped_bit_is_found(run: Path) -> None:
    """200 bits of published files, run.json and plan.json among them."""
    draw = random.Random(20)
    files = sorted(path for path in run.rglob("*") if path.is_file())
    chosen = [*draw.choices(files, k=180), *[run / "run.json"] * 12, *[run / "plan.json"] * 8]
    assert not is_faulty(run)
    missed = []
    for path in chosen:
        content = path.read_bytes()
        place = draw.randrange(8 * len(content))
        changed = bytearray(content)
        changed[place // 8] ^= 1 << place % 8
        path.write_bytes(changed)
        if not is_faulty(run):
            missed.append((path, place))
        path.write_bytes(content)
    assert len(chosen) == 200
    assert missed == []
    assert not is_faulty(run)


DAMAGES = {
    "flipped": ("features/population/part-00003.parquet", "not the bytes", "encode"),
    "cut off": ("raw/customers/part-00001.parquet", "bytes,", "ingest"),
    "gone": ("segments/population/part-00000.parquet", "gone", "assign"),
    "a link": ("compare/segments.csv", "gone", "compare"),
    "edited": ("model/model.json", "bytes", "sweep"),
    "another plan": ("plan.json", "not the plan", "encode"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_told_with_the_stage_to_run_again(run: Path, damage: str) -> None:
    name, what, stage = DAMAGES[damage]
    path = run / name
    content = path.read_bytes()
    path.unlink()
    if damage == "flipped":
        path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    if damage == "cut off":
        path.write_bytes(content[:-100])
    if damage == "a link":
        (run.parent / "elsewhere").write_bytes(content)
        path.symlink_to(run.parent / "elsewhere")
    if damage == "edited":
        path.write_text(json.dumps(json.loads(content) | {"n_clusters": 99}))
    if damage == "another plan":
        path.write_bytes(content + b"\n")
    (fault,) = faults(Manifest(run))
    assert (fault.path, fault.stage) == (name, stage)
    assert what in fault.what


def test_the_stage_told_mends_the_run(run: Path, small_config: Path, run_job: RunJob) -> None:
    whole = hashes(run)
    (run / "segments/population/part-00000.parquet").unlink()
    (run / "segments/population/part-99999.parquet").write_bytes(b"")
    done = run_job("jobs.verify", run)
    assert done.returncode == 6
    lines = done.stderr.splitlines()
    assert f"{run / 'segments/population/part-00000.parquet'}: gone; run assign again" in lines
    assert "part-99999.parquet: listed by no stage" in lines[1]
    assert "--from assign" in lines[-1]
    again = ("jobs.run", small_config, "--run-dir", run, "--from", "assign")
    assert run_job(*again).returncode == 0
    done = run_job("jobs.verify", run)
    assert done.returncode == 6
    assert "part-99999.parquet: listed by no stage" in done.stderr
    assert f"segments clean {run}" in done.stderr
    assert run_job("jobs.clean", run, "--remove-unlisted").returncode == 0
    assert run_job("jobs.verify", run).returncode == 0
    assert hashes(run) == whole


def test_the_first_of_the_stages_is_told_after_one_was_run_again(
    run: Path, small_config: Path, run_job: RunJob
) -> None:
    again = ("jobs.run", small_config, "--run-dir", run, "--from", "encode", "--until", "encode")
    assert run_job(*again).returncode == 0
    for name in ("features/population/part-00000.parquet", "compare/segments.csv"):
        (run / name).unlink()
    done = run_job("jobs.verify", run)
    assert done.returncode == 6
    assert "--from encode" in done.stderr.splitlines()[-1]


def forge(run: Path, name: str, content: bytes) -> None:
    """Change a file, and list it with the sha256 it has then."""
    (run / name).write_bytes(content)
    record = json.loads((run / "run.json").read_bytes())
    for stage in record["stages"].values():
        for file in stage["files"]:
            if file["path"] == name:
                file |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (run / "run.json").write_bytes(with_checksum(record))


def test_a_model_that_does_not_fit_together_is_found_even_if_it_is_listed(run: Path) -> None:
    with np.load(run / "model/arrays.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    centers = arrays["cluster_centers"]
    for changed in (centers[:-1], centers[:, :-1], centers[0], np.full_like(centers, np.nan)):
        forge(run, "model/arrays.npz", pack_arrays(arrays | {"cluster_centers": changed}))
        assert [fault.stage for fault in faults(Manifest(run))] == ["sweep"]


def test_a_listed_path_out_of_the_run_folder_is_refused(
    run: Path, small_config: Path, run_job: RunJob
) -> None:
    record = json.loads((run / "run.json").read_bytes())
    record["stages"]["ingest"]["files"][0]["path"] = "../../etc/passwd"
    (run / "run.json").write_bytes(with_checksum(record))
    for command in (("jobs.verify", run), ("jobs.run", small_config, "--run-dir", run)):
        done = run_job(*command)
        assert done.returncode == 6
        (line,) = done.stderr.splitlines()
        assert "leads out of the run folder" in line


@pytest.mark.parametrize("stage", ["encode", "sweep", "compare"])
def test_a_stage_refuses_a_damaged_input_and_names_the_stage_to_run_again(
    run: Path, small_config: Path, run_job: RunJob, stage: str
) -> None:
    name, part = {
        "encode": ("raw/population/part-00002.parquet", "ingest"),
        "sweep": ("model/projection.npz", "fit"),
        "compare": ("segments/customers/part-00000.parquet", "assign"),
    }[stage]
    content = bytearray((run / name).read_bytes())
    content[len(content) // 2] ^= 16
    (run / name).write_bytes(content)
    done = run_job("jobs.run", small_config, "--run-dir", run, "--from", stage, "--until", stage)
    assert done.returncode == 6
    line = done.stderr.splitlines()[-1]
    assert name in line
    assert f"--from {part}" in line


def test_a_run_at_work_is_not_verified(run: Path, run_job: RunJob) -> None:
    with Manifest(run).lock():
        done = run_job("jobs.verify", run)
    assert done.returncode == 2
    assert "at work" in done.stderr


def test_a_folder_without_a_run_is_told(run_job: RunJob, tmp_path: Path) -> None:
    done = run_job("jobs.verify", tmp_path)
    assert done.returncode == 2
    assert "no run.json" in done.stderr


def test_what_can_be_read_alone_can_be_verified(run: Path) -> None:
    """Nothing is written, so an archive that nobody can write is verified too."""
    command = [sys.executable, "-m", "jobs.verify", str(run)]
    for path in [*run.rglob("*"), run]:
        path.chmod(0o500 if path.is_dir() else 0o400)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    for path in [run, *run.rglob("*")]:
        path.chmod(0o700)
    assert done.returncode == 0, done.stderr
