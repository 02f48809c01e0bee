"""The first screen: whom to mail, how deep, and whom to leave out, by money and by size."""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from segment_lib.mailing.depths import Costs
from segment_lib.report import RunFacts, advice
from segment_lib.report.page import first_screen
from segment_lib.report.segments import Segment, build_segments
from segment_lib.terms import AVERAGE, LEVELS, OVER, UNDER, level_of
from tests.report.conftest import with_costs

Shares = Callable[[dict[int, tuple[int, int, str]]], pl.DataFrame]


def segments_of(facts: RunFacts) -> tuple[Segment, ...]:
    return build_segments(facts.segments, facts.names, facts.traits, facts.min_cell)


def screen(facts: RunFacts) -> tuple[str, list[str], list[str]]:
    """First sentence, whom to leave out, and backing, as a reader sees them."""
    advised = first_screen(facts, segments_of(facts))
    return (
        advised.first.striptags(),
        [sentence.striptags() for sentence in advised.leave_out],
        [sentence.striptags() for sentence in advised.backing],
    )


# Without money


def test_without_money_the_first_sentence_says_where_to_mail_first(facts: RunFacts) -> None:
    """By hand: (39,118 + 27,602 + 33,920) of 191,652 customers, 191,432 of 891,221 people."""
    first, leave_out, _ = screen(facts)
    assert first == (
        "Customers come above all from segments 1, 4 and 2: 53% of all customers, in 21% of the "
        "population."
    )
    assert leave_out[1:] == [
        "The fewest customers for their size are in segments 10, 7, 9, 8, 6 and 5: 14% of all "
        "customers, in 61% of the population.",
        "10% of the population and 26% of all customers are in no segment, as too little is known "
        "of them.",
    ]


def test_shares_on_the_first_screen_are_all_of_all_rows(facts: RunFacts) -> None:
    """Segments 3 and -1, which the advice does not name, are what is left of 100 %."""
    _, leave_out, _ = screen(facts)
    assert leave_out[-1].startswith("10% of the population and 26% of all customers are in no seg")
    segments = segments_of(facts)
    assert sum(segment.population_share or 0 for segment in segments) == pytest.approx(1)
    assert sum(segment.customer_share or 0 for segment in segments) == pytest.approx(1)


IN_THE_RANKING = "In the ranking those without a segment stand between the best "
GAPS = (
    " Only the gaps in their data rank them, which may say more of how the files were made than of "
    "who buys: test some of them first."
)


@pytest.mark.parametrize(
    ("aside", "share", "without"),
    [
        ((0.105, 0.207), "48%", ""),
        (
            (0.05, 0.15),
            "50%",
            " The list can leave them out: of the best 20%, 10.0% of the population are left then, "
            "with 26% of all customers.",
        ),
        ((0.2, 0.3), None, ""),
        ((0.4, 0.5), None, ""),
    ],
    ids=["to beyond it", "within it", "after it", "far after it"],
)
def test_it_says_how_many_of_the_best_have_no_segment(
    facts: RunFacts, aside: tuple[float, float], share: str | None, without: str
) -> None:
    """By hand: of the best 20 %, 9.5 and 10 points; of their 52.5 % of the customers, 26.2 %."""
    _, _, backing = screen(replace(facts, aside=aside))
    place = f"{IN_THE_RANKING}{aside[0]:.1%} and the best {aside[1]:.1%} of the population"
    among = f"; of the best 20% they are {share}.{GAPS}{without}" if share else "."
    assert place + among in backing


def test_a_run_that_does_not_know_their_place_in_the_ranking_says_none(facts: RunFacts) -> None:
    _, _, backing = screen(replace(facts, aside=(0.0, 0.0)))
    assert not [sentence for sentence in backing if IN_THE_RANKING in sentence]


def test_it_says_how_strongly_and_how_sure_that_is(facts: RunFacts) -> None:
    _, _, backing = screen(facts)
    assert (
        "Customers are most common in segment 1 (“Savers of kind 1, seldom online”): 3.8 times "
        "(3.0 to 4.2) as common as among all people with a segment."
    ) in backing


