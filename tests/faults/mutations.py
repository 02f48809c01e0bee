"""Small files with a fault put in at random, each through the job, a line of JSON for each.

    python -m tests.faults.mutations --first 0 --count 2000

What a line tells: the number of the mutation (its seed), the form of the file, what was done to it,
how the job ended, how many people it read, how many rows an independent reader counts, and whether
the job remarked on anything. Nothing is judged here; see `test_mutations`.
"""

import argparse
import csv
import gzip
import io
import json
import random
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from jobs.run import main as run_job
from tests.generated import parts

SUMMARY = """attribute;information_level;type;missing_or_unknown
AGE;person;numeric;[-1]
KIND;person;categorical;[X]
SCORE;person;ordinal;[0]
PLACE;household;categorical;[]
"""
N_ROWS = 240
_PLACES = ("Köln", "Ulm", "Aachen, Mitte", 'Haus "Sonne"')
Mutation = Callable[[random.Random, bytes], bytes]


@dataclass(frozen=True)
class Outcome:
    """What became of a mutated file."""

    seed: int
    form: str
    mutation: str
    code: int
    rows: int | None
    """People read; None if the job refused."""
    counted: int | None
    """Rows by an independent reader; None if that cannot read the file."""
    remarked: bool
    lines: list[str]
    """What the job said."""
    seconds: float


def table() -> list[dict[str, str]]:
    """The rows that every form holds."""
    return [
        {
            "AGE": str(20 + i % 50),
            "KIND": "abc"[i % 3],
            "SCORE": str(1 + i % 5),
            "PLACE": _PLACES[i % 4],
        }
        for i in range(N_ROWS)
    ]


def delimited(separator: str, end: str, encoding: str, quoting: int) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(
        text, list(table()[0]), delimiter=separator, lineterminator=end, quoting=quoting
    )  # type: ignore[call-overload]
    writer.writeheader()
    writer.writerows(table())
    return text.getvalue().encode(encoding)


def parquet() -> bytes:
    buffer = io.BytesIO()
    frame = pl.DataFrame(table()).with_columns(pl.col("AGE", "SCORE").cast(pl.Int64))
    frame.write_parquet(buffer, row_group_size=100)
    return buffer.getvalue()


FORMS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "semicolons": ("p.csv", lambda: delimited(";", "\n", "utf-8", csv.QUOTE_MINIMAL)),
    "commas, all quoted": ("p.csv", lambda: delimited(",", "\r\n", "utf-8", csv.QUOTE_ALL)),
    "tabs, cp1252": ("p.tsv", lambda: delimited("\t", "\r\n", "cp1252", csv.QUOTE_MINIMAL)),
    "BOM": ("p.csv", lambda: b"\xef\xbb\xbf" + delimited(";", "\n", "utf-8", csv.QUOTE_MINIMAL)),
    "gzip": ("p.csv.gz", lambda: gzip.compress(delimited(";", "\n", "utf-8", 0), mtime=0)),
    "Parquet": ("p.parquet", parquet),
}


def _flip(chance: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.randint(1, 3)):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _special(chance: random.Random, content: bytes) -> bytes:
    at = chance.randrange(len(content))
    byte = chance.choice([b'"', b"'", b"\\", b";", b",", b"\r", b"\n", b"\0", b"\t", b"\xff", b"#"])
    return content[:at] + byte + content[at + chance.randint(0, 1) :]


def _lines(change: Callable[[random.Random, list[bytes], int], list[bytes]]) -> Mutation:
    def mutate(chance: random.Random, content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        return b"".join(change(chance, lines, chance.randrange(len(lines))))

    return mutate


def _cut(chance: random.Random, content: bytes) -> bytes:
    return content[: chance.randrange(len(content))]


def _hole(chance: random.Random, content: bytes) -> bytes:
    start = chance.randrange(len(content))
    return content[:start] + content[start + chance.randint(1, 400) :]


MUTATIONS: dict[str, Mutation] = {
    "bits flipped": _flip,
    "a special byte": _special,
    "a line dropped": _lines(lambda _, lines, i: lines[:i] + lines[i + 1 :]),
    "a line doubled": _lines(lambda _, lines, i: lines[: i + 1] + lines[i:]),
    "two lines joined": _lines(
        lambda _, lines, i: [*lines[:i], lines[i].rstrip(), *lines[i + 1 :]]
    ),
    "a blank line": _lines(lambda _, lines, i: [*lines[:i], b"\n", *lines[i:]]),
    "lines exchanged": _lines(lambda _, lines, i: [*lines[i:], *lines[:i]]),
    "a cell less": _lines(lambda _, lines, i: [*lines[:i], lines[i][2:], *lines[i + 1 :]]),
    "cut off": _cut,
    "a hole": _hole,
    "twice in a row": lambda _, content: content + content,
}


def count_independently(path: Path) -> int | None:
    """Rows by Python's csv reader or pyarrow, with the form that the file was written in."""
    try:
        if path.suffix == ".parquet":
            return int(pq.read_table(path).num_rows)
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        text = content.decode("cp1252" if path.suffix == ".tsv" else "utf-8-sig")
        separator = max(";,\t", key=text.split("\n", 1)[0].count)
        return sum(bool(row) for row in csv.reader(io.StringIO(text, ""), delimiter=separator)) - 1
    except Exception:
        return None


def attempt(seed: int) -> Outcome:
    """Mutate a file, and run the job on it."""
    chance = random.Random(seed)
    form = chance.choice(sorted(FORMS))
    mutation = chance.choice(sorted(MUTATIONS))
    name, made = FORMS[form]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        path = home / name
        path.write_bytes(MUTATIONS[mutation](chance, made()))
        (home / "summary.csv").write_text(SUMMARY)
        (home / "customers.csv").write_bytes(delimited(";", "\n", "utf-8", csv.QUOTE_MINIMAL)[:-1])
        (home / "job.toml").write_text(
            f'[inputs]\npopulation = "{name}"\ncustomers = "customers.csv"\n'
            'feature_summary = "summary.csv"\n[run]\nrows_per_part = 50\n'
        )
        out, code = io.StringIO(), 1
        with redirect_stderr(out), redirect_stdout(out):
            try:
                run_job(
                    [str(home / "job.toml"), "--run-dir", str(home / "run"), "--until", "assess"]
                )
            except SystemExit as left:
                code = left.code if isinstance(left.code, int) else 1
        lines = out.getvalue().splitlines()
        return Outcome(
            seed,
            form,
            mutation,
            code,
            parts(home / "run", "raw").height if code == 0 else None,
            count_independently(path),
            any("note: " in line for line in lines),
            lines,
            round(time.monotonic() - began, 2),
        )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--count", type=int, default=100)
    chosen = options.parse_args()
    for seed in range(chosen.first, chosen.first + chosen.count):
        print(json.dumps(asdict(attempt(seed))), flush=True)


if __name__ == "__main__":
    main()
