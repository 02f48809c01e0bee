"""What the job says of data whose truth is known: planted segments, and no structure at all."""

import csv
import json
from hashlib import sha256
from pathlib import Path
from shutil import copytree

import numpy as np
import polars as pl
import pytest
from scipy.stats import chi2_contingency
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler

from segment_lib.model import held_out_gain, holdout_split
from segment_lib.run.artifacts import NAMES, TEXT_COLUMNS
from segment_lib.schema import known_meanings, known_phrases, read_feature_summary
from segment_lib.schema.language import Sentence
from segment_lib.storage.files import write_file
from segment_lib.storage.tables import read_table
from tests.conftest import RunJob
from tests.generated import FILES, delivered, parts, read_page, write_config

N, M = 40_000, 10_000
PLANTED = 12
SENSITIVE = ["NATIONALITAET_KZ", "ANREDE_KZ", "ALTERSKATEGORIE_GROB"]


@pytest.fixture(scope="module")
def extracts(run_job: RunJob, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extracts")
    made = run_job(
        "jobs.make_extracts",
        *("--rows", N, "--customers", M, "--seed", 3, "--out", folder, "--truth"),
    )
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="module")
def planted(extracts: Path, run_job: RunJob) -> Path:
    """A run with all defaults: the whole sweep, for the choice is part of what is tested."""
    config = write_config(extracts, extracts)
    done = run_job("jobs.run", config, "--run-dir", extracts / "run")
    assert done.returncode == 0, done.stderr
    return extracts / "run"


def truth(extracts: Path) -> pl.DataFrame:
    table = pl.read_parquet(extracts / "population_truth.parquet")
    return table.rename({"segment": "planted"}).with_columns(pl.col("planted").cast(pl.Int32))


# Planted segments


def test_planted_segments_are_recovered_as_by_scikit_learn_told_their_number(
    planted: Path, extracts: Path
) -> None:
    rows = parts(planted, "features").join(truth(extracts), on="row")
    ours = rows.select("row").join(parts(planted, "segments"), on="row", maintain_order="left")
    features = rows.drop("row", "planted").to_numpy().astype(np.float32)
    theirs = KMeans(PLANTED, n_init=10, random_state=0).fit_predict(
        StandardScaler().fit_transform(features)
    )
    agreement = adjusted_rand_score(rows["planted"], ours["segment"])
    assert agreement >= 0.8 * adjusted_rand_score(rows["planted"], theirs)


def planted_of(run: Path, extracts: Path) -> dict[int, int]:
    """The planted segment most people of a found one have, where more than half of them do."""
    people = parts(run, "segments").filter(pl.col("segment") >= 0).join(truth(extracts), on="row")
    counts = people.group_by("segment", "planted").len()
    most = counts.filter(pl.col("len") > pl.col("len").sum().over("segment") / 2)
    return dict(most.select("segment", "planted").iter_rows())


def planted_directions(extracts: Path) -> dict[tuple[int, str], float]:
    """How many standard deviations the codes of a scale lie above those of all, by planted segment.

    From the delivered file and the truth alone.
    """
    schema = read_feature_summary(extracts / "AZDIAS_Feature_Summary.csv")
    scales = [a for a in schema if a.type == "ordinal"]
    rows = delivered(extracts, "population").select(
        pl.when(~pl.col(a.name).is_in(list(a.missing)))
        .then(pl.col(a.name))
        .cast(pl.Float64)
        .alias(a.name)
        for a in scales
    )
    rows = rows.with_columns(truth(extracts)["planted"]).filter(pl.col("planted") >= 0)
    apart = rows.group_by("planted").agg(
        (pl.col(a.name).mean() - rows[a.name].mean()) / rows[a.name].std() for a in scales
    )
    return {
        (row["planted"], a.name): row[a.name]
        for row in apart.iter_rows(named=True)
        for a in scales
        if row[a.name] is not None
    }


