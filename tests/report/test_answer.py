"""What the page says first, and what it warns of."""

from collections.abc import Callable
from dataclasses import replace

import polars as pl

from segment_lib.report import RunFacts, answer, mailing
from segment_lib.report.segments import Segment, build_segments

Shares = Callable[[dict[int, tuple[int, int, str]]], pl.DataFrame]


def segments_of(facts: RunFacts) -> tuple[Segment, ...]:
    return build_segments(facts.segments, facts.names, facts.traits, facts.min_cell)


def headline_and_backing(facts: RunFacts) -> tuple[str, str]:
    headline, backing = answer.headline(segments_of(facts))
    return headline, " ".join(backing)


def test_the_headline_says_where_to_mail(facts: RunFacts) -> None:
    headline, backing = headline_and_backing(facts)
    assert headline == (
        "Segments 1, 4 and 2 hold 71% of customers in 24% of the population: mail there first."
    )
    assert (
        "Leave out segments 10, 7, 9, 8, 6 and 5: 19% of customers in 68% of the population."
        in backing
    )
    assert "10% of the population and 26% of customers (index 249)" in backing


def test_it_says_how_strongly_and_how_sure_that_is(facts: RunFacts) -> None:
    _, backing = headline_and_backing(facts)
    assert (
        "segment 1 (“Savers of kind 1, seldom online”): a customer is 3.8 times as likely to be "
        "in it as anybody in the population (3.0 to 4.2 times, all doubts counted)." in backing
    )


def test_the_headline_never_sends_mail_to_rows_set_aside(facts: RunFacts, shares: Shares) -> None:
    table = shares({1: (500, 500, "average"), 2: (400, 300, "average"), -1: (100, 200, "over")})
    headline, backing = headline_and_backing(replace(facts, segments=table))
    assert headline == "Customers are spread over the segments as the population is."
    assert "mail there" not in backing
    assert "set aside" in backing


def test_the_headline_may_have_segments_to_leave_out_alone(facts: RunFacts, shares: Shares) -> None:
    table = shares({1: (500, 520, "average"), 2: (100, 20, "under")})
    headline, _ = headline_and_backing(replace(facts, segments=table))
    assert headline == (
        "No segment holds more customers than its size suggests; segment 2 holds fewer."
    )


def test_a_small_segment_is_not_the_one_put_forward(facts: RunFacts, shares: Shares) -> None:
    table = shares({1: (90, 80, "over"), 2: (5_000, 900, "over"), 3: (9_000, 300, "under")})
    _, backing = headline_and_backing(replace(facts, segments=table))
    assert "Of those large enough to plan on, most of all segment 2" in backing


def test_customers_too_few_to_show_are_not_called_none(facts: RunFacts, shares: Shares) -> None:
    table = shares(
        {
            1: (1_000, 90, "over"),
            2: (1_000, 9, "under"),
            3: (2_000, 20, "under"),
            4: (4_000, 81, "under"),
        }
    )
    _, backing = headline_and_backing(replace(facts, segments=table))
    assert "Leave out segment 4: 40% of customers in 50% of the population." in backing
    assert "Too few people stand behind segments 2 and 3 to say more." in backing
    alone = table.filter(pl.col("segment") < 3)
    _, backing = headline_and_backing(replace(facts, segments=alone))
    assert "0% of customers" not in backing
    assert "Leave out" not in backing


def test_a_segment_whose_numbers_are_hidden_is_not_denied(facts: RunFacts, shares: Shares) -> None:
    table = shares({1: (5, 25, "over"), 2: (13, 5, "average"), 3: (17, 10, "average")})
    headline, backing = headline_and_backing(replace(facts, segments=table))
    assert headline == "There are too few people to say which segments customers come from."
    assert "Of segments 1, 2 and 3 too few people are known to rule out half or twice" in backing
    table = shares({1: (5, 25, "over"), 2: (500, 900, "over"), 3: (900, 100, "under"),
                    4: (400, 300, "average")})  # fmt: skip
    headline, backing = headline_and_backing(replace(facts, segments=table))
    assert headline.startswith("Segment 2 holds 68% of customers in 28% of the population:")
    assert "Most of all, segment 2" in backing
    assert "Too few people stand behind segments 1 and 4 to say more." in backing


def test_nothing_is_asserted_of_too_few_people(facts: RunFacts, shares: Shares) -> None:
    few = replace(facts, segments=shares({1: (2, 1, "average"), 2: (1, 2, "average")}))
    headline, backing = headline_and_backing(few)
    assert headline == "There are too few people to say which segments customers come from."
    assert "No segment is over- or under-represented" not in backing
    assert "Of segments 1 and 2 too few people are known to rule out half or twice" in backing
    assert answer.no_verdict_sentences(segments_of(few))[0].startswith("No segment is shown to be")


