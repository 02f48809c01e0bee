"""The border between stores: what the type checker sees of it, and what a further store takes."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Self

import pytest

from segment_lib.errors import ConfigError
from segment_lib.run.fingerprint import fingerprint_file
from segment_lib.run.manifest import Manifest
from segment_lib.run.record import StageRecord
from segment_lib.sources import find_files
from segment_lib.storage import stores
from segment_lib.storage.bucket import Bucket
from segment_lib.storage.files import hash_file, read_file, write_file
from segment_lib.storage.location import Changed
from segment_lib.storage.objects import Head, ObjectPath
from segment_lib.storage.stores import as_location, is_remote, local_path, store_of
from tests.conftest import ROOT

USES = """\
import os
from pathlib import Path
from segment_lib.storage.location import Location
from segment_lib.storage.stores import as_location, local_path, store_of

location: Location = as_location("s3://bucket/a")
location.rename("b")  # refused
location.mkdir()  # refused
location.stat()  # refused
location.write_bytes(b"")  # refused
location.open("wb")  # refused
os.fspath(location)  # refused
os.replace(location, location)  # refused
open(location)  # refused
path: Path = location  # refused
store_of(Path("a")).size(location)  # refused
(location / "b").read_bytes()
sorted(location.parent.iterdir())
store_of(location).size(location)
there: Location = Path("a")
if (here := local_path(location)) is not None:
    here.rename("b")
"""


def test_the_type_checker_refuses_of_a_location_what_only_a_disk_can_do(tmp_path: Path) -> None:
    (tmp_path / "uses.py").write_text(USES)
    command = [sys.executable, "-m", "mypy", "--strict", str(tmp_path / "uses.py")]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    refused = {int(line) for line in re.findall(r"uses\.py:(\d+): error", answer.stdout)}
    wrong = [i for i, line in enumerate(USES.splitlines(), 1) if line.endswith("# refused")]
    assert (sorted(refused), answer.stderr) == (wrong, "")


class Kept(ObjectPath):
    """An object of a third store, which keeps its objects in this process."""

    scheme = "kept"
    objects: ClassVar[dict[str, tuple[bytes, float]]] = {}

    def head(self) -> Head:
        content, written = self._object()
        return Head(len(content), sha256(content).hexdigest(), time.time() - written)

    def read(
        self, start: int = 0, stop: int | None = None, version: str | None = None
    ) -> tuple[bytes, str]:
        now = self.head().version
        if version not in (None, now):
            raise Changed
        return self._object()[0][start:stop], now

    def put(self, content: bytes) -> str:
        self.objects[str(self)] = content, time.time()
        return self.head().version

    def put_if(self, content: bytes, version: str | None) -> str:
        if version != (self.head().version if self.is_file() else None):
            raise Changed
        return self.put(content)

    def upload(self, file: Path) -> None:
        self.put(file.read_bytes())

    def copy_to(self, target: Self) -> None:
        target.put(self.read_bytes())

    def unlink(self, missing_ok: bool = False) -> None:
        self.objects.pop(str(self), None)

    def entries(self, prefix: str, *, deep: bool, at_once: int = 1000) -> Iterator[tuple[str, int]]:
        bucket = f"kept://{self.bucket}/"
        keys = {name.removeprefix(bucket) for name in self.objects if name.startswith(bucket)}
        below = [key for key in keys if key.startswith(prefix)]
        cut = {key if deep else re.match(rf"{re.escape(prefix)}[^/]*/?", key)[0] for key in below}
        return ((key, len(self.objects.get(bucket + key, (b"", 0))[0])) for key in sorted(cut))

    def _object(self) -> tuple[bytes, float]:
        try:
            return self.objects[str(self)]
        except KeyError:
            raise FileNotFoundError(str(self)) from None


@pytest.fixture
def third(monkeypatch: pytest.MonkeyPatch) -> None:
    """A third store, of one more line in the table."""
    monkeypatch.setattr(stores, "_STORES", {**stores._STORES, "kept": Bucket(Kept)})
    monkeypatch.setattr(Kept, "objects", {})


def test_a_location_is_of_the_store_that_its_scheme_names(third: None) -> None:
    for text, kind in (("kept://bucket/a", Kept), ("runs/a", Path), ("http://a/b", Path)):
        assert isinstance(as_location(text), kind)
        assert is_remote(text) == (local_path(as_location(text)) is None) == (kind is Kept)
    assert store_of(as_location("kept://bucket/a")) is store_of(as_location("kept://other"))
    with pytest.raises(ConfigError, match="kept://BUCKET/PREFIX"):
        as_location("kept://")
    with pytest.raises(TypeError):
        os.fspath(as_location("kept://bucket/a"))


def test_a_run_lies_in_a_third_store_with_no_other_code(third: None) -> None:
    root = as_location("kept://bucket/run")
    manifest = Manifest(root)
    with manifest.lock():
        with pytest.raises(ConfigError, match="another job is at work"):
            Manifest(root).lock().__enter__()
        for content in (b"1", b"2"):
            staging_dir = manifest.folder.begin("ingest", "a fingerprint")
            file = write_file(staging_dir, "raw/a", content)
            manifest.publish("ingest", staging_dir, StageRecord("a fingerprint", (file,)), ())
    assert sorted(Kept.objects) == ["kept://bucket/run/raw/a", "kept://bucket/run/run.json"]
    assert read_file(root, Manifest(root).file("ingest", "raw/a")) == b"2"
    assert Manifest(root).is_done("ingest", "a fingerprint")


def test_extracts_lie_in_a_third_store_with_no_other_code(third: None) -> None:
    for name in ("a.csv", "b.csv", "README.md"):
        write_file(as_location("kept://bucket/delivered"), name, b"1")
    files = find_files("kept://bucket/delivered")
    assert files == find_files("kept://bucket/delivered/*.csv")
    assert [file.name for file in files] == ["a.csv", "b.csv"]
    assert fingerprint_file(files[0]) == ["a.csv", hash_file(files[0])]
