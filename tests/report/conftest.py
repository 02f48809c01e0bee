"""Made-up facts of a run, in the shape and size of the real ones."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from segment_lib.mailing.depths import Costs, depths_table, mailing_depth
from segment_lib.report import RunFacts, write_report

PEOPLE, CUSTOMERS = 891_221, 191_652

SCALE = "1 = very high … 5 = very low"
LEVELS = {"1": "very high", "2": "high", "3": "average", "4": "low", "5": "very low"}
SHAPE = {
    # attribute: (meaning, direction, levels, share in the population)
    "FINANZ_SPARER": ("financial type, money saver", SCALE, LEVELS, (0.28, 0.18, 0.2, 0.22, 0.12)),
    "FINANZ_ANLEGER": ("financial type, investor", SCALE, LEVELS, (0.24, 0.18, 0.14, 0.2, 0.24)),
    "SEMIO_PFLICHT": ("affinity, dutiful mind", SCALE, LEVELS, (0.2, 0.2, 0.25, 0.2, 0.15)),
    "HH_EINKOMMEN_SCORE": ("estimated income", SCALE, LEVELS, (0.08, 0.2, 0.13, 0.2, 0.39)),
    "ALTERSKATEGORIE_GROB": (
        "age band guessed from the first name",
        None,
        {"1": "under 30", "2": "30 to 45", "3": "46 to 60", "4": "over 60"},
        (0.16, 0.18, 0.4, 0.26),
    ),
    "ZABEOTYP": (
        "energy use",
        None,
        {"1": "green", "2": "smart", "3": "fair supplied", "4": "price driven", "5": "seeking"},
        (0.14, 0.08, 0.4, 0.24, 0.14),
    ),
    "MOBI_REGIO": (
        "how often people of the area move home",
        "1 = very high mobility … 6 = none",
        {str(k): w for k, w in enumerate(("very high", "high", "middling", "low", "very low"), 1)},
        (0.1, 0.12, 0.19, 0.19, 0.4),
    ),
    "CAMEO_DEUG_2015": (
        "class of the neighbourhood by wealth and stage of life",
        None,
        {"1": "upper class", "4": "middle class", "8": "working class", "9": "urban working class"},
        (0.1, 0.3, 0.35, 0.25),
    ),
}
SPARSE = {
    "TITEL_KZ": (0.0, 0.9976),
    "AGER_TYP": (0.0, 0.7696),
    "KK_KUNDENTYP": (0.656, 0.656),
    "KBA05_BAUMAX": (0.15, 0.5347),
    "GEBURTSJAHR": (0.0, 0.4402),
    "ALTER_HH": (0.0825, 0.3481),
    "KKK": (0.136, 0.1774),
    "REGIOTYP": (0.136, 0.1774),
    "W_KEIT_KIND_HH": (0.0825, 0.1661),
}
# segment: rows of the population, rows of the customers, verdict
SIZES = {
    1: (58_210, 39_118, "over"),
    2: (91_845, 33_920, "over"),
    3: (64_003, 13_771, "average"),
    4: (41_377, 27_602, "over"),
    5: (104_552, 10_466, "under"),
    6: (88_001, 8_122, "under"),
    7: (73_518, 2_031, "under"),
    8: (120_004, 3_655, "under"),
    9: (95_402, 2_904, "under"),
    10: (61_148, 138, "under"),
    -1: (93_161, 49_925, "over"),
}


GROUPS = {1: "1, 2, 4", 3: "3", 5: "5, 6", 7: "7, 8, 9", 10: "10"}
"""Segments of each group, by the number of the first."""
FAMILIES = {"FINANZ_SPARER": "Money", "FINANZ_ANLEGER": "Money", "MOBI_REGIO": "Neighbourhood"}
NAMES = {number: f"Savers of kind {number}, seldom online" for number in SIZES if number > 0}
TEST = {
    "statistic": 150_247.6,
    "dof": 10,
    "p": 0.0,
    "cramers_v": 0.372,
    "least_expected": 178.75,
    "rows": PEOPLE + CUSTOMERS,
}


@pytest.fixture(scope="session")
def facts() -> RunFacts:
    """A run in which some segments stand out and many rows are set aside."""
    return run_facts()


@pytest.fixture(scope="session")
def report(facts: RunFacts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of these facts, in its folder; written once, for tests that only read it."""
    folder = tmp_path_factory.mktemp("report")
    write_report(facts, folder)
    return folder / "index.html"


