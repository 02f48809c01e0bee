"""PostgreSQL: the rows of a query in batches, of one snapshot, in the order of a key."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa

from segment_lib.errors import ConfigError, DataError
from segment_lib.sources.row_groups import write_row_groups

_SCHEMES = ("postgresql://", "postgres://")
_BATCH_BYTES = 16 << 20
"""Bytes of the server's answer that are read at a time."""
_OF_THE_QUERY = "42"
"""Class of errors in a query as it is written; the words of other errors may quote cells."""


def is_database(path: str) -> bool:
    """True if a path of the config is the address of a database."""
    return path.startswith(_SCHEMES)


def has_password(url: str) -> bool:
    """True if an address holds a password, which run.json would keep."""
    parts = urlsplit(url)
    return parts.password is not None or "password" in parse_qs(parts.query)


class Snapshot:
    """A database as it is at the first question, whatever is written to it meanwhile."""

    def __init__(self, url: str, cursor: Any) -> None:
        self._url, self._cursor = url, cursor
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")

    @contextmanager
    def ask(self, sql: str, *, copied: bool = True) -> Iterator[pa.RecordBatchReader]:
        """Yield the answer to a query, which is read batch by batch.

        Parameters
        ----------
        copied : by COPY, which is quicker, and takes queries for rows alone

        Raises
        ------
        DataError
            If the query is wrong, or the connection is lost.
        """
        from adbc_driver_postgresql import StatementOptions, dbapi

        use_copy = {StatementOptions.USE_COPY.value: str(copied).lower()}
        try:
            self._cursor.adbc_statement.set_options(**use_copy)
            self._cursor.execute(sql)
            with self._cursor.fetch_record_batch() as answer:
                yield answer
        except (dbapi.Error, pa.ArrowException, OSError) as error:
            if getattr(error, "errno", None):
                raise  # Of the disk that the rows are written to, not of the server.
            state = getattr(error, "sqlstate", None)
            why = f"SQLSTATE {state}" if state else "the server broke it off"
            if state and state.startswith(_OF_THE_QUERY):
                why = str(error).partition("ERROR:")[2].partition("\n")[0].strip()
            raise DataError(
                f"{self._url}: the query fails ({why}). Try it in psql and correct it in [inputs]."
            ) from None


@contextmanager
def open_database(url: str) -> Iterator[Snapshot]:
    """Connect with the user and the password of libpq's environment or files.

    Raises
    ------
    ConfigError
        If the package that reads databases is not installed, or there is no connection.
    """
    try:
        from adbc_driver_postgresql import StatementOptions, dbapi
    except ImportError:
        raise ConfigError(
            f"{url}: a database, which adbc-driver-postgresql reads. Install it: pip install "
            "'segment_lib[sql]'; or export the rows to Parquet or CSV."
        ) from None
    try:
        connection = dbapi.connect(url)
    except dbapi.Error as error:
        why = " ".join(str(error).rpartition("failed: ")[2].rpartition("connect: ")[2].split())
        raise ConfigError(
            f"{url}: no connection ({why}). Check the address, PGUSER and PGPASSWORD."
        ) from None
    options = {StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(_BATCH_BYTES)}
    with connection, connection.cursor(adbc_stmt_kwargs=options) as cursor:
        yield Snapshot(url, cursor)


@dataclass(frozen=True)
class QueryRows:
    """The rows of a query."""

    snapshot: Snapshot
    query: str
    key: str
    """The column in whose order they come; of all columns if it is none of theirs."""

    def version(self) -> list[str]:
        """Return the query, the key, and a hash of columns and rows that the server works out."""
        # A sum, as the server meets rows in any order.
        total = "count(*)::text || ' ' || coalesce(sum(hashtextextended(t::text, 0)), 0)::text"
        with self.snapshot.ask(f"SELECT {total} FROM {self._rows}") as answer:
            rows = answer.read_all()[0][0].as_py()
        columns = [[field.name, str(field.type)] for field in self.columns]
        return [self.query, self.key, json.dumps(columns), rows]

    def write(self, target: Path) -> None:
        """Write the rows to a Parquet file.

        Raises
        ------
        DataError
            If the query is wrong, or the connection is lost.
        """
        quoted = self.key.replace('"', '""')
        order = f't."{quoted}", t' if self.key in self.columns.names else "t"
        with self.snapshot.ask(f"SELECT * FROM {self._rows} ORDER BY {order}") as answer:
            write_row_groups(target, answer.schema, answer)

    @property
    def _rows(self) -> str:
        # The line end keeps a remark at the end of the query from taking the bracket in.
        return f"({self.query.rstrip().rstrip(';')}\n) AS t"

    @property
    def columns(self) -> pa.Schema:
        """Names and types of the columns."""
        with self.snapshot.ask(f"SELECT * FROM {self._rows} LIMIT 0") as answer:
            return answer.schema

    def estimate_rows(self) -> int:
        """Return how many rows the server expects; it reads none for that."""
        explain = f"EXPLAIN (FORMAT JSON) SELECT * FROM {self._rows}"
        with self.snapshot.ask(explain, copied=False) as answer:
            (plan,) = json.loads(answer.read_all()[0][0].as_py())
        return int(plan["Plan"]["Plan Rows"])
