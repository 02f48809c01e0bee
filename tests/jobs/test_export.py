"""Gains, target list and portable model of a run, as a user meets them; 20,000 people."""

import json
import stat
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnxruntime
import polars as pl
import pytest

from jobs.export import main
from segment_lib.hashing import in_first_half, row_hash
from segment_lib.run.record import with_checksum
from tests.commands import Command, in_process
from tests.conftest import ROOT, RunJob, hashes

N, M = 20_000, 8_000
CUSTOMERS_KNOWN = 3_000
FORMULA = '=HYPERLINK("http://x","y")'
# Known order by hand: that of the micro-segments.
MAILING = (
    "[mailing]\nranking = 'micro'\n"
    "cost_per_piece = 0.9\nmargin_per_order = 30.0\nbase_response_rate = 0.02\n"
)


def delivered(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, separator=";", infer_schema=False)


def config_of(folder: Path, more: str = "", parts: int = 6_000) -> Path:
    path = folder / f"job-{parts}{len(more)}.toml"
    path.write_text(
        '[inputs]\npopulation = "people.csv"\ncustomers = "buyers.csv"\n'
        f'feature_summary = "AZDIAS_Feature_Summary.csv"\nid_column = "LNR"\n{more}'
        f"[model]\nsweep = [5, 6]\n{MAILING}[run]\nrows_per_part = {parts}\n"
    )
    return path


@pytest.fixture(scope="module")
def folder(run_job: RunJob, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Extracts with ids; the first customers are people of the population, and one id a formula."""
    folder = tmp_path_factory.mktemp("extracts")
    made = run_job(
        "jobs.make_extracts", "--rows", N, "--customers", M, "--seed", 2, "--out", folder
    )
    assert made.returncode == 0, made.stderr
    people = delivered(folder / "Udacity_AZDIAS_Subset.csv")
    buyers = delivered(folder / "Udacity_CUSTOMERS_Subset.csv")
    ids = [f"P{row}" for row in range(N)]
    answered = np.where(np.arange(N) % 10 == 0, "1", "0").tolist()
    unknown = [cell if row % 4 else "" for row, cell in enumerate(answered)]
    people.with_columns(LNR=pl.Series(ids), RESPONSE=pl.Series(unknown)).with_columns(
        LNR=pl.when(pl.int_range(pl.len()) == 5).then(pl.lit(FORMULA)).otherwise("LNR")
    ).write_csv(folder / "people.csv", separator=";")
    bought = [f"P{6 + 3 * i}" if i < CUSTOMERS_KNOWN else f"C{i}" for i in range(M)]
    buyers.with_columns(LNR=pl.Series(bought)).write_csv(folder / "buyers.csv", separator=";")
    return folder


@pytest.fixture(scope="module")
def run(folder: Path, run_job: RunJob) -> Path:
    done = run_job(
        "jobs.run", config_of(folder, 'response = "RESPONSE"\n'), "--run-dir", folder / "run",
        "--until", "gains",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "held-out customers" in done.stderr
    return folder / "run"


@pytest.fixture
def export(run: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command within this process."""
    return in_process(main, run, capsys)


def parts(folder: Path) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(part) for part in sorted(folder.glob("*.parquet"))])


def everybody(run: Path) -> pl.DataFrame:
    """All of the population in the order of the list, by a sort in memory."""
    cells = pl.read_csv(run / "gains/micro.csv").select("micro_segment", place="rank")
    return (
        parts(run / "gains/population")
        .join(cells, on="micro_segment", how="left", maintain_order="left")
        .with_columns(hash=row_hash(np.arange(N), 0), id=parts(run / "raw/population")["LNR"])
        .sort("place", "hash")
    )


def test_counts_of_micro_segments_are_all_rows(run: Path) -> None:
    cells = pl.read_csv(run / "gains/micro.csv")
    assert cells["population_rows"].sum() == N
    assert cells["customer_rows"].sum() == M
    counted = parts(run / "gains/population")["micro_segment"].value_counts()
    sizes = cells.filter(pl.col("population_rows") > 0).select("micro_segment", "population_rows")
    assert dict(counted.iter_rows()) == dict(sizes.iter_rows())


