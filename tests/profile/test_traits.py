"""Traits read the right way round, whichever way a scale runs."""

import json
from importlib.resources import files
from math import asin, sqrt

import numpy as np
import polars as pl
import pytest

from segment_lib.profile import Levels, count_levels
from segment_lib.profile.levels import COUNTS, profile_segments
from segment_lib.profile.traits import family, segment_traits, topic, trait_words
from segment_lib.schema import Meaning, Phrases, known_meanings
from segment_lib.schema.labels import known_phrases
from segment_lib.schema.language import Language

STRENGTH = {"1": "very high", "2": "high", "3": "low", "4": "very low"}
MEANINGS = {
    "SAVER": Meaning('how strongly the trait "money saver" applies (1 = strongest)', STRENGTH),
    "JOBLESS": Meaning(
        "unemployment", {"1": "very low", "2": "low", "3": "high", "4": "very high"}
    ),
    "KIND": Meaning("what kind (of fruit)", {"a": "apple", "b": "pear", "c": "plum"}),
    "PEOPLE": Meaning("number of adults"),
    "DREAMY": Meaning("dreamy", {"1": "strong", "2": "medium", "3": "weak"}),
}
PHRASES = {
    "JOBLESS": Phrases({"low": "little unemployment", "high": "much unemployment"}),
    "DREAMY": Phrases({"low": "dreamy", "high": "rarely dreamy"}),
    "SIZE": Phrases({"number": "{number} adults in the household", "high": "many adults"}),
}
ORDERED = {"SAVER", "JOBLESS", "PEOPLE", "SIZE", "DREAMY", "YEAR"}


def traits(**columns: list[tuple[str | int, int, int]]) -> list[dict]:
    """Of segment 0, from (level, rows in segment 0, rows in segment 1) per attribute."""
    tables = []
    for name, counts in columns.items():
        table = pl.DataFrame({name: [level for level, _, _ in counts]})
        levels = [Levels(name, table[name].dtype.is_numeric())]
        parts = [
            count_levels(
                table.select(pl.col(name).repeat_by(pl.Series([row[s + 1] for row in counts]))
                .list.explode(keep_nulls=False, empty_as_null=False)),
                pl.Series([s] * sum(row[s + 1] for row in counts), dtype=pl.Int32),
                levels,
            )
            for s in (0, 1)
        ]  # fmt: skip
        profile = profile_segments(pl.concat(parts), levels, MEANINGS, ORDERED)
        order = {name: [str(level) for level, _, _ in counts]}
        tables.append(segment_traits(profile, order, ORDERED, MEANINGS, PHRASES))
    table = pl.concat(tables).filter(pl.col("segment") == 0)
    return table.sort(pl.col("effect").abs(), descending=True).to_dicts()


def test_a_trait_is_in_the_language_of_its_labels() -> None:
    german = {"language": Language("de")}
    assert trait_words("Autos", ["6 to 9", "10 to 30"], side="high", labelled=False, **german) == (
        "Autos: mindestens 6"
    )
    assert trait_words(
        "Preis", ["0 to 9", "10 to 12345"], side="middle", labelled=False, **german
    ) == ("Preis: 0 bis 12.345")
    assert trait_words("Farbe", ["rot"], side="level", **german) == "Farbe „rot“"
    assert trait_words("Größe", ["S", "M", "L"], side="low", **german) == "Größe „S“ bis „L“"


def test_a_reversed_scale_is_read_by_what_its_codes_mean():
    (strong,) = traits(SAVER=[(1, 70, 10), (2, 20, 10), (3, 5, 40), (4, 5, 40)])
    assert (strong["side"], strong["levels"]) == ("low", "1, 2")
    assert strong["words"] == "money saver “very high” or “high”"
    assert strong["direction"] == "1 = very high … 4 = very low"
    (weak,) = traits(SAVER=[(1, 5, 40), (2, 5, 40), (3, 20, 10), (4, 70, 10)])
    assert weak["words"] == "money saver “low” or “very low”"


def test_a_scale_that_runs_upwards_is_read_likewise():
    (many,) = traits(JOBLESS=[(1, 5, 40), (2, 5, 40), (3, 20, 10), (4, 70, 10)])
    assert many["words"] == "much unemployment"


