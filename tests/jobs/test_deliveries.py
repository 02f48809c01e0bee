"""Extracts as they come: every form the page on data lists, from the file to the segments."""

import gzip
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from jobs.run import main

SUMMARY = """attribute;information_level;type;missing_or_unknown
ALTER;person;ordinal;[-1,X]
ART;person;categorical;[-1]
ORT;person;categorical;[]
"""
ROWS = [
    {"ALTER": f"{1 + i % 4}", "ART": "ab"[i % 2], "ORT": ("Köln", "Ulm", "Ahl")[i % 3]}
    for i in range(300)
]


def text(rows: list[dict[str, str]], separator: str = ";", end: str = "\n") -> str:
    lines = [separator.join(rows[0]), *(separator.join(row.values()) for row in rows)]
    return end.join(lines) + end


def quoted(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{name: f'"{cell}"' for name, cell in row.items()} for row in rows]


def parquet(path: Path) -> Path:
    pl.DataFrame(ROWS).with_columns(pl.col("ALTER").cast(pl.Int8)).write_parquet(path)
    return path


def written(name: str, content: bytes) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        (folder / name).write_bytes(content)
        return name

    return write


def in_parts(folder: Path) -> str:
    for i in range(3):
        (folder / f"people-{i}.csv").write_text(text(ROWS[i * 100 : (i + 1) * 100]))
    return "people-*.csv"


def zstd(content: bytes) -> bytes:
    return bytes(pa.compress(content, codec="zstd", asbytes=True))


PLAIN = text(ROWS).encode()
SAME = {
    "plain": written("p.csv", PLAIN),
    "BOM": written("p.csv", b"\xef\xbb\xbf" + PLAIN),
    "CRLF": written("p.csv", text(ROWS, end="\r\n").encode()),
    "no final newline": written("p.csv", PLAIN.rstrip()),
    "quoted": written("p.csv", text(quoted(ROWS)).encode()),
    "8 and 8.0": written(
        "p.csv", text([r | {"ALTER": r["ALTER"] + ".0"} for r in ROWS[:150]] + ROWS[150:]).encode()
    ),
    "another order": written(
        "p.csv", text([dict(reversed(list(row.items()))) for row in ROWS]).encode()
    ),
    "gzip": written("p.csv.gz", gzip.compress(PLAIN)),
    "zstd": written("p.csv.zst", zstd(PLAIN)),
    "several files": in_parts,
    "Parquet": lambda folder: parquet(folder / "p.parquet").name,
    "extra column": written(
        "p.csv", text([r | {"LNR": str(i)} for i, r in enumerate(ROWS)]).encode()
    ),
}


def config(folder: Path, population: str, more: str = "") -> Path:
    (folder / "summary.csv").write_text(SUMMARY)
    (folder / "customers.csv").write_text(text(ROWS[::3]))
    path = folder / "job.toml"
    path.write_text(
        f'[inputs]\npopulation = "{population}"\ncustomers = "customers.csv"\n'
        f'feature_summary = "summary.csv"\n{more}\n[run]\nrows_per_part = 70\n'
    )
    return path


def run(path: Path, *options: str) -> Path:
    folder = path.parent / "run"
    with pytest.raises(SystemExit) as left:
        main([str(path), "--run-dir", str(folder), "--until", "encode", *options])
    assert left.value.code == 0
    return folder


def rows_of(run: Path, kind: str = "raw") -> pl.DataFrame:
    return pl.concat(pl.read_parquet(p) for p in sorted((run / kind / "population").glob("*")))


@pytest.mark.parametrize("form", SAME)
def test_the_same_people_are_read_from_every_form(form: str, tmp_path: Path) -> None:
    rows = rows_of(run(config(tmp_path, SAME[form](tmp_path))))
    assert rows["row"].to_list() == list(range(300))
    assert rows["ALTER"].to_list() == [float(row["ALTER"]) for row in ROWS]
    assert rows["ART"].to_list() == [row["ART"] for row in ROWS]
    assert rows["ORT"].to_list() == [row["ORT"] for row in ROWS]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_another_encoding_is_transcoded(encoding: str, tmp_path: Path) -> None:
    written("p.csv", text(ROWS).encode(encoding))(tmp_path)
    path = config(tmp_path, "p.csv", f'encoding = "{encoding}"')
    (tmp_path / "customers.csv").write_bytes(text(ROWS).encode(encoding))
    rows = rows_of(run(path))
    assert rows["ORT"].to_list() == [row["ORT"] for row in ROWS]


