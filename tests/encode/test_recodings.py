"""The recoding tables, code by code, against tables written anew from the published labels."""

import polars as pl
import pytest

from segment_lib.encode.recodings import RECODINGS, REDUNDANT
from segment_lib.encode.rules import Recode
from segment_lib.schema import Attribute, known_meanings

# Code: decade, avant-garde, East only, West only. E+W is neither.
YOUTH = {
    "1": (40, 0, 0, 0),  # war years; mainstream; E+W
    "2": (40, 1, 0, 0),  # rebuilding; avant-garde; E+W
    "3": (50, 0, 0, 0),  # economic miracle; mainstream; E+W
    "4": (50, 1, 0, 0),  # milk bar, individualism; avant-garde; E+W
    "5": (60, 0, 0, 0),  # economic miracle; mainstream; E+W
    "6": (60, 1, 0, 1),  # 1968 student protest; avant-garde; W
    "7": (60, 1, 1, 0),  # against the Wall; avant-garde; E
    "8": (70, 0, 0, 0),  # family; mainstream; E+W
    "9": (70, 1, 0, 0),  # peace movement; avant-garde; E+W
    "10": (80, 0, 0, 1),  # Generation Golf; mainstream; W
    "11": (80, 1, 0, 1),  # environment; avant-garde; W
    "12": (80, 0, 1, 0),  # FDJ; mainstream; E
    "13": (80, 1, 1, 0),  # swords into ploughshares; avant-garde; E
    "14": (90, 0, 0, 0),  # digital media; mainstream; E+W
    "15": (90, 1, 0, 0),  # environment; avant-garde; E+W
}

# Code: household, money, age, in the words of the labels.
PHASES = {
    "1": ("single", "low income", "younger"),
    "2": ("single", "low income", "middle-aged"),
    "3": ("single", "average income", "younger"),
    "4": ("single", "average income", "middle-aged"),
    "5": ("single", "low income", "older"),
    "6": ("single", "low income", "retired"),
    "7": ("single", "average income", "older"),
    "8": ("single", "average income", "retired"),
    "9": ("single", "self-employed", ""),
    "10": ("single", "wealthy home owner", ""),
    "11": ("single", "home owner", "older"),
    "12": ("single", "home owner", "retired"),
    "13": ("single", "top earner", "older"),
    "14": ("couple", "low/average income", "younger"),
    "15": ("couple", "low income", "older"),
    "16": ("couple", "average income", "older"),
    "17": ("couple", "self-employed", ""),
    "18": ("couple", "wealthy home owner", "younger"),
    "19": ("couple", "home owner", "older"),
    "20": ("couple", "top earner", "older"),
    "21": ("single parent", "low income", ""),
    "22": ("single parent", "average income", ""),
    "23": ("single parent", "high income", ""),
    "24": ("family", "low income", ""),
    "25": ("family", "average income", ""),
    "26": ("family", "self-employed", ""),
    "27": ("family", "home owner", ""),
    "28": ("family", "top earner", ""),
    "29": ("multi-person household", "low income", "younger"),
    "30": ("multi-person household", "average income", "younger"),
    "31": ("multi-person household", "low income", "older"),
    "32": ("multi-person household", "average income", "older"),
    "33": ("multi-person household", "self-employed", "younger"),
    "34": ("multi-person household", "home owner", "younger"),
    "35": ("multi-person household", "top earner", "younger"),
    "36": ("multi-person household", "self-employed", "older"),
    "37": ("multi-person household", "home owner", "older"),
    "38": ("multi-person household", "home owner", "retired"),
    "39": ("multi-person household", "top earner", "middle-aged"),
    "40": ("multi-person household", "top earner", "retired"),
}
AGES = {"younger": 1, "middle-aged": 2, "older": 3, "retired": 4, "": None}
MONEY = {
    "low income": 1,
    "low/average income": 1.5,
    "average income": 2,
    "self-employed": 3,
    "home owner": 3,
    "high income": 3,
    "wealthy home owner": 4,
    "top earner": 4,
}
HOUSEHOLDS = {
    "life_stage=single": "single",
    "life_stage=couple": "couple",
    "life_stage=single_parent": "single parent",
    "life_stage=family": "family",
    "life_stage=multi_person": "multi-person household",
}

