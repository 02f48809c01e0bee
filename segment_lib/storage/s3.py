"""Objects of S3 under the names and methods of a path: the one place that knows the object store.

Credentials, region and endpoint are those of the usual AWS environment and files. They are read by
the client in each process, so they are in no config, no task and no message.
"""

import io
import os
import re
import stat
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from segment_lib.errors import ConfigError, DataError, JobError, ResourceError

SCHEME = "s3://"
AT_ONCE = 16
"""Objects copied or removed at a time."""
_ATTEMPTS = 5
_BUFFER = 1 << 18
_BUCKET = re.compile(r"[\w][\w.-]{1,253}[\w]", re.ASCII)
_AGAIN = "Run the same command again: it goes on from what is finished."

# To the type checker it is a Path: what the job asks of a path, it answers. What only a disk can
# do, such as a rename, it lacks; the functions of `store` know of both.
if TYPE_CHECKING:
    _Path = Path
else:
    _Path = PurePosixPath


def place(told: str | Path) -> Path:
    """The path that is told: of this machine, or of the object store if it begins with s3://.

    Raises
    ------
    ConfigError
        If it names no bucket, in full.
    """
    if not isinstance(told, str) or not told.startswith(SCHEME):
        return Path(told) if isinstance(told, str) else told
    path = S3Path(f"/{told.removeprefix(SCHEME)}")
    if not _BUCKET.fullmatch(path.bucket):
        raise ConfigError(f"{told}: no name of a bucket. Write {SCHEME}BUCKET/PREFIX.")
    return path


class Changed(Exception):
    """The object is another than it was taken for, or is there though it was not to be."""


