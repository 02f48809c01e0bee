"""What the keys of [model] and compare.base decide, worked out anew from the files of a run."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, pairwise_distances_argmin
from sklearn.preprocessing import StandardScaler

from segment_lib.compare import compare_segments
from segment_lib.model import cross_fitted_gain, holdout_split
from tests.conftest import RunJob
from tests.generated import parts
from tests.people import customers_of, people, write_people

EXTRACTS = ("population", "customers")
ASIDE = {"population": 60, "customers": 40}
"""Rows of which nothing is known but the id."""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    population = people()
    unknown = pl.DataFrame({"LNR": range(1, 101)}, schema={"LNR": population.schema["LNR"]})
    aside = {"population": unknown.head(60), "customers": unknown.tail(40)}
    rows = {"population": population, "customers": customers_of(population)}
    extracts = (
        pl.concat([rows[name], aside[name]], how="diagonal").sort("LNR") for name in EXTRACTS
    )
    return write_people(tmp_path_factory.mktemp("people"), *extracts, parts=500)


@pytest.fixture(scope="module")
def three(config: Path, run_job: RunJob) -> Path:
    """A run of three segments."""
    return job(run_job, config, "three", "model.n_clusters=3", until="compare")


def job(run_job: RunJob, config: Path, name: str, *settings: str, until: str = "sweep") -> Path:
    folder = config.parent / name
    words = [word for setting in settings for word in ("--set", setting)]
    done = run_job("jobs.run", config, "--run-dir", folder, "--until", until, *words)
    assert done.returncode == 0, done.stderr
    return folder


def features(run: Path, extract: str = "population") -> np.ndarray:
    return parts(run, "features", extract).drop("row").to_numpy().astype(np.float64)


def scores(run: Path, extract: str) -> np.ndarray:
    arrays = np.load(run / "model/arrays.npz")
    scaled = (features(run, extract) - arrays["mean"]) / arrays["scale"]
    return scaled @ arrays["components"].T


def test_features_of_one_variance_and_a_share_give_what_scikit_learn_gives(
    config: Path, run_job: RunJob
) -> None:
    run = job(run_job, config, "feature", "model.scaling=feature", "model.n_components=0.85")
    scaled = StandardScaler().fit_transform(features(run))
    pca = PCA(0.85, svd_solver="full").fit(scaled)
    arrays = np.load(run / "model/arrays.npz")
    np.testing.assert_allclose(
        arrays["explained_variance_ratio"][: pca.n_components_],
        pca.explained_variance_ratio_,
        rtol=1e-6,
    )
    # Of eigenvectors that share a value only the space is unique, and of each the sign.
    ours = arrays["components"]
    assert ours.shape == pca.components_.shape
    np.testing.assert_allclose(ours.T @ ours, pca.components_.T @ pca.components_, atol=1e-4)
    for k, inertia in pl.read_csv(run / "model/sweep.csv").select("n_clusters", "inertia").rows():
        theirs = KMeans(k, n_init=20, random_state=0).fit(pca.transform(scaled))
        assert inertia == pytest.approx(theirs.inertia_, rel=1e-3)


def test_the_features_of_an_attribute_share_one_unit_of_variance(three: Path) -> None:
    arrays = np.load(three / "model/arrays.npz")
    names = json.loads((three / "model/model.json").read_text())["features"]
    variances: dict[str, float] = {}
    for name, variance in zip(names, (features(three) / arrays["scale"]).var(axis=0), strict=True):
        attribute = name.split("=")[0]
        variances[attribute] = variances.get(attribute, 0.0) + variance
    assert len(variances) < len(names)
    np.testing.assert_allclose(list(variances.values()), 1, rtol=1e-3)


def test_ten_components_are_kept_where_fewer_stand_out_from_chance(
    three: Path, config: Path, run_job: RunJob
) -> None:
    bare = job(run_job, config, "bare", "model.min_components=1", until="fit")
    facts = [
        json.loads((run / "run.json").read_text())["stages"]["fit"]["facts"]
        for run in (bare, three)
    ]
    arrays = np.load(three / "model/arrays.npz")
    scaled = features(three) / arrays["scale"]
    most = np.linalg.matrix_rank(scaled - scaled.mean(axis=0), tol=1e-3)
    assert [fact["n_components"] for fact in facts] == [facts[0]["n_above_chance"], min(10, most)]
    assert facts[0]["n_above_chance"] == facts[1]["n_above_chance"] < min(10, most)
    assert facts[1]["variance_needed"] == [0.0] * min(10, most)
    pca = PCA(min(10, most), svd_solver="full").fit(scaled)
    # Of eigenvectors that share a value only the space is unique, and of each the sign.
    assert arrays["components"].shape == pca.components_.shape
    ours = arrays["explained_variance_ratio"][: pca.n_components_]
    np.testing.assert_allclose(ours, pca.explained_variance_ratio_, rtol=1e-4)


def test_the_base_decides_whose_shares_are_index_100(
    three: Path, config: Path, run_job: RunJob
) -> None:
    whole = job(
        run_job, config, "all", "model.n_clusters=3", "compare.base=all", until="compare"
    )  # fmt: skip
    placed, everyone = (pl.read_csv(run / "compare/segments.csv") for run in (three, whole))
    counts = ["segment", "population_rows", "customer_rows"]
    assert placed.select(counts).equals(everyone.select(counts))
    n, m = (placed[name].sum() for name in counts[1:])
    assert placed.filter(segment=-1).select(counts[1:]).row(0) == tuple(ASIDE.values())
    for row, other in zip(placed.rows(named=True), everyone.rows(named=True), strict=True):
        assert other["drawn_index"] == pytest.approx(
            100 * (row["customer_rows"] / m) / (row["population_rows"] / n)
        )
        if row["segment"] >= 0:
            base = (m - ASIDE["customers"]) / m / ((n - ASIDE["population"]) / n)
            for name in ("index", "drawn_index"):
                assert other[name] == pytest.approx(row[name] * base)
    assert placed.filter(segment=-1).equals(everyone.filter(segment=-1))


def person_index(own: np.ndarray, customers: np.ndarray) -> np.ndarray:
    """The index of the cluster that each person lies in."""
    (n, m), k = (np.bincount(labels, minlength=3) for labels in (own, customers)), own
    return (100 * (np.maximum(m, 0.5) / m.sum()) / (n / n.sum()))[k]


def test_sensitivity_says_what_other_clusterings_would_have_said(three: Path) -> None:
    """All people are in the sample of a small population, so that they can be counted."""
    clusterings = [
        np.load(three / "model/arrays.npz")["cluster_centers"],
        *np.load(three / "model/reclusterings.npz")["cluster_centers"],
    ]
    assert len(clusterings) == 1 + 8
    labels, customers = (
        [pairwise_distances_argmin(scores(three, extract), centers) for centers in clusterings]
        for extract in EXTRACTS
    )
    rows = parts(three, "features", "customers")["row"].to_numpy()

    def verdicts(at: int) -> np.ndarray:
        """Of each person, by the segment it lies in and what the other clusterings say of that."""
        others = [
            person_index(own, theirs)
            for place, (own, theirs) in enumerate(zip(labels, customers, strict=True))
            if place != at
        ]
        table = compare_segments(
            {s: int((labels[at] == s).sum()) for s in range(3)},
            {s: int((customers[at] == s).sum()) for s in range(3)},
            reclustered={
                s: np.array([index[labels[at] == s].mean() for index in others]) for s in range(3)
            },
        )
        return table["verdict"].to_numpy()[labels[at]]

    sensitivity = pl.read_csv(three / "model/sensitivity.csv")
    assert sensitivity["clustering"].to_list() == list(range(1, 9))
    assert set(sensitivity["n_clusters"]) == {3}
    for at, row in enumerate(sensitivity.iter_rows(named=True), start=1):
        assert row["agreement"] == pytest.approx(adjusted_rand_score(labels[0], labels[at]))
        assert row["verdict_differs"] == pytest.approx((verdicts(0) != verdicts(at)).mean())
        quarter = holdout_split(rows, 0)
        gain = cross_fitted_gain(
            np.bincount(labels[at], minlength=3),
            np.array([np.bincount(customers[at][quarter == q], minlength=3) for q in (0, 1)]),
        )
        assert row["gain"] == pytest.approx(gain.share)


def test_more_than_twelve_segments_are_chosen_only_where_asked_for(
    config: Path, run_job: RunJob
) -> None:
    run = job(run_job, config, "many", "model.sweep=[2,14]")
    sweep = pl.read_csv(run / "model/sweep.csv")
    assert sweep["n_clusters"].to_list() == list(range(2, 15))
    assert sweep.filter("chosen")["n_clusters"].item() <= 12
    for name in ("stability", "found_again"):
        assert sweep.filter(sweep[name].is_null())["n_clusters"].to_list() == [13, 14]
    assert sweep["gain"].null_count() == 0
    asked = job(run_job, config, "asked", "model.sweep=[2,3]", "model.n_clusters=13")
    assert pl.read_csv(asked / "model/sweep.csv").filter("chosen")["n_clusters"].item() == 13
    begun = job(run_job, config, "begun", "model.sweep=[13,14]")
    assert pl.read_csv(begun / "model/sweep.csv").filter("chosen")["n_clusters"].item() >= 13