# Tens: 1 wealthy to 5 poorer. Ones: 1 before family to 5 retired.
CAMEO = {
    "11": (1, 1), "12": (1, 2), "13": (1, 3), "14": (1, 4), "15": (1, 5),
    "21": (2, 1), "22": (2, 2), "23": (2, 3), "24": (2, 4), "25": (2, 5),
    "31": (3, 1), "32": (3, 2), "33": (3, 3), "34": (3, 4), "35": (3, 5),
    "41": (4, 1), "42": (4, 2), "43": (4, 3), "44": (4, 4), "45": (4, 5),
    "51": (5, 1), "52": (5, 2), "53": (5, 3), "54": (5, 4), "55": (5, 5),
}  # fmt: skip

# Code: rural, neighbourhood quality.
AREAS = {
    "0": (0, None),  # no score calculated
    "1": (0, 1),  # very good
    "2": (0, 2),
    "3": (0, 3),
    "4": (0, 4),
    "5": (0, 5),  # very poor
    "7": (1, None),  # rural
    "8": (1, None),  # new building in rural area
}

# Code: building size (1-2, 3-5, 6-10, 10+ families), business.
BUILDINGS = {"1": (1, 0), "2": (2, 0), "3": (3, 0), "4": (4, 0), "5": (None, 1)}


def column(table: dict, position: int) -> dict:
    return {code: values[position] for code, values in table.items()}


EXPECTED = {
    ("PRAEGENDE_JUGENDJAHRE", "youth_decade"): column(YOUTH, 0),
    ("PRAEGENDE_JUGENDJAHRE", "youth_avantgarde"): column(YOUTH, 1),
    ("PRAEGENDE_JUGENDJAHRE", "youth_east"): column(YOUTH, 2),
    ("PRAEGENDE_JUGENDJAHRE", "youth_west"): column(YOUTH, 3),
    ("CAMEO_INTL_2015", "cameo_wealth"): column(CAMEO, 0),
    ("CAMEO_INTL_2015", "cameo_life_stage"): column(CAMEO, 1),
    ("LP_LEBENSPHASE_FEIN", "life_age_band"): {c: AGES[w[2]] for c, w in PHASES.items()},
    ("LP_LEBENSPHASE_FEIN", "life_wealth_band"): {c: MONEY[w[1]] for c, w in PHASES.items()},
    ("WOHNLAGE", "rural"): column(AREAS, 0),
    ("WOHNLAGE", "neighbourhood_quality"): column(AREAS, 1),
    ("PLZ8_BAUMAX", "plz8_building_size"): column(BUILDINGS, 0),
    ("PLZ8_BAUMAX", "plz8_business"): column(BUILDINGS, 1),
    ("KBA05_BAUMAX", "kba05_building_size"): column(BUILDINGS, 0),
    ("KBA05_BAUMAX", "kba05_business"): column(BUILDINGS, 1),
    **{
        ("LP_LEBENSPHASE_FEIN", feature): {c: int(w[0] == word) for c, w in PHASES.items()}
        for feature, word in HOUSEHOLDS.items()
    },
}


@pytest.mark.parametrize(
    ("attribute", "feature", "code", "value"),
    [(*key, code, value) for key, table in EXPECTED.items() for code, value in table.items()],
)
def test_a_code_means_what_its_label_says(attribute, feature, code, value):
    assert RECODINGS[attribute][feature][code] == value


def test_every_feature_of_every_table_is_checked_here():
    ours = {(a, feature) for a, tables in RECODINGS.items() for feature in tables}
    assert ours == set(EXPECTED)


@pytest.mark.parametrize("key", EXPECTED, ids="-".join)
def test_a_table_has_no_code_beyond_the_labels(key):
    assert set(RECODINGS[key[0]][key[1]]) == set(EXPECTED[key])


@pytest.mark.parametrize("attribute", RECODINGS)
def test_every_labelled_code_is_in_the_tables(attribute):
    for table in RECODINGS[attribute].values():
        assert set(known_meanings()[attribute].levels) == set(table)