def test_the_directions_of_planted_traits_are_told_right(planted: Path, extracts: Path) -> None:
    """Scales run both ways: in FINANZ_ and SEMIO_ 1 is the strongest, in ARBEIT the weakest."""
    apart, partner = planted_directions(extracts), planted_of(planted, extracts)
    read = 0
    for row in pl.read_csv(planted / "compare/traits.csv").iter_rows(named=True):
        far = apart.get((partner.get(row["segment"], -1), row["attribute"]), 0.0)
        if row["side"] == "level" or abs(far) < 0.8:
            continue
        assert row["side"] == ("low" if far < 0 else "high"), row["attribute"]
        phrase = known_phrases()[row["attribute"]].get("low" if far < 0 else "high")
        labels = list(known_meanings()[row["attribute"]].levels.values())
        end = labels[0] if far < 0 else labels[-1]
        assert row["words"] == phrase or f"“{end}”" in row["words"]
        assert row["effect"] > 0
        read += 1
    assert read > 50


def test_names_tell_planted_traits_the_right_way_round_and_no_two_alike(
    planted: Path, extracts: Path
) -> None:
    apart, partner = planted_directions(extracts), planted_of(planted, extracts)
    names = pl.read_csv(planted / "compare/names.csv")
    assert names["name"].n_unique() == names.height
    read = 0
    for row in names.filter(pl.col("segment") >= 0).iter_rows(named=True):
        assert not set(SENSITIVE) & set(row["attributes"].split(", "))
        for attribute in row["attributes"].split(", "):
            far = apart.get((partner.get(row["segment"], -1), attribute), 0.0)
            if abs(far) > 0.5:
                phrase = known_phrases()[attribute].get("low" if far < 0 else "high")
                assert phrase is not None
                assert phrase.lower() in row["name"].lower()
                read += 1
    assert read >= 10


def test_traits_are_those_of_the_raw_codes_counted_anew(planted: Path, extracts: Path) -> None:
    rows = delivered(extracts, "population").select("FINANZ_SPARER")
    segments = parts(planted, "segments").sort("row")["segment"]
    traits = pl.read_csv(planted / "compare/traits.csv", infer_schema_length=None)
    for row in traits.filter(pl.col("attribute") == "FINANZ_SPARER").iter_rows(named=True):
        codes = row["levels"].split(", ")
        inside = rows.filter(segments == row["segment"])["FINANZ_SPARER"]
        assert row["population_rows"] == inside.is_in(codes).sum()
        assert row["segment_share"] == pytest.approx(inside.is_in(codes).mean())
        assert row["population_share"] == pytest.approx(rows["FINANZ_SPARER"].is_in(codes).mean())


# The choice, and what it was made from


def test_the_gain_of_the_chosen_number_follows_from_the_files(planted: Path) -> None:
    chosen = pl.read_csv(planted / "model/sweep.csv").filter("chosen").row(0, named=True)
    people = parts(planted, "segments")["segment"]
    customers = parts(planted, "segments", "customers").sort("row")
    split = holdout_split(customers["row"].to_numpy(), 0)
    numbers = range(chosen["n_clusters"])
    counted = [
        np.array([(segments == s).sum() for s in numbers])
        for segments in (
            people.to_numpy(),
            *(customers["segment"].to_numpy()[split == q] for q in (0, 1)),
        )
    ]
    rows, first, second = counted
    gains = [held_out_gain(rows, *each) for each in ((first, second), (second, first))]
    assert np.mean([gain.share for gain in gains]) == pytest.approx(chosen["gain"])
    # Or the spread over the clusterings anew, where that is larger.
    spread = pl.read_csv(planted / "model/sensitivity.csv").filter(n_clusters=len(rows))["gain"]
    counting = np.linalg.norm([gain.error for gain in gains]) / 2
    assert chosen["gain_error"] >= counting * (1 - 1e-9)
    if len(spread) == 8:
        assert chosen["gain_error"] == pytest.approx(max(counting, spread.std()))


def test_the_chosen_number_is_that_of_the_rule(planted: Path) -> None:
    sweep = pl.read_csv(planted / "model/sweep.csv")
    fit = sweep.filter("stable" & pl.col("large"))
    best = fit.sort("gain", descending=True).row(0, named=True)
    tied = fit.filter(pl.col("gain") >= best["gain"] - best["gain_error"])
    assert sweep.filter("chosen")["n_clusters"].to_list() == [tied["n_clusters"].min()]