def test_an_extra_column_is_carried_along_if_asked(tmp_path: Path) -> None:
    name = SAME["extra column"](tmp_path)
    for extract in ("p.csv", "customers.csv"):
        rows = [row | {"LNR": f"id {i}"} for i, row in enumerate(ROWS)]
        (tmp_path / extract).write_text(text(rows))
    path = config(tmp_path, name, 'extra_columns = "carry"')
    (tmp_path / "customers.csv").write_text(text(rows))
    assert rows_of(run(path))["LNR"].to_list() == [f"id {i}" for i in range(300)]


def test_an_extra_column_is_refused_if_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config(tmp_path, SAME["extra column"](tmp_path), 'extra_columns = "refuse"')
    with pytest.raises(SystemExit) as left:
        main([str(path), "--run-dir", str(tmp_path / "run")])
    assert left.value.code == 3
    output = capsys.readouterr().err
    assert "column 4 not in the feature summary" in output
    assert "LNR" not in output


def test_a_word_that_means_missing_is_counted_among_numbers(tmp_path: Path) -> None:
    dirty = [row | ({"ALTER": "X"} if i % 10 == 0 else {}) for i, row in enumerate(ROWS)]
    dirty[1] = dirty[1] | {"ALTER": ""}
    folder = run(config(tmp_path, written("p.csv", text(dirty).encode())(tmp_path)))
    age = pl.read_parquet(folder / "assess/attributes.parquet").row(0, named=True)
    assert (age["missing"], age["missing_before"]) == (31, 1)
    assert rows_of(folder, "features")["ALTER"].null_count() == 0


DICTIONARY = "### ART\nkind\n- a: one\n- b: two\n"


def test_a_few_codes_the_dictionary_lacks_are_counted_and_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strange = [row | ({"ART": "c"} if i < 12 else {}) for i, row in enumerate(ROWS)]
    (tmp_path / "words.md").write_text(DICTIONARY)
    name = written("p.csv", text(strange).encode())(tmp_path)
    folder = run(config(tmp_path, name, 'data_dictionary = "words.md"'))
    kind = pl.read_parquet(folder / "assess/attributes.parquet").row(1, named=True)
    assert (kind["unseen_levels"], kind["unseen_rows"]) == (1, 12)
    assert "12 cells hold a code the dictionary lacks" in capsys.readouterr().err


def test_what_an_unsuitable_limit_does_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(config(tmp_path, SAME["plain"](tmp_path)))
    assert "none is set aside. Set cleaning.max_missing_per_row" in capsys.readouterr().err


def test_attributes_of_too_many_levels_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    many = text([row | {"ART": f"k{i % 101}"} for i, row in enumerate(ROWS)])
    path = config(tmp_path, written("p.csv", many.encode())(tmp_path))
    run(path, "--set", "cleaning.max_unseen_share=1.0")
    assert "features planned (none of ART: more than 100 levels)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("[fairness]\nkeep_out = true\nattributes = ['Art']", "the feature summary has no Art"),
        ("id_column = 'ALTER'", "inputs.id_column = ALTER: is an attribute"),
    ],
)
def test_a_name_that_means_another_column_is_refused(
    settings: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(
            [
                str(config(tmp_path, SAME["plain"](tmp_path), settings)),
                "--run-dir",
                str(tmp_path / "run"),
            ]
        )
    assert left.value.code == 2
    assert message in capsys.readouterr().err


def test_an_attribute_that_cannot_be_kept_out_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = "[fairness]\nkeep_out = true\nattributes = ['ART', 'Alter']"
    run(config(tmp_path, SAME["plain"](tmp_path), settings))
    assert "no Alter in the feature summary to keep out" in capsys.readouterr().err


def test_many_codes_the_dictionary_lacks_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strange = [row | ({"ART": "c"} if i < 30 else {}) for i, row in enumerate(ROWS)]
    (tmp_path / "words.md").write_text(DICTIONARY)
    name = written("p.csv", text(strange).encode())(tmp_path)
    with pytest.raises(SystemExit) as left:
        main([str(config(tmp_path, name, 'data_dictionary = "words.md"')),
              "--run-dir", str(tmp_path / "run")])  # fmt: skip
    assert left.value.code == 3
    output = capsys.readouterr().err
    assert "ART (10.0% of the population)" in output
    assert "max_unseen_share" in output


def test_an_edited_plan_survives_other_parts(tmp_path: Path) -> None:
    path = config(tmp_path, SAME["plain"](tmp_path))
    plan = run(path) / "plan.json"
    plan.write_text(plan.read_text().replace('"fill": "a"', '"fill": "b"'))
    edited = plan.read_text()
    run(path, "--set", "run.rows_per_part=50")
    assert plan.read_text() == edited
