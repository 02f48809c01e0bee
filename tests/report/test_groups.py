"""Groups, portraits, heat map and glossary: word for word, and nothing that few people disclose."""

import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path

import polars as pl
import pytest

from segment_lib.report import RunFacts, write_report
from segment_lib.report.glossary import anchor, glossary
from segment_lib.report.groups import Group, build_groups
from segment_lib.report.heatmap import HeatMap, heat_map
from segment_lib.report.portraits import portrait
from segment_lib.report.segments import Segment, build_segments, stability_label
from segment_lib.schema.language import Language

ENGLISH = Language("en")
GLOSSARY = glossary(ENGLISH)
Shares = Callable[[dict[int, tuple[int, int, str]]], pl.DataFrame]

NAMES = pl.DataFrame({"segment": [1, 2, 3, 4], "name": ["one", "two", "three", "four"]})


def trait(
    words: str, family: str, here: float, everybody: float, effect: float, *, plain: bool = True
) -> dict[str, object]:
    return {
        "segment": 1,
        "attribute": words.upper(),
        "family": family,
        "words": words,
        "levels": "1, 2",
        "direction": None,
        "population_rows": 100,
        "plain": plain,
        "segment_share": here,
        "population_share": everybody,
        "effect": effect,
    }


TRAITS = pl.DataFrame(
    [
        trait("rarely dreamy", "Attitudes", 0.98, 0.47, 1.3),
        trait("dutiful", "Attitudes", 0.7, 0.3, 0.8),
        trait("money saver “low” to “high”", "Money", 0.9, 0.5, 0.9, plain=False),
        trait("high interest in money matters", "Money", 0.862, 0.371, 0.7),
        trait("rarely singles", "Household", 0.1, 0.5, -0.9),
        trait("2 or more adults in the household", "Household", 0.66, 0.44, 0.4),
        trait("top earners", "Income", 0.13, 0.08, 0.25),
        trait("far from shops", "Shopping", 0.31, 0.3, 0.02),
    ]
)


def segments_of(table: pl.DataFrame, traits: pl.DataFrame = TRAITS) -> tuple[Segment, ...]:
    return build_segments(table, NAMES, traits, min_cell=10)


def groups_of(table: pl.DataFrame, members: dict[int, str]) -> tuple[Group, ...]:
    """Groups whose counts are the sums of their segments; verdict and limits do not matter here."""
    counted = ["population_rows", "population_share", "customer_rows", "customer_share"]
    rows = []
    for group, listed in members.items():
        numbers = [int(number) for number in listed.split(", ")]
        own = table.filter(pl.col("segment").is_in(numbers))
        rows.append(
            own.head(1).with_columns(
                pl.lit(group).alias("segment"), *(pl.lit(own[c].sum()).alias(c) for c in counted)
            )
        )
    figures = pl.concat(rows).rename({"segment": "group"}).drop("stability", "found_again")
    figures = figures.with_columns(
        pl.Series("segments", list(members.values())), pl.lit("Together").alias("name")
    )
    return build_groups(figures, TRAITS, segments_of(table), min_cell=10)


def test_a_portrait_is_told_word_for_word(shares: Shares) -> None:
    segment = segments_of(shares({1: (500, 300, "over"), 2: (500, 200, "under")}))[0]
    assert portrait(segment, ENGLISH) == (
        "Rarely dreamy: 98% here, 47% of everybody.",
        "High interest in money matters: 86% here, 37% of everybody.",
        "2 or more adults in the household: 66% here, 44% of everybody.",
    )


def test_a_segment_like_everybody_and_one_of_too_few_people_are_told_so(shares: Shares) -> None:
    table = shares({1: (9, 300, "over"), 2: (500, 200, "average"), 3: (600, 100, "under")})
    portraits = {segment.number: portrait(segment, ENGLISH) for segment in segments_of(table)}
    assert portraits[1] == ("Too few people to describe.",)
    assert portraits[3] == ("Much like everybody: no trait stands out.",)


def test_a_group_has_its_own_figures_and_its_segments_by_falling_index(shares: Shares) -> None:
    table = shares(
        {
            1: (500, 100, "over"),
            2: (400, 300, "over"),
            3: (600, 100, "under"),
            4: (70, 5_000, "over"),
        }
    )
    first, second, third = groups_of(table, {1: "1, 2", 3: "3", 4: "4"})
    # A group of one segment has the figures of that, word for word.
    assert first.figures == first.members[0]
    assert first.is_one_segment
    assert (second.figures.population_rows, second.figures.customer_rows) == (900, 400)
    assert [segment.number for segment in second.members] == [2, 1]
    assert (first.label(ENGLISH), second.label(ENGLISH)) == ("Segment 4", "Segments 2 and 1")
    indices = [ENGLISH.short_number(member.index) for member in second.members]
    assert second.indices(ENGLISH) == f"Segments 2 and 1: index {' and '.join(indices)}"
    assert [segment.number for segment in third.members] == [3]


def test_a_group_does_not_disclose_a_suppressed_count_of_its_segments(shares: Shares) -> None:
    """400 customers together, 396 in the other segment, would tell the four."""
    table = shares(
        {1: (500, 4, "under"), 2: (400, 396, "over"), 3: (600, 100, "under"), 4: (700, 50, "under")}
    )
    groups = {group.figures.number: group for group in groups_of(table, {1: "1, 2", 3: "3, 4"})}
    hidden = groups[1].figures
    assert hidden.customer_rows is hidden.customer_share is hidden.index is hidden.limits is None
    assert (hidden.verdict, hidden.population_rows) == ("hidden", 900)
    shown = ENGLISH.short_number(groups[1].members[0].index)
    assert groups[1].indices(ENGLISH) == f"Segments 2 and 1: index {shown} and –"
    # Segment 4 is suppressed with segment 1, as the total would tell the one; so is its group.
    assert groups[3].figures.customer_rows is None