def test_stability_is_told_for_every_segment_of_every_number_to_choose_from(planted: Path) -> None:
    stability = pl.read_csv(planted / "model/stability.csv")
    sweep = pl.read_csv(planted / "model/sweep.csv")
    assert stability.group_by("n_clusters").len().sort("n_clusters").rows() == [
        (k, k) for k in sweep["n_clusters"] if k <= 12
    ]
    mean = stability.group_by("n_clusters", maintain_order=True).agg(
        (pl.col("stability") * pl.col("population_rows")).sum() / pl.col("population_rows").sum()
    )
    np.testing.assert_allclose(mean["stability"], sweep["stability"].drop_nulls())


def test_the_verdict_is_read_from_the_limits_for_all_segments(planted: Path) -> None:
    for row in pl.read_csv(planted / "compare/segments.csv").iter_rows(named=True):
        assert row["low"] <= row["index_low"] <= row["index"] <= row["index_high"] <= row["high"]
        expected = "over" if row["low"] > 100 else "under" if row["high"] < 100 else "average"
        assert row["verdict"] == expected
        assert row["drawn_low"] <= row["drawn_index"] <= row["drawn_high"]
        if row["segment"] >= 0:
            assert 0 <= row["stability"] <= 1
            assert row["found_again"] is (row["stability"] >= 0.75)


def test_the_table_for_a_spreadsheet_agrees_with_the_segments(planted: Path) -> None:
    with (planted / "compare/describe.csv").open(newline="", encoding="utf-8-sig") as file:
        described = {int(row["segment"]): row for row in csv.DictReader(file)}
    names = dict(pl.read_csv(planted / "compare/names.csv").select("segment", "name").iter_rows())
    for row in pl.read_csv(planted / "compare/segments.csv").iter_rows(named=True):
        described_row = described[row["segment"]]
        assert described_row["name"] == names[row["segment"]]
        if row["segment"] not in hidden_by_hand(planted):
            assert float(described_row["index"]) == pytest.approx(row["index"], abs=0.051)
            assert int(described_row["population_rows"]) == row["population_rows"]
            assert described_row["verdict"] == row["verdict"]
        else:
            assert (
                described_row["customer_rows"],
                described_row["index"],
                described_row["verdict"],
            ) == ("", "", "")


def hidden_by_hand(run: Path) -> set[int]:
    """Segments of under ten customers, and the next smallest until two of ten together are."""
    table = pl.read_csv(run / "compare/segments.csv").sort("customer_rows", "segment")
    assert table["population_rows"].min() >= 10
    counts = dict(table.select("segment", "customer_rows").iter_rows())
    hidden = {segment for segment, rows in counts.items() if rows < 10}
    rest = [segment for segment in counts if segment >= 0 and segment not in hidden]
    while hidden and (len(hidden) < 2 or sum(counts[s] for s in hidden) < 10):
        hidden.add(rest.pop(0))
    return hidden


def test_sensitive_attributes_are_shown_for_every_segment(planted: Path, extracts: Path) -> None:
    fairness = pl.read_csv(planted / "compare/fairness.csv")
    segments = pl.read_csv(planted / "compare/segments.csv")["segment"]
    assert fairness["attribute"].unique(maintain_order=True).to_list() == SENSITIVE
    assert set(fairness["segment"]) == set(segments)
    sex = delivered(extracts, "customers")["ANREDE_KZ"]
    best = parts(planted, "segments", "customers").sort("row")["segment"] == 0
    row = fairness.row(by_predicate=(pl.col("segment") == 0) & (pl.col("attribute") == "ANREDE_KZ")
                       & (pl.col("level") == 2), named=True)  # fmt: skip
    assert row["label"] == "female"
    assert row["customer_rows"] == (sex.filter(best) == "2").sum()
    level = fairness.filter(pl.col("attribute") == "ANREDE_KZ", pl.col("level") == 2)
    whole = level["customer_rows"].null_count() == 0
    share = row["customers_at_large"]
    assert share == (pytest.approx((sex == "2").mean()) if whole else None)


