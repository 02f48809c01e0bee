"""Objects of S3, through boto3: the one module that sends requests to the store.

Credentials, region and endpoint are those of the usual AWS environment and files. They are read by
the client in each process, so they are in no config, no task and no message.
"""

import os
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any, Self

from segment_lib.errors import ConfigError, JobError, ResourceError
from segment_lib.storage.location import Changed
from segment_lib.storage.objects import Head, ObjectPath

_ATTEMPTS = 5
_AGAIN = "Run the same command again: it goes on from what is finished."


class S3Path(ObjectPath):
    """Path of an object of S3, or of a compatible store."""

    scheme = "s3"

    def head(self) -> Head:
        if not self.key:
            raise FileNotFoundError(f"{self}: a bucket, no object")
        answer = _ask(self, "head_object", Key=self.key)
        now = _now(answer["ResponseMetadata"]["HTTPHeaders"])
        age = (now - answer["LastModified"]).total_seconds()
        return Head(int(answer["ContentLength"]), str(answer["ETag"]), age)

    def read(
        self, start: int = 0, stop: int | None = None, version: str | None = None
    ) -> tuple[bytes, str]:
        from botocore.exceptions import BotoCoreError

        parameters = {} if stop is None else {"Range": f"bytes={start}-{stop - 1}"}
        if version is not None:
            parameters["IfMatch"] = version
        attempts = _attempts()
        for attempt in range(attempts):
            answer = _ask(self, "get_object", Key=self.key, **parameters)
            try:
                content = answer["Body"].read()
            except (BotoCoreError, OSError):
                content = b""
            expected = answer["ContentLength"] if stop is None else stop - start
            if len(content) == expected:
                return content, str(answer["ETag"])
            time.sleep(min(0.1 * 2**attempt, 5) * (attempt < attempts - 1))
        raise ResourceError(f"{self}: cut off on its way, {attempts} times. {_AGAIN}")

    def put(self, content: bytes) -> str:
        return str(_ask(self, "put_object", Key=self.key, Body=content)["ETag"])

    def put_if(self, content: bytes, version: str | None) -> str:
        condition = {"IfNoneMatch": "*"} if version is None else {"IfMatch": version}
        try:
            return str(_ask(self, "put_object", Key=self.key, Body=content, **condition)["ETag"])
        except (Changed, FileNotFoundError):
            # An answer that got lost is asked for again: then it is ours that is there.
            try:
                there, now = self.read()
            except FileNotFoundError:
                raise Changed from None
            if there != content:
                raise Changed from None
            return now

    def upload(self, file: Path) -> None:
        with file.open("rb") as content:
            _ask(self, "upload_fileobj", Key=self.key, Fileobj=content)

    def copy_to(self, target: Self) -> None:
        """Copy the object, of up to 5 GiB, within the store."""
        source = {"Bucket": self.bucket, "Key": self.key}
        _ask(target, "copy_object", Key=target.key, CopySource=source)

    def unlink(self, missing_ok: bool = False) -> None:
        _ask(self, "delete_object", Key=self.key)

    def entries(self, prefix: str, *, deep: bool, at_once: int = 1000) -> Iterator[tuple[str, int]]:
        parameters: dict[str, Any] = {"Prefix": prefix, "MaxKeys": at_once}
        if not deep:
            parameters["Delimiter"] = "/"
        while True:
            answer = _ask(self, "list_objects_v2", **parameters)
            keys = [(entry["Key"], entry["Size"]) for entry in answer.get("Contents", ())]
            folders = [(entry["Prefix"], 0) for entry in answer.get("CommonPrefixes", ())]
            yield from sorted(keys + folders)
            if not answer.get("IsTruncated"):
                return
            parameters["ContinuationToken"] = answer["NextContinuationToken"]


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
    attempts = os.environ.get("AWS_MAX_ATTEMPTS", "")
    return max(1, int(attempts)) if attempts.isdecimal() else _ATTEMPTS


def _ask(path: S3Path, operation: str, **parameters: Any) -> dict[str, Any]:
    """Send a request. No message of the client is passed on: it may disclose too much.

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


def _refused(path: S3Path, answer: dict[str, Any]) -> Exception:
    """Return the error that explains the store's refusal."""
    status = _status(answer)
    name = str(answer.get("Error", {}).get("Code", ""))
    code = name if name.isalnum() and len(name) < 50 else "?"
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


def _now(headers: Mapping[str, str]) -> datetime:
    """Return the time by the store's clock, or this machine's if the store gives none."""
    try:
        date = parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return datetime.now(UTC)
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _status(answer: dict[str, Any]) -> int:
    return int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _unanswered(path: S3Path, error: Exception) -> JobError:
    """Return the error for a request that was not sent, or not answered."""
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
