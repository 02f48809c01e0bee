"""Deliveries whose codes mean something else than they seem to: read as meant, told, or refused."""

import json
import random
from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl
import pytest

from jobs.refresh import main as refresh
from jobs.run import main as run
from segment_lib.run.json_values import typed
from segment_lib.schema.language import Sentence

SUMMARY = {"AGE": ("numeric", "[]"), "KIND": ("categorical", "[]"), "INC": ("ordinal", "[]")}
Rows = dict[str, list[str]]


def people(n: int, seed: int) -> Rows:
    draw = random.Random(seed)
    return {
        "LNR": [f"{seed}{i:06d}" for i in range(n)],
        "AGE": [str(draw.randint(18, 90)) for _ in range(n)],
        "KIND": [draw.choice("abc") for _ in range(n)],
        "INC": [str(draw.randint(1, 5)) for _ in range(n)],
    }


POPULATION, CUSTOMERS = people(900, 1), people(300, 2)


def write(folder: Path, name: str, rows: Mapping[str, list], suffix: str = "csv") -> str:
    if suffix == "parquet":
        pl.DataFrame(rows).write_parquet(folder / f"{name}.parquet")
    else:
        lines = [";".join(rows), *(";".join(row) for row in zip(*rows.values(), strict=True))]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return f'{name} = "{name}.{suffix}"\n'


def deliver(
    folder: Path,
    population: Mapping[str, list] | None = None,
    customers: Mapping[str, list] | None = None,
    summary: Mapping[str, tuple[str, str]] | None = None,
    more: str = "",
    suffixes: tuple[str, str] = ("csv", "csv"),
) -> Path:
    """A config beside extracts in which these columns are, or are otherwise."""
    folder.mkdir(exist_ok=True)
    inputs = write(folder, "population", {**POPULATION, **(population or {})}, suffixes[0])
    inputs += write(folder, "customers", {**CUSTOMERS, **(customers or {})}, suffixes[1])
    listed = {**SUMMARY, **(summary or {})}
    (folder / "summary.csv").write_text(
        "attribute;information_level;type;missing_or_unknown\n"
        + "".join(f"{name};p;{kind};{codes}\n" for name, (kind, codes) in listed.items())
    )
    path = folder / "job.toml"
    path.write_text(
        f'[inputs]\n{inputs}feature_summary = "summary.csv"\n{more}\n'
        "[cleaning]\nmax_missing_per_row = 2\n[model]\nn_clusters = 3\nsweep = [2, 3]\n"
        "[compare]\nallow_suspicious = true\n[run]\nrows_per_part = 200\n"
    )
    return path


def assessed(path: Path, *options: str, code: int = 0) -> Path:
    folder = path.parent / "run"
    with pytest.raises(SystemExit) as left:
        run([str(path), "--run-dir", str(folder), "--until", "assess", *options])
    assert left.value.code == code
    return folder


def table(folder: Path) -> dict[str, dict]:
    rows = pl.read_parquet(folder / "assess/attributes.parquet").iter_rows(named=True)
    return {row["attribute"]: row for row in rows}


def remarks(folder: Path) -> list[str]:
    stages = json.loads((folder / "run.json").read_text())["stages"]
    return [str(typed(Sentence, remark)) for remark in stages["assess"]["remarks"]]


def every(n: int, word: str, rows: list[str]) -> list[str]:
    """The rows with every n-th of another word."""
    return [word if i % n == 0 else cell for i, cell in enumerate(rows)]


def test_codes_of_the_config_mean_missing_in_every_attribute(tmp_path: Path) -> None:
    columns = {name: every(9, "NA", POPULATION[name]) for name in ("AGE", "KIND")}
    columns["INC"] = every(10, "99", POPULATION["INC"])
    path = deliver(tmp_path, columns, more='missing = ["NA", "99", "-7"]')
    folder = assessed(path)
    missing = {name: row["missing"] for name, row in table(folder).items()}
    assert missing == {"AGE": 100, "KIND": 100, "INC": 90}
    (remark,) = remarks(folder)
    assert "inputs.missing [-7]." in remark