def test_groups_are_the_segments_together_and_no_verdicts_are_mixed(planted: Path) -> None:
    segments = pl.read_csv(planted / "compare/segments.csv")
    groups = pl.read_csv(planted / "compare/groups.csv").filter(pl.col("group") >= 0)
    listed = [[int(n) for n in str(row).split(", ")] for row in groups["segments"]]
    numbers = segments.filter(pl.col("segment") >= 0)["segment"].to_list()
    assert sorted(n for own in listed for n in own) == numbers
    assert 5 <= groups.height <= 9
    for own, row in zip(listed, groups.iter_rows(named=True), strict=True):
        members = segments.filter(pl.col("segment").is_in(own))
        assert row["group"] == min(own)
        for column in ("population_rows", "customer_rows", "population_share"):
            assert row[column] == pytest.approx(members[column].sum())
        assert members["verdict"].n_unique() == 1
        assert members["index"].min() * 0.99 <= row["index"] <= members["index"].max() * 1.01


def test_traits_of_groups_are_those_of_the_raw_codes_counted_anew(planted: Path) -> None:
    rows = delivered(planted.parent, "population").select("FINANZ_SPARER")
    segments = parts(planted, "segments").sort("row")["segment"]
    listed = dict(
        pl.read_csv(planted / "compare/groups.csv").select("group", "segments").iter_rows()
    )
    traits = pl.read_csv(planted / "compare/group_traits.csv", infer_schema_length=None)
    own = traits.filter(pl.col("attribute") == "FINANZ_SPARER", pl.col("segment") >= 0)
    for row in own.iter_rows(named=True):
        members = [int(n) for n in str(listed[row["segment"]]).split(", ")]
        inside = rows.filter(segments.is_in(members))["FINANZ_SPARER"]
        assert row["population_rows"] == inside.is_in(row["levels"].split(", ")).sum()


def test_sensitive_attributes_describe_people_only_where_the_config_allows(
    planted: Path, extracts: Path, run_job: RunJob, tmp_path: Path
) -> None:
    def described(run: Path) -> set[str]:
        html = (run / "report/index.html").read_text()
        section = html[html.index('id="cards"') : html.index('id="shares"')]
        return {name for name in SENSITIVE if name in section}

    assert described(planted) == set()
    run = tmp_path / "run"
    copytree(planted, run)
    config = write_config(extracts, extracts)
    done = run_job("jobs.run", config, "--run-dir", run, "--set", "fairness.describe=true")
    assert done.returncode == 0, done.stderr
    assert "ALTERSKATEGORIE_GROB" in described(run)
    assert (run / "compare/names.csv").read_bytes() == (planted / "compare/names.csv").read_bytes()


def test_the_tests_of_the_table_are_kept(planted: Path) -> None:
    tests = json.loads((planted / "compare/tests.json").read_text())
    assert tests["all_segments"]["rows"] == N + M
    assert tests["all_segments"]["p"] < 1e-9
    assert tests["without_set_aside"]["cramers_v"] > 0.2
    assert tests["suspicious"] == []


# The page


def percent(share: float) -> str:
    return f"{100 * share:.{0 if share >= 0.0995 else 1}f}%"


def whole(number: float) -> str:
    return f"{number:.{0 if number >= 9.95 or number == 0 else 1}f}"


