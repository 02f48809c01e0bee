"""Files and folders as they are delivered: each kind is read rightly, or refused in one line."""

import bz2
import gzip
import io
import json
import lzma
import os
import tarfile
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from segment_lib.run.json_values import typed
from segment_lib.schema.language import Sentence
from tests.deliveries import (
    BY_YEAR,
    CHANGES,
    CUSTOMERS,
    HALVES,
    NAMES,
    OWN,
    PEOPLE,
    SORTED,
    TABLE,
    Case,
    deliver,
    one,
    parquet,
    read,
    run,
    text,
)
from tests.kinds import KINDS, documented
from tests.workbooks import workbook

SECRET = "Zaphod"


def packed(how: str, content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, how) as stream:
        stream.write(content)
    return bytes(sink.getvalue())


def zipped(files: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return sink.getvalue()


def locked(content: bytes) -> bytes:
    """A zip archive that says its member is locked by a password."""
    archive = bytearray(zipped({"a.csv": content}))
    archive[6] |= 1
    archive[archive.index(b"PK\x01\x02") + 8] |= 1
    return bytes(archive)


def tarred(content: bytes) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as archive:
        member = tarfile.TarInfo("a.csv")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return sink.getvalue()


LONG = b"age;kind;year;note\n" + (b"33;a;2020;" + b"x" * 900 + b"\n") * 2000
"""More than is looked at before it is cut, and nothing in it says its encoding."""


def several(*cases: Case) -> list[Case]:
    return list(cases)


def delta(content: bytes) -> dict[str, bytes]:
    """The files of a Delta table of these rows of Parquet, in the folder p."""
    with TemporaryDirectory() as folder:
        write_deltalake(folder, pq.read_table(io.BytesIO(content)))
        files = [path for path in Path(folder).rglob("*") if path.is_file()]
        return {f"p/{path.relative_to(folder)}": path.read_bytes() for path in files}


def hive(folder: str, value: float | None) -> Case:
    """A folder by partitions, one of which is named so."""
    others = {name: content for name, content in BY_YEAR.items() if "2020" not in name}
    first = [r for r in SORTED if r[2] == 2020]
    rows = [(r[0], r[1], value) for r in first]
    rest = SORTED[len(first) :]
    return Case(
        others | {f"p/{folder}/part.csv": text(first, names=OWN)},
        population="p",
        rows=rows + rest if folder < "year=2021" else rest + rows,
    )


CASES: dict[str, list[Case]] = {
    "a folder of parts, with `_SUCCESS`, `.crc`, checksums and read-me files beside them": several(
        Case(HALVES | {"p/_SUCCESS": b"", "p/.1.csv.crc": b"\1"}, population="p"),
        Case(HALVES | {"p/README.txt": b"read me", "p/1.csv.sha256": b"ab"}, population="p",
             remark="README.txt"),
        Case(HALVES | {"p/README.md": b"read me"}, population="p/*", remark="README.md"),
        Case(HALVES | {"p/_committed_12": b"{}"}, population="p/*"),
    ),
    "a lock file of Excel (`~$1.csv`) or a shadow file of macOS (`._1.csv`) beside them": several(
        Case(HALVES | {"p/~$1.csv": b"\5User"}, population="p"),
        Case(HALVES | {"p/~$1.csv": b"\5User", "p/._1.csv": b"\0\5\x16\7"}, population="p/*.csv"),
    ),
    "a folder with files and subfolders, or with subfolders alone": several(
        Case(HALVES | {"p/old/1.csv": text(PEOPLE)}, ("2 files in it", "p/*", "p/*/*"), "p"),
        Case({"p/2024/1.csv": text(PEOPLE)}, ("1 file in subfolders", "p/*/*"), "p"),
        Case({"p/a/b/1.csv": text(PEOPLE)}, ("p/*/*/*",), "p"),
        Case(HALVES | {"p/year=2024/1.csv": text(PEOPLE)}, ("2 files in it",), "p"),
    ),
    "a folder by partitions (`year=2024/part.csv`), or a glob over it": several(
        Case(BY_YEAR, population="p", rows=SORTED),
        Case(BY_YEAR, population="p/*/*.csv", rows=SORTED),
        Case(BY_YEAR, population="p/year=2021/part.csv", rows=[r for r in SORTED if r[2] == 2021]),
        Case({n.replace("year=", "region=07/year="): c for n, c in BY_YEAR.items()},
             population="p", rows=SORTED),
    ),
    "a partition whose name is percent-encoded, or `__HIVE_DEFAULT_PARTITION__`": several(
        hive("year=__HIVE_DEFAULT_PARTITION__", None),
        hive("year=1999%2E5", 1999.5),
        hive("ye%61r=1999", 1999),
    ),
    "a column of the path that the file has too": several(
        Case({"p/year=1999/part.csv": text(PEOPLE)}, population="p"),
        Case({"p/year=1999/part.parquet": parquet(PEOPLE)}, population="p"),
    ),
    "a folder `year=…` that holds no number, where one belongs": several(
        Case({"p/year=none/1.csv": text(PEOPLE, names=OWN)}, ("year=", "no number"), "p"),
    ),
    "the folder of a Delta table on a disk": several(
        Case(delta(parquet(PEOPLE)), population="p"),
        Case({"p/1.parquet": parquet(PEOPLE), "p/_delta_log/0.json": b"{}"},
             ("Delta", "cannot be read"), "p"),
    ),
    "the folder of an Iceberg or Hudi table, or of a Delta table in a bucket": several(
        Case({"p/1.parquet": parquet(PEOPLE), "p/.hoodie/a": b""}, ("Hudi",), "p"),
        Case({"p/data/1.parquet": parquet(PEOPLE), "p/metadata/v1.metadata.json": b"{}"},
             ("Iceberg",), "p"),
    ),
    "a folder that is still written to (`_temporary`)": several(
        Case(HALVES | {"p/_temporary/0/3.csv": b""}, ("still being written",), "p"),
    ),
    "a part that is still copied (`.tmp`, `.part`, `.crdownload`, `.filepart`, rsync)": [
        Case(HALVES | {f"p/{name}": text(PEOPLE)}, (name, "still being copied"), "p")
        for name in ("3.csv.tmp", "3.csv.part", "3.crdownload", "3.csv.FILEPART", ".3.csv.Xy12Ab")
    ],
    "a link to a file that is not there": several(
        Case(HALVES, ("3.csv", "not there"), "p",
             arrange=lambda folder: (folder / "p/3.csv").symlink_to("gone.csv")),
    ),
    "one file under two names, by a link": several(
        Case(HALVES, ("1.csv", "3.csv", "two names"), "p",
             arrange=lambda folder: os.link(folder / "p/1.csv", folder / "p/3.csv")),
        Case(HALVES, ("1.csv", "3.csv", "two names"), "p/*.csv",
             arrange=lambda folder: (folder / "p/3.csv").symlink_to("1.csv")),
    ),
    "a copy of a part, of 100 rows or more": several(
        Case(HALVES | {"p/3.csv": HALVES["p/1.csv"]}, ("1.csv", "3.csv", "twice"), "p"),
        Case(HALVES | {"p/3.csv.gz": gzip.compress(HALVES["p/1.csv"])},
             ("1.csv", "3.csv.gz", "twice"), "p"),
        Case({"p/a.parquet": parquet(PEOPLE), "p/b.parquet": parquet(PEOPLE)}, ("twice",), "p"),
        Case({n: text(PEOPLE, names=OWN) for n in ("p/year=1/a.csv", "p/year=2/a.csv")},
             ("twice",), "p"),
    ),
    "a copy of a part, of fewer rows": several(
        Case(HALVES | {"p/3.csv": text(PEOPLE[:9]), "p/4.csv": text(PEOPLE[:9])}, population="p",
             rows=[*PEOPLE, *PEOPLE[:9], *PEOPLE[:9]],
             remark="3.csv and 4.csv: the same rows twice"),
    ),
    "one name with two endings (`a.csv` beside `a.csv.gz` or `a.parquet`)": several(
        Case({"p/a.csv": text(PEOPLE), "p/a.csv.gz": gzip.compress(text(PEOPLE))},
             ("a.csv", "a.csv.gz"), "p"),
        Case({"p/a.csv": text(PEOPLE), "p/a.parquet": parquet(PEOPLE)}, ("two endings",), "p"),
    ),
    "one extract in the glob of the other": several(
        Case({"p/people.csv": text(PEOPLE), "p/customers.csv": text(CUSTOMERS)},
             ("customers.csv", "in the population and in the customers"), "p", "p/customers.csv"),
        Case(HALVES, ("2.csv", "in the population and in the customers"), "p", "p/2.csv"),
    ),
    "one file for both extracts, or a copy of it": several(
        one(text(PEOPLE), customers="population.csv", remark="Is a path wrong?"),
        Case({"population.csv": text(PEOPLE), "c.csv": text(PEOPLE)},
             customers="c.csv", remark="population.csv and c.csv: the same rows"),
    ),
    "more customers than people": several(
        Case({"population.csv": text(CUSTOMERS), "c.csv": text(PEOPLE)}, customers="c.csv",
             rows=CUSTOMERS, remark="exchanged"),
    ),
    "CSV and Parquet in one folder": several(
        Case({"p/1.csv": text(PEOPLE[:250]), "p/2.parquet": parquet(PEOPLE[250:])}, population="p"),
    ),
    "parts with their columns in other orders": several(
        Case({"p/1.csv": text(PEOPLE[:250], names=("year", "kind", "age")),
              "p/2.csv": text(PEOPLE[250:])}, population="p"),
    ),
    "a part that lacks a column": several(
        Case(HALVES | {"p/3.csv": text(PEOPLE, names=("kind", "age"))}, ("3.csv", "year"), "p"),
    ),
    "each extract, or each part, with a separator of its own": several(
        *(one(text(PEOPLE, separator)) for separator in ",\t|:^~ #\x01"),
        Case({"p/1.csv": text(PEOPLE[:250]), "p/2.csv": text(PEOPLE[250:], ",")}, population="p"),
        one(text(PEOPLE, ","), more='separator = ","\n[inputs.customers]\npath = "customers.csv"\n'
            'separator = ";"'),
    ),
    "a header of quoted names, or with separators in names": several(
        one(b"\xef\xbb\xbf" + b'"age","kind","year"' + text(PEOPLE, ",")[13:]),
        one(b'"a;b;c;d","age","kind","year"\n'
            + b"\n".join(b"x," + line for line in text(PEOPLE, ",").split(b"\n")[1:-1])),
    ),
    "no header, and `inputs.header = false`": several(
        one(text(PEOPLE, ",").split(b"\n", 1)[1], more='header = false\n[inputs.customers]\n'
            'path = "customers.csv"\nheader = true'),
    ),
    "another separator than is set": several(
        one(text(PEOPLE, ","), "population.csv", "line 1", "comma", "Leave inputs.separator out",
            more='separator = ";"'),
    ),
    "each extract with an encoding of its own: UTF-8, cp1252, latin-1": several(
        one(text(PEOPLE).decode().encode("cp1252"), remark="population.csv is not UTF-8"),
        one(text(PEOPLE).decode().encode("latin-1")),
        one(b"\xef\xbb\xbf" + text(PEOPLE)),
    ),
    "UTF-16 or UTF-32 with a byte order mark": several(
        *(one(text(PEOPLE, sep).decode().encode(how))
          for how in ("utf-16", "utf-32") for sep in ";\t"),
        one(b"\xfe\xff" + text(PEOPLE).decode().encode("utf-16-be")),
        one(zipped({"a.csv": text(PEOPLE).decode().encode("utf-16")}), "population.zip"),
    ),
    "UTF-8 and another encoding in one file": several(
        one(text(PEOPLE) + "33;ö;2020\n".encode("cp1252"), "population.csv", "line 402",
            "inputs.encoding"),
        one(LONG + "33;ö;2020;\n".encode("cp1252"), "population.csv", "line 2002",
            "inputs.encoding"),
    ),
    "an encoding of DOS or of an old Mac": [
        one(text([(1, f"K{sign}ln", 2020)] * 9).decode().encode(page), "population.csv", "line 2",
            "Save it as UTF-8")
        for page, sign in (("cp850", "ö"), ("cp850", "ü"), ("cp437", "ä"), ("mac_roman", "ü"))
    ],
    "endings in any case, and none: `.CSV`, `.TXT`, `.tsv`, `.PARQUET`, `.pq`": several(
        *(one(text(PEOPLE), name) for name in ("p.CSV", "p.TXT", "p.tsv", "p", "p.2026")),
        *(one(parquet(PEOPLE), name) for name in ("p.PARQUET", "p.Parquet", "p.pq", "p")),
    ),
    "one packed stream: `.gz`, `.zst`, `.bz2`, `.xz`, `.lz4`, in any case": several(
        one(gzip.compress(text(PEOPLE)), "p.csv.GZ"),
        one(packed("zstd", text(PEOPLE)), "p.csv.Zst"),
        one(bz2.compress(text(PEOPLE)), "p.csv.bz2"),
        one(lzma.compress(text(PEOPLE)), "p.csv.xz"),
        one(packed("lz4", text(PEOPLE)), "p.csv.lz4"),
        one(gzip.compress(parquet(PEOPLE)), "p.parquet.gz"),
        one(gzip.compress(gzip.compress(text(PEOPLE))), "p.csv.gz"),
    ),
    "a packed stream that is damaged or cut off": several(
        *(one(content[:-9], "p.csv.gz", "damaged or cut off")
          for content in (gzip.compress(text(PEOPLE)), packed("zstd", text(PEOPLE)),
                          bz2.compress(text(PEOPLE)), lzma.compress(text(PEOPLE)),
                          packed("lz4", text(PEOPLE)), zipped({"a.csv": text(PEOPLE)}))),
        one(b"\0\1\2" * 99, "p.csv.gz", "damaged or cut off"),
        one(text(PEOPLE).decode().encode("utf-16")[:-1], "p.csv", "damaged or cut off"),
    ),
    "`.zip` with one file in it": several(
        one(zipped({"a.csv": text(PEOPLE)}), "p.zip"),
        one(zipped({"d/a.csv": text(PEOPLE), "__MACOSX/d/._a.csv": b"x", "d/.DS_Store": b""}),
            "p.csv.ZIP"),
        one(zipped({"a.csv": gzip.compress(text(PEOPLE))}), "p.zip"),
        one(zipped({"a": parquet(PEOPLE)}), "p.zip"),
    ),
    "`.zip` with several files, none, or a password": several(
        one(zipped({"a.csv": text(PEOPLE), "b.csv": b"x", "c": b""}), "p.zip", "3 files"),
        one(zipped({}), "p.zip", "0 files"),
        one(locked(text(PEOPLE)), "p.zip", "password"),
    ),
    "other archives: `.7z`, `.rar`, `.tar.gz`": several(
        one(b"7z\xbc\xaf\x27\x1c\0\4", "p.7z", "7z archive", "Unpack"),
        one(b"Rar!\x1a\7\0", "p.rar", "RAR archive", "Unpack"),
        one(tarred(text(PEOPLE)), "p.tar.gz", "tar archive", "Unpack"),
    ),
    "a wrong ending: Parquet or gzip called `.csv`, text called `.parquet` or `.gz`": several(
        one(parquet(PEOPLE), "p.csv"),
        one(gzip.compress(text(PEOPLE)), "p.csv"),
        one(zipped({"a.csv": text(PEOPLE)}), "p.csv"),
        one(text(PEOPLE), "p.parquet"),
        one(text(PEOPLE), "p.csv.gz"),
        one(text(PEOPLE), "p.xlsx"),
        one(text(PEOPLE, names=("age", "kind", "year")).replace(b"age", b"age", 1), "p.json"),
    ),
    "text that begins as another kind of file would": several(
        one(b"PAR1;" + text(PEOPLE).replace(b"\n", b"\nx;")[:-2]),
        one(b"BZh;" + text(PEOPLE).replace(b"\n", b"\nx;")[:-2]),
        one(b"ORC;" + text(PEOPLE).replace(b"\n", b"\nx;")[:-2]),
    ),
    "an Excel workbook, `.xlsx`, whatever its ending": several(
        one(workbook({"A": [NAMES, *PEOPLE]}), "p.xlsx"),
        one(workbook({"A": [NAMES, *PEOPLE]}), "p.csv"),
        one(gzip.compress(workbook({"A": [NAMES, *PEOPLE]})), "p.xlsx.gz"),
        one(workbook({"A": [], "B": [NAMES, *PEOPLE]}), "p.xlsx", more='sheet = "B"'),
        one(workbook({"A": [NAMES, *PEOPLE], "B": []}), "p.xlsx", remark="p.xlsx has 2 sheets"),
        Case({"p/1.xlsx": workbook({"A": [NAMES, *PEOPLE[:250]]}),
              "p/2.csv": text(PEOPLE[250:])}, population="p"),
    ),
    "a workbook that is cut off, or lacks the sheet": several(
        one(workbook({"A": [NAMES, *PEOPLE]})[:2000], "p.xlsx", "Fetch the file again"),
        one(zipped({"xl/workbook.xml": b"<workbook/>"}), "p.xlsx", "damaged or locked"),
        one(workbook({"A": [NAMES, *PEOPLE]}), "p.xlsx", "no sheet B", "expected one of A",
            more='sheet = "B"'),
    ),
    "a document: `.docx`, `.xls`, `.ods`, whatever its ending": several(
        one(zipped({"[Content_Types].xml": b"", "word/a.xml": b""}), "p.csv", "Office", "CSV"),
        one(zipped({"[Content_Types].xml": b"", "word/a.xml": b""}), "p.xlsx", "Office", "CSV"),
        one(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 99, "p.xls", "workbook", "CSV"),
        one(zipped({"mimetype": b"application/vnd.oasis", "content.xml": b""}), "p.ods",
            "LibreOffice", "CSV"),
    ),
    "a web page, JSON, XML, PDF or a Git LFS pointer saved as the extract": several(
        one(b"\n<!DOCTYPE html>\n<html>", "p.csv", "web page", "fetch the file again"),
        one(b"<HTML><body>404", "p.csv.gz", "web page"),
        one(b'{"error": "denied"}', "p.csv", "JSON"),
        one(b'[\n {"age": 1}]', "p.json", "JSON"),
        one(b'\xef\xbb\xbf<?xml version="1.0"?><Error>', "p.csv", "XML"),
        one(b"%PDF-1.7\n%\xe2\xe3", "p.csv", "PDF"),
        one(b"version https://git-lfs.github.com/spec/v1\n", "p.parquet", "Git LFS"),
    ),
    "other tables: Feather, ORC, Avro, SQLite, HDF5, SPSS, Stata": [
        one(beginning + b"\0" * 50, "p.dat", name)
        for beginning, name in (
            (b"ARROW1", "Feather"), (b"ORC", "ORC"), (b"Obj\1", "Avro"),
            (b"SQLite format 3\0", "SQLite"), (b"\x89HDF\r\n", "HDF5"), (b"$FL2", "SPSS"),
            (b"<stata_dta>", "Stata"),
        )
    ],
    "a file of zero bytes, or an empty one among the parts": several(
        one(b"\0" * 9000, "p.csv", "zero bytes"),
        Case(HALVES | {"p/3.csv": b""}, ("3.csv", "empty"), "p"),
        one(b"", "p.csv.gz", "empty"),
    ),
}  # fmt: skip


def test_the_table_lists_what_is_tried() -> None:
    assert [*CASES, *CHANGES] == documented(TABLE)


@pytest.mark.parametrize(
    ("kind", "case"), [(kind, case) for kind, cases in CASES.items() for case in cases]
)
def test_each_kind_is_read_or_refused(
    kind: str, case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(deliver(tmp_path, case))
    err = capsys.readouterr().err
    if case.refused:
        assert code == 3, err
        (line,) = (line for line in err.splitlines() if line.startswith("error: "))
        assert all(words in line for words in case.refused), line
        assert SECRET not in line
        assert not (tmp_path / "run/run.json").exists()
        KINDS.note(TABLE, "refused")
        return
    assert code == 0, err
    assert read(tmp_path) == (PEOPLE if case.rows is None else case.rows)
    record = json.loads((tmp_path / "run/run.json").read_bytes())["stages"]["ingest"]
    remarks = [str(typed(Sentence, remark)) for remark in record["remarks"]]
    assert case.remark in " ".join(remarks)
    assert not (tmp_path / "run/.work").exists()
    KINDS.note(TABLE, "right")