def test_the_words_of_a_life_phase_are_those_of_its_label():
    labels = {code: ", ".join(filter(None, words)) for code, words in PHASES.items()}
    assert labels == known_meanings()["LP_LEBENSPHASE_FEIN"].levels


def test_every_phase_of_life_is_in_one_household():
    tables = [t for f, t in RECODINGS["LP_LEBENSPHASE_FEIN"].items() if f.startswith("life_stage=")]
    assert {code: sum(table[code] for table in tables) for code in PHASES} == dict.fromkeys(
        PHASES, 1
    )


def recoded(attribute: str, code: str | None) -> dict[str, float]:
    """A code through the rule, with fills that no table holds."""
    tables = RECODINGS[attribute]
    rule = Recode(attribute, tables, dict.fromkeys(tables, 0))
    rows = pl.LazyFrame({attribute: [code]}, schema={attribute: pl.String})
    return (
        rows.select(rule.expressions(Attribute(attribute, "p", "mixed", ())))
        .collect()
        .row(0, named=True)
    )


# Errors published in the field (facts: mapping_errors_found), each with what is right.
@pytest.mark.parametrize(
    ("error", "attribute", "code", "right"),
    [
        ("33 as stage 4", "CAMEO_INTL_2015", "33", {"cameo_life_stage": 3}),
        ("55 as stage 45", "CAMEO_INTL_2015", "55", {"cameo_life_stage": 5}),
        ("digits swapped", "CAMEO_INTL_2015", "51", {"cameo_wealth": 5, "cameo_life_stage": 1}),
        ("4 in the sixties", "PRAEGENDE_JUGENDJAHRE", "4", {"youth_decade": 50}),
        ("12 without a movement", "PRAEGENDE_JUGENDJAHRE", "12", {"youth_avantgarde": 0}),
        ("12 in the West", "PRAEGENDE_JUGENDJAHRE", "12", {"youth_east": 1, "youth_west": 0}),
        ("7 in the seventies", "PRAEGENDE_JUGENDJAHRE", "7", {"youth_decade": 60}),
        ("1 left out", "PRAEGENDE_JUGENDJAHRE", "1", {"youth_decade": 40}),
        ("2 left out", "PRAEGENDE_JUGENDJAHRE", "2", {"youth_decade": 40}),
        ("11 left out", "PRAEGENDE_JUGENDJAHRE", "11", {"youth_avantgarde": 1}),
        ("null as avant-garde", "PRAEGENDE_JUGENDJAHRE", None, {"youth_avantgarde": 0}),
        ("13 in the nineties", "PRAEGENDE_JUGENDJAHRE", "13", {"youth_decade": 80}),
        ("15 in no decade", "PRAEGENDE_JUGENDJAHRE", "15", {"youth_decade": 90}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_published_error_is_not_ours(error, attribute, code, right):
    values = recoded(attribute, code)
    assert {feature: values[feature] for feature in right} == right


def test_an_area_without_a_score_is_not_rural():
    # 6,950 rows carry 0: neither a missing code nor a value of the scale.
    assert recoded("WOHNLAGE", "0")["rural"] == 0


@pytest.mark.parametrize("attribute", RECODINGS)
def test_every_code_goes_through_the_rule_as_the_table_says(attribute):
    tables = RECODINGS[attribute]
    codes = sorted(next(iter(tables.values())))
    rule = Recode(attribute, tables, dict.fromkeys(tables, 99))
    rows = pl.LazyFrame({attribute: codes}, schema={attribute: pl.String})
    encoded = rows.select(rule.expressions(Attribute(attribute, "p", "mixed", ()))).collect()
    for feature, table in tables.items():
        wanted = [99 if table[code] is None else table[code] for code in codes]
        assert encoded[feature].to_list() == wanted


@pytest.mark.parametrize(("dropped", "kept"), [(a, k) for a, (k, _) in REDUNDANT.items()])
def test_what_is_told_twice_is_kept_once(dropped, kept):
    assert kept not in REDUNDANT
    assert {dropped, kept} <= set(known_meanings())


def test_the_avant_garde_is_the_split_of_green_avantgarde():
    assert REDUNDANT["GREEN_AVANTGARDE"][0] == "PRAEGENDE_JUGENDJAHRE"