def test_the_numbers_of_the_page_are_those_of_the_files_of_the_run(planted: Path) -> None:
    page = read_page(planted)
    counts = {
        extract: dict(parts(planted, "segments", extract)["segment"].value_counts().iter_rows())
        for extract in ("population", "customers")
    }
    everyone = {extract: sum(c.values()) for extract, c in counts.items()}
    shares = {
        extract: {s: n / everyone[extract] for s, n in c.items()} for extract, c in counts.items()
    }
    table = pl.read_csv(planted / "compare/segments.csv").filter(pl.col("segment") >= 0)
    is_advised = (pl.col("verdict") == "over") & (pl.col("index") > 125)
    over = table.filter(is_advised)["segment"].to_list()
    best = table.sort("index")["segment"][-1]
    index = table.filter(pl.col("segment") == best)["index"].item()
    steady = table.filter(pl.col("segment") == best)["stability"][0]
    sweep = pl.read_csv(planted / "model/sweep.csv").filter("chosen").row(0, named=True)
    ranking = json.loads((planted / "run.json").read_text())["stages"]["gains"]["facts"]["ranking"]
    gains = pl.read_csv(planted / "gains/gains.csv").filter(
        pl.col("by") == {"logistic": "logistic", "micro": "micro_segment"}[ranking],
        pl.col("depth") == 0.2,
    )
    model = json.loads((planted / "model/model.json").read_text())
    ratios = np.load(planted / "model/arrays.npz")["explained_variance_ratio"]
    tested = chi2_contingency(
        [
            [counts[extract][s] for s in counts["population"]]
            for extract in ("population", "customers")
        ]
    )
    association = (tested.statistic / (N + M)) ** 0.5
    trait = pl.read_csv(planted / "compare/traits.csv", infer_schema=False).filter(
        pl.col("segment") == str(best)
    )
    attributes = pl.read_parquet(planted / "assess/attributes.parquet")
    sparse = attributes.filter(~pl.col("kept")).row(0, named=True)
    stages = json.loads((planted / "run.json").read_text())["stages"]
    digest = sha256("\n".join(file["sha256"] for file in stages["gains"]["files"]).encode())
    sentences = [
        f": {percent(sum(shares['customers'][s] for s in over))} of all customers, in "
        f"{percent(sum(shares['population'][s] for s in over))} of the population.",
        f"Customers are most common in segment {best}",
        f"{index / 100:.1f} times (",
        ") as common as among all people with a segment",
        f"{percent(shares['population'][-1])} of the population and "
        f"{percent(shares['customers'][-1])} of all customers are in no segment",
        f"{100 * gains['customers_reached'][0]:.1f}% (",
        f"{counts['population'][best]:,} people, {percent(shares['population'][best])} of "
        "everybody",
        f"{counts['customers'][best]:,} customers, {percent(shares['customers'][best])} of all "
        "customers",
        f"{percent(steady)} of these people stay together",
        f"{percent(float(trait['segment_share'][0]))} here, "
        f"{percent(float(trait['population_share'][0]))} of everybody",
        f"Cramér's V is {association:.2f}",
        f"{sweep['inertia']:,.0f} at the {sweep['n_clusters']} segments chosen",
        f"{len(model['features'])} features were condensed to {model['n_components']} components",
        f"keep {percent(ratios[: model['n_components']].sum())} of the variance",
        f"{sparse['attribute']} missing too often {100 * sparse['missing_share']:.1f}% "
        f"{100 * sparse['customers_missing_share']:.1f}%",
        f"encode {N + M:,} {stages['encode']['rows_out']:,} {whole(stages['encode']['seconds'])} "
        f"{stages['encode']['peak_mib']:,} {len(stages['encode']['files'])}",
        digest.hexdigest()[:16],
    ]
    assert [sentence for sentence in sentences if sentence not in page] == []
    chi_square = (
        f"(chi-square {tested.statistic:,.0f}, {tested.dof} degrees of freedom, {N + M:,} rows)"
    )
    assert (chi_square in page) == (not hidden_by_hand(planted))


# No structure


