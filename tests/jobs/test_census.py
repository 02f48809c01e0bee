"""The whole job on real census rows, against scikit-learn."""

import json
from collections import Counter
from pathlib import Path

import dask.array as da
import numpy as np
import polars as pl
import pytest
import sklearn.cluster
import sklearn.decomposition
import sklearn.preprocessing

from segment_lib.model import KMeans, Projection
from tests.conftest import RunJob, hashes


@pytest.fixture(scope="module")
def run(census_config: Path, run_job: RunJob, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "census"
    done = run_job("jobs.run", census_config, "--run-dir", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def features(run: Path) -> np.ndarray:
    names = json.loads((run / "model/model.json").read_text())["features"]
    parts = sorted((run / "features/population").glob("*.parquet"))
    return np.concatenate([pl.read_parquet(p).select(names).to_numpy() for p in parts])


@pytest.fixture(scope="module")
def projection(run: Path) -> Projection:
    with np.load(run / "model/arrays.npz", allow_pickle=False) as arrays:
        return Projection.from_arrays(dict(arrays))


def test_every_person_is_accounted_for(run: Path) -> None:
    segments = pl.read_csv(run / "compare/segments.csv")
    assert segments["population_rows"].sum() == 32_561
    assert segments["customer_rows"].sum() == 7_841


def test_the_best_segment_has_an_index_of_150_or_more(run: Path) -> None:
    segments = pl.read_csv(run / "compare/segments.csv")
    best = segments.sort("index", descending=True).row(0, named=True)
    assert best["index"] >= 150
    assert best["verdict"] == "over"


def test_explained_variance_is_that_of_scikit_learn(
    run: Path, features: np.ndarray, projection: Projection
) -> None:
    scaled = sklearn.preprocessing.StandardScaler().fit_transform(features.astype(np.float64))
    names = json.loads((run / "model/model.json").read_text())["features"]
    attributes = [name.split("=")[0] for name in names]
    vary = Counter(
        name for name, spread in zip(attributes, scaled.std(axis=0), strict=True) if spread
    )
    scaled /= np.sqrt([vary[name] or 1 for name in attributes])
    expected = sklearn.decomposition.PCA().fit(scaled).explained_variance_ratio_
    ratio = projection.pca.explained_variance_ratio_
    np.testing.assert_allclose(ratio, expected[: len(ratio)], rtol=1e-4)


def test_from_the_same_centres_clusters_are_those_of_scikit_learn(
    features: np.ndarray, projection: Projection
) -> None:
    scores = projection.transform(features)
    start = scores[np.random.default_rng(0).choice(len(scores), 8, replace=False)]
    ours = KMeans(8, init=start).fit(da.from_array(scores, chunks=(5_000, -1)))
    theirs = sklearn.cluster.KMeans(8, init=start, n_init=1).fit(scores)
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-4)
    assert (ours.labels_.compute() == theirs.labels_).mean() >= 0.999


def test_assigned_segments_are_the_nearest_centres(
    run: Path, features: np.ndarray, projection: Projection
) -> None:
    with np.load(run / "model/arrays.npz", allow_pickle=False) as arrays:
        centers = arrays["cluster_centers"]
    scores = projection.transform(features).astype(np.float64)
    distances = ((scores[:, None] - centers[None]) ** 2).sum(axis=2)
    parts = sorted((run / "segments/population").glob("*.parquet"))
    assigned = pl.concat([pl.read_parquet(part) for part in parts])
    assert assigned["row"].to_list() == list(range(32_561))
    assert (assigned["segment"].to_numpy() == distances.argmin(axis=1)).mean() > 0.9999
    np.testing.assert_allclose(
        assigned["distance"].to_numpy(), np.sqrt(distances.min(axis=1)), rtol=1e-3
    )


def test_inertia_in_the_model_is_the_sum_of_squared_distances(run: Path) -> None:
    parts = sorted((run / "segments/population").glob("*.parquet"))
    distances = pl.concat([pl.read_parquet(part) for part in parts])["distance"].cast(pl.Float64)
    inertia = json.loads((run / "model/model.json").read_text())["inertia"]
    assert inertia == pytest.approx((distances**2).sum(), rel=1e-5)


def test_profile_shares_are_those_counted_by_hand(run: Path, real_data: Path) -> None:
    people = pl.read_csv(real_data / "adult/adult_population.csv", separator=";")
    parts = sorted((run / "segments/population").glob("*.parquet"))
    segments = pl.concat([pl.read_parquet(part) for part in parts])["segment"]
    in_first = people.filter(segments == 0)["sex"]
    profile = pl.read_parquet(run / "compare/profile.parquet")
    row = profile.filter(segment=0, attribute="sex", level="Female").row(0, named=True)
    assert row["population_rows"] == (in_first == "Female").sum()
    assert row["segment_share"] == pytest.approx((in_first == "Female").mean())
    assert row["population_share"] == pytest.approx((people["sex"] == "Female").mean())


@pytest.mark.parametrize("rows_per_part", [5_000, 1_000_000])
def test_the_answer_does_not_depend_on_the_size_of_parts(
    rows_per_part: int, run: Path, census_config: Path, run_job: RunJob, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    wanted = f"run.rows_per_part={rows_per_part}"
    done = run_job(
        "jobs.run", census_config, "--run-dir", again, "--set", wanted, "--until", "compare"
    )
    assert done.returncode == 0, done.stderr
    here, there = (pl.read_csv(folder / "compare/segments.csv") for folder in (run, again))
    assert (here["population_rows"] - there["population_rows"]).abs().max() <= 32
    assert (here["index"] - there["index"]).abs().max() <= 1


def test_files_are_the_same_to_the_byte_for_one_thread_and_two(
    census_config: Path, run_job: RunJob, tmp_path: Path
) -> None:
    digests = []
    for threads in (1, 2):
        folder = tmp_path / str(threads) / "census"
        done = run_job(
            "jobs.run", census_config, "--run-dir", folder, "--threads", threads,
            "--set", "run.rows_per_part=5_000", "--set", "model.sweep=[3, 4]",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        digests.append(hashes(folder))
    assert len(digests[0]) > 40
    assert digests[0] == digests[1]


def test_a_second_run_does_no_stage_again(run: Path, census_config: Path, run_job: RunJob) -> None:
    before = (run / "run.json").read_bytes()
    done = run_job("jobs.run", census_config, "--run-dir", run)
    assert done.returncode == 0
    assert done.stderr.count("done before") == 9
    assert (run / "run.json").read_bytes() == before