@given(
    rows=st.lists(
        st.tuples(st.floats(20, 400), st.floats(0.3, 0.999), st.floats(1.001, 3)),
        min_size=1,
        max_size=9,
    )
)
def test_without_money_no_segment_near_the_average_is_advised_on(
    rows: list[tuple[float, float, float]],
) -> None:
    """Also where it differs surely: whatever the limits, an index within 80 to 125 is no advice."""
    segments = sorted(
        (
            segment(number, index, (down * index, up * index))
            for number, (index, down, up) in enumerate(rows)
        ),
        key=lambda segment: -(segment.index or 0),
    )
    advised = advice.advise(segments, None, None)
    texts = [sentence.striptags() for sentence in (advised.first, *advised.leave_out)]
    named = {int(word) for text in texts for word in words_of(text) if word.isdigit()}
    surely = {
        s.number for s in segments if s.index and s.verdict != AVERAGE and not 80 <= s.index <= 125
    }
    assert named == surely


def words_of(text: str) -> list[str]:
    """Words before the shares of a sentence that names segments."""
    if "egment" not in text or ":" not in text:
        return []
    return text.partition(":")[0].replace(",", "").split()


def segment(number: int, index: float, limits: tuple[float, float]) -> Segment:
    return Segment(
        number=number,
        title="",
        population_rows=10_000,
        population_share=0.1,
        customer_rows=1_000,
        customer_share=0.1,
        index=index,
        limits=limits,
        sampling_limits=limits,
        verdict=OVER if limits[0] > 100 else UNDER if limits[1] < 100 else AVERAGE,
        stability=0.9,
        is_small=False,
        traits=(),
    )


@pytest.mark.parametrize(
    ("low", "high", "level"),
    [
        (151, 200, "far above"),
        (150, 200, "above"),
        (101, 300, "above"),
        (99, 300, "average"),
        (60, 101, "average"),
        (10, 99, "below"),
        (10, 50, "below"),
        (10, 49, "far below"),
    ],
)
def test_a_level_is_far_where_the_limit_nearest_the_average_is(
    low: float, high: float, level: str
) -> None:
    verdict = segment(0, (low + high) / 2, (low, high)).verdict
    assert level_of(verdict, low, high) == level
    assert level in LEVELS


def test_all_segments_spoken_of_are_named_in_order(facts: RunFacts, shares: Shares) -> None:
    many = {k: (1_000, 900 - 28 * k, OVER if k < 12 else UNDER) for k in range(30)}
    first, (_, leave_out), _ = screen(replace(facts, segments=shares(many)))
    assert first.startswith(
        "Customers come above all from segments 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 10:"
    )
    assert "segments 29, 28, 27, 26, 25, 24, 23, 22, 21, 20 and 19:" in leave_out
    assert " more" not in first + leave_out


def test_the_first_sentence_never_sends_mail_to_rows_set_aside(
    facts: RunFacts, shares: Shares
) -> None:
    table = shares({1: (500, 500, "average"), 2: (400, 300, "average"), -1: (100, 200, "over")})
    first, leave_out, backing = screen(replace(facts, segments=table))
    assert first == "All segments hold about as many customers as their size suggests."
    assert [line[:13] for line in leave_out] == ["52.5% (52.0% ", "10% of the po"]
    assert "No segment gives a reason to mail it before another." in backing


def test_there_may_be_few_customers_in_a_segment_and_many_in_none(
    facts: RunFacts, shares: Shares
) -> None:
    table = shares({1: (500, 520, "average"), 2: (100, 20, "under")})
    first, leave_out, backing = screen(replace(facts, segments=table))
    assert first.startswith("The fewest customers for their size are in segment 2: 3.7% of all")
    assert [line[:6] for line in leave_out] == ["52.5% "]
    assert "No segment is shown to hold many more customers than its size suggests." in backing


def test_a_small_segment_is_not_the_one_put_forward(facts: RunFacts, shares: Shares) -> None:
    table = shares({1: (90, 80, "over"), 2: (5_000, 2_900, "over"), 3: (9_000, 300, "under")})
    _, _, backing = screen(replace(facts, segments=table))
    assert any(line.startswith("Customers are most common in segment 2 (") for line in backing)