def test_a_change_of_the_codes_that_mean_missing_is_taken_in(tmp_path: Path) -> None:
    columns = {"KIND": every(9, "NULL", POPULATION["KIND"])}
    assert table(assessed(deliver(tmp_path, columns)))["KIND"]["missing"] == 0
    folder = assessed(deliver(tmp_path, columns, more='missing = ["NULL"]'))
    assert table(folder)["KIND"]["missing"] == 100
    assert remarks(folder) == []
    folder = assessed(deliver(tmp_path, columns, more='missing = ["NULL", "-7"]'))
    assert "inputs.missing [-7]" in remarks(folder)[0]


def test_nan_of_a_coded_float_column_is_missing(tmp_path: Path) -> None:
    codes = [float("nan") if i % 9 == 0 else float(i % 3) for i in range(900)]
    path = deliver(
        tmp_path, {"KIND": codes}, {"KIND": ["0", "1", "2"] * 100}, suffixes=("parquet", "csv")
    )
    row = table(assessed(path))["KIND"]
    assert (row["missing"], row["n_levels"], row["customers_unseen_rows"]) == (100, 3, 0)


@pytest.mark.parametrize("words", [("true", "false"), ("True", "False"), ("TRUE", "FALSE")])
def test_truth_has_one_spelling_in_both_extracts(words: tuple[str, str], tmp_path: Path) -> None:
    path = deliver(
        tmp_path,
        {"KIND": [True, False, False] * 300},
        {"KIND": [words[i % 2] for i in range(300)]},
        suffixes=("parquet", "csv"),
    )
    row = table(assessed(path))["KIND"]
    assert (row["n_levels"], row["customers_unseen_rows"]) == (2, 0)


SPELLED_OTHERWISE: dict[str, tuple[list[str], Callable[[str], str], str]] = {
    "J and N": (["true", "false"], {"true": "J", "false": "N"}.__getitem__, "j/n for true/false"),
    "zeros lost": (["01", "02", "11"], lambda code: str(int(code)), "zeros before them"),
    "capitals": (["north", "south"], str.upper, "upper and lower case"),
    "umlauts": (["Köln", "Ulm"], lambda code: code.replace("ö", "oe"), "umlauts or accents"),
    "dates": (["1-2", "5-24"], {"1-2": "02. Jan", "5-24": "May 24"}.__getitem__, "made dates"),
}


