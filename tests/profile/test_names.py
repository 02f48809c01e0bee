"""Names: short, from the strongest traits, no two alike, right way round."""

import polars as pl
import pytest

from segment_lib.profile.names import name_segments
from segment_lib.profile.traits import TRAITS
from segment_lib.schema import known_meanings, known_phrases


def traits(*rows: tuple[int, str, str, str, str, float]) -> pl.DataFrame:
    """From (segment, attribute, side, levels, words, effect), in order of strength."""
    table = pl.DataFrame(
        rows, schema=["segment", "attribute", "side", "levels", "words", "effect"], orient="row"
    )
    table = table.with_columns(
        pl.lit(100).alias("population_rows"),
        pl.col("attribute").str.split("_").list.first().alias("family"),
        (pl.col("side") != "middle").alias("plain"),
    )
    return table.with_columns(
        pl.lit(None).alias(name) for name in TRAITS if name not in table.columns
    ).select(pl.col(name).cast(kind) for name, kind in TRAITS.items())


def named(*rows: tuple[int, str, str, str, str, float], unnamed: tuple[str, ...] = ()) -> list[str]:
    return name_segments(traits(*rows), unnamed=unnamed)["name"].to_list()


SAVERS = (0, "FINANZ_SPARER", "low", "1, 2", "savers", 1.2)
INVESTORS = (0, "FINANZ_ANLEGER", "low", "1", "investors", 1.1)
RED = (0, "COLOUR", "level", "r", "favourite colour red", 1.0)
GREEN = (0, "ENERGY", "level", "1", "green", 0.9)
SMART = (0, "ENERGY", "level", "2", "energy type “smart”", 0.9)


def test_a_name_is_made_of_the_words_of_the_strongest_traits():
    assert named(SAVERS, RED, SMART) == ["Savers, favourite colour red, energy type “smart”"]
    assert named(GREEN) == ["Green"]


def test_a_trait_less_than_half_as_strong_as_the_first_is_no_part_of_a_name():
    assert named(SAVERS, (*RED[:-1], 0.59)) == ["Savers"]
    assert named(SAVERS, (*RED[:-1], 0.6)) == ["Savers, favourite colour red"]


def test_a_band_of_labels_which_no_short_words_describe_names_no_segment():
    assert named((0, "ENERGY", "middle", "2, 3", "energy “smart” or “fair”", 1.0), RED) == [
        "Favourite colour red"
    ]


def test_one_family_of_attributes_speaks_once():
    assert named(SAVERS, INVESTORS, RED) == ["Savers, favourite colour red"]


def test_attributes_that_may_not_name_are_left_out():
    assert named(SAVERS, RED, unnamed=("FINANZ_SPARER",)) == ["Favourite colour red"]


def test_what_a_segment_lacks_or_hardly_differs_in_does_not_name_it():
    assert named((0, "COLOUR", "level", "r", "rarely favourite colour red", -2.0)) == [
        "Close to average"
    ]
    assert named((*RED[:-1], 0.1)) == ["Close to average"]


def test_no_two_names_are_alike():
    other = [(1, *row[1:]) for row in (SAVERS, RED)]
    names = named(SAVERS, RED, *other, (2, *RED[1:-1], 0.0), (3, *RED[1:-1], 0.0))
    assert names == [
        "Savers, favourite colour red", "Savers, favourite colour red (1)",
        "Close to average", "Close to average (3)",
    ]  # fmt: skip