def test_customers_too_few_to_show_are_not_called_none(facts: RunFacts, shares: Shares) -> None:
    table = shares(
        {
            1: (1_000, 90, "over"),
            2: (1_000, 9, "under"),
            3: (2_000, 20, "under"),
            4: (4_000, 81, "under"),
        }
    )
    _, leave_out, backing = screen(replace(facts, segments=table))
    assert [line[:6] for line in leave_out] == ["52.5% "]
    assert "Too few people stand behind segments 2 and 3 to say more." in backing
    alone = table.filter(pl.col("segment") < 3)
    assert "0% of all customers" not in " ".join(screen(replace(facts, segments=alone))[2])


def test_a_segment_whose_numbers_are_hidden_is_not_denied(facts: RunFacts, shares: Shares) -> None:
    table = shares({1: (5, 25, "over"), 2: (13, 5, "average"), 3: (17, 10, "average")})
    first, _, backing = screen(replace(facts, segments=table))
    assert first == "There are too few people to say which segments customers come from."
    assert (
        "Too few people of segments 1, 2 and 3 are known to rule out half or twice as many "
        "customers as their size suggests."
    ) in backing
    table = shares({1: (5, 25, "over"), 2: (500, 900, "over"), 3: (900, 100, "under"),
                    4: (400, 300, "average")})  # fmt: skip
    first, _, backing = screen(replace(facts, segments=table))
    assert first.startswith(
        "Customers come above all from segment 2: 68% of all customers, in 28% of"
    )
    assert "Too few people stand behind segments 1 and 4 to say more." in backing


def test_nothing_is_asserted_of_too_few_people(facts: RunFacts, shares: Shares) -> None:
    few = replace(facts, segments=shares({1: (2, 1, "average"), 2: (1, 2, "average")}))
    first, _, backing = screen(few)
    assert first == "There are too few people to say which segments customers come from."
    assert any("Too few people of segments 1 and 2 are known" in line for line in backing)


def test_what_is_clear_is_told_apart_from_what_is_not(facts: RunFacts, shares: Shares) -> None:
    table = shares({1: (9_000, 900, "average"), 2: (300, 30, "average")}).with_columns(
        low=pl.Series([95.0, 40.0]), high=pl.Series([105.0, 240.0])
    )
    first, _, backing = screen(replace(facts, segments=table))
    assert first.startswith("As far as is known, all segments hold about as many")
    assert any("The border of segment 2 is too uncertain to rule out" in line for line in backing)


def test_rows_set_aside_of_too_few_customers_are_told_in_words(
    facts: RunFacts, shares: Shares
) -> None:
    table = shares({1: (900, 80, "average"), -1: (100, 5, "average")})
    _, leave_out, _ = screen(replace(facts, segments=table))
    assert leave_out[-1] == (
        "10% of the population are in no segment, as too little is known of them; they are too few "
        "customers to count."
    )


# With money


def test_with_money_the_first_sentence_is_the_depth_that_pays_and_what_it_brings(
    paid: RunFacts,
) -> None:
    """By hand: reach is depth to the power of 0.4, so the index at depth d is 40 d^-0.6.

    Break-even is 100 × 0.5 ÷ (0.02 × 30) = 83.3, which people have to a depth of 29.4 %: so the
    29 first percents pay. These bring 0.29^0.4 of the orders that everybody would.
    """
    depth = 0.29
    pieces = round(depth * 891_221)
    orders = 0.02 * 891_221 * depth**0.4
    profit = 30 * orders - 0.5 * pieces
    first, leave_out, _ = screen(paid)
    assert (0.4 * depth**-0.6, 0.4 * 0.30**-0.6) == pytest.approx((0.84, 0.82), abs=0.01)
    assert first.startswith(
        f"Mail the best 29.0% of the population: {pieces:,} pieces should bring {orders:,.0f} "
        "orders ("
    )
    assert f"and a profit of {profit:,.0f} (" in first
    assert leave_out[0] == (
        "Leave out the other 71.0%: a piece to them is expected to cost more than it brings."
    )


