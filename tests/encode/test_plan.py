"""The plan: derived from types, counts and tables; read back as written, obeyed as edited."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from segment_lib.clean.tally import tally_part
from segment_lib.encode import Plan, derive_plan, read_plan
from segment_lib.encode.plan import MAX_LEVELS
from segment_lib.encode.recodings import RECODINGS, REDUNDANT
from segment_lib.encode.rules import Binary, Drop, Log, Number, OneHot, Rank, Recode
from segment_lib.errors import ConfigError
from segment_lib.schema import Attribute, Meaning, Schema, known_meanings, read_feature_summary
from tests.recipes import recipe


def schema_of(**kinds: str) -> Schema:
    return Schema(tuple(Attribute(name, "person", kind, ("-1",)) for name, kind in kinds.items()))


SCHEMA = schema_of(
    AGE="ordinal", SEX="categorical", KIND="categorical", NOTE="mixed", OLD="numeric"
)
PLAN = Plan(
    (
        Number("AGE", 2.0, ("1", "2", "3")),
        Binary("SEX", "1", "2", "2"),
        OneHot("KIND", ("a", "b", "c"), "b"),
        Recode(
            "NOTE",
            {"tens": {"11": 1.0, "25": None}, "flag": {"11": 0, "25": 1}},
            {"tens": 1.0, "flag": 0.0},
        ),
        Drop("OLD", "missing too often"),
    )
)


def derive(schema: Schema, counts: dict, levels: dict | None = None, dropped: dict | None = None):
    return derive_plan(
        schema,
        dropped or {},
        counts,
        {
            name: (levels or {}).get(name, tuple(level_counts))
            for name, level_counts in counts.items()
        },
    )


def entries() -> dict:
    return json.loads(PLAN.to_json({}))["attributes"]


def reread(attributes: dict, schema: Schema = SCHEMA) -> Plan:
    return read_plan(json.dumps({"attributes": attributes}), schema, "plan.json")


def refused(attributes: object, schema: Schema = SCHEMA) -> str:
    text = attributes if isinstance(attributes, str) else json.dumps({"attributes": attributes})
    with pytest.raises(ConfigError) as error:
        read_plan(text, schema, "plan.json")
    assert "plan.json" in str(error.value)
    return str(error.value)


# Derived


def test_an_amount_of_heavy_tails_is_read_back_and_encodes_as_pandas_does() -> None:
    amounts = np.random.default_rng(1).lognormal(8, 1.5, 3_000).round()
    mostly_none = np.where(np.arange(3_000) % 20 == 0, amounts, 0.0)
    schema = schema_of(INCOME="amount", GAIN="amount", AGE="amount")
    rows = pl.DataFrame({"INCOME": amounts, "GAIN": mostly_none, "AGE": 20 + np.arange(3_000) % 60})
    counts = {
        name: {str(int(v)): n for v, n in rows[name].value_counts().iter_rows()}
        for name in rows.columns
    }
    plan = derive(schema, counts, dict.fromkeys(counts))
    assert [type(rule) for rule in plan.rules] == [Log, Rank, Number]
    skew = {name: f"{scipy.stats.skew(rows[name]):.1f}" for name in rows.columns}
    words = (
        f"INCOME (skewness {skew['INCOME']}: its logarithm), "
        f"GAIN (skewness {skew['GAIN']}: its rank)."
    )
    assert str(plan.transformed).endswith(words)
    assert read_plan(plan.to_json({}), schema, "plan.json") == plan
    features = rows.cast(pl.Float64).select(plan.expressions(schema))
    unit = np.median(amounts[amounts != 0], keepdims=False)
    # numpy's median of an even number of rows lies between two of them.
    np.testing.assert_allclose(features["INCOME"], np.log1p(amounts / unit), rtol=1e-3)
    below = pd.Series(mostly_none).rank(method="min", pct=True)
    assert abs(features["GAIN"].to_numpy() - below).max() < 0.011
    assert features["AGE"].to_list() == rows["AGE"].to_list()


@pytest.mark.parametrize(
    ("kind", "counts", "levels", "rule"),
    [
        ("categorical", {"1": 5, "2": 9}, ("1", "2"), Binary("A", "1", "2", "2")),
        ("categorical", {"O": 5, "W": 4}, ("O", "W"), Binary("A", "O", "W", "O")),
        (
            "categorical",
            {"a": 1, "b": 9, "c": 2},
            ("a", "b", "c"),
            OneHot("A", ("a", "b", "c"), "b"),
        ),
        ("categorical", {"a": 1, "b": 9}, ("a", "b", "c"), OneHot("A", ("a", "b", "c"), "b")),
        ("mixed", {"a": 1, "b": 9, "c": 2}, ("a", "b", "c"), OneHot("A", ("a", "b", "c"), "b")),
        ("ordinal", {"1": 1, "2": 5, "3": 2}, ("1", "2", "3"), Number("A", 2, ("1", "2", "3"))),
        ("ordinal", {"1": 1, "7": 9, "3": 2}, ("1", "2", "3"), Number("A", 3, ("1", "2", "3"))),
        ("numeric", {"10": 1, "20": 1, "90": 1}, None, Number("A", 20, None)),
        ("interval", {"1": 1, "5": 1}, None, Number("A", 1, None)),
    ],
)
def test_the_rule_follows_from_the_type(kind, counts, levels, rule):
    plan = derive(schema_of(A=kind), {"A": counts}, {"A": levels})
    assert plan.rules == (rule,)


def test_a_level_of_the_dictionary_that_nobody_has_still_has_its_column():
    plan = derive(schema_of(A="categorical"), {"A": {"1": 5, "3": 2}}, {"A": ("1", "2", "3")})
    assert plan.features == ("A=1", "A=2", "A=3")


@given(st.dictionaries(st.integers(0, 20), st.integers(1, 9), min_size=1))
def test_a_number_is_filled_with_the_lower_median_of_the_rows(rows):
    everyone = sorted(value for value, n in rows.items() for _ in range(n))
    plan = derive(schema_of(A="numeric"), {"A": {str(v): n for v, n in rows.items()}}, {"A": None})
    assert plan.rules[0].fill == everyone[(len(everyone) - 1) // 2]


@given(seed=st.integers(0, 10**6), doublings=st.sampled_from([3, 10, 30]))
@settings(max_examples=15, deadline=None)
def test_the_fill_of_more_numbers_than_are_counted_is_as_near_the_median_as_method_md_says(
    seed, doublings
):
    values = np.sort(2.0 ** np.random.default_rng(seed).uniform(0, doublings, 9_001))
    schema = schema_of(A="numeric")
    tally = tally_part(pl.DataFrame({"A": values}), schema)
    counts = {str(value): n for value, n in tally.values["A"].rows.items()}
    fill = derive(schema, {"A": counts}, {"A": None}).rules[0].fill
    assert 0 <= values[4_500] - fill < doublings / 2048 * values[4_500]


@pytest.mark.parametrize(("n", "rule"), [(MAX_LEVELS, OneHot), (MAX_LEVELS + 1, Drop)])
def test_too_many_levels_are_dropped_with_a_reason(n, rule):
    plan = derive(schema_of(A="categorical"), {"A": {f"l{i}": 1 for i in range(n)}})
    assert isinstance(plan.rules[0], rule)


def test_levels_beyond_counting_are_dropped_with_a_reason():
    plan = derive(schema_of(A="categorical"), {"A": {}}, {"A": ()})
    assert plan.rules == (Drop("A", "more levels than can be counted"),)


def test_an_attribute_not_kept_is_dropped_for_the_reason_given():
    plan = derive(schema_of(A="ordinal"), {"A": {"1": 1}}, dropped={"A": "missing in 99 %"})
    assert plan.rules == (Drop("A", "missing in 99 %"),)


@pytest.mark.parametrize("name", RECODINGS)
def test_a_mixed_attribute_is_recoded_by_its_table(name):
    codes = sorted(next(iter(RECODINGS[name].values())))
    plan = derive(schema_of(**{name: "mixed"}), {name: dict.fromkeys(codes, 1)})
    assert plan.features == tuple(RECODINGS[name])


@pytest.mark.parametrize("name", RECODINGS)
def test_a_recoded_feature_is_filled_with_a_value_of_its_table(name):
    codes = sorted(next(iter(RECODINGS[name].values())))
    (rule,) = derive(schema_of(**{name: "mixed"}), {name: dict.fromkeys(codes, 1)}).rules
    assert all(rule.fill[feature] in table.values() for feature, table in rule.tables.items())


def test_a_table_of_other_codes_is_no_recoding():
    plan = derive(schema_of(WOHNLAGE="mixed"), {"WOHNLAGE": {"city": 5, "land": 4, "sea": 1}})
    assert isinstance(plan.rules[0], OneHot)


@pytest.mark.parametrize(("fine", "kept"), [(f, k) for f, (k, _) in REDUNDANT.items()])
def test_what_is_told_twice_is_kept_once_and_the_reason_names_it(fine, kept):
    schema = schema_of(**{fine: "categorical", kept: "categorical"})
    plan = derive(schema, {fine: {"1": 1, "2": 1, "3": 1}, kept: {"1": 1, "2": 1, "3": 1}})
    (rule,) = (rule for rule in plan.rules if rule.attribute == fine)
    assert isinstance(rule, Drop)
    assert rule.reason.startswith(f"{kept} is kept")


@pytest.mark.parametrize(("fine", "kept"), [(f, k) for f, (k, _) in REDUNDANT.items()])
def test_it_stays_when_the_one_to_be_kept_is_dropped(fine, kept):
    schema = schema_of(**{fine: "categorical", kept: "categorical"})
    levels = {"x": 1, "y": 1, "z": 1}
    plan = derive(schema, {fine: levels, kept: levels}, dropped={kept: "missing"})
    assert [rule.attribute for rule in plan.rules if not isinstance(rule, Drop)] == [fine]


def test_an_amount_with_a_missing_code_that_is_a_word_stays_a_plain_number():
    schema = Schema((Attribute("PAY", "person", "numeric", ("?",)),))
    plan = derive(schema, {"PAY": {str(i): 1 for i in range(500)}}, levels={"PAY": None})
    assert plan.rules == (Number("PAY", 249, None),)


def test_of_attributes_told_twice_the_one_not_used_is_named():
    schema = Schema(
        tuple(Attribute(n, "p", "categorical", ()) for n in ("LP_STATUS_FEIN", "LP_STATUS_GROB"))
    )
    plan = derive(schema, {name: {"1": 1, "2": 1, "3": 1} for name in schema.names})
    assert plan.redundant == {"LP_STATUS_FEIN"}


# To JSON and back


def test_a_plan_comes_back_from_json_as_it_was():
    assert read_plan(PLAN.to_json({}), SCHEMA, "plan.json") == PLAN


def test_meanings_and_labels_only_explain():
    text = PLAN.to_json({"AGE": Meaning("years of life", {"1": "young"})})
    assert "years of life" in text
    assert read_plan(text, SCHEMA, "plan.json") == PLAN


def test_the_derived_plan_of_the_real_attributes_comes_back_as_it_was():
    if "REAL_DATA" not in os.environ:
        pytest.skip("REAL_DATA is not set: the real feature summary is not at hand")
    path = Path(os.environ["REAL_DATA"]) / "azdias" / "AZDIAS_Feature_Summary.csv"
    schema, meanings = read_feature_summary(path), known_meanings()
    levels = {a.name: tuple(meanings[a.name].levels) or None for a in schema}
    counts = {a.name: dict.fromkeys(levels[a.name] or ("1", "2", "3"), 1) for a in schema}
    plan = derive_plan(schema, {}, counts, levels)
    assert read_plan(plan.to_json(meanings), schema, "plan.json") == plan


LEVEL = st.text(alphabet='ab1".ß', min_size=1, max_size=4)


@given(
    levels=st.lists(LEVEL, min_size=1, max_size=5, unique=True),
    fill=st.floats(-1e6, 1e6),
    values=st.lists(st.one_of(st.none(), st.floats(-9, 9)), min_size=1, max_size=5),
)
def test_any_plan_comes_back_from_json_as_it_was(levels, fill, values):
    table = dict(zip(levels, values, strict=False))
    plan = Plan(
        (
            Number("AGE", fill),
            Binary("SEX", levels[0], "other", "other"),
            OneHot("KIND", tuple(levels), levels[-1]),
            Recode("NOTE", {"new": table}, {"new": fill}),
            Drop("OLD", levels[0]),
        )
    )
    assert read_plan(plan.to_json({}), SCHEMA, "plan.json") == plan


# Edited


def encoded(attributes: dict, **codes: list) -> dict:
    plan = reread(attributes)
    rows = pl.LazyFrame(
        {"AGE": [1.0], "SEX": ["1"], "KIND": ["a"], "NOTE": ["11"], "OLD": [5.0], **codes},
        schema_overrides={"AGE": pl.Float32, "NOTE": pl.String, "KIND": pl.String},
    )
    return rows.select(plan.expressions(SCHEMA)).collect().to_dict(as_series=False)


def test_the_features_stand_in_the_order_of_the_plan():
    assert list(encoded(entries())) == [
        "AGE",
        "SEX=2",
        "KIND=a",
        "KIND=b",
        "KIND=c",
        "tens",
        "flag",
    ]


def test_an_attribute_made_a_drop_has_no_feature():
    edited = entries() | {"KIND": {"rule": "drop"}}
    assert list(encoded(edited)) == ["AGE", "SEX=2", "tens", "flag"]


def test_another_fill_is_obeyed():
    edited = entries()
    edited["AGE"]["fill"] = 3
    assert encoded(edited, AGE=[None])["AGE"] == [3]


def test_fewer_levels_are_obeyed():
    edited = entries() | {"KIND": {"rule": "one-hot", "levels": ["a", "b"], "fill": "a"}}
    assert encoded(edited, KIND=["c"])["KIND=a"] == [0]


def test_another_table_is_obeyed():
    edited = entries() | {
        "NOTE": {"rule": "recode", "tables": {"mine": {"11": 7}}, "fill": {"mine": 0}}
    }
    assert encoded(edited)["mine"] == [7]


def test_an_ordinal_may_be_made_one_hot():
    edited = entries() | {"AGE": {"rule": "one-hot", "levels": ["1", "2"], "fill": None}}
    assert encoded(edited)["AGE=1"] == [1]


@pytest.mark.parametrize("level", [8, 8.0, "8", "8.0", " 8"])
def test_a_level_may_be_spelled_in_any_way(level):
    edited = entries() | {"KIND": {"rule": "one-hot", "levels": [level, "9"], "fill": None}}
    assert encoded(edited, KIND=["8"]) == encoded(edited, KIND=["8"]) | {"KIND=8": [1]}


def test_the_order_of_the_entries_does_not_matter():
    edited = entries()
    assert reread(dict(reversed(edited.items()))) == PLAN


def test_the_plan_of_the_documentation_is_one():
    kinds = {"AGE": "numeric", "SEX": "categorical", "REGION": "categorical", "STAGE": "mixed"}
    schema = schema_of(**kinds, CUSTOMER_SINCE="numeric")
    feature_names = read_plan(recipe("plan", "plan.md"), schema, "plan.md").features
    regions, stages = ("REGION=n", "REGION=s", "REGION=w"), ("stage=couple", "stage_wealth")
    assert feature_names == ("AGE", "SEX=f", *regions, *stages)


def test_words_among_the_codes_of_a_number_are_filled():
    rule = Number("NOTE", 1.0, ("11", "25"))
    rows = pl.DataFrame({"NOTE": ["11", "a", None, "25", "nan"]})
    values = rows.select(rule.expressions(SCHEMA["NOTE"])).to_series().to_list()
    assert values == [11, 1, 1, 25, 1]


# Refused


@pytest.mark.parametrize(
    ("attribute", "entry", "fault"),
    [
        ("AGE", {"rule": "nummer", "fill": 1}, "AGE: rule 'nummer' is none of number, age"),
        ("AGE", {"fill": 1}, "AGE lacks rule"),
        ("SEX", {"rule": "pooled", "levels": ["1", "other"], "fill": "1"}, "SEX: fill must be"),
        ("AGE", {"rule": "age", "fill": 1, "at": "2024-01-01"}, "AGE: an age rule is for dates"),
        ("AGE", {"rule": "age", "fill": 1, "at": "1.1.24"}, "AGE: Invalid isoformat"),
        ("AGE", {"rule": "log", "fill": 1, "unit": 0, "skew": 3}, "AGE: unit must be above 0"),
        ("AGE", {"rule": "rank", "fill": 1, "edges": [2, 1], "skew": 3}, "AGE: edges must be"),
        ("SEX", {"rule": "rank", "fill": 1, "edges": [1], "skew": 3}, "SEX: a rank rule is for"),
        ("AGE", {"rule": "number"}, "AGE lacks fill"),
        ("AGE", {"rule": "number", "fill": "old"}, "AGE: "),
        ("AGE", {"rule": "number", "fill": None}, "AGE:"),
        ("AGE", {"rule": "number", "fill": 1, "level": ["1"]}, "a number rule has no level"),
        (
            "AGE",
            {"rule": "number", "fill": 1, "levels": ["1"], "unseen": "zeros"},
            "'fill' is all there is",
        ),
        ("AGE", {"rule": "number", "fill": 1, "features": ["B"]}, "features follow from the rule"),
        ("AGE", {"rule": "one-hot", "levels": ["old"], "fill": None}, "AGE: could not convert"),
        ("AGE", {"rule": "number", "fill": float("nan")}, "AGE"),
        ("AGE", {"rule": "number", "fill": float("inf")}, "AGE"),
        ("SEX", {"rule": "binary", "zero": "1", "one": "2", "fill": "3"}, "fill is neither"),
        ("SEX", {"rule": "binary", "zero": "1", "fill": "1"}, "SEX lacks one"),
        ("SEX", {"rule": "binary", "zero": "1", "one": "1", "fill": "1"}, "SEX"),
        ("KIND", {"rule": "one-hot", "levels": ["a"], "fill": "b"}, "fill is none of the levels"),
        (
            "KIND",
            {"rule": "one-hot", "levels": ["a", "a"], "fill": "a"},
            "KIND: levels must be given, each once",
        ),
        ("KIND", {"rule": "one-hot", "levels": "abc", "fill": "a"}, "KIND"),
        ("NOTE", {"rule": "recode", "tables": {"t": {"1": 1}}, "fill": {}}, "NOTE lacks t"),
        (
            "NOTE",
            {"rule": "recode", "tables": {"AGE": {"1": 1}}, "fill": {"AGE": 0}},
            "AGE is made",
        ),
        ("NOTE", {"rule": "recode", "tables": {"row": {"1": 1}}, "fill": {"row": 0}}, "row"),
        ("NOTE", {"rule": "recode", "tables": [], "fill": {}}, "NOTE"),
        ("NOTE", "drop", "NOTE"),
        ("NOTE", None, "NOTE"),
        ("NEW", {"rule": "drop"}, "NEW is no attribute"),
        ("NEW\nER", {"rule": "drop"}, "NEW ER is no attribute"),
        ("AGE", 3, "AGE: no rule of the form"),
        ("AGE", {"rule": ["number"], "fill": 1}, "AGE: rule ['number'] is none of"),
        ("AGE", {"rule": "number", "fill": 10**400}, "AGE: a fill or a value in a table must be"),
        ("AGE", {"rule": "number", "fill": 1e39}, "AGE: a fill or a value in a table must be"),
        ("AGE", {"rule": "number", "fill": [1]}, "AGE: a fill or a value in a table must be"),
        ("AGE", {"rule": "number", "fill": 1, "features": 3}, "AGE: no rule of the form"),
        ("NOTE", {"rule": "recode", "tables": {"t": {"1": 10**400}}, "fill": {"t": 1}}, "NOTE: a"),
        ("NOTE", {"rule": "recode", "tables": {"t": [1]}, "fill": {"t": 1}}, "NOTE: no rule"),
        ("NOTE", {"rule": "recode", "tables": {"t": {"1": 1}}, "fill": 1}, "NOTE: no rule"),
        ("KIND", {"rule": "number", "fill": 1}, "KIND: a number rule of a categorical attribute"),
        ("KIND", {"rule": "number", "fill": 1, "levels": ["a"]}, "KIND: could not convert"),
    ],
)
def test_a_faulty_entry_is_named(attribute, entry, fault):
    assert fault in refused(entries() | {attribute: entry})


def test_a_missing_entry_is_named_once():
    edited = entries()
    del edited["KIND"]
    assert "KIND lacks KIND" not in refused(edited)


def test_all_faults_are_listed_at_once():
    message = refused({"NEW": {"rule": "drop"}, "AGE": {"rule": "odd"}, "SEX": {"rule": "binary"}})
    assert [name in message for name in ("NEW", "AGE", "SEX", "KIND", "NOTE", "OLD")] == [True] * 6


def test_a_plan_that_drops_everything_is_refused():
    message = refused({name: {"rule": "drop"} for name in SCHEMA.names})
    assert "every attribute is dropped" in message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"attributes": null}',
        '{"attributes": []}',
        '{"attributes": 3}',
        "null",
        "NaN",
        '"text"',
        '{"attributes": [["AGE", {"rule": "drop"}]]}',
        '{"attributes": {"\\ud800": {"rule": "drop"}}}',
        "[" * 100_000,
        '{"attributes": {"AGE": ' + "1" * 5_000 + "}}",
    ],
    ids=lambda text: text[:50],
)
def test_what_is_no_plan_is_told(text):
    assert "plan" in refused(text)


def test_the_line_of_a_slip_in_the_json_is_named():
    assert "line 3" in refused('{\n "attributes": {\n  oops\n }\n}')