def test_names_that_would_share_most_of_their_words_begin_with_what_differs_most():
    shared = [
        (segment, f"A{i}", "level", "x", f"alike {i}", 1.0 - i / 10)
        for segment in (0, 1)
        for i in (0, 1)
    ]
    own = [
        *((0, "AGE", "low", "1", "young", 0.7), (0, "INCOME", "low", "1", "rich", 0.6)),
        *((1, "INCOME", "high", "2", "poor", 0.5), (1, "AGE", "low", "1", "young", 0.3)),
    ]
    # They differ by 1.1 in income and by 0.4 in age, though age is the stronger trait of one.
    assert named(*shared, *own) == ["Rich, alike 0, alike 1", "Poor, alike 0, alike 1"]
    # A segment that shares one word alone keeps its name.
    other = [(2, *row[1:]) for row in (shared[0], RED, SMART)]
    assert named(*shared, *own, *other)[2] == ("Alike 0, favourite colour red, energy type “smart”")


def test_a_further_trait_tells_segments_apart_where_there_is_one():
    rows = [(s, f"A{i}", "level", "x", f"A{i} {i}", 1.0) for s in (0, 1) for i in range(4)]
    assert named(*rows) == ["A0 0, A1 1, A2 2", "A0 0, A1 1, A2 2, A3 3"]


def test_the_rows_set_aside_have_a_name_of_their_own():
    assert named((-1, *SAVERS[1:])) == ["Rows set aside"]


def test_too_few_people_are_not_described_by_their_name():
    few = [(s, *row[1:]) for s in (1, 2) for row in (SAVERS, RED)]
    names = name_segments(traits(SAVERS, RED, *few), few=(1, 2))
    assert names["name"].to_list() == [
        "Savers, favourite colour red",
        "Too few people to describe",
        "Too few people to describe (2)",
    ]
    assert names["attributes"].to_list()[1:] == ["", ""]


def test_a_trait_of_too_few_people_names_no_segment():
    rows = traits(SAVERS, RED).with_columns(population_rows=pl.Series([9, 10], dtype=pl.Int64))
    names = name_segments(rows, min_cell=10)
    assert names["name"].to_list() == ["Favourite colour red"]


REVERSED = ("FINANZ_", "SEMIO_")


@pytest.mark.parametrize("name", [n for n in known_phrases() if n.startswith(REVERSED)])
def test_the_first_code_of_a_reversed_scale_is_the_strong_end(name):
    first, *_, last = known_meanings()[name].levels.values()
    assert (first, last) in {("very high", "very low"), ("strongest", "weakest")}
    low, high = known_phrases()[name].get("low"), known_phrases()[name].get("high")
    negative = ("rarely ", "high interest in money", "stand out in money")
    assert high is not None
    assert high.startswith(negative)
    assert low is not None
    assert not low.startswith(negative)


@pytest.mark.parametrize(
    ("name", "low", "first_label"),
    [
        ("HH_EINKOMMEN_SCORE", "high income", "highest"),
        ("MOBI_REGIO", "regions where people move often", "very high"),
        ("W_KEIT_KIND_HH", "homes probably with children", "most likely"),
        ("KKK", "regions of high purchasing power", "very high"),
        ("ARBEIT", "low unemployment", "very low"),
        ("ONLINE_AFFINITAET", "seldom online", "none"),
        ("ALTERSKATEGORIE_GROB", "younger", "under 30"),
        ("WOHNDAUER_2008", "moved in lately", "under 1 year"),
        ("EWDICHTE", "thinly settled", "under 34"),
        ("ALTER_HH", "older heads of household", "born 1895-1899"),
    ],
)
def test_the_words_of_a_scale_fit_its_first_label(name, low, first_label):
    assert next(iter(known_meanings()[name].levels.values())) == first_label
    assert known_phrases()[name].get("low") == low


def test_words_are_of_known_attributes_levels_and_features():
    from segment_lib.encode.recodings import RECODINGS

    features = {feature for tables in RECODINGS.values() for feature in tables}
    for name, phrases in known_phrases().items():
        assert name in known_meanings() or name in features
        ends = ("low", "high", "middle", "number")
        levels = {key for key in phrases.words if key.split(" ")[0] not in ends}
        assert (
            levels <= set(known_meanings()[name].levels) if name in known_meanings() else not levels
        )
