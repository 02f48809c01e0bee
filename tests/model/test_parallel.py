"""Parallel analysis: planted factors are counted, chance and the blocks themselves are not."""

import numpy as np
import pytest

from segment_lib.errors import ConfigError
from segment_lib.model import IncrementalPCA, StandardScaler


def factors(n_factors: int, n: int = 4000, width: int = 30, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    loadings = np.zeros((n_factors, width))
    for factor in range(n_factors):
        loadings[factor, factor::n_factors] = 0.7
    return np.asarray(rng.normal(size=(n, n_factors)) @ loadings + rng.normal(size=(n, width)))


def dummies(n: int = 4000, attributes: int = 8, levels: int = 5) -> tuple[np.ndarray, list[int]]:
    """One-hot columns of attributes that are independent of each other."""
    codes = np.random.default_rng(1).integers(0, levels, (n, attributes))
    rows = (codes[:, :, None] == np.arange(levels)).reshape(n, -1)
    return rows.astype(np.float32), [a for a in range(attributes) for _ in range(levels)]


def kept(X: np.ndarray, blocks=None) -> int:
    scaler = StandardScaler(blocks=blocks).fit(X)
    return IncrementalPCA("parallel", blocks=blocks).fit(scaler.transform(X)).n_components_


@pytest.mark.parametrize("n_factors", [1, 2, 3, 5])
def test_planted_factors_are_counted(n_factors):
    assert kept(factors(n_factors)) == n_factors


def test_as_many_as_by_horns_own_simulation_with_columns_shuffled():
    X = np.random.default_rng(2).normal(size=(300, 20)) + factors(3, 300, 20, seed=3) * 0.6
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    rng = np.random.default_rng(4)
    shuffled = [
        np.linalg.eigvalsh(np.cov(rng.permuted(scaled, axis=0), rowvar=False))[::-1]
        for _ in range(200)
    ]
    own = np.linalg.eigvalsh(np.cov(scaled, rowvar=False))[::-1]
    above = own > np.quantile(shuffled, 0.95, axis=0)
    assert kept(X) == int(above.cumprod().sum())


def test_columns_that_share_nothing_leave_one_component_that_does_not_stand_out():
    X = np.random.default_rng(0).normal(size=(500, 40))
    scaled = StandardScaler().fit_transform(X)
    pca = IncrementalPCA("parallel").fit(scaled)
    assert (pca.n_components_, pca.n_above_chance_) == (1, 0)
    assert IncrementalPCA("parallel").fit(factors(2)).n_above_chance_ == 2
    assert IncrementalPCA(3).fit(scaled).n_above_chance_ == 3


def test_never_fewer_are_kept_than_the_least_number_as_far_as_there_are_so_many():
    rows = StandardScaler().fit_transform(factors(2))
    bare = IncrementalPCA("parallel").fit(rows)
    for least in (1, 2, 3, 10, 30, 99):
        pca = IncrementalPCA("parallel", min_components=least).fit(rows)
        assert pca.n_components_ == max(2, min(least, 30))
        np.testing.assert_array_equal(
            pca.components_, IncrementalPCA(30).fit(rows).components_[: pca.n_components_]
        )
        # Chance decides beyond the least number alone, in halves of the rows too.
        assert (pca.variance_needed_[:least] == 0).all()
        np.testing.assert_array_equal(pca.variance_needed_[least:], bare.variance_needed_[least:])


def test_components_without_variance_are_not_kept_for_the_number():
    X = factors(2, width=4)
    rows = np.hstack([X, X[:, :2] - X[:, 2:], np.ones((len(X), 3))])
    assert np.linalg.matrix_rank(rows - rows.mean(axis=0)) == 4
    assert IncrementalPCA("parallel", min_components=10).fit(rows).n_components_ == 4
    few = factors(2, n=6, width=40)
    assert IncrementalPCA("parallel", min_components=10).fit(few).n_components_ == 5


def test_the_least_number_does_not_make_chance_stand_out():
    X = np.random.default_rng(0).normal(size=(500, 40))
    pca = IncrementalPCA("parallel", min_components=10).fit(StandardScaler().fit_transform(X))
    assert (pca.n_components_, pca.n_above_chance_) == (10, 0)


def test_the_least_number_has_no_say_over_a_number_or_a_share():
    assert IncrementalPCA(3, min_components=10).fit(factors(2)).n_components_ == 3
    share = IncrementalPCA(0.3, min_components=10).fit(factors(2))
    assert share.n_components_ == IncrementalPCA(0.3).fit(factors(2)).n_components_ < 10


def test_dummies_of_independent_attributes_tell_nothing_where_they_are_a_block():
    rows, blocks = dummies()
    assert kept(rows, blocks) == 1


def test_as_many_as_by_simulation_with_whole_attributes_shuffled():
    rng = np.random.default_rng(5)
    latent = factors(2, 4000, 8, seed=6)
    codes = (latent[:, :, None] > np.quantile(latent, [0.2, 0.4, 0.6, 0.8], axis=0).T).sum(axis=2)
    rows = (codes[:, :, None] == np.arange(5)).reshape(len(codes), -1).astype(np.float32)
    scaled = (rows - rows.mean(axis=0)) / rows.std(axis=0) / 5**0.5
    shuffled = []
    for _ in range(100):
        apart = [scaled[rng.permutation(len(rows)), i : i + 5] for i in range(0, 40, 5)]
        shuffled.append(np.linalg.eigvalsh(np.cov(np.hstack(apart), rowvar=False))[::-1])
    own = np.linalg.eigvalsh(np.cov(scaled, rowvar=False))[::-1]
    expected = int((own > np.quantile(shuffled, 0.95, axis=0)).cumprod().sum())
    assert expected >= 2
    assert abs(kept(rows, [i // 5 for i in range(40)]) - expected) <= 1


def test_fewer_rows_than_columns_are_no_failure():
    assert 1 <= kept(factors(2, n=20, width=40)) < 20


def test_constant_columns_change_nothing():
    X = factors(2)
    assert kept(np.hstack([X, np.ones((len(X), 3))])) == 2


def test_the_answer_has_no_seed():
    assert len({kept(factors(3, n=200)) for _ in range(3)}) == 1


def test_a_word_that_is_no_rule_is_refused():
    with pytest.raises(ConfigError, match="parallel"):
        IncrementalPCA("horn").fit(factors(1))
