"""Deliveries whose columns are not as they were in the base, as the table in the docs says."""

import json
import random
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from jobs.refresh import main as refresh
from jobs.run import main as run
from segment_lib.run.record import with_checksum
from segment_lib.schema.language import Sentence
from segment_lib.storage.arrays import pack_arrays

SUMMARY = {
    "AGE": ("ordinal", "[-1]"),
    "KIND": ("categorical", "[-1]"),
    "TOWN": ("categorical", "[]"),
    "PAY": ("numeric", "[]"),
    "SAME": ("ordinal", "[]"),
}
Row = dict[str, str]


def people(n: int, seed: int = 0) -> list[Row]:
    draw = random.Random(seed)
    return [
        {
            "AGE": draw.choice(["1", "2", "3", "4", "4", "-1"]),
            "KIND": draw.choice(["a", "b", "c", "c"]),
            "TOWN": draw.choice(["Ulm", "Köln"]),
            "PAY": str(draw.randint(1, 9)),
            "SAME": "1",
        }
        for _ in range(n)
    ]


POPULATION, CUSTOMERS = people(900), people(300, seed=1)


def deliver(
    folder: Path,
    change: Callable[[Row], Row] = lambda row: row,
    summary: dict[str, tuple[str, str]] = SUMMARY,
    more: str = "",
) -> Path:
    folder.mkdir(exist_ok=True)
    for name, rows in (("population", POPULATION), ("customers", CUSTOMERS)):
        changed = [change(dict(row)) for row in rows]
        lines = [";".join(changed[0]), *(";".join(row.values()) for row in changed)]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    refresh_facts = [f"{name};person;{kind};{missing}" for name, (kind, missing) in summary.items()]
    header = "attribute;information_level;type;missing_or_unknown"
    (folder / "summary.csv").write_text("\n".join([header, *refresh_facts]) + "\n")
    path = folder / "job.toml"
    path.write_text(
        '[inputs]\npopulation = "population.csv"\ncustomers = "customers.csv"\n'
        'feature_summary = "summary.csv"\n[cleaning]\nmax_missing_per_row = 2\n'
        "max_unseen_share = 0.2\n[model]\nsweep = [3, 4]\nn_clusters = 3\n"
        "[compare]\nallow_suspicious = true\n"
        f"[run]\nrows_per_part = 300\n{more}"
    )
    return path


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = deliver(tmp_path_factory.mktemp("base"))
    folder = path.parent / "run"
    with pytest.raises(SystemExit) as left:
        run([str(path), "--run-dir", str(folder), "--until", "gains"])
    assert left.value.code == 0
    return folder


def refreshed(path: Path, base: Path, *options: str, until: str = "drift", code: int = 0) -> Path:
    folder = path.parent / "run"
    with pytest.raises(SystemExit) as left:
        refresh(
            [str(path), "--base", str(base), "--run-dir", str(folder), "--until", until, *options]
        )
    assert left.value.code == code
    return folder


def refresh_facts(run: Path) -> dict:
    return json.loads((run / "run.json").read_text())["stages"]["drift"]["facts"]


def kinds(run: Path) -> list[tuple[str, str]]:
    return [(change["attribute"], change["kind"]) for change in refresh_facts(run)["changes"]]


def drift(run: Path, attribute: str) -> dict:
    table = pl.read_parquet(run / "refresh/drift.parquet")
    return table.filter(pl.col("attribute") == attribute).row(0, named=True)


def features(run: Path) -> pl.DataFrame:
    parts = [sorted((run / "features" / name).glob("*")) for name in ("population", "customers")]
    return pl.concat(pl.read_parquet(part) for files in parts for part in files)


def test_another_column_order_is_read_by_name(base: Path, tmp_path: Path) -> None:
    path = deliver(tmp_path / "new", lambda row: dict(reversed(row.items())))
    folder = refreshed(path, base)
    assert kinds(folder) == []
    assert features(folder).equals(features(base))


