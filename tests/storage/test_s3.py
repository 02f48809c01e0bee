import io
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from segment_lib.errors import ConfigError, DataError, JobError, ResourceError
from segment_lib.storage import s3
from segment_lib.storage.files import file_size
from segment_lib.storage.location import Changed
from segment_lib.storage.s3 import S3Path
from segment_lib.storage.stores import as_location
from tests.conftest import ROOT
from tests.objects import SECRET, at, bad_line


def written(bucket: S3Path, key: str, content: bytes) -> S3Path:
    """An object that somebody else wrote."""
    s3._client().put_object(Bucket=bucket.bucket, Key=key, Body=content)
    return bucket / key


def test_what_begins_with_s3_is_an_object_and_all_else_a_path() -> None:
    path = as_location("s3://bucket/runs/first")
    assert isinstance(path, S3Path)
    assert (path.bucket, path.key) == ("bucket", "runs/first")
    assert str(path / "raw" / "a.parquet") == "s3://bucket/runs/first/raw/a.parquet"
    assert str((path / "raw").relative_to(path)) == "raw"
    assert path.absolute() == pickle.loads(pickle.dumps(path)) == path
    assert as_location("runs/first") == Path("runs/first")
    with pytest.raises(ConfigError, match="no name of a bucket"):
        as_location("s3://")
    with pytest.raises(TypeError):
        os.fspath(path)


def test_an_object_answers_as_a_file_does(bucket: S3Path, tmp_path: Path) -> None:
    content = bytes(range(256)) * 5_000
    remote, local = written(bucket, "d/a.bin", content), tmp_path / "a.bin"
    local.write_bytes(content)
    for path in (local, remote):
        assert path.read_bytes() == content
        assert (path.is_file(), path.parent.is_dir(), path.is_dir()) == (True, True, False)
        assert file_size(path) == len(content)
        with path.open("rb") as file:
            assert file.seek(-10, io.SEEK_END) == len(content) - 10
            assert file.read(100) == content[-10:]
            file.seek(1_000)
            assert file.read(700_000) == content[1_000:701_000]
            file.seek(3)
            assert file.read() == content[3:]
            assert file.read(1) == b""
    absent = bucket / "d" / "b.bin"
    assert (absent.exists(), absent.is_file(), absent.is_dir()) == (False, False, False)
    with pytest.raises(FileNotFoundError):
        absent.read_bytes()


def test_text_is_read_with_its_encoding(bucket: S3Path) -> None:
    path = written(bucket, "a.txt", "\ufeffä\r\nb\n".encode())
    assert path.read_text(encoding="utf-8-sig") == "ä\nb\n"


def test_objects_are_found_as_files_are(bucket: S3Path, tmp_path: Path) -> None:
    for name in ("a/x.csv", "a/y.csv", "a/b/z.csv", "c/x.txt"):
        written(bucket, name, b"1")
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"1")
    for pattern in ("a/*.csv", "*/x.*", "a/[xy].csv", "**/*.csv", "none*"):
        names = sorted(str(path.relative_to(bucket)) for path in bucket.glob(pattern))
        assert names == sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob(pattern))
    assert len(list(bucket.rglob("*"))) == 4
    for folder in ("", "a", "none"):
        names = sorted(path.name for path in (bucket / folder).iterdir())
        assert names == sorted(path.name for path in (tmp_path / folder).glob("*"))


def test_more_objects_than_one_answer_holds_are_listed(bucket: S3Path) -> None:
    for i in range(7):
        written(bucket, f"a/{i}", b"1" * i)
    folder = bucket / "a"
    sizes = {path.name: size for path, size in folder.listed(at_once=3)}
    assert sizes == {str(i): i for i in range(7)}


def test_only_the_version_that_was_read_is_written_over(bucket: S3Path) -> None:
    path = bucket / "run.json"
    first = path.put_if(b"first", None)
    with pytest.raises(Changed):
        path.put_if(b"other", None)
    second = path.put_if(b"second", first)
    with pytest.raises(Changed):
        path.put_if(b"other", first)
    assert path.read() == (b"second", second)


def test_a_write_whose_answer_was_lost_is_known_as_ones_own(
    bucket: S3Path, store_port: int
) -> None:
    path = bucket / "run.json"
    with bad_line(store_port) as line, at(line.port):
        lost = line.add("lost", "PUT", "run.json", times=1)
        version = path.put_if(b"mine", None)
    assert lost.met == 1
    assert path.read() == (b"mine", version)


def test_an_object_written_anew_while_it_is_read_is_refused(bucket: S3Path) -> None:
    path = written(bucket, "a.csv", b"1" * 1_000_000)
    with path.open("rb") as file:
        file.read(10)
        path.put(b"2" * 1_000_000)
        file.seek(900_000)
        with pytest.raises(DataError, match="written anew while it was read"):
            file.read(10)


@pytest.mark.parametrize("kind", ["busy", "cut"])
def test_what_fails_once_is_asked_for_again(bucket: S3Path, store_port: int, kind: str) -> None:
    path = written(bucket, "a", b"0123456789" * 10_000)
    with bad_line(store_port) as line, at(line.port):
        fault = line.add(kind, "GET", "/a", times=1)
        assert path.read_bytes() == b"0123456789" * 10_000
    assert fault.met == 1


@pytest.mark.parametrize(
    ("kind", "words"), [("busy", "503"), ("cut", "cut off"), ("denied", "access is denied")]
)
def test_what_fails_again_and_again_is_told_in_a_line(
    bucket: S3Path, store_port: int, kind: str, words: str
) -> None:
    path = written(bucket, "a", b"0123456789" * 10_000)
    with bad_line(store_port) as line, at(line.port):
        fault = line.add(kind, "GET", "/a")
        with pytest.raises(ResourceError, match=words) as raised:
            path.read_bytes()
    assert fault.met == (1 if kind == "denied" else 3)
    assert SECRET not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_is_not_there_is_told_by_its_name(bucket: S3Path) -> None:
    with pytest.raises(ConfigError, match="s3://no-such-bucket/a: no such bucket"):
        as_location("s3://no-such-bucket/a").read_bytes()
    with at(9), pytest.raises(ResourceError, match="cannot be reached"):
        (bucket / "a").read_bytes()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("AWS_PROFILE", "nobody", "AWS settings do not fit"),
        ("AWS_ENDPOINT_URL", "nonsense", "AWS settings do not fit"),
        ("AWS_SECRET_ACCESS_KEY", None, "no credentials"),
    ],
)
def test_settings_that_do_not_fit_are_told_without_their_values(
    store_port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str | None,
    words: str,
) -> None:  # fmt: skip
    with at(store_port):
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
        if value is None:
            monkeypatch.delenv("AWS_ACCESS_KEY_ID")
            monkeypatch.delenv(name)
        else:
            monkeypatch.setenv(name, value)
        s3._client.cache_clear()
        with pytest.raises(JobError, match=words) as raised:
            as_location("s3://bucket/a").read_bytes()
        monkeypatch.undo()
        s3._client.cache_clear()
    assert raised.value.exit_code == 2
    assert "nonsense" not in str(raised.value)
    assert SECRET not in str(raised.value)


def test_a_run_on_a_disk_never_loads_the_client() -> None:
    code = "import sys, jobs.run; sys.exit(any('boto' in name for name in sys.modules))"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
