"""The history of runs, from the folders alone."""

from pathlib import Path

import polars as pl
import pytest

from jobs.history import PastRun, lines_of, main
from segment_lib.run.manifest import Manifest
from segment_lib.run.record import FORMAT, StageRecord, with_checksum
from segment_lib.run.results import Drifted, Ingested, Result, Swept
from segment_lib.schema.language import sentence
from segment_lib.storage.files import write_file


def make_run(
    root: Path,
    index: float,
    date: str,
    base: str | None = None,
    customers: tuple[int, int, int] = (24, 60, 20),
) -> None:
    """A finished run, as far as the history reads it."""
    manifest = Manifest(root)
    root.mkdir()
    notes = {"base": {"run": base, "model": "0"}} if base else {}
    manifest.describe(config={}, **notes)
    manifest.about["date"] = date
    work = manifest.folder.begin("compare", "mark")
    table = pl.DataFrame(
        {
            "segment": [-1, 0, 1],
            "population_rows": [100, 400, 500],
            "population_share": [0.1, 4 / 9, 5 / 9],
            "customer_rows": customers,
            "customer_share": [0.2, 0.75, 0.25],
            "index": [240.0, index, 50.0],
            "verdict": ["over", "over", "under"],
        }
    )
    names = pl.DataFrame({"segment": [-1, 0, 1], "name": ["aside", "Savers", "Movers"]})
    files = tuple(
        write_file(work, f"compare/{name}.csv", frame.write_csv().encode())
        for name, frame in (("segments", table), ("names", names))
    )
    results: list[Result] = [
        Ingested(1000, 93, "", "", "once", {}),
        Swept(2, sentence("asked for"), 2),
    ]
    if base:
        findings = (sentence("segment 0 went from 1% to 2%"),)
        reason = sentence("asked for")
        results.append(Drifted(base, "apply", reason, findings, (), (), distances={}))
    for result in results:
        manifest.stages[result.stage] = StageRecord("", (), facts=result.as_json())
    manifest.publish("compare", work, StageRecord("", files), following=())


def test_each_run_has_a_line_and_a_line_of_runs_a_chart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run(tmp_path / "second", 300.0, "2027-11-01T00:00:00Z", base="first")
    make_run(tmp_path / "first", 310.0, "2026-11-01T00:00:00Z")
    with pytest.raises(SystemExit) as left:
        main([str(tmp_path)])
    assert left.value.code == 0
    header, first, second, *_ = capsys.readouterr().out.splitlines()
    assert header.split()[:4] == ["run", "date", "rows", "k"]
    assert first.split()[:4] == ["first", "2026-11-01", "1,000", "2"]
    assert "0 (310), 1 (50)" in first
    assert second.endswith("1 finding; apply from first")
    assert (tmp_path / "history-first.svg").read_text().startswith("<svg")


def test_of_segments_of_too_few_people_no_index_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run(tmp_path / "first", 310.0, "2026-11-01T00:00:00Z", customers=(24, 60, 9))
    make_run(tmp_path / "second", 310.0, "2027-11-01T00:00:00Z", base="first")
    with pytest.raises(SystemExit):
        main([str(tmp_path)])
    output = capsys.readouterr()
    _, first, second, *_ = output.out.splitlines()
    assert "(" not in first
    assert "0 (310), 1 (50)" in second
    assert (tmp_path / "history-first.svg").read_text().startswith("<svg")


def test_runs_of_another_format_and_unfinished_ones_are_named_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run(tmp_path / "good", 300.0, "2027-11-01T00:00:00Z")
    for name, version in (("old", FORMAT - 1), ("half", FORMAT)):
        (tmp_path / name).mkdir()
        record = {"format_version": version, "stages": {}, "notes": {}}
        (tmp_path / name / "run.json").write_bytes(with_checksum(record))
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn/run.json").write_text('{"format_version": 2, "stag')
    with pytest.raises(SystemExit) as left:
        main([str(tmp_path)])
    assert left.value.code == 0
    output = capsys.readouterr()
    assert f"old/run.json: format version {FORMAT - 1}" in output.err
    assert "torn/run.json: not a manifest" in output.err
    assert "half: not finished" in output.err
    assert "old" not in output.out


def test_a_folder_without_runs_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main([str(tmp_path)])
    assert left.value.code == 2
    assert "no finished run" in capsys.readouterr().err


def test_runs_go_back_to_the_first_of_their_line() -> None:
    def run(name: str, base: str | None) -> PastRun:
        return PastRun(name, "", base, 1, 2, pl.DataFrame(), None)

    runs = [run("a", None), run("b", "a"), run("c", "b"), run("x", "gone"), run("d", "a")]
    assert {first: [r.name for r in line] for first, line in lines_of(runs).items()} == {
        "a": ["a", "b", "c", "d"],
        "x": ["x"],
    }