def test_what_is_clear_is_told_apart_from_what_is_not(facts: RunFacts, shares: Shares) -> None:
    table = shares({1: (9_000, 900, "average"), 2: (300, 30, "average")}).with_columns(
        low=pl.Series([95.0, 40.0]), high=pl.Series([105.0, 240.0])
    )
    headline, backing = headline_and_backing(replace(facts, segments=table))
    assert headline.startswith("As far as can be told, customers are spread")
    assert "Of segment 2 the borders are too uncertain to rule out half or twice" in backing


def test_rows_set_aside_of_too_few_customers_are_told_in_words(
    facts: RunFacts, shares: Shares
) -> None:
    table = shares({1: (900, 80, "average"), -1: (100, 5, "average")})
    _, backing = headline_and_backing(replace(facts, segments=table))
    assert "set aside: 10% of the population and too few customers to count." in backing


def test_segments_that_are_not_found_again_are_warned_of(facts: RunFacts) -> None:
    warnings = answer.warnings(segments_of(facts), facts.sweep, [])
    assert warnings == ()
    shaky = facts.segments.with_columns(stability=pl.lit(0.55))
    (warnings,) = answer.warnings(segments_of(replace(facts, segments=shaky)), facts.sweep, [])
    assert warnings.startswith("The borders of segments 1, 4 and 2 are uncertain")
    unstable = facts.sweep.with_columns(stable=pl.lit(False))
    (warnings,) = answer.warnings(segments_of(replace(facts, segments=shaky)), unstable, [])
    assert warnings.startswith("These 10 segments are not stable")


def test_what_looks_broken_but_is_allowed_is_said(facts: RunFacts) -> None:
    (warning,) = answer.warnings(
        segments_of(facts), facts.sweep, ["97% of customers are in segment 3"]
    )
    assert warning == "Suspicious, but allowed: 97% of customers are in segment 3."


def test_the_reach_of_a_fifth_is_read_from_the_gains(facts: RunFacts) -> None:
    assert mailing.reach_sentence(facts.gains, 300) == (
        "Mailing the best 20% of the population by 300 micro-segments reaches 52.5% of customers "
        "(52.0 to 53.1%), 2.6 times as many as without selection; by whole segments, 44.7%."
    )
    assert mailing.reach_sentence(facts.gains.filter(pl.col("depth") > 0.2), 300) == ""


def test_a_ranking_that_gains_nothing_is_said_to_gain_nothing(facts: RunFacts) -> None:
    flat = facts.gains.with_columns(customers_reached="depth", lift=pl.lit(1.0))
    assert "no more than without selection" in mailing.reach_sentence(flat, 300)


def test_the_better_of_two_rankings_is_named(facts: RunFacts) -> None:
    def reached(micro: float) -> pl.DataFrame:
        share = pl.when(pl.col("by") == "micro_segment").then(micro).otherwise(0.629)
        return facts.gains.with_columns(customers_reached=share, low=micro - 0.1, high=micro + 0.1)

    worse = mailing.reach_sentence(reached(0.2), 1)
    assert worse.endswith("by whole segments, 62.9%, which is more.")
    order, list_order = mailing.ranking_sentences(reached(0.2), 1, 3)
    assert order == (
        "1 micro-segment, as few people allow no more, is no finer an order of the population than "
        "3 whole segments."
    )
    assert "ranked by micro-segments, also here, where whole segments reach more" in list_order
    assert mailing.reach_sentence(reached(0.6), 300).endswith(
        "62.9%, which is more, though no more than chance may add."
    )
    order, list_order = mailing.ranking_sentences(reached(0.7), 300, 12)
    assert "300 micro-segments, ranked by their share of customers, put" in order
    assert list_order == ""


def test_one_test_is_told_once_where_no_row_is_set_aside(facts: RunFacts) -> None:
    same = facts.tests["all_segments"]
    (only,) = answer.association_sentences({"all_segments": same, "without_set_aside": same})
    assert only.startswith("Over all segments, segment and being a customer")


def test_chance_and_strength_are_told_apart(facts: RunFacts) -> None:
    first, second = answer.association_sentences(facts.tests)
    assert "moderately associated: Cramér's V is 0.37" in first
    assert "a probability of less than 0.0001" in first
    assert second.startswith("Without the rows set aside")
    assert answer.association_sentences({"all_segments": None}) == ()


def test_unevenness_names_the_level_that_differs_most(facts: RunFacts) -> None:
    assert answer.fairness_sentences(facts.fairness, 500) == {
        "ANREDE_KZ": (
            "“male” ranges from 40% of segment 3 to 42% of segment 2; it is 40% of the population."
        )
    }


def test_gains_that_nobody_is_left_to_measure_are_not_told(facts: RunFacts) -> None:
    unknown = pl.lit(None, pl.Float64)
    gains = facts.gains.with_columns(customers_reached=unknown, lift=unknown)
    assert "none is left to measure on" in mailing.reach_sentence(gains, 300)
    assert mailing.ranking_sentences(gains, 300, 12)[1] == ""
    sentences = answer.sweep_sentences(facts.sweep.with_columns(gain=unknown))
    assert sentences[5].startswith(
        "5 segments: no customer is left to measure on how many they reach;"
    )