def test_the_set_aside_are_a_micro_segment_of_their_own(run: Path) -> None:
    segments = parts(run / "segments/population")
    micro = parts(run / "gains/population")
    assert micro["row"].to_list() == list(range(N))
    assert ((segments["segment"] == -1) == (micro["micro_segment"] == -1)).all()
    assert (micro["micro_segment"] == -1).sum() > N / 20


def test_gains_by_segment_are_those_counted_by_hand(run: Path) -> None:
    people = parts(run / "segments/population")["segment"].to_numpy()
    buyers = parts(run / "segments/customers")["segment"].to_numpy()
    ranks = in_first_half(np.arange(M), 0)
    segments = np.unique(people)
    rows = np.array([(people == s).sum() for s in segments])
    ranking = np.array([(buyers[ranks] == s).sum() for s in segments])
    measured = np.array([(buyers[~ranks] == s).sum() for s in segments])
    order = np.argsort(-ranking / rows)
    mailed, reached = 0.2 * N, 0.0
    for s in order:
        taken = min(rows[s], mailed)
        reached += measured[s] * taken / rows[s]
        mailed -= taken
    gain = pl.read_csv(run / "gains/gains.csv").filter(depth=0.2, by="segment").row(0, named=True)
    assert gain["customers_reached"] == pytest.approx(reached / (~ranks).sum())
    assert gain["low"] < gain["customers_reached"] < gain["high"]


def test_micro_segments_reach_more_of_the_held_out_customers(run: Path) -> None:
    gains = pl.read_csv(run / "gains/gains.csv").filter(depth=0.2)
    reached = dict(gains.select("by", "customers_reached").iter_rows())
    assert reached["micro_segment"] > 1.1 * reached["segment"]


def test_the_depth_is_where_the_index_pays_for_a_piece(run: Path) -> None:
    """30 × 2 % per piece at the mean index: 0.9 takes one and a half times that."""
    depth = json.loads((run / "gains/depth.json").read_text())
    cells = pl.read_csv(run / "gains/micro.csv")
    people, index = cells["population_rows"], cells["micro_index"]
    pays = 1.5 * (people * index).sum() / people.sum()
    assert depth["break_even_index"] == pytest.approx(pays)
    cells = cells.filter(pl.col("micro_index") >= pays)
    assert depth["pieces"] == cells["population_rows"].sum()
    assert cells["depth"].max() == pytest.approx(depth["pieces"] / N)
    assert depth["recommended_depth"] == pytest.approx(depth["pieces"] / N)


def test_response_is_counted_where_it_is_known(run: Path) -> None:
    segments = parts(run / "segments/population")["segment"].to_numpy()
    rows = np.arange(N)
    known, answered = rows % 4 > 0, rows % 10 == 0
    for row in pl.read_csv(run / "gains/response.csv").rows(named=True):
        own = segments == row["segment"]
        assert row["extract"] == "population"
        assert row["rows"] == (own & known).sum()
        assert row["responses"] == (own & known & answered).sum()


