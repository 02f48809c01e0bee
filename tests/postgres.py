"""A PostgreSQL server of the test's own, in a folder of its own, without the network."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import adbc_driver_postgresql.dbapi
import polars as pl

BINARIES = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
"""Where Debian's package `postgresql` has its programs."""
USER, PASSWORD = "analyst", "correct horse"


@contextmanager
def server() -> Iterator[str]:
    """Start a server that asks for a password; yields the address of its database."""
    # In /tmp, as the path of a socket may have 107 characters.
    folder = Path(mkdtemp(prefix="postgres-", dir="/tmp"))
    (folder / "password").write_text(PASSWORD)
    if os.getuid() == 0:
        # PostgreSQL refuses to run as root.
        subprocess.run(["chown", "-R", "postgres", folder], check=True)
    options = f"-c listen_addresses= -k {folder} -c fsync=off"
    access = ("--auth=scram-sha-256", f"--pwfile={folder / 'password'}", f"--username={USER}")
    data = folder / "data"
    try:
        _run("initdb", "-D", data, *access, "--no-sync", "--encoding=UTF8", "--locale=C")
        _run("pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w", "start")
        yield f"postgresql:///postgres?host={folder}"
    finally:
        if (data / "postmaster.pid").exists():
            _run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
        rmtree(folder)


def _run(program: str, *arguments: object) -> None:
    assert BINARIES is not None
    user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    command = [*user, str(BINARIES / program), *map(str, arguments)]
    # Not captured by pipes, which the server that stays would hold open.
    subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, timeout=60)


def load(url: str, name: str, rows: pl.DataFrame) -> None:
    """Write rows to a table, in place of what is in it."""
    with adbc_driver_postgresql.dbapi.connect(url) as connection, connection.cursor() as cursor:
        cursor.adbc_ingest(name, rows.to_arrow(), mode="replace")
        connection.commit()


def execute(url: str, sql: str) -> None:
    """Execute a statement."""
    with adbc_driver_postgresql.dbapi.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        connection.commit()