class S3Path(_Path):
    """An object, or the common beginning of the names of some, which stands for their folder.

    There are no folders in an object store: what is listed is objects alone.
    """

    def __str__(self) -> str:
        plain = super().__str__()
        return f"s3:/{plain}" if plain.startswith("/") else plain

    def __fspath__(self) -> str:
        raise TypeError("an object has no path on this machine")

    @property
    def bucket(self) -> str:
        return self.parts[1] if len(self.parts) > 1 else ""

    @property
    def key(self) -> str:
        return "/".join(self.parts[2:])

    @property
    def _prefix(self) -> str:
        return f"{self.key}/" if self.key else ""

    # --- what a path answers ----------------------------------------------------------------------

    def absolute(self) -> "S3Path":
        return self

    def exists(self, *, follow_symlinks: bool = True) -> bool:
        return self.is_file()

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        try:
            return self.version() is not None
        except FileNotFoundError:
            return False

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        found = _ask(self, "list_objects_v2", Prefix=self._prefix, MaxKeys=1)
        return bool(found.get("KeyCount"))

    def is_symlink(self) -> bool:
        return False

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Size and time of change, in whole seconds; all else is made up."""
        told = self.head()
        changed = int(told["LastModified"].timestamp())
        mode = stat.S_IFREG | 0o600
        return os.stat_result((mode, 0, 0, 1, 0, 0, told["ContentLength"], *[changed] * 3))

    def read_bytes(self) -> bytes:
        return self.read_version()[0]

    def open(self, mode: str = "r", *_: Any, encoding: str | None = None) -> Any:
        """The object for reading; what is read is asked for piece by piece."""
        if mode not in ("r", "rb"):
            raise ValueError("objects are written whole, by `put`")
        file = io.BufferedReader(_Reader(self), _BUFFER)
        return file if mode == "rb" else io.TextIOWrapper(file, encoding=encoding)

    def read_text(self, encoding: str | None = None, *_: Any, **__: Any) -> str:
        return io.TextIOWrapper(io.BytesIO(self.read_bytes()), encoding=encoding).read()

    def unlink(self, missing_ok: bool = False) -> None:
        _ask(self, "delete_object", Key=self.key)

    def iterdir(self) -> Generator["S3Path", None, None]:
        return self.glob("*")

    def glob(self, pattern: str, **_: Any) -> Generator["S3Path", None, None]:
        wanted = PurePosixPath(pattern).parts
        literal = wanted[0].partition("*")[0].partition("?")[0].partition("[")[0]
        for path, _size in self.listed(literal):
            if _fits(path.parts[len(self.parts) :], wanted):
                yield path

    def rglob(self, pattern: str, **_: Any) -> Generator["S3Path", None, None]:
        return self.glob(f"**/{pattern}")

    # --- what an object answers -------------------------------------------------------------------

    def head(self) -> dict[str, Any]:
        """What the store says of the object: ETag, ContentLength, LastModified, …

        Raises
        ------
        FileNotFoundError
            If there is none.
        """
        if not self.key:
            raise FileNotFoundError(f"{self}: a bucket, no object")
        return _ask(self, "head_object", Key=self.key)

    def version(self) -> str:
        """What tells the object as it is from any other under its name."""
        return str(self.head()["ETag"])

    def read_version(self) -> tuple[bytes, str]:
        """The content and its version."""
        return _read(self)

    def listed(self, beginning: str = "", at_once: int = 1000) -> Iterator[tuple["S3Path", int]]:
        """The objects below, whose names go on with `beginning`, and their bytes."""
        asked: dict[str, Any] = {"Prefix": self._prefix + beginning, "MaxKeys": at_once}
        while True:
            told = _ask(self, "list_objects_v2", **asked)
            for entry in told.get("Contents", ()):
                if not entry["Key"].endswith("/"):
                    yield S3Path("/", self.bucket, entry["Key"]), entry["Size"]
            if not told.get("IsTruncated"):
                return
            asked["ContinuationToken"] = told["NextContinuationToken"]

    def put(self, content: bytes) -> str:
        """Write the object, whatever was there; the version it has then."""
        return str(_ask(self, "put_object", Key=self.key, Body=content)["ETag"])

    def put_if(self, content: bytes, version: str | None) -> str:
        """Write the object if it still is of that version, or if there is none; its new version.

        Raises
        ------
        Changed
            If it is not.
        """
        condition = {"IfNoneMatch": "*"} if version is None else {"IfMatch": version}
        try:
            return str(_ask(self, "put_object", Key=self.key, Body=content, **condition)["ETag"])
        except (Changed, FileNotFoundError):
            # An answer that got lost is asked for again: then it is ours that is there.
            try:
                found, now = self.read_version()
            except FileNotFoundError:
                raise Changed from None
            if found != content:
                raise Changed from None
            return now

    def copy_to(self, target: "S3Path") -> None:
        """Have the store copy the object, of up to 5 GiB."""
        source = {"Bucket": self.bucket, "Key": self.key}
        _ask(target, "copy_object", Key=target.key, CopySource=source)

    def upload(self, file: Path) -> None:
        """Write a file of this machine, however large, as the object."""
        with file.open("rb") as content:
            _ask(self, "upload_fileobj", Key=self.key, Fileobj=content)

    def remove_below(self) -> None:
        """Remove all objects below, many at a time."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda found: found[0].unlink(), list(self.listed())))