@pytest.mark.parametrize("kind", SPELLED_OTHERWISE)
def test_codes_written_otherwise_are_refused_as_that(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    levels, otherwise, cause = SPELLED_OTHERWISE[kind]
    population = (levels * 900)[:900]
    path = deliver(
        tmp_path, {"KIND": population}, {"KIND": [otherwise(code) for code in population[:300]]}
    )
    assessed(path, code=3)
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert "KIND (" in line
    assert cause in line
    assert "Write the codes alike in both extracts." in line


def test_umlauts_in_one_piece_and_in_two_are_one_level(tmp_path: Path) -> None:
    path = deliver(
        tmp_path, {"KIND": ["K\u00f6ln", "Ulm"] * 450}, {"KIND": ["Ko\u0308ln", "Ulm"] * 150}
    )
    assert table(assessed(path))["KIND"]["customers_unseen_rows"] == 0


def test_an_attribute_of_too_many_levels_is_dropped_whatever_the_customers_have(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    towns = [f"{i // 2:05d}" for i in range(10_000)]
    wide = {name: (cells * 12)[:10_000] for name, cells in POPULATION.items()}
    path = deliver(
        tmp_path,
        {**wide, "TOWN": towns},
        {"TOWN": [f"{90_000 + i // 2}" for i in range(300)]},
        {"TOWN": ("categorical", "[]")},
        more="[run]\nrows_per_part = 3_000\n",
    )
    path.write_text(path.read_text().replace("[run]\nrows_per_part = 200\n", ""))
    folder = assessed(path)
    assert json.loads((folder / "plan.json").read_text())["attributes"]["TOWN"]["rule"] == "drop"
    assert "none of TOWN" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["categorical", "numeric"])
def test_an_id_among_the_attributes_is_told_and_dropped(kind: str, tmp_path: Path) -> None:
    path = deliver(tmp_path, summary={"LNR": (kind, "[]")})
    folder = assessed(path)
    assert table(folder)["LNR"]["kept"] is False
    (remark,) = remarks(folder)
    assert "LNR. Take it out of the feature summary" in remark


def test_a_far_value_is_told_with_its_shares(tmp_path: Path) -> None:
    path = deliver(
        tmp_path,
        {"AGE": every(9, "99999998", POPULATION["AGE"])},
        {"AGE": every(10, "99999998", CUSTOMERS["AGE"])},
    )
    (remark,) = remarks(assessed(path))
    assert "AGE 99999998 (11.1% of the population, 10.0% of the customers)" in remark


@pytest.mark.parametrize("rows_per_part", [50, 333, 5000])
def test_what_is_told_does_not_depend_on_the_parts(rows_per_part: int, tmp_path: Path) -> None:
    columns = {
        "AGE": every(9, "9999", POPULATION["AGE"]),
        "KIND": every(7, "#N/A", POPULATION["KIND"]),
    }
    summary = {"INC": ("ordinal", "[-7]")}
    folder = assessed(
        deliver(tmp_path, columns, summary=summary), "--set", f"run.rows_per_part={rows_per_part}"
    )
    assert [remark.split(":")[0] for remark in remarks(folder)] == [
        "Declared as missing, but in no row of either extract",
        "Words that mean nothing are levels of KIND (14.3% of the population). If they stand for "
        'missing values, set inputs.missing = ["#N/A"].',
        "Values far from all others, as codes for missing are",
    ]


def test_a_refresh_tells_the_same_and_refuses_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = tmp_path / "base"
    with pytest.raises(SystemExit) as left:
        run([str(deliver(base)), "--run-dir", str(base / "run"), "--until", "gains"])
    assert left.value.code == 0
    path = deliver(tmp_path / "new", {"AGE": every(9, "9999", POPULATION["AGE"])})
    options = ["--base", str(base / "run"), "--run-dir", str(tmp_path / "new/run")]
    with pytest.raises(SystemExit) as left:
        refresh([str(path), *options, "--until", "assess"])
    assert left.value.code == 0
    assert "AGE 9999 (11.1% of the population)" in remarks(tmp_path / "new/run")[0]
    path = deliver(tmp_path / "new", customers={"KIND": ["A", "B", "C"] * 100})
    with pytest.raises(SystemExit) as left:
        refresh([str(path), *options, "--until", "assess"])
    assert left.value.code == 3
    assert "KIND (100.0% of the customers: the same but for upper and" in capsys.readouterr().err


NAMED = {
    "response absent": ('response = "ANSWER"', {}, "neither extract has such a column"),
    "response of other words": ('response = "R"', {"R": ["1", "maybe", "0"]}, "other than 0, 1"),
    "response the same": ('response = "R"', {"R": ["1", "1.0", ""]}, "R: the same in every row"),
    "response empty": ('response = "R"', {"R": ["", "", ""]}, "R: empty in every row"),
    "id absent": ('id_column = "ID"', {}, "no column ID"),
    "id empty": ('id_column = "ID"', {"ID": ["", " ", ""]}, "ID: empty in every row"),
    "id the same": ('id_column = "ID"', {"ID": ["7", "7", "7"]}, "ID: the same in every row"),
    "both": (
        'id_column = "ID"\nresponse = "R"',
        {"ID": ["", "", ""], "R": ["x", "x", "y"]},
        "customers; inputs.response = R: holds something other than 0, 1",
    ),
}


@pytest.mark.parametrize("kind", NAMED)
def test_a_named_column_that_says_nothing_is_refused_before_anything_is_published(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys, columns, message = NAMED[kind]
    population = {name: cells * 300 for name, cells in columns.items()}
    customers = {name: cells * 100 for name, cells in columns.items()}
    folder = assessed(deliver(tmp_path, population, customers, more=keys), code=3)
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert message in line
    assert not (folder / "raw").exists()


@pytest.mark.parametrize("words", [("1", "0", ""), ("1.0", "0.0", "NA"), ("J", "N", " ")])
def test_a_response_in_usual_words_is_understood(
    words: tuple[str, str, str], tmp_path: Path
) -> None:
    path = deliver(tmp_path, {"R": list(words) * 300}, more='response = "R"')
    with pytest.raises(SystemExit) as left:
        run([str(path), "--run-dir", str(tmp_path / "run"), "--until", "gains"])
    assert left.value.code == 0
    counts = pl.read_csv(tmp_path / "run/gains/response.csv")
    assert (counts["rows"].sum(), counts["responses"].sum()) == (600, 300)
