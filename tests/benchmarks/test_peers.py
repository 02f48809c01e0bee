"""The peers do the work they are measured at: on a small delivery, against ours."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.cluster import KMeans

from benchmarks.bench import Bench, model, whole
from benchmarks.measure import measure
from benchmarks.ours import Delivery, inertias, python, succeed
from benchmarks.output import Output, parse_output
from benchmarks.peers.parts import exact_inertia, open_features

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    """4,000 people and their part of customers; small parts, so that there are several."""
    home = tmp_path_factory.mktemp("bench")
    config = home / "small.toml"
    shipped = (ROOT / "config/azdias.toml").read_text()
    shipped = shipped.replace("sweep = [2, 20]", "sweep = [2, 4]")
    config.write_text(shipped.replace("rows_per_part = 100_000", "rows_per_part = 1_000"))
    made = Delivery(config, home / "data", 4_000)
    made.make()
    return made


@pytest.fixture(scope="module")
def run(delivery: Delivery) -> Path:
    folder = delivery.folder.with_name("run")
    delivery.job(folder, "--until", "sweep")
    return folder


def output_of(module: str, *arguments: object) -> Output:
    return parse_output(succeed(measure(python(module, *map(str, arguments)), cwd=ROOT)).stdout)


def notebook(delivery: Delivery, plan: Path, *options: object) -> Output:
    given = [delivery.config, "--plan", plan, *delivery.settings, *options]
    return output_of("benchmarks.peers.notebook", *given)


def test_the_notebooks_features_are_ours(delivery: Delivery, run: Path) -> None:
    facts = notebook(delivery, run / "plan.json", "--compare", run).facts
    assert facts["features_equal"] is True
    assert facts["rows"] + facts["set_aside"][0] == 4_000


def test_other_features_are_seen_to_be_others(
    delivery: Delivery, run: Path, tmp_path: Path
) -> None:
    plan = json.loads((run / "plan.json").read_text())
    plan["attributes"]["W_KEIT_KIND_HH"]["fill"] = 0.5
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    facts = notebook(delivery, tmp_path / "plan.json", "--compare", run).facts
    assert facts["features_equal"] is False


def test_the_notebook_fits_every_number_of_clusters(delivery: Delivery, run: Path) -> None:
    output = notebook(delivery, run / "plan.json", "--n-clusters", 3)
    assert set(output.fits) == {2, 3, 4} == set(inertias(run))
    assert len(output.facts["index"]) == 3
    for k, ours in inertias(run).items():
        assert ours == pytest.approx(output.fits[k]["inertia"], rel=0.05)


@pytest.mark.parametrize("peer", ["dask_ml_raw", "sklearn_partial"])
def test_a_peer_of_the_model_part_clusters_the_same_rows(run: Path, peer: str) -> None:
    components = json.loads((run / "model/model.json").read_text())["n_components"]
    given = ("--n-components", components, "--fits", "2,3")
    output = output_of(f"benchmarks.peers.{peer}", run, *given)
    assert output.facts["rows"] == sum(open_features(run).rows)
    assert output.facts["explained"] == pytest.approx(0.85, abs=0.02)
    for k, fit in output.fits.items():
        assert fit["inertia"] == pytest.approx(inertias(run)[k], rel=0.1)


def test_inertia_is_that_of_scikit_learn() -> None:
    rows = np.random.default_rng(0).normal(size=(20_000, 3)).astype(np.float32)
    fitted = KMeans(4, n_init=1, random_state=0).fit(rows)
    assert exact_inertia(rows, fitted.cluster_centers_) == pytest.approx(fitted.inertia_, rel=1e-5)


def test_the_whole_job_is_compared_with_the_notebook(delivery: Delivery) -> None:
    bench = Bench(delivery, delivery.folder.with_name("runs"), repeats=1, fits=(2,))
    (section,) = whole(bench)
    ours, _, default, its = section.sides[:4]
    assert its.note.endswith("equal to ours value by value")
    assert [len(side.repeats) for side in section.sides] == [1] * 6
    assert set(ours.inertia) == set(its.inertia) == {2, 3, 4}
    components = [int(side.note.split()[-2]) for side in (ours, default)]
    assert components[1] < components[0]
    assert len(section.claims) == 4


def test_a_peer_that_is_not_installed_is_reported(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.bench._MODEL_PEERS", {"nobody": ("benchmarks.nobody", "all")})
    bench = Bench(delivery, delivery.folder.with_name("runs"), repeats=1, fits=(2,))
    (section,) = model(bench)
    assert section.sides[1].repeats == ()
    assert "No module named benchmarks.nobody" in section.sides[1].note
