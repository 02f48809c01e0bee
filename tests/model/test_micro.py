"""Micro-segments: found, cut along the way to the customers, the same for any parts."""

import numpy as np
import pytest

from segment_lib.errors import IntegrityError
from segment_lib.model import (
    IncrementalPCA,
    MicroClusters,
    MicroModel,
    Projection,
    StandardScaler,
)
from segment_lib.model.micro import _shared_difference
from segment_lib.model.quality import ClusterSums

N = 6000


def plain(n_features: int) -> Projection:
    """A projection that changes nothing."""
    return Projection(
        StandardScaler.from_arrays(*np.repeat([[0.0], [1.0], [1.0]], n_features, axis=1)),
        IncrementalPCA.from_arrays(np.eye(n_features), np.full(n_features, 1 / n_features)),
    )


@pytest.fixture(scope="module")
def people() -> np.ndarray:
    """Three groups along the first score, alike along the others."""
    draw = np.random.default_rng(5)
    rows = draw.normal(size=(N, 4)) * [0.5, 1, 0.7, 0.5]
    rows[:, 0] += np.repeat([-8, 0, 8], N // 3)
    return draw.permutation(rows - rows.mean(axis=0)).astype(np.float32)


def fitted(people: np.ndarray, customers: np.ndarray, n_micro: int = 27) -> MicroModel:
    clusters = MicroClusters.fit(plain(people.shape[1]), people, n_micro=n_micro)
    return MicroModel.fit(clusters, people, clusters.tally(people), clusters.tally(customers))


def test_there_are_three_times_as_many_clusters_as_slices(people: np.ndarray) -> None:
    model = fitted(people, people[:500], 48)
    assert (len(model.contrasts), model.clusters.n_slices, model.n_micro) == (12, 4, 48)
    assert set(model.predict(people)) == set(range(48))


def test_few_people_get_fewer_micro_segments(people: np.ndarray) -> None:
    assert fitted(people[:100], people[:50], 300).n_micro <= 4
    assert fitted(people[:10], people[:5], 300).n_micro == 1


def test_people_all_alike_are_one_cluster() -> None:
    alike = np.zeros((500, 3), dtype=np.float32)
    assert set(fitted(alike, alike[:50]).predict(alike)) == {0}


def test_slices_rise_along_a_planted_shift(people: np.ndarray) -> None:
    """Customers have more of the second score in every group: the last slice holds the most."""
    chance = np.exp(people[:, 1].astype(float))
    drawn = np.random.default_rng(1).random(N) < chance / chance.max()
    model = fitted(people, people[drawn], 27)
    slices = model.predict(people) % model.clusters.n_slices
    rates = [drawn[slices == i].mean() for i in range(model.clusters.n_slices)]
    assert rates == sorted(rates)
    assert rates[-1] > 3 * rates[0]
    directions = model.contrasts / np.linalg.norm(model.contrasts, axis=1, keepdims=True)
    assert (directions[:, 1] > 0.85).all()


def test_slices_of_a_cluster_hold_equal_numbers(people: np.ndarray) -> None:
    model = fitted(people, people[people[:, 1] > 0])
    micro = model.predict(people)
    for cluster in range(len(model.contrasts)):
        first = cluster * model.clusters.n_slices
        rows = np.bincount(micro, minlength=model.n_micro)[first : first + model.clusters.n_slices]
        assert rows.max() - rows.min() <= 2


def test_without_customers_there_is_no_direction(people: np.ndarray) -> None:
    model = fitted(people, people[:0])
    assert not model.contrasts.any()
    assert np.isfinite(model.cuts).all()


def test_contrasts_are_those_of_fisher_where_there_is_one_cluster(people: np.ndarray) -> None:
    customers = people[people[:, 1] > 0.5]
    model = fitted(people, customers, 1)
    expected = (customers.mean(axis=0) - people.mean(axis=0)) * model.clusters.weights
    expected = expected / (people * model.clusters.weights).var(axis=0)
    assert model.contrasts[0] == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_components_without_spread_change_no_direction() -> None:
    draw = np.random.default_rng(2)
    apart, sure, within = draw.normal(size=(6, 5)), draw.uniform(5, 50, 6), draw.uniform(1, 2, 5)
    shared = _shared_difference(apart, sure, within)
    dead = np.column_stack([apart, np.zeros((6, 7))])
    with_dead = _shared_difference(dead, sure, np.append(within, np.full(7, np.inf)))
    assert shared.std(axis=0).min() > 0
    np.testing.assert_allclose(with_dead[:, :5], shared)


@pytest.mark.parametrize("size", [1, 7, 1000, N])
def test_any_parts_give_the_answer_of_one(people: np.ndarray, size: int) -> None:
    customers = people[people[:, 1] > 0.5]
    clusters = MicroClusters.fit(plain(4), people, n_micro=27)
    blocks = [people[i : i + size] for i in range(0, N, size)]
    sums = clusters.tally(blocks[0])
    for block in blocks[1:]:
        sums = sums + clusters.tally(block)
    whole = clusters.tally(people)
    assert sums.counts.tolist() == whole.counts.tolist()
    model = MicroModel.fit(clusters, people, sums, clusters.tally(customers))
    one = MicroModel.fit(clusters, people, whole, clusters.tally(customers))
    assert model.contrasts == pytest.approx(one.contrasts, rel=1e-5)
    apart = np.concatenate([one.predict(block) for block in blocks]) != one.predict(people)
    assert apart.sum() == 0


def test_arrays_come_back(people: np.ndarray) -> None:
    model = fitted(people, people[:900])
    again = MicroModel.from_arrays(plain(4), model.arrays())
    assert (again.predict(people) == model.predict(people)).all()


@pytest.mark.parametrize("name", ["weights", "centers", "contrasts", "cuts"])
def test_arrays_that_do_not_fit_are_refused(people: np.ndarray, name: str) -> None:
    arrays = fitted(people, people[:900]).arrays()
    with pytest.raises(IntegrityError):
        MicroModel.from_arrays(plain(4), arrays | {name: arrays[name][:-1]})
    with pytest.raises(IntegrityError):
        MicroModel.from_arrays(plain(4), {k: v for k, v in arrays.items() if k != name})


def test_sums_of_nobody_are_sums() -> None:
    clusters = MicroClusters.fit(plain(2), np.eye(2, dtype=np.float32), n_micro=3)
    sums = clusters.tally(np.empty((0, 2), dtype=np.float32))
    assert isinstance(sums, ClusterSums)
    assert sums.counts.sum() == 0
