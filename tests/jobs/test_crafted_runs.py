"""Run folders that somebody else has made: each command ends with a line, and none hangs."""

import hashlib
import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from segment_lib.run.record import with_checksum
from segment_lib.storage.arrays import pack_arrays

Craft = Callable[[Path], None]
Call = Callable[..., tuple[int, list[str]]]


def manifest(run: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change run.json and seal it, as whoever can write there can."""
    content = json.loads((run / "run.json").read_bytes())
    change(content)
    (run / "run.json").write_bytes(with_checksum(content))


def stage(name: str, key: str, value: object) -> Craft:
    """A key of a stage's record is another."""
    return lambda run: manifest(run, lambda record: record["stages"][name].__setitem__(key, value))


def fact(name: str, key: str, value: object) -> Craft:
    return lambda run: manifest(
        run, lambda record: record["stages"][name]["facts"].__setitem__(key, value)
    )


def listed(key: str, value: object, name: str = "gains") -> Craft:
    """The first file that a stage lists is told otherwise."""
    return lambda run: manifest(
        run, lambda record: record["stages"][name]["files"][0].__setitem__(key, value)
    )


def key(name: str, value: object) -> Craft:
    return lambda run: manifest(run, lambda record: record.__setitem__(name, value))


def file(path: str, content: bytes) -> Craft:
    """Other bytes, listed with the sha256 they have."""

    def craft(run: Path) -> None:
        (run / path).write_bytes(content)
        fingerprint = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}

        def change(entries: dict[str, Any]) -> None:
            for record in entries["stages"].values():
                for entry in record["files"]:
                    if entry["path"] == path:
                        entry |= fingerprint

        manifest(run, change)

    return craft


def plain(path: str, content: bytes) -> Craft:
    return lambda run: (run / path).write_bytes(content) and None


def instead(path: str, make: Callable[[Path], object]) -> Craft:
    """Something else in the place of a file."""

    def craft(run: Path) -> None:
        (run / path).unlink()
        make(run / path)

    return craft


def no_facts(run: Path) -> None:
    manifest(
        run, lambda entries: [record["facts"].clear() for record in entries["stages"].values()]
    )


def npy(shape: str, body: bytes = b"") -> bytes:
    """An array whose head promises a shape."""
    head = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + body