def test_share_index_and_effect_are_those_of_the_counts():
    (trait,) = traits(SAVER=[(1, 70, 10), (2, 20, 10), (3, 5, 40), (4, 5, 40)])
    assert trait["segment_share"] == pytest.approx(0.9)
    assert trait["population_share"] == pytest.approx(0.55)
    assert trait["index"] == pytest.approx(90 / 0.55)
    assert trait["effect"] == pytest.approx(2 * asin(sqrt(0.9)) - 2 * asin(sqrt(0.55)))
    assert trait["population_rows"] == 90


def test_of_a_scale_the_cut_that_parts_most_is_taken():
    (trait,) = traits(SAVER=[(1, 40, 0), (2, 20, 30), (3, 20, 35), (4, 20, 35)])
    assert trait["levels"] == "1"


def test_an_end_with_short_words_is_half_of_its_scale_so_that_its_words_are_true():
    # Three levels of four differ by most: 95 % against 53 %, the upper two 55 % against 27 %.
    (trait,) = traits(JOBLESS=[(1, 5, 70), (2, 40, 30), (3, 20, 5), (4, 35, 0)])
    assert (trait["levels"], trait["words"]) == ("3, 4", "much unemployment")
    # Of numbers any end is told, as its words name the number.
    (number,) = traits(PEOPLE=[(1, 5, 70), (2, 40, 30), (3, 20, 5), (4, 35, 0)])
    assert number["levels"] == "2, 3, 4"


def test_the_same_words_stand_for_the_same_levels_in_every_segment():
    """Over all known attributes and segments of any shape, scales and numbers in order."""
    random = np.random.default_rng(0)
    meanings, phrases = known_meanings(), known_phrases()
    sizes = {name: len(meaning.levels) or 8 for name, meaning in meanings.items()}
    levels = {
        name: list(meaning.levels) or [str(year) for year in range(1985, 1985 + sizes[name])]
        for name, meaning in meanings.items()
    }
    counts = pl.DataFrame(
        [
            {"segment": segment, "attribute": name, "level": level, "rows": int(rows)}
            for name, names in levels.items()
            for segment in range(40)
            for level, rows in zip(
                names, 1 + 1000 * random.dirichlet([0.7] * sizes[name]), strict=True
            )
        ],
        schema=COUNTS,
    )
    profile = profile_segments(counts, [Levels(name) for name in levels], meanings, set(levels))
    table = segment_traits(profile, levels, set(levels), meanings, phrases)
    assert table.filter(pl.col("side").is_in(["low", "high"])).height > 1000
    by_words = table.group_by("attribute", "words", pl.col("effect") >= 0).agg(
        pl.col("levels").unique()
    )
    assert by_words.filter(pl.col("levels").list.len() > 1).rows() == []


def test_known_attributes_of_one_subject_are_one_family():
    assert family("SEMIO_VERT") == family("HEALTH_TYP") == "Attitudes"
    assert family("hours_per_week") == "hours"


def test_every_known_attribute_is_in_one_family():
    text = files("segment_lib.schema").joinpath("known_families.json").read_text("utf-8")
    names = [name for family in json.loads(text).values() for name in family]
    assert sorted(names) == sorted(known_meanings())


def test_of_kinds_what_is_commoner_is_told_and_a_lack_where_nothing_is():
    (more,) = traits(KIND=[("a", 80, 10), ("b", 10, 50), ("c", 10, 40)])
    assert (more["side"], more["words"]) == ("level", "what kind “apple”")
    (other,) = traits(KIND=[("a", 0, 60), ("b", 50, 20), ("c", 50, 20)])
    assert other["words"] == "what kind “pear”"
    (less,) = traits(KIND=[("a", 0, 10), ("b", 50, 45), ("c", 50, 45)])
    assert less["words"] == "less often: what kind “apple”"
    assert less["effect"] < 0


def test_where_no_end_of_a_scale_with_short_words_is_commoner_its_middle_is_told():
    (trait,) = traits(DREAMY=[(1, 34, 40), (2, 32, 20), (3, 34, 40)])
    assert (trait["words"], trait["levels"]) == ("between “dreamy” and “rarely dreamy”", "2")
    assert trait["segment_share"] == pytest.approx(0.32)
    assert trait["population_share"] == pytest.approx(0.26)


def test_of_two_levels_the_one_the_segment_has_more_of_is_told():
    (trait,) = traits(KIND=[("a", 10, 90), ("b", 90, 10)])
    assert trait["words"] == "what kind “pear”"