@pytest.fixture(scope="session")
def paid(facts: RunFacts) -> RunFacts:
    """The same run with money: at 2 % and 30 an order, a piece of 0.50 pays from an index of 83."""
    return with_costs(facts, Costs(0.5, 30.0, 0.02))


@pytest.fixture(scope="session")
def shares() -> Callable[[dict[int, tuple[int, int, str]]], pl.DataFrame]:
    """Makes the table of segments from their rows of population and customers, and verdicts."""
    return segments


@pytest.fixture(scope="session")
def alone() -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Makes the table of groups in which each segment is one."""
    return groups_alone


@pytest.fixture(scope="session")
def tried() -> Callable[[range, int], pl.DataFrame]:
    """Makes a sweep over numbers of segments, one of them chosen."""
    return sweep


def run_facts() -> RunFacts:
    """A run in which some segments stand out and many rows are set aside."""
    return RunFacts(
        folder="azdias",
        attributes=attributes(),
        rows=rows(),
        max_missing_per_row=25,
        sweep=sweep(range(2, 21), chosen=10),
        stability=stability(range(2, 13)),
        sensitivity=sensitivity(),
        rule="Of the numbers of segments found again, the one that reaches the most customers.",
        explained_variance_ratio=ratios(193)[:66],
        n_above_chance=66,
        n_features=193,
        constant_features=["GEBAEUDETYP=7"],
        components=components(5),
        loadings=loadings(5),
        segments=segments(SIZES),
        names=pl.DataFrame(
            {
                "segment": list(NAMES),
                "name": list(NAMES.values()),
                "attributes": ["FINANZ_SPARER, ZABEOTYP"] * len(NAMES),
            }
        ),
        traits=traits([number for number in SIZES if number > 0]),
        groups=groups(),
        group_traits=traits(list(GROUPS)),
        tests={"all_segments": TEST, "without_set_aside": {**TEST, "dof": 9}},
        suspicious=[],
        fairness=fairness(),
        gains=gains(),
        depths=depths(),
        n_micro=300,
        aside=(0.105, 0.207),
        depth=None,
        response=None,
        stages=stages(),
        inputs=pl.DataFrame(
            {
                "input": ["population", "customers", "feature summary", "data dictionary"],
                "path": [
                    "data/azdias/Udacity_AZDIAS_Subset.csv",
                    "data/azdias/Udacity_CUSTOMERS_Subset.csv",
                    "data/azdias/AZDIAS_Feature_Summary.csv",
                    "data/azdias/Data_Dictionary.md",
                ],
                "bytes": [238_113_004, 51_870_210, 2_301, 32_911],
                "rows": [PEOPLE, CUSTOMERS, 85, None],
                "sha256": ["0123456789abcdef"] * 4,
            }
        ),
        settings={
            "cleaning.max_missing_share": "0.3",
            "cleaning.max_missing_per_row": "25",
            "model.scaling": "attribute",
            "model.n_components": "parallel",
            "model.min_components": "10",
            "model.n_clusters": "auto",
            "model.sweep": "[2, 20]",
            "model.random_state": "0",
            "run.rows_per_part": "100000",
            "run.memory": "4GiB",
        },
        versions={"python": "3.11.7", "polars": "2.1.0", "dask": "2026.8.0", "numpy": "2.4.6"},
    )


def segments(sizes: dict[int, tuple[int, int, str]]) -> pl.DataFrame:
    everyone = [sum(rows[at] for rows in sizes.values()) for at in (0, 1)]
    placed = [sum(rows[at] for number, rows in sizes.items() if number >= 0) for at in (0, 1)]
    records = []
    for number, (ours, theirs, verdict) in sizes.items():
        people, customers = everyone if number < 0 else placed
        share, customer_share = ours / max(people, 1), theirs / max(customers, 1)
        index = 100 * customer_share / share if share else None
        spread = np.exp(1.96 * np.sqrt(1 / theirs - 1 / customers)) if theirs else None
        records.append(
            {
                "segment": number,
                "population_rows": ours,
                "population_share": share,
                "customer_rows": theirs,
                "customer_share": customer_share,
                "index": index,
                "index_low": index / spread if index and spread else None,
                "index_high": index * spread if index and spread else None,
                "low": 0.8 * index / spread if index and spread else None,
                "high": 1.1 * index * spread if index and spread else None,
                "verdict": verdict,
                "drawn_index": index,
                "drawn_low": index / spread if index and spread else None,
                "drawn_high": index * spread if index and spread else None,
                "stability": None if number < 0 else 0.9 - 0.05 * (number % 9),
                "found_again": None if number < 0 else number % 9 <= 3,
                "small": ours < 500,
            }
        )
    numbers = ("index", "index_low", "index_high", "low", "high", "stability")
    drawn = ("drawn_index", "drawn_low", "drawn_high")
    kinds = dict.fromkeys((*numbers, *drawn), pl.Float64)
    return pl.DataFrame(records, schema_overrides=kinds).sort("segment")


def groups() -> pl.DataFrame:
    """The groups, with the figures of their segments together, and the rows set aside."""
    sizes = {
        group: (
            sum(SIZES[int(number)][0] for number in listed.split(", ")),
            sum(SIZES[int(number)][1] for number in listed.split(", ")),
            SIZES[group][2],
        )
        for group, listed in GROUPS.items()
    }
    table = segments(sizes | {-1: SIZES[-1]}).drop("stability", "found_again")
    numbers = table["segment"].to_list()
    names = pl.Series("name", [f"Group of kind {number}" for number in numbers])
    listed = pl.Series("segments", [GROUPS.get(number, "") for number in numbers])
    return table.rename({"segment": "group"}).with_columns(listed, names)


def groups_alone(table: pl.DataFrame) -> pl.DataFrame:
    """The table of groups of these segments, each a group of its own."""
    return table.drop("stability", "found_again").select(
        pl.col("segment").alias("group"),
        pl.when(pl.col("segment") < 0)
        .then(pl.lit(""))
        .otherwise(pl.col("segment").cast(pl.String))
        .alias("segments"),
        pl.format("Group {}", "segment").alias("name"),
        pl.exclude("segment"),
    )


def traits(numbers: list[int]) -> pl.DataFrame:
    """Of every attribute, the level by which a segment stands out most."""
    random = np.random.default_rng(7)
    records = []
    for number in numbers:
        for attribute, (meaning, direction, levels, at_large) in SHAPE.items():
            tilt = np.array(at_large) * np.exp(random.normal(0, 0.7, len(at_large)))
            share = tilt / tilt.sum()
            effect = 2 * (np.arcsin(share**0.5) - np.arcsin(np.array(at_large) ** 0.5))
            at = int(np.abs(effect).argmax())
            level, label = list(levels.items())[at]
            records.append(
                {
                    "segment": number,
                    "attribute": attribute,
                    "family": FAMILIES.get(attribute, attribute),
                    "side": "level",
                    "levels": level,
                    "words": f"{meaning}: {label}",
                    "direction": direction,
                    "population_rows": int(50_000 * share[at]),
                    "segment_share": float(share[at]),
                    "population_share": at_large[at],
                    "index": float(100 * share[at] / at_large[at]),
                    "effect": float(effect[at]),
                    "plain": True,
                }
            )
    return pl.DataFrame(records)


def attributes() -> pl.DataFrame:
    random = np.random.default_rng(3)
    shares = dict(SPARSE) | dict.fromkeys(SHAPE, (0.0, 0.0))
    for number in range(1, 85 - len(shares) + 1):
        share = float(random.choice([0.0, 0.005, 0.055, 0.105, 0.131, 0.15]))
        shares[f"PLZ8_ATTRIBUTE_{number:02d}"] = (share, share + 0.01 * (number % 9 == 0))
    records = []
    for position, (name, (before, after)) in enumerate(shares.items()):
        kept = after <= 0.3
        records.append(
            {
                "attribute": name,
                "information_level": ("person", "household", "building", "region")[position % 4],
                "type": ("ordinal", "categorical", "mixed", "numeric")[position % 4],
                "n_levels": 3 + position % 8,
                "missing": round(after * PEOPLE),
                "missing_share": after,
                "kept": kept,
                "reason": None if kept else f"missing in {after:.1%} of the population",
                "missing_before": round(before * PEOPLE),
                "customers_missing": round(after * 1.2 * CUSTOMERS),
                "customers_missing_share": min(after * 1.2, 1.0),
                "customers_missing_before": round(before * CUSTOMERS),
                "unseen_rows": 6_950 if name == "MOBI_REGIO" else 0,
                "customers_unseen_rows": {"MOBI_REGIO": 1_211, "ZABEOTYP": 4}.get(name, 0),
            }
        )
    return pl.DataFrame(records)


def rows() -> pl.DataFrame:
    parts = []
    for extract, total, whole, hump in (
        ("population", PEOPLE, 0.70, 0.104),
        ("customers", CUSTOMERS, 0.60, 0.26),
    ):
        missing = np.arange(0, 50)
        weight = np.exp(-missing / 3.0) * (missing > 0) * (missing < 24)
        weight = weight / weight.sum() * (1 - whole - hump)
        late = np.exp(-((missing - 43) ** 2) / 8.0) * (missing > 30)
        weight = weight + late / late.sum() * hump
        weight[0] = whole
        counts = np.round(weight * total).astype(int)
        parts.append(
            pl.DataFrame({"extract": extract, "n_missing": missing.tolist(), "rows": counts})
        )
    return pl.concat(parts)


def sweep(ks: range, chosen: int) -> pl.DataFrame:
    k = np.array(ks)
    wobble = np.sin(k * 1.7) * 0.01
    stability = np.clip(0.97 - 0.012 * k + 3 * wobble, 0, 1)
    return pl.DataFrame(
        {
            "n_clusters": k,
            "inertia": 1.5e8 / k**0.22,
            "calinski_harabasz": 90_000 / k**0.6,
            "davies_bouldin": 2.9 - 0.03 * k,
            "silhouette": 0.16 / k**0.25 + wobble,
            "stability": [v if n <= 12 else None for n, v in zip(ks, stability, strict=True)],
            "smallest_share": 0.42 / k + wobble / 3,
            "n_iter": 20 + k,
            "chosen": k == chosen,
            "restarts_agree": 0.9 - 0.01 * k,
            "found_again": [1.0 - 0.02 * n if n <= 12 else None for n in ks],
            "gain": 0.4 + 0.005 * np.minimum(k, 10),
            "gain_error": 0.001,
            "stable": k <= 12,
            "large": k <= 12,
        }
    )


def sensitivity() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "clustering": range(1, 9),
            "n_clusters": [10, 10, 9, 10, 11, 10, 10, 9],
            "agreement": [0.97, 0.96, 0.91, 0.95, 0.93, 0.96, 0.97, 0.9],
            "verdict_differs": [0.0, 0.01, 0.04, 0.0, 0.02, 0.01, 0.0, 0.08],
            "gain": [0.45, 0.449, 0.447, 0.451, 0.452, 0.45, 0.449, 0.446],
        }
    )


def stability(ks: range) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "n_clusters": k,
                "segment": segment,
                "population_rows": 60_000 // k + segment,
                "stability": 0.95 - 0.02 * k - 0.01 * segment,
                "least": 0.9 - 0.02 * k - 0.02 * segment,
                "dissolved": 0.2 * (segment % 2),
                "reclusterings": 8,
            }
            for k in ks
            for segment in range(k)
        ]
    )


def gains() -> pl.DataFrame:
    depths = [0.01, 0.05, 0.1, 0.2, 0.5, 1.0]
    return pl.DataFrame(
        [
            {
                "by": by,
                "depth": depth,
                "population_rows": round(depth * PEOPLE),
                "customers_reached": depth**power,
                "low": depth**power * 0.99,
                "high": min(depth**power * 1.01, 1.0),
                "lift": depth**power / depth,
            }
            for by, power in (("segment", 0.5), ("micro_segment", 0.4))
            for depth in depths
        ]
    )


def depths(costs: Costs | None = None) -> pl.DataFrame:
    """What each percent reaches by the micro-segments of `gains`, people as like as they reach."""
    at = np.rint(np.linspace(0, 1, 101) * PEOPLE) / PEOPLE
    reached = pl.DataFrame(
        {
            "depth": at,
            "population_rows": np.rint(at * PEOPLE).astype(int),
            "customers_reached": at**0.4,
            "low": at**0.4 * 0.99,
            "high": np.minimum(at**0.4 * 1.01, 1.0),
        }
    )
    return depths_table(cells(), reached, costs)


def cells() -> pl.DataFrame:
    """Cells of a percent each, with the index that the customers reached by `depths` give them."""
    edges = np.rint(np.linspace(0, 1, 101) * PEOPLE)
    people = np.diff(edges).astype(int)
    index = 100 * np.diff((edges / PEOPLE) ** 0.4) * PEOPLE / people
    return pl.DataFrame(
        {
            "population_rows": people,
            "micro_index": index,
            "micro_index_low": 0.9 * index,
            "micro_index_high": 1.1 * index,
        }
    )


def with_costs(facts: RunFacts, costs: Costs) -> RunFacts:
    """The same run, with what a mailing costs and earns."""
    table = depths(costs)
    return replace(facts, depths=table, depth=mailing_depth(cells(), table, costs))


def fairness() -> pl.DataFrame:
    """Sex by segment, the women of segment 10 too few to be told."""
    records = []
    for number, (ours, theirs, _) in SIZES.items():
        for level, label, share in (("1", "male", 0.4), ("2", "female", 0.6)):
            shown = (number, level) != (10, "2")
            records.append(
                {
                    "segment": number,
                    "attribute": "ANREDE_KZ",
                    "level": level,
                    "label": label,
                    "meaning": "form of address",
                    "population_rows": round(share * ours),
                    "population_share": share + 0.01 * (number % 3),
                    "customer_rows": round(share * theirs) if shown else None,
                    "customer_share": share if shown else None,
                    "population_at_large": share,
                    "customers_at_large": share,
                }
            )
    return pl.DataFrame(records).sort("segment")


def ratios(n: int) -> list[float]:
    weights = 1.0 / (np.arange(n) + 3.0) ** 1.05
    return [float(ratio) for ratio in weights / weights.sum()]


def components(n: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "component": range(1, n + 1),
            "explained_variance_ratio": ratios(193)[:n],
            "reading": [f"high: savers; older; kind {number}" for number in range(1, n + 1)],
        }
    )


def loadings(n: int) -> pl.DataFrame:
    random = np.random.default_rng(11)
    return pl.DataFrame(
        [
            {
                "component": number,
                "feature": feature,
                "loading": float(random.normal(0, 0.15)),
                "attribute": feature,
                "toward": f"more of {feature}",
            }
            for number in range(1, n + 1)
            for feature in SHAPE
        ]
    )


def stages() -> pl.DataFrame:
    total = PEOPLE + CUSTOMERS
    clustered = total - SIZES[-1][0] - SIZES[-1][1]
    return pl.DataFrame(
        {
            "stage": ["read", "assess", "encode", "model", "assign", "compare", "profile"],
            "rows_in": [total, total, total, 798_060, clustered, total, total],
            "rows_out": [total, total, clustered, 798_060, total, 11, 240],
            "seconds": [4.7, 0.5, 2.8, 15.0, 0.9, 3.2, 2.1],
            "peak_mib": [830, 570, 850, 950, 730, 860, 410],
            "files": [11, 2, 11, 3, 11, 1, 1],
            "bytes": [41_000_500, 9_100, 88_112_000, 71_000, 9_500_000, 1_020, 24_000],
            "sha256": ["fedcba9876543210"] * 7,
        }
    )