def test_the_segments_below_break_even_are_those_with_the_upper_limit_below_it(
    paid: RunFacts,
) -> None:
    """Segment 3 at an index of 81 to 103 is not shown to lie below 83, segment 5 is."""
    table = paid.segments.filter(pl.col("segment") >= 0)
    below = table.filter(pl.col("high") < 100 * 0.5 / 0.6).sort("index")["segment"].to_list()
    *most, last = map(str, below)
    _, leave_out, _ = screen(paid)
    assert leave_out[1] == (
        f"Segments {', '.join(most)} and {last} lie below break-even, an index of 83: mail only "
        "those of their people who are on the list."
    )


def test_break_even_of_segments_is_on_the_scale_of_their_index(paid: RunFacts) -> None:
    """Where 100 is all rows, people with a segment have a mean index below that."""
    assert paid.depth is not None
    expected = 100 * 0.5 / 0.6
    assert advice.break_even_of_segments(paid.segments, paid.depth) == pytest.approx(expected)
    of_all = paid.segments.with_columns(pl.col("drawn_index") * 0.8)
    assert advice.break_even_of_segments(of_all, paid.depth) == pytest.approx(0.8 * expected)


def test_of_the_people_to_be_mailed_it_says_how_many_have_no_segment(paid: RunFacts) -> None:
    """By hand: half of all that are mailed, if they begin halfway."""
    assert paid.depth is not None
    mailed = paid.depth["recommended_depth"]
    _, _, backing = screen(replace(paid, aside=(mailed / 2, 1.0)))
    assert f"; of the best {mailed:.1%} they are 50%." in " ".join(backing)


def test_where_everybody_pays_nobody_is_left_out(facts: RunFacts) -> None:
    first, leave_out, _ = screen(with_costs(facts, Costs(0.1, 100.0, 0.02)))
    assert first.startswith("Mail everybody: 891,221 pieces should bring 17,824 orders (")
    assert leave_out[:-1] == [
        "Leave nobody out: each piece is expected to bring more than it costs."
    ]


def test_where_nobody_pays_nobody_is_mailed(facts: RunFacts) -> None:
    first, leave_out, _ = screen(with_costs(facts, Costs(20.0, 30.0, 0.02)))
    assert first == "Mail nobody: no piece is expected to earn the 20.00 that it costs."
    assert [line[:13] for line in leave_out] == ["10% of the po"]


def test_without_a_measured_customer_no_range_is_told(paid: RunFacts) -> None:
    assert paid.depth is not None
    unknown = {key: None if "_low" in key or "_high" in key else v for key, v in paid.depth.items()}
    first, _, _ = screen(replace(paid, depth={**unknown, "depth_low": 0.2, "depth_high": 0.4}))
    assert first == re.sub(r" \([^)]* to [^)]*\)", "", screen(paid)[0])


def test_where_people_are_ranked_by_response_no_segment_is_left_out_by_its_customers(
    paid: RunFacts,
) -> None:
    response = pl.DataFrame({"extract": ["population"], "segment": [1], "rows": [100]})
    _, leave_out, _ = screen(replace(paid, response=response))
    assert [line.partition(" the ")[0] for line in leave_out] == ["Leave out", "10% of"]


def test_titles_of_segments_stay_words(facts: RunFacts) -> None:
    hostile = replace(facts, names=facts.names.with_columns(name=pl.lit("<b>{x}\u202e")))
    advised = first_screen(hostile, segments_of(hostile))
    (line,) = [line for line in advised.backing if "{x}" in line]
    assert isinstance(line, Markup)
    assert "&lt;b&gt;{x}\\u202e" in line


def test_profits_are_those_of_numpy(paid: RunFacts) -> None:
    """The whole table against arrays, at the money of `paid`."""
    at = np.rint(np.linspace(0, 1, 101) * 891_221) / 891_221
    expected = 30 * 0.02 * 891_221 * at**0.4 - 0.5 * 891_221 * at
    assert paid.depths["profit"].to_numpy() == pytest.approx(expected, abs=1e-6)