def test_numbers_are_told_from_or_up_to():
    (trait,) = traits(PEOPLE=[(1, 10, 80), (2, 40, 10), (3, 50, 10)])
    assert trait["words"] == "number of adults 2 or more"
    (known,) = traits(SIZE=[(1, 10, 80), (2, 40, 10), (3, 50, 10)])
    assert known["words"] == "2 or more adults in the household"
    number = {"labelled": False}
    assert trait_words("cars", ["1 to 5", "6 to 9"], side="low", **number) == "cars up to 9"
    assert trait_words("cars", ["6 to 9", "10 to 30"], side="high", **number) == "cars 6 or more"
    words = trait_words("income", ["0 to 9999", "10000 to 196352"], side="middle", **number)
    assert words == "income 0 to 196,352"
    one = Phrases(
        {"number": "{number} adults", "low 1": "at most one adult", "middle 1": "one adult"}
    )
    assert trait_words("", ["1"], side="middle", known=one, **number) == "one adult"
    assert trait_words("", ["1", "2"], side="middle", known=one, **number) == "1 to 2 adults"
    assert trait_words("", ["0", "1"], side="low", known=one, **number) == "at most one adult"
    assert trait_words("", ["0 to 2"], side="low", known=one, **number) == "up to 2 adults"
    assert trait_words("built", ["1985 to 2001"], side="middle", **number) == "built 1985 to 2001"


@pytest.mark.parametrize(
    ("first", "middle", "last", "words"),
    [
        (1950, 1976, 2001, "YEAR 1976 or later"),
        ("1950 to 1975", "1976 to 1990", "1991 to 2001", "YEAR 1976 or later"),
        ("2019-05-31", "2019-06-01", "2020-01-31", "YEAR 2019-06-01 or later"),
        (1950, 1976, 2101, "YEAR 1976 or more"),
    ],
)
def test_years_and_days_are_told_from_and_until(first, middle, last, words):
    (trait,) = traits(YEAR=[(first, 10, 80), (middle, 40, 10), (last, 50, 10)])
    assert trait["words"] == words


def test_a_band_in_the_middle_is_told_as_a_band_and_not_as_all_above_it():
    (trait,) = traits(PEOPLE=[(1, 0, 50), (2, 50, 20), (3, 50, 20), (4, 0, 60)])
    assert (trait["side"], trait["levels"]) == ("middle", "2, 3")
    assert trait["words"] == "number of adults 2 to 3"
    assert trait["segment_share"] == 1.0
    assert trait["population_share"] == pytest.approx(140 / 250)
    assert trait["effect"] == pytest.approx(2 * asin(1) - 2 * asin(sqrt(140 / 250)))
    (one,) = traits(PEOPLE=[(1, 0, 50), (2, 90, 20), (3, 10, 60)])
    assert one["words"] == "number of adults 2"
    (scale,) = traits(SAVER=[(1, 5, 40), (2, 60, 10), (3, 30, 10), (4, 5, 40)])
    assert scale["words"] == "money saver “high” or “low”"
    assert (one["plain"], scale["plain"]) == (True, False)
    words = trait_words("age", ["39 to 46", "47 to 65"], side="middle", labelled=False)
    assert words == "age 39 to 65"


def test_more_of_one_end_alone_is_no_band():
    (trait,) = traits(PEOPLE=[(1, 0, 50), (2, 40, 40), (3, 40, 20), (4, 20, 20)])
    assert trait["words"] == "number of adults 2 or more"


def test_the_strongest_trait_comes_first():
    rows = traits(
        KIND=[("a", 50, 45), ("b", 50, 55), ("c", 1, 1)],
        SAVER=[(1, 70, 10), (2, 20, 10), (3, 5, 40), (4, 5, 40)],
    )
    assert [row["attribute"] for row in rows] == ["SAVER", "KIND"]


@pytest.mark.parametrize(
    ("meaning", "expected"),
    [
        ('affinity to the "dreamy" mindset (1 = strongest)', "dreamy"),
        ("community size (inhabitants)", "community size"),
        ("class, fine; first character = coarse", "class, fine"),
        ("", "HOURS PER WEEK"),
    ],
)
def test_the_topic_is_short(meaning, expected):
    assert topic("HOURS_PER_WEEK", Meaning(meaning)) == expected