@pytest.fixture(scope="module")
def shuffled(extracts: Path, run_job: RunJob, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every column of both extracts together shuffled by itself: no row means anything."""
    folder = tmp_path_factory.mktemp("shuffled")
    people, customers = 20_000, 5_000
    rows = pl.concat(
        [
            delivered(extracts, "population").head(people),
            delivered(extracts, "customers").head(customers),
        ]
    )
    rows = rows.select(pl.col(name).shuffle(seed=i) for i, name in enumerate(rows.columns, 100))
    rows.head(people).write_csv(folder / FILES["population"], separator=";")
    rows.tail(customers).write_csv(folder / FILES["customers"], separator=";")
    config = write_config(folder, extracts, "[model]\nsweep = [2, 12]\n")
    done = run_job("jobs.run", config, "--run-dir", folder / "run")
    assert done.returncode == 0, done.stderr
    return folder / "run"


def test_without_structure_no_number_of_segments_is_stable_and_it_is_said(shuffled: Path) -> None:
    sweep = pl.read_csv(shuffled / "model/sweep.csv")
    assert not sweep["stable"].any()
    rule = json.loads((shuffled / "run.json").read_text())["stages"]["sweep"]["facts"]["rule"]
    words = str(Sentence(**rule))
    assert words.startswith("The population is a continuum")
    page = read_page(shuffled)
    chosen = sweep.filter("chosen")["n_clusters"].item()
    assert f"Before you act. These {chosen} segments are not firm" in page
    assert words in page


def test_without_structure_no_segment_is_over_or_under(shuffled: Path) -> None:
    segments = pl.read_csv(shuffled / "compare/segments.csv")
    assert set(segments["verdict"]) == {"average"}
    tests = json.loads((shuffled / "compare/tests.json").read_text())
    assert tests["all_segments"]["p"] > 0.01
    gains = pl.read_csv(shuffled / "model/sweep.csv")
    assert ((gains["gain"] - 0.2).abs() < 4 * gains["gain_error"]).all()
    page = read_page(shuffled)
    assert "All segments hold about as many customers as their size suggests." in page
    assert "No segment gives a reason to mail it before another." in page
    assert "▲ above average" not in page
    assert "▼ below average" not in page


# What the config decides


def test_sensitive_attributes_are_kept_out_of_the_features_but_still_shown(
    extracts: Path, planted: Path, run_job: RunJob, tmp_path: Path
) -> None:
    config = write_config(extracts, extracts)
    done = run_job(
        "jobs.run", config, "--run-dir", tmp_path / "run", "--until", "compare",
        "--set", "fairness.keep_out=true", "--set", "model.sweep=[2, 3]",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    plan = json.loads((tmp_path / "run/plan.json").read_text())["attributes"]
    assert [plan[name]["reason"] for name in SENSITIVE] == ["sensitive"] * 3
    features = json.loads((tmp_path / "run/model/model.json").read_text())["features"]
    assert [feature for feature in features if feature.startswith(tuple(SENSITIVE))] == []
    fairness = pl.read_csv(tmp_path / "run/compare/fairness.csv")
    assert fairness["attribute"].unique(maintain_order=True).to_list() == SENSITIVE
    rows = [parts(run, "features").height for run in (planted, tmp_path / "run")]
    assert rows[0] == rows[1]


def test_customers_all_of_one_kind_stop_the_job_unless_that_is_allowed(
    extracts: Path, planted: Path, run_job: RunJob, tmp_path: Path
) -> None:
    """As after a broken transform: here they are one person two thousand times."""
    row = parts(planted, "features")["row"][0]
    person = delivered(extracts, "population")[row]
    pl.concat([person] * 2000).write_csv(tmp_path / FILES["customers"], separator=";")
    (tmp_path / FILES["population"]).symlink_to(extracts / FILES["population"])
    config = write_config(tmp_path, extracts, "[model]\nn_clusters = 12\nsweep = [12, 12]\n")
    job = ("jobs.run", config, "--run-dir", tmp_path / "run", "--until", "compare")
    done = run_job(*job)
    assert done.returncode == 3
    assert "of the customers and" in done.stderr
    assert "compare.allow_suspicious" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run/compare").exists()
    allowed = run_job(*job, "--set", "compare.allow_suspicious=true")
    assert allowed.returncode == 0, allowed.stderr
    assert json.loads((tmp_path / "run/compare/tests.json").read_text())["suspicious"]


# Words of others


def test_a_name_like_a_formula_is_on_the_page_as_it_was_delivered(tmp_path: Path) -> None:
    content = b"segment,name\n0,'=SUMME(A1) 3 or less\n1,'s-Hertogenbosch\n"
    table = read_table(tmp_path, write_file(tmp_path, NAMES.path, content), TEXT_COLUMNS)
    assert table["name"].to_list() == ["=SUMME(A1) 3 or less", "'s-Hertogenbosch"]