def test_the_list_is_the_best_people_less_the_customers(run: Path, export, tmp_path: Path) -> None:
    best = everybody(run).head(N // 5)
    bought = set(parts(run / "raw/customers")["LNR"])
    kept = [name for name in best["id"] if name not in bought]
    done = export("--depth", "0.2")
    assert done.returncode == 0, done.stderr
    listed = pl.read_parquet(run / "export/targets.parquet")
    assert listed["id"].to_list() == kept
    assert listed["rank"].to_list() == list(range(1, len(kept) + 1))
    assert listed["micro_index"].is_sorted(descending=True)
    summary = json.loads((run / "export/targets.json").read_text())
    assert (summary["considered"], summary["listed"]) == (N // 5, len(kept))
    assert summary["known_customers_left_out"] == N // 5 - len(kept) > 0


def test_the_suppressed_are_left_out_and_counted(run: Path, export, tmp_path: Path) -> None:
    best = everybody(run).head(N // 5)
    bought = set(parts(run / "raw/customers")["LNR"])
    kept = [name for name in best["id"] if name not in bought]
    unlisted = everybody(run)["id"][-1]
    (tmp_path / "robinson.txt").write_text("\n".join([*kept[:40], unlisted, "NOBODY"]))
    done = export("--depth", "0.2", "--suppress", tmp_path / "robinson.txt", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "40 suppressed" in done.stderr
    assert pl.read_parquet(tmp_path / "targets.parquet")["id"].to_list() == kept[40:]
    summary = json.loads((tmp_path / "targets.json").read_text())
    assert summary["suppressed_left_out"] == 40
    assert (summary["suppressed_told"], summary["suppressed_not_in_population"]) == (42, 1)


def test_people_without_a_segment_are_left_out_of_a_list_on_demand(
    run: Path, export: Command, tmp_path: Path
) -> None:
    best = everybody(run).head(N // 5)
    bought = set(parts(run / "raw/customers")["LNR"])
    placed = best.filter(pl.col("micro_segment") >= 0)
    kept = [name for name in placed["id"] if name not in bought]
    done = export("--depth", "0.2", "--without-set-aside", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert pl.read_parquet(tmp_path / "targets.parquet")["id"].to_list() == kept
    summary = json.loads((tmp_path / "targets.json").read_text())
    without = summary["without_segment_left_out"]
    assert f", {without:,} without a segment" in done.stderr
    assert without + summary["known_customers_left_out"] + len(kept) == N // 5


def test_an_id_that_is_a_formula_is_made_safe_in_csv_alone(run: Path, export) -> None:
    assert export("--depth", "1").returncode == 0
    text = pl.read_csv(run / "export/targets.csv")
    table = pl.read_parquet(run / "export/targets.parquet")
    assert text.filter(id="'" + FORMULA).height == 1
    assert table.filter(id=FORMULA).height == 1
    assert text.drop("id").equals(table.drop("id").cast(text.drop("id").schema))


def test_the_same_bytes_with_any_threads_and_parts(
    run: Path, folder: Path, export, run_job: RunJob
) -> None:
    assert export("--depth", "0.3").returncode == 0
    before = {name: sha for name, sha in hashes(run).items() if name.startswith(("gains", "exp"))}
    assert export("--depth", "0.3", "--threads", "1").returncode == 0
    config = config_of(folder, 'response = "RESPONSE"\n')
    again = run_job("jobs.gains", config, "--run-dir", run, "--threads", "1")
    assert again.returncode == 0, again.stderr
    assert {k: v for k, v in hashes(run).items() if k.startswith(("gains", "exp"))} == before
    other = folder / "other"
    done = run_job(
        "jobs.run",
        config_of(folder, 'response = "RESPONSE"\n', 2_500),
        "--run-dir",
        other,
        "--until",
        "gains",
    )
    assert done.returncode == 0, done.stderr
    assert run_job("jobs.export", other, "--depth", "0.3").returncode == 0
    for name in ("gains/micro.csv", "gains/gains.csv", "export/targets.csv"):
        assert hashes(other)[name] == before[name]


def test_without_ids_rows_are_listed_and_customers_cannot_be_known(
    folder: Path, run_job: RunJob, tmp_path: Path
) -> None:
    config = config_of(folder, parts=7_000)
    run = tmp_path / "run"
    job = ["jobs.run", config, "--run-dir", run, "--until", "gains"]
    job += ["--set", 'inputs.extra_columns="carry"']
    done = run_job(*job, "--set", "inputs.id_column=")
    assert done.returncode == 0, done.stderr
    (tmp_path / "rows.txt").write_text("7\n8\n20000\n")
    done = run_job("jobs.export", run, "--depth", "1", "--suppress", tmp_path / "rows.txt")
    assert "cannot be known" in done.stderr
    summary = json.loads((run / "export/targets.json").read_text())
    assert (summary["listed"], summary["suppressed_left_out"]) == (N - 2, 2)
    assert summary["suppressed_not_in_population"] == 1
    assert summary["known_customers_left_out"] is None
    assert set(range(N)) - set(pl.read_csv(run / "export/targets.csv")["row"]) == {7, 8}
    # Named later, of the same rows: the list must know them.
    assert run_job(*job).returncode == 0
    assert run_job("jobs.export", run, "--depth", "1").returncode == 0
    summary = json.loads((run / "export/targets.json").read_text())
    assert summary["known_customers_left_out"] == CUSTOMERS_KNOWN


def test_nobody_else_can_read_a_list_and_nothing_is_left_beside_it(run: Path, export) -> None:
    left = run / "export/.export-killed"
    left.mkdir(parents=True, exist_ok=True)
    assert export("--depth", "0.01").returncode == 0
    names = ["targets.csv", "targets.json", "targets.parquet"]
    assert sorted(path.name for path in (run / "export").iterdir()) == names
    assert {stat.S_IMODE((run / "export" / name).stat().st_mode) for name in names} == {0o600}
    assert stat.S_IMODE((run / "export").stat().st_mode) == 0o700


@pytest.mark.parametrize("moved", [0, 1, 2])
def test_a_list_that_is_half_another_is_vouched_for_by_nothing(
    run: Path, tmp_path: Path, moved: int
) -> None:
    """The job is killed when so many of the files of a second list are in their places."""
    code = (
        "import os, signal, sys; from jobs import export\n"
        "calls, move = [], export.hand_over\n"
        "def hand_over(*paths):\n"
        "    if len(calls) < int(sys.argv[1]): calls.append(move(*paths))\n"
        "    if len(calls) == int(sys.argv[1]): os.kill(os.getpid(), signal.SIGKILL)\n"
        "export.hand_over = hand_over; export.main(sys.argv[2:])"
    )
    command = [sys.executable, "-c", code, moved, run, "--out", tmp_path, "--depth"]
    whole = [sys.executable, "-m", "jobs.export", run, "--out", tmp_path, "--depth"]
    files = ("targets.parquet", "targets.csv")
    for arguments, depth in ((whole, 0.1), (command, 0.2), (whole, 0.3)):
        subprocess.run(
            [*map(str, arguments), str(depth)], cwd=ROOT, capture_output=True, check=False
        )
        vouching = tmp_path / "targets.json"
        assert vouching.exists() == (arguments is whole)
        if arguments is whole:
            summary = json.loads(vouching.read_text())
            assert summary["depth"] == depth
            assert [summary[f"{name.replace('.', '_')}_sha256"] for name in files] == [
                sha256((tmp_path / name).read_bytes()).hexdigest() for name in files
            ]


@pytest.mark.parametrize("depth", ["0", "1.01", "-0.2", "nan", "20%"])
def test_a_wrong_depth_is_refused(export, depth: str) -> None:
    done = export(f"--depth={depth}")
    assert done.returncode == 2
    assert "a share above 0 and up to 1" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "say what to write"),
        (("--onnx", "m.onnx", "--suppress", "x"), "add --depth"),
        (("--depth", "0.2", "--suppress", "/nowhere/x"), "no such file"),
        (("--depth", "0.2", "--memory", "much"), "a size such as"),
    ],
)
def test_what_cannot_be_done_is_refused(export, options: tuple[str, ...], message: str) -> None:
    done = export(*options)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_budget_too_small_is_refused(export) -> None:
    done = export("--depth", "0.2", "--memory", "64MiB")
    assert done.returncode == 4


def test_a_run_that_is_not_there_or_not_finished_is_refused(
    run_job: RunJob, folder: Path, tmp_path: Path
) -> None:
    done = run_job("jobs.export", tmp_path / "none", "--depth", "0.2")
    assert (done.returncode, (tmp_path / "none").exists()) == (2, False)
    config = config_of(folder, parts=7_000)
    run_job("jobs.run", config, "--run-dir", tmp_path / "half", "--until", "assess")
    done = run_job("jobs.export", tmp_path / "half", "--depth", "0.2")
    assert done.returncode == 2
    assert "gains is not done" in done.stderr


def test_a_damaged_run_is_refused_and_the_old_list_stays(run: Path, export) -> None:
    assert export("--depth", "0.1").returncode == 0
    before = (run / "export/targets.csv").read_bytes()
    part = run / "gains/population/part-00001.parquet"
    content = part.read_bytes()
    part.write_bytes(content[:-20] + bytes(20))
    done = export("--depth", "0.2")
    part.write_bytes(content)
    assert done.returncode == 6
    assert "part-00001" in done.stderr
    assert (run / "export/targets.csv").read_bytes() == before


def test_a_list_larger_than_the_disk_ends_with_code_4(run: Path, tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)); "
        "from jobs.export import main; main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", code, run, "--depth", "1", "--out", tmp_path / "out"]
    done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 4, done.stderr
    assert list((tmp_path / "out").iterdir()) == []


def test_the_portable_model_gives_the_segments_of_the_run(
    run: Path, export, tmp_path: Path
) -> None:
    path = tmp_path / "model.onnx"
    done = export("--onnx", path)
    assert done.returncode == 0, done.stderr
    assert "of 9,999 rows" in done.stderr
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    session = onnxruntime.InferenceSession(path)
    names = json.loads(session.get_modelmeta().custom_metadata_map["features"])
    rows = parts(run / "features/population")
    assigned, distances, likeness = session.run(
        None, {"features": rows.select(names).to_numpy().astype("f4")}
    )
    expected = rows.select("row").join(parts(run / "segments/population"), on="row")
    assert (assigned == expected["segment"].to_numpy()).mean() > 0.9999
    assert distances == pytest.approx(expected["distance"].to_numpy(), rel=1e-4)
    # To half a bin of its logarithm, as the parts have it.
    binned = rows.select("row").join(parts(run / "gains/population"), on="row")["likeness"]
    assert likeness == pytest.approx(binned.to_numpy(), rel=0.008)


def test_a_model_that_disagrees_with_the_run_is_not_written(
    run: Path, export, tmp_path: Path
) -> None:
    """The centres of the run are exchanged, and run.json made to list the forged file."""
    path = run / "model/arrays.npz"
    content, manifest = path.read_bytes(), (run / "run.json").read_bytes()
    arrays = dict(np.load(path))
    np.savez(path, **arrays | {"cluster_centers": arrays["cluster_centers"][::-1]})
    listed, forged = hashes(run), json.loads(manifest)
    for file in forged["stages"]["sweep"]["files"]:
        file["sha256"] = listed[file["path"]]
    (run / "run.json").write_bytes(with_checksum(forged))
    done = export("--onnx", tmp_path / "model.onnx")
    path.write_bytes(content)
    (run / "run.json").write_bytes(manifest)
    assert done.returncode == 6
    assert "not written" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("column", "code", "message"),
    [
        ("NOWHERE", 3, "neither extract"),
        ("ANREDE_KZ", 2, "is an attribute"),
        ("LNR", 3, "other than 0, 1"),
    ],
)
def test_a_response_that_is_none_is_refused(
    folder: Path, run_job: RunJob, tmp_path: Path, column: str, code: int, message: str
) -> None:
    config = config_of(folder, f'response = "{column}"\n', parts=9_000)
    done = run_job("jobs.run", config, "--run-dir", tmp_path / "run", "--until", "gains")
    assert done.returncode == code
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error")]
    assert message in line
    assert "P1" not in line


def test_the_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    output = capsys.readouterr().out
    for word in ("--depth 0.2", "--suppress robinson.txt", "--onnx", "Exit codes"):
        assert word in output