def test_the_form_with_366_columns_gives_the_same_features(base: Path, tmp_path: Path) -> None:
    wide = {f"D19_{i}": "0" for i in range(366 - len(SUMMARY) - 1)}
    path = deliver(tmp_path / "new", lambda row: {"LNR": "7", **wide, **row})
    folder = refreshed(path, base)
    assert len((tmp_path / "new/population.csv").read_text().split("\n")[0].split(";")) == 366
    assert kinds(folder) == []
    assert features(folder).equals(features(base))


def test_a_column_gone_that_makes_no_feature_is_carried_on_without(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = deliver(tmp_path / "new", lambda row: {n: v for n, v in row.items() if n != "SAME"})
    folder = refreshed(path, base)
    assert kinds(folder) == [("SAME", "gone")]
    assert "SAME is gone" in capsys.readouterr().err
    assert features(folder).equals(features(base))
    assessed = pl.read_parquet(folder / "assess/attributes.parquet")
    same = assessed.filter(pl.col("attribute") == "SAME").row(0, named=True)
    assert (same["kept"], same["reason"], same["missing_share"]) == (False, "not delivered", 1.0)


def test_a_column_gone_that_makes_features_is_refused_and_a_plan_proposed(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = deliver(tmp_path / "new", lambda row: {n: v for n, v in row.items() if n != "KIND"})
    folder = refreshed(path, base, code=3)
    error = capsys.readouterr().err
    assert "KIND is gone, and the model uses it" in error
    assert "--plan" in error
    plan = folder / "plan.proposed.json"
    assert json.loads(plan.read_text())["attributes"]["KIND"]["rule"] == "drop"
    accepted = tmp_path / "accepted.json"
    accepted.write_bytes(plan.read_bytes())
    refreshed(path, base, "--plan", str(accepted), until="refresh")
    assert refresh_facts(folder)["decision"] == "refit"
    model = json.loads((folder / "model/model.json").read_text())
    assert not [name for name in model["features"] if name.startswith("KIND")]
    assert model["n_clusters"] == 3


def test_a_model_cannot_be_applied_without_a_column_it_uses(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = deliver(tmp_path / "new", lambda row: {n: v for n, v in row.items() if n != "KIND"})
    folder = refreshed(path, base, code=3)
    accepted = (folder / "plan.proposed.json").rename(tmp_path / "accepted.json")
    refreshed(path, base, "--plan", str(accepted), "--set", "refresh.policy='apply'", code=2)
    assert "cannot be applied" in capsys.readouterr().err


def renamed(row: Row) -> Row:
    return {"KIND_2" if name == "KIND" else name: value for name, value in row.items()}


def test_a_renamed_column_is_refused_with_its_likely_name(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refreshed(deliver(tmp_path / "new", renamed), base, code=3)
    assert 'refresh.renamed = {KIND = "KIND_2"}' in capsys.readouterr().err


def test_a_renamed_column_is_read_once_the_config_says_so(base: Path, tmp_path: Path) -> None:
    summary = {renamed({n: ""}).popitem()[0]: kind for n, kind in SUMMARY.items()}
    path = deliver(tmp_path / "new", renamed, summary, more='[refresh.renamed]\nKIND = "KIND_2"\n')
    folder = refreshed(path, base)
    assert kinds(folder) == [("KIND", "renamed")]
    assert features(folder).equals(features(base))
    assert drift(folder, "KIND")["psi"] == pytest.approx(0, abs=1e-12)


def test_a_name_that_is_no_attribute_of_the_base_cannot_be_renamed(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = deliver(tmp_path / "new", more='[refresh.renamed]\nNOBODY = "KIND"\n')
    refreshed(path, base, code=2)
    assert "NOBODY is no attribute of the base" in capsys.readouterr().err


def test_a_new_column_is_counted_and_a_rule_proposed(base: Path, tmp_path: Path) -> None:
    summary = {"CARS": ("ordinal", "[]"), **SUMMARY}
    path = deliver(tmp_path / "new", lambda row: {**row, "CARS": row["PAY"]}, summary)
    folder = refreshed(path, base)
    assert kinds(folder) == [("CARS", "new")]
    assert features(folder).equals(features(base))
    proposed = folder / "plan.proposed.json"
    rule = json.loads(proposed.read_text())["attributes"]["CARS"]
    assert (rule["rule"], rule["features"]) == ("number", ["CARS"])
    accepted = tmp_path / "accepted.json"
    accepted.write_bytes(proposed.read_bytes())
    refreshed(path, base, "--plan", str(accepted), until="refresh")
    assert "CARS" in json.loads((folder / "model/model.json").read_text())["features"]
    assert str(Sentence(**refresh_facts(folder)["reason"])).startswith(
        "the plan makes other features"
    )


def test_a_retyped_column_is_read_as_in_the_base(base: Path, tmp_path: Path) -> None:
    path = deliver(tmp_path / "new", summary=SUMMARY | {"AGE": ("categorical", "[-1]")})
    folder = refreshed(path, base)
    assert kinds(folder) == [("AGE", "retyped")]
    assert features(folder).equals(features(base))


def test_a_retyped_column_that_cannot_be_read_so_is_refused(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = deliver(
        tmp_path / "new",
        lambda row: row | {"AGE": "old"},
        SUMMARY | {"AGE": ("categorical", "[-1]")},
    )
    refreshed(path, base, code=3)
    error = capsys.readouterr().err
    assert "column AGE: not a number" in error
    assert "old" not in error.split("AGE: not")[1]


def test_other_missing_codes_hold_and_show_in_the_drift(base: Path, tmp_path: Path) -> None:
    path = deliver(tmp_path / "new", summary=SUMMARY | {"AGE": ("ordinal", "[-1,4]")})
    folder = refreshed(path, base)
    assert kinds(folder) == [("AGE", "missing codes")]
    row = drift(folder, "AGE")
    fours = sum(row["AGE"] == "4" for row in POPULATION) / len(POPULATION)
    assert row["missing_change"] == pytest.approx(fours)
    assert row["vanished_levels"] == ["4"]


def test_an_attribute_nobody_describes_any_more_is_read_as_before(
    base: Path, tmp_path: Path
) -> None:
    summary = {name: kind for name, kind in SUMMARY.items() if name != "TOWN"}
    folder = refreshed(deliver(tmp_path / "new", summary=summary), base)
    assert kinds(folder) == [("TOWN", "not described")]
    assert features(folder).equals(features(base))


def test_a_new_level_is_told_and_proposed(base: Path, tmp_path: Path) -> None:
    path = deliver(tmp_path / "new", lambda row: row | ({"KIND": "d"} if row["PAY"] == "9" else {}))
    folder = refreshed(path, base)
    assert drift(folder, "KIND")["unseen_levels"] == ["d"]
    rule = json.loads((folder / "plan.proposed.json").read_text())["attributes"]["KIND"]
    assert rule["levels"] == ["a", "b", "c", "d"]
    part = pl.read_parquet(folder / "features/population/part-00000.parquet")
    assert [name for name in part.columns if name.startswith("KIND")] == [
        "KIND=a", "KIND=b", "KIND=c",
    ]  # fmt: skip


def test_a_level_gone_is_told_and_keeps_its_feature(base: Path, tmp_path: Path) -> None:
    path = deliver(
        tmp_path / "new", lambda row: row | ({"KIND": "a"} if row["KIND"] == "b" else {})
    )
    folder = refreshed(path, base)
    assert drift(folder, "KIND")["vanished_levels"] == ["b"]
    part = pl.read_parquet(folder / "features/population/part-00000.parquet")
    assert part["KIND=b"].sum() == 0
    assert not (folder / "plan.proposed.json").exists()


# Another base for the same run folder


def another_base(base: Path, folder: Path, name: str, content: bytes) -> Path:
    """A copy of the base in which one file is another."""
    shutil.copytree(base, folder)
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / "run.json").read_bytes())
    for stage in manifest["stages"].values():
        for file in stage["files"]:
            if file["path"] == name:
                file |= {"bytes": len(content), "sha256": sha256(content).hexdigest()}
    (folder / "run.json").write_bytes(with_checksum(manifest))
    return folder


def test_names_and_levels_are_those_of_the_base_that_is_told(base: Path, tmp_path: Path) -> None:
    path = deliver(tmp_path / "new")
    refreshed(path, base, until="gains")
    before = pl.read_csv(base / "compare/names.csv")
    for i, name in enumerate(("compare/names.csv", "compare/levels.json")):
        content = (base / name).read_text()
        if name.endswith(".csv"):
            content = before.with_columns(name=pl.format("the {}", "name")).write_csv()
        else:
            content = json.dumps(json.loads(content))
        other = another_base(base, tmp_path / str(i), name, content.encode())
        made = json.loads((path.parent / "run/run.json").read_text())["stages"]["compare"]
        folder = refreshed(path, other, until="gains")
        again = json.loads((folder / "run.json").read_text())["stages"]["compare"]
        assert again["fingerprint"] != made["fingerprint"]
        assert (
            pl.read_csv(folder / "compare/names.csv")["name"].to_list()
            == pl.read_csv(other / "compare/names.csv")["name"].to_list()
        )


def test_micro_segments_are_those_of_the_base_that_is_told(base: Path, tmp_path: Path) -> None:
    path = deliver(tmp_path / "new")
    refreshed(path, base, until="gains")
    arrays = dict(np.load(base / "gains/micro.npz"))
    moved = pack_arrays(arrays | {"cuts": arrays["cuts"] + np.float32(0.5)})
    other = another_base(base, tmp_path / "other", "gains/micro.npz", moved)
    folder = refreshed(path, other, until="gains")
    assert (folder / "gains/micro.npz").read_bytes() == moved


# A plan that is none

NO_PLANS = {
    "a number for a rule": (b'{"attributes": {"AGE": 3}}', ["AGE: no rule of the form"]),
    "a rule of nobody": (b'{"attributes": {"A": 3}}', ["A is no attribute"]),
    "a fill beyond all numbers": (
        b'{"attributes": {"PAY": {"rule": "number", "fill": 1' + b"0" * 400 + b"}}}",
        ["PAY: a fill or a value in a table must be a number"],
    ),
    "NaN": (b'{"attributes": {"PAY": {"rule": "number", "fill": NaN}}}', ["PAY: a fill"]),
    "null": (b"null", ["no plan"]),
    "a list": (b"[]", ["no plan"]),
    "no attributes": (b'{"about": "nothing"}', ["no plan"]),
    "a list of attributes": (b'{"attributes": [3]}', ["no plan"]),
    "nested": (b'{"attributes":' * 50_000, ["no plan"]),
    "not UTF-8": (b'{"attributes": {"\xff": 3}}', ["not UTF-8"]),
    "empty": (b"", ["line 1", "no plan"]),
}


def refused_in_a_line(output: str, words: list[str]) -> None:
    (line,) = [line for line in output.splitlines() if line.startswith("error")]
    assert all(word in line for word in words), line
    assert "Traceback" not in output


@pytest.mark.parametrize("fault", NO_PLANS)
def test_what_is_no_plan_is_refused_before_a_stage_runs(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    content, words = NO_PLANS[fault]
    plan = tmp_path / "mine.json"
    plan.write_bytes(content)
    folder = refreshed(deliver(tmp_path / "new"), base, "--plan", str(plan), code=2)
    refused_in_a_line(capsys.readouterr().err, ["mine.json", *words])
    assert not (folder / "run.json").exists()


@pytest.mark.parametrize("fault", NO_PLANS)
def test_what_is_no_plan_any_more_is_refused(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    content, words = NO_PLANS[fault]
    folder = shutil.copytree(base, tmp_path / "run")
    (folder / "plan.json").write_bytes(content)
    capsys.readouterr()
    with pytest.raises(SystemExit) as left:
        run([str(base.parent / "job.toml"), "--run-dir", str(folder)])
    assert left.value.code == 2
    refused_in_a_line(capsys.readouterr().err, ["plan.json", *words])
