"""A real S3 API on loopback for tests: moto's server in its own process, and a bad line to it."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from segment_lib.storage import s3
from segment_lib.storage.s3 import S3Path
from segment_lib.storage.stores import as_location

SECRET = "canary-of-the-secret-key"
"""The secret key in tests: it is to appear nowhere."""


def environment(port: int) -> dict[str, str]:
    """What the usual AWS environment tells of it; no account of whoever runs the tests is asked."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "tester",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "3",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


@contextmanager
def object_store() -> Iterator[int]:
    """The port of the store, in the environment of whoever asks within."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@contextmanager
def at(port: int) -> Iterator[None]:
    """Within it the store is asked at this port, by this process and those that it starts."""
    before = dict(os.environ)
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"):
        os.environ.pop(name, None)
    os.environ.update(environment(port))
    _ask_at(port)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        if "AWS_ENDPOINT_URL" in before:
            _ask_at(int(before["AWS_ENDPOINT_URL"].rpartition(":")[2]))


def _ask_at(port: int) -> None:
    """Have the client made anew, which takes a while, if it was made for another port."""
    if _made_for != [port]:
        s3._client.cache_clear()
        _made_for[:] = [port]


_made_for: list[int] = []


def new_bucket() -> S3Path:
    """An empty bucket."""
    name = f"bucket-{uuid.uuid4().hex}"
    s3._client().create_bucket(Bucket=name)
    return as_location(f"s3://{name}")


@dataclass
class Fault:
    """What happens to requests whose method and path fit, so many times."""

    kind: str
    """busy: 503; cut: the line goes dead in the middle; short: half of it, with
    no sign of more and no checksum; lost: done, and never answered; denied: 403."""
    method: str
    path: str
    times: int = 10**9
    met: int = 0

    def strikes(self, method: str, path: str) -> bool:
        fits = method == self.method and re.search(self.path, path) and self.met < self.times
        self.met += bool(fits)
        return bool(fits)


@dataclass
class BadLine:
    """A proxy before the store."""

    port: int
    faults: list[Fault] = field(default_factory=list)

    def add(self, kind: str, method: str, path: str, times: int = 10**9) -> Fault:
        fault = Fault(kind, method, path, times)
        self.faults.append(fault)
        return fault


@contextmanager
def bad_line(port: int) -> Iterator[BadLine]:
    """A proxy before the store at `port`, with no faults as yet."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        line: ClassVar[BadLine]

        def handle_any(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(size)
            strikes = (f.kind for f in self.line.faults if f.strikes(self.command, self.path))
            kind = next(strikes, "")
            if kind in ("busy", "denied"):
                self.refuse(*((503, "SlowDown") if kind == "busy" else (403, "AccessDenied")))
                return
            there = HTTPConnection("127.0.0.1", port)
            there.request(self.command, self.path, body, dict(self.headers))
            answer = there.getresponse()
            content = answer.read()
            if kind == "lost":
                self.close_connection = True
                return
            sent = content[: len(content) // 2] if kind in ("cut", "short") else content
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                header = name.lower()
                if header in ("content-length", "connection", "transfer-encoding"):
                    continue
                if not (kind == "short" and header.startswith("x-amz-checksum")):
                    self.send_header(name, value)
            size_told = answer.getheader("Content-Length") if self.command == "HEAD" else None
            length = size_told or str(len(content if kind == "cut" else sent))
            self.send_header("Content-Length", length)
            self.end_headers()
            self.wfile.write(sent)
            self.close_connection = kind == "cut"

        def refuse(self, status: int, code: str) -> None:
            body = f"<Error><Code>{code}</Code><Message>{SECRET}</Message></Error>".encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = handle_any

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Handler.line = BadLine(server.server_address[1])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Handler.line
    finally:
        server.shutdown()
        server.server_close()