def npz(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def parquet(**columns: list[object]) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_parquet(buffer)
    return buffer.getvalue()


def deep(levels: int) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for _ in range(levels):
        nested = {"a": nested}
    return nested


ARRAYS, MODEL, CELLS = "model/arrays.npz", "model/model.json", "gains/likeness.csv"
SEGMENTS, PART = "compare/segments.csv", "segments/population/part-00000.parquet"
CRAFTS: Mapping[str, Craft] = {
    "an array of 16 TB": file(ARRAYS, npz({"mean.npy": npy("(2000000000000,)")})),
    "an array of a negative shape": file(ARRAYS, npz({"mean.npy": npy("(-1, -1)", b"1" * 8)})),
    "an array whose head is no literal": file(ARRAYS, npz({"mean.npy": npy("(1)**9**9**9")})),
    "an array whose head nests": file(ARRAYS, npz({"mean.npy": npy("(" * 30_000)})),
    "arrays that are no archive": file(ARRAYS, b"PK\x03\x04 and no more"),
    "arrays of words": file(ARRAYS, pack_arrays({"mean": np.array(["a", "b"])})),
    "arrays of no size": file(ARRAYS, pack_arrays({"mean": np.float64(1)})),
    "no arrays": file(ARRAYS, pack_arrays({})),
    "a model that is a list": file(MODEL, b"[]"),
    "a model that nests": file(MODEL, b"[" * 100_000),
    "a model of other types": file(MODEL, b'{"n_clusters": "x", "features": 7}'),
    "a model of a huge number": file(MODEL, b'{"n_clusters": ' + b"9" * 5000 + b"}"),
    "a table that is none": file(CELLS, b"\x00\xff\xfe"),
    "a table of other columns": file(CELLS, b"a,b\n1,2\n"),
    "a table of words": file(SEGMENTS, b"segment,index,verdict,low,high\nx,y,z,a,b\n"),
    "an empty table": file(SEGMENTS, b""),
    "a part that is none": file(PART, b"PAR1 and no more PAR1"),
    "a part of other columns": file(PART, parquet(a=[1])),
    "a part of other types": file(PART, parquet(row=["x"], segment=["y"], distance=["z"])),
    "a part that is a folder": instead(PART, Path.mkdir),
    "a part that is a pipe": instead(PART, os.mkfifo),
    "a part that is a device": instead(PART, lambda path: os.mknod(path, 0o20600, os.makedev(1, 5)))
    if os.getuid() == 0
    else instead(PART, os.mkfifo),
    "run.json that is a folder": instead("run.json", Path.mkdir),
    "run.json that is a pipe": instead("run.json", os.mkfifo),
    "run.json that nests": plain("run.json", b"[" * 100_000_000),
    "run.json of no encoding": plain("run.json", b"\xff\xfe\x00{"),
    "run.json of a number": plain("run.json", b"7"),
    "run.json of a huge version": plain("run.json", b'{"format_version": 1e999}'),
    "stages that are a list": key("stages", []),
    "a stage that is a word": lambda run: manifest(
        run, lambda record: record["stages"].__setitem__("gains", "done")
    ),
    "a stage that stands twice": lambda run: (
        (run / "run.json").write_bytes(
            (run / "run.json").read_bytes().replace(b'"stages": {', b'"stages": {"ingest": {},')
        )
        and None
    ),
    "notes that are a number": key("notes", 7),
    "derived plans that are a number": key("notes", {"derived_plans": 7}),
    "a config that is a list": key("config", [1]),
    "a base that is a list": key("base", ["x"]),
    "a date that is a number": key("date", 7),
    "files that are a dict": stage("gains", "files", {"path": "x"}),
    "a file that is a word": stage("gains", "files", ["gains/likeness.csv"]),
    "a path that is a number": listed("path", 7),
    "a path that is empty": listed("path", ""),
    "a path that leads out": listed("path", "raw/../../x"),
    "a path of a lone surrogate": listed("path", "raw/\ud800"),
    "a path of a zero byte": listed("path", "raw/\0"),
    "a path that turns a line around": listed("path", "raw/\u202etvs.exe"),
    "a path that is too long": listed("path", "raw/" + "x" * 5000),
    "a path of too many folders": listed("path", "x/" * 5000 + "x"),
    "bytes below nothing": listed("bytes", -1),
    "bytes beyond all": listed("bytes", 10**4000),
    "bytes that are a word": listed("bytes", "7"),
    "a sha256 that is a list": listed("sha256", []),
    "rows that are no number": listed("rows", float("nan"), "ingest"),
    "a key too many": listed("colour", "red"),
    "rows in that are a word": stage("ingest", "rows_in", "x"),
    "seconds that are no number": stage("gains", "seconds", float("nan")),
    "a fingerprint that is a list": stage("gains", "fingerprint", []),
    "facts that are a list": stage("gains", "facts", [1]),
    "no facts": no_facts,
    "facts that nest": fact("ingest", "more", deep(400)),
    "a population that is a word": fact("ingest", "population", "x"),
    "features that are a number": fact("encode", "features", 7),
    "features that are numbers": fact("encode", "features", [7, 8]),
    "attributes of other length": fact("assess", "attributes", [["a"]]),
    "keys of parts that are not listed": stage("encode", "keys", {"features/x": "y"}),
    "a publication that is a word": key("publishing", "gains"),
    "a publication that leads out": key(
        "publishing",
        {"stage": "gains", "work": "..", "remove": ["../x"], "order": ["gains"], "record": {}},
    ),
}
EXPECTED = (0, 2, 3, 4, 6)


@pytest.mark.parametrize("craft", CRAFTS)
def test_a_crafted_run_ends_each_command_with_a_line(
    small_config: Path, small_run: Path, tmp_path: Path, call: Call, craft: str
) -> None:
    made = shutil.copytree(small_run, tmp_path / "made")
    CRAFTS[craft](made)
    commands = {
        "verify": ("verify", "{run}"),
        "clean": ("clean", "{run}"),
        "export": ("export", "{run}", "--depth", "0.2", "--no-progress"),
        "history": ("history", "{run}/.."),
        "refresh": ("refresh", small_config, "--base", "{run}", "--run-dir", tmp_path / "new"),
        "run": ("run", small_config, "--run-dir", "{run}", "--until", "encode", "--no-progress"),
        "run from": ("run", small_config, "--run-dir", "{run}", "--from", "assign", "--until",
                     "assign", "--no-progress"),
    }  # fmt: skip
    exit_codes = {}
    for name, (command, *arguments) in commands.items():
        if name == "refresh" and craft not in REFRESHED:
            continue
        folder = tmp_path / name
        run = shutil.copytree(made, folder / "run", symlinks=True, copy_function=copy)
        code, lines = call(command, *(str(a).replace("{run}", str(run)) for a in arguments))
        errors = [line for line in lines if line.startswith("error: ")]
        exit_codes[name] = code
        assert code in EXPECTED, (name, lines)
        assert len(errors) == (code != 0), (name, lines)
        assert "Traceback" not in "".join(lines), (name, lines)
        assert "".join(lines).isprintable(), (name, lines)
        shutil.rmtree(folder)
    assert any(exit_codes.values()) == (craft not in HARMLESS), exit_codes


REFRESHED = (
    "no facts",
    "a config that is a list",
    "attributes of other length",
    "no arrays",
    "features that are a number",
    "run.json that is a pipe",
    "a part of other types",
    "keys of parts that are not listed",
)
"""Crafts on which a refresh is tried too, which takes longer."""


HARMLESS = ("facts that nest",)
"""Crafts that nothing reads."""


def copy(source: str, target: str) -> None:
    """A copy of whatever it is; pipes and devices are made anew."""
    mode = os.stat(source).st_mode
    if Path(source).is_file():
        shutil.copyfile(source, target)
    else:
        os.mknod(target, mode, os.stat(source).st_rdev)


def test_there_are_crafts_enough() -> None:
    assert len(CRAFTS) >= 24