def test_people_of_a_group_with_a_suppressed_segment_are_not_described(shares: Shares) -> None:
    table = shares(
        {1: (4, 50, "under"), 2: (400, 390, "over"), 3: (600, 100, "under"), 4: (700, 50, "under")}
    )
    groups = {group.figures.number: group for group in groups_of(table, {1: "1, 2", 3: "3, 4"})}
    assert groups[1].figures.population_rows is None
    assert portrait(groups[1].figures, ENGLISH) == ("Too few people to describe.",)
    assert groups[3].figures.population_rows == 1300


@pytest.fixture
def heat(shares: Shares) -> HeatMap:
    table = shares({1: (500, 300, "over"), 2: (500, 200, "under"), -1: (900, 400, "over")})
    return heat_map(segments_of(table), ENGLISH)


def test_the_heat_map_has_the_strongest_trait_of_each_family_in_short_words(heat: HeatMap) -> None:
    assert heat.families == ("Attitudes", "Money", "Household", "Income")
    (_, cells), (_, others) = heat.rows
    assert [(cell.words, cell.tone) for cell in cells] == [
        ("Rarely dreamy", 3),
        ("High interest in money matters", 2),
        # What there is more of goes before a stronger one that there is less of.
        ("2 or more adults in the household", 1),
        ("Top earners", 1),
    ]
    assert (cells[0].shares, cells[0].codes) == (
        "98% here, 47% of everybody",
        "RARELY DREAMY: 1, 2",
    )
    assert {(cell.words, cell.tone) for cell in others} == {("like everybody", 0)}


def test_the_rows_set_aside_are_not_in_the_heat_map(heat: HeatMap) -> None:
    assert [segment.number for segment, _ in heat.rows] == [1, 2]
    assert heat.ends == (0, 1)


def test_of_many_families_the_most_telling_are_shown(shares: Shares) -> None:
    traits = pl.DataFrame([trait(f"t{n}", f"f{n}", 0.5, 0.4, 0.3 + n / 100) for n in range(20)])
    heat = heat_map(segments_of(shares({1: (500, 300, "over")}), traits), ENGLISH, most=3)
    assert heat.families == ("f19", "f18", "f17")


def test_codes_stand_in_tooltips_alone(report: Path) -> None:
    html = report.read_text()
    section = html[html.index('<section id="cards"') : html.index('<section id="shares"')]
    text = re.sub(r"<[^>]*>", " ", section)
    assert "FINANZ_SPARER" in section
    assert "FINANZ_SPARER" not in text


def test_groups_come_before_their_segments_which_are_folded_away(report: Path) -> None:
    html = report.read_text()
    section = html[html.index('<section id="cards"') : html.index('<section id="shares"')]
    assert "The 10" in section
    cards = re.findall(r'<article class="card[ \w]*" id="([\w-]+)"', section)
    assert set(cards) == {"group-1", "segment-3", "group-5", "group-7", "segment-10", "set-aside"}
    whole = section[section.index('id="group-7"') :]
    folded = whole[whole.index("<details") : whole.index("</article>\n</details>")]
    assert set(re.findall(r'id="segment-(\d+)"', folded)) == {"7", "8", "9"}
    assert re.search(r"Segments \d, \d and \d: index [\d.]+, [\d.]+ and [\d.]+", folded)


def test_every_word_that_is_linked_is_in_the_glossary_and_so_is_every_verdict(report: Path) -> None:
    html = report.read_text()
    places = set(re.findall(r'<dt id="([\w-]+)"', html))
    assert places == {anchor(word) for word in GLOSSARY}
    linked = re.findall(r'<a class="term" href="#([\w-]+)" title="([^"]+)"', html)
    assert {place for place, _ in linked} <= places
    assert {unescape(explained) for _, explained in linked} <= set(GLOSSARY.values())
    verdicts = {word.split(" ", 1)[1] for word in re.findall(r'class="verdict \w+">([^<]+)<', html)}
    assert len(verdicts) > 1
    assert verdicts <= set(GLOSSARY)


def test_the_word_of_a_group_names_each_segment_that_it_is_not_true_of(
    facts: RunFacts, shares: Shares
) -> None:
    table = shares({1: (90_000, 9_000, "over"), 2: (50_000, 4_000, "over")}).with_columns(
        low=pl.when(pl.col("segment") == 2).then(120.0).otherwise(160.0), high=300.0
    )
    whole, mild = build_segments(table, NAMES, facts.traits, min_cell=10)
    assert (whole.level, mild.level) == ("far above average", "above average")
    assert Group(whole, (whole, whole)).words(ENGLISH) == "far above average"
    assert Group(whole, (whole, mild)).words(ENGLISH) == (
        "far above average on the whole; segment 2 above average"
    )
    assert Group(mild, (whole, mild)).words(ENGLISH) == (
        "above average on the whole; segment 1 far above average"
    )


@pytest.mark.parametrize("stability", [0.9, 0.65, 0.55, 0.4])
def test_every_word_for_stability_is_explained(stability: float) -> None:
    assert stability_label(stability) in "found again" + GLOSSARY["found again"]


def test_rows_set_aside_are_explained_once(facts: RunFacts, tmp_path: Path) -> None:
    write_report(replace(facts, folder="x"), tmp_path)
    html = (tmp_path / "index.html").read_text()
    assert html.count("lack more than 25 of the attributes") == 1
    assert "counted and compared, but not clustered" not in html
