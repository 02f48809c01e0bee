"""The files: spelling, prefixes, processes, and what is left when writing fails."""

import errno
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest

from extracts import files as module
from extracts.figures import attributes
from extracts.files import DATA_DICTIONARY, FEATURE_SUMMARY, FILES, make_extracts
from extracts.population import BLOCK_ROWS
from segment_lib.errors import ConfigError, ResourceError

POPULATION = FILES["population"]
CUSTOMERS = FILES["customers"]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_four_files_have_their_delivered_names(tmp_path: Path) -> None:
    make_extracts(tmp_path, rows=10, customers=5, seed=0)
    assert set(files(tmp_path)) == {
        "AZDIAS_Feature_Summary.csv",
        "Data_Dictionary.md",
        "Udacity_AZDIAS_Subset.csv",
        "Udacity_CUSTOMERS_Subset.csv",
    }


def test_a_file_is_a_header_and_as_many_rows_as_asked_for(extracts: Path) -> None:
    header, *rows = (extracts / POPULATION).read_text().splitlines()
    assert header.split(";") == [attribute.name for attribute in attributes()]
    assert len(rows) == 60_000
    assert {row.count(";") for row in rows} == {84}


@pytest.mark.parametrize("rows", [0, 1, BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 1])
def test_any_number_of_rows_can_be_made(tmp_path: Path, rows: int) -> None:
    make_extracts(tmp_path, rows=rows, customers=0, seed=0)
    assert (tmp_path / POPULATION).read_bytes().count(b"\n") == rows + 1
    assert (tmp_path / CUSTOMERS).read_bytes().count(b"\n") == 1


def test_numbers_are_spelled_as_pandas_spells_the_published_types(extracts: Path) -> None:
    rows = pl.read_csv(extracts / POPULATION, separator=";", infer_schema=False)
    for attribute in attributes():
        spelled = rows[attribute.name]
        if attribute.kind == "int":
            assert spelled.null_count() == 0
            assert spelled.str.contains(r"^-?\d+$").all()
        elif attribute.kind == "float":
            assert spelled.drop_nulls().str.contains(r"^\d+\.0$").all()
    assert set(rows["OST_WEST_KZ"].drop_nulls()) == {"O", "W"}
    assert set(rows["CAMEO_DEUG_2015"].drop_nulls()) == {"X", *"123456789"}


@pytest.mark.parametrize("name", [POPULATION, CUSTOMERS])
def test_a_larger_extract_begins_with_the_smaller_one(
    tmp_path: Path, extracts: Path, name: str
) -> None:
    make_extracts(tmp_path, rows=10_000, customers=10_000, seed=3)
    assert (extracts / name).read_bytes().startswith((tmp_path / name).read_bytes())


def test_planted_segments_of_a_smaller_extract_are_those_of_the_larger(
    tmp_path: Path, extracts: Path
) -> None:
    make_extracts(tmp_path, rows=10_000, customers=100, seed=3, truth=True)
    few = pl.read_parquet(tmp_path / "population_truth.parquet")
    many = pl.read_parquet(extracts / "population_truth.parquet")
    assert many.height == 60_000
    assert few.equals(many.head(10_000))


def test_the_same_seed_gives_the_same_bytes_in_one_process_and_in_two(tmp_path: Path) -> None:
    for jobs in (1, 2):
        make_extracts(tmp_path / str(jobs), rows=20_000, customers=9_000, seed=5, jobs=jobs)
    assert files(tmp_path / "1") == files(tmp_path / "2")


def test_another_seed_gives_other_rows(tmp_path: Path) -> None:
    for seed in (0, 1):
        make_extracts(tmp_path / str(seed), rows=100, customers=0, seed=seed)
    assert files(tmp_path / "0")[POPULATION] != files(tmp_path / "1")[POPULATION]


def test_the_bytes_of_seed_0_stay_what_they_are(tmp_path: Path) -> None:
    make_extracts(tmp_path, rows=1000, customers=1000, seed=0)
    digest = sha256((tmp_path / POPULATION).read_bytes() + (tmp_path / CUSTOMERS).read_bytes())
    assert digest.hexdigest()[:16] == "bbdbc7502b0a667c"


def test_files_are_private_to_their_owner(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    make_extracts(folder, rows=10, customers=10, seed=0)
    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


def test_a_failure_half_way_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_extracts(tmp_path, rows=100, customers=10, seed=0)
    before = files(tmp_path)

    def full(file: str, written: int, asked: int) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    with pytest.raises(ResourceError, match="is full"):
        make_extracts(tmp_path, rows=200, customers=20, seed=1, truth=True, progress=full)
    assert files(tmp_path) == before


@pytest.mark.parametrize("fault", [{"rows": -1}, {"customers": -1}, {"seed": -1}, {"jobs": 0}])
def test_what_cannot_be_asked_for_is_said_by_name(tmp_path: Path, fault: dict[str, int]) -> None:
    asked = {"rows": 1, "customers": 1, "seed": 0, "jobs": 1} | fault
    with pytest.raises(ConfigError, match=next(iter(fault))):
        make_extracts(tmp_path, **asked)


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(ConfigError, match="Name another folder"):
        make_extracts(tmp_path / "taken", rows=1, customers=1, seed=0)


def test_progress_counts_rows_of_each_file(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    make_extracts(
        tmp_path,
        rows=10_000,
        customers=10,
        seed=0,
        progress=lambda file, written, asked: seen.append((file, written, asked)),
    )
    assert seen == [
        (POPULATION, BLOCK_ROWS, 10_000),
        (POPULATION, 10_000, 10_000),
        (CUSTOMERS, 10, 10),
    ]


def test_feature_summary_and_dictionary_do_not_depend_on_the_draw(tmp_path: Path) -> None:
    for seed in (0, 1):
        make_extracts(tmp_path / str(seed), rows=1, customers=1, seed=seed)
    for name in (FEATURE_SUMMARY, DATA_DICTIONARY):
        assert files(tmp_path / "0")[name] == files(tmp_path / "1")[name]


def test_spawned_processes_keep_to_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("POLARS_MAX_THREADS", raising=False)
    with module._one_thread_each():
        assert module.os.environ["OMP_NUM_THREADS"] == "1"
        assert module.os.environ["POLARS_MAX_THREADS"] == "1"
    assert module.os.environ["OMP_NUM_THREADS"] == "7"
    assert "POLARS_MAX_THREADS" not in module.os.environ