class _Reader(io.RawIOBase):
    """An object as a file that is read from any place on; of one version all along."""

    def __init__(self, path: S3Path) -> None:
        told = path.head()
        self._path, self._size, self._version = path, int(told["ContentLength"]), told["ETag"]
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        content = self._next(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def readall(self) -> bytes:
        return self._next(self._size)

    def _next(self, most: int) -> bytes:
        stop = min(self._at + most, self._size)
        if stop <= self._at:
            return b""
        try:
            content, _ = _read(self._path, self._at, stop, self._version)
        except Changed:
            raise DataError(
                f"{self._path}: written anew while it was read. Run the same command again."
            ) from None
        self._at = stop
        return content


@cache
def _client() -> Any:
    import boto3
    from botocore.config import Config

    # Thirty-two threads may ask at once; each waits for as long as a client of AWS does.
    return boto3.session.Session().client(
        "s3",
        config=Config(
            retries={"mode": "standard", "total_max_attempts": _attempts()},
            max_pool_connections=32,
        ),
    )


def _attempts() -> int:
    told = os.environ.get("AWS_MAX_ATTEMPTS", "")
    return max(1, int(told)) if told.isdecimal() else _ATTEMPTS


def _ask(path: S3Path, operation: str, **parameters: Any) -> dict[str, Any]:
    """What the store answers. No message of the client is passed on: it may tell too much.

    Raises
    ------
    FileNotFoundError
        If there is no such object.
    Changed
        If a condition of the request does not hold.
    JobError
        If the bucket is not there, access is denied, or the store does not answer as it ought to.
    """
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return getattr(_client(), operation)(Bucket=path.bucket, **parameters) or {}
    except ClientError as error:
        if {"IfMatch", "IfNoneMatch"} & set(parameters) and _status(error.response) in (409, 412):
            raise Changed from None
        raise _refused(path, error.response) from None
    except (BotoCoreError, Boto3Error, ValueError) as error:
        raise _unanswered(path, error) from None


def _read(
    path: S3Path, start: int = 0, stop: int | None = None, version: str | None = None
) -> tuple[bytes, str]:
    """Bytes of an object, all or those from `start` up to `stop`, and the object's version."""
    from botocore.exceptions import BotoCoreError

    asked: dict[str, Any] = {} if stop is None else {"Range": f"bytes={start}-{stop - 1}"}
    if version is not None:
        asked["IfMatch"] = version
    attempts = _attempts()
    for attempt in range(attempts):
        told = _ask(path, "get_object", Key=path.key, **asked)
        try:
            content = told["Body"].read()
        except (BotoCoreError, OSError):
            content = b""
        expected = told["ContentLength"] if stop is None else stop - start
        if len(content) == expected:
            return content, str(told["ETag"])
        time.sleep(min(0.1 * 2**attempt, 5) * (attempt < attempts - 1))
    raise ResourceError(f"{path}: cut off on its way, {attempts} times. {_AGAIN}")


def _refused(path: S3Path, answer: dict[str, Any]) -> Exception:
    """The error that says what the store's refusal means."""
    status = _status(answer)
    told = str(answer.get("Error", {}).get("Code", ""))
    code = told if told.isalnum() and len(told) < 50 else "?"
    if code == "NoSuchBucket":
        return ConfigError(f"{path}: no such bucket. Check its name and AWS_ENDPOINT_URL.")
    if status == 404:
        return FileNotFoundError(f"{path}: no such object")
    if status in (401, 403) or "Token" in code:
        return ResourceError(
            f"{path}: access is denied ({code}). Check AWS_PROFILE or the credentials, and that "
            "they may list the bucket, and read, write and delete below the prefix."
        )
    if status >= 500 or code == "SlowDown":
        return ResourceError(
            f"{path}: the object store answers {status} ({code}), {_attempts()} times. {_AGAIN}"
        )
    return ResourceError(
        f"{path}: the object store refuses ({status} {code}). Check AWS_REGION and "
        "AWS_ENDPOINT_URL."
    )


def _status(answer: dict[str, Any]) -> int:
    return int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _unanswered(path: S3Path, error: Exception) -> JobError:
    """The error for a request that was not sent, or not answered."""
    kind = type(error).__name__
    if "Credential" in kind or "Token" in kind or "SSO" in kind:
        return ConfigError(
            f"{path}: no credentials ({kind}). Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, on every machine of the job."
        )
    if isinstance(error, ValueError) or "Profile" in kind or "Config" in kind or "Region" in kind:
        return ConfigError(f"{path}: the AWS settings do not fit ({kind}). Check AWS_PROFILE, "
                           "AWS_REGION and AWS_ENDPOINT_URL.")  # fmt: skip
    return ResourceError(
        f"{path}: the object store cannot be reached ({kind}). Check AWS_ENDPOINT_URL and the "
        f"network. {_AGAIN}"
    )


def _fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """True if the names match the pattern, in which ** stands for any number of them."""
    if not pattern:
        return not parts
    if pattern[0] == "**" and _fits(parts, pattern[1:]):
        return True
    if not parts or not (pattern[0] == "**" or fnmatchcase(parts[0], pattern[0])):
        return False
    return _fits(parts[1:], pattern if pattern[0] == "**" else pattern[1:])
