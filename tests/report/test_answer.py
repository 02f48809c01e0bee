"""What the page says first, and what it warns of."""

from dataclasses import replace

import polars as pl
import pytest

from segment_lib.report import RunFacts, answer, mailing
from segment_lib.report.segments import Segment, build_segments


def segments_of(facts: RunFacts) -> tuple[Segment, ...]:
    return build_segments(facts.segments, facts.names, facts.traits, facts.min_cell)


def test_segments_that_are_not_found_again_are_warned_of(facts: RunFacts) -> None:
    warnings = answer.warnings(segments_of(facts), facts.sweep, [])
    assert warnings == ()
    shaky = facts.segments.with_columns(stability=pl.lit(0.55))
    (warnings,) = answer.warnings(segments_of(replace(facts, segments=shaky)), facts.sweep, [])
    assert warnings.startswith("The borders of segments 1, 4 and 2 are uncertain")
    assert "less than 60% of these people stay together" in warnings
    unstable = facts.sweep.with_columns(stable=pl.lit(False))
    (warnings,) = answer.warnings(segments_of(replace(facts, segments=shaky)), unstable, [])
    assert warnings.startswith("These 10 segments are not firm")


def test_why_there_are_so_many_segments_is_said_in_short(facts: RunFacts) -> None:
    assert answer.choice_sentence(facts.sweep).startswith(
        "2 to 20 segments were tried. 10 was chosen: the smallest number that reaches as many"
    )
    unstable = facts.sweep.with_columns(stable=pl.lit(False))
    assert "At none are enough people in segments found again" in answer.choice_sentence(unstable)


def test_a_number_that_was_set_was_not_chosen(facts: RunFacts) -> None:
    alone = pl.when("chosen").then("stability")
    assert answer.choice_sentence(facts.sweep.with_columns(stability=alone)) == ""


def test_what_looks_broken_but_is_allowed_is_said(facts: RunFacts) -> None:
    (warning,) = answer.warnings(
        segments_of(facts), facts.sweep, ["97% of customers are in segment 3"]
    )
    assert warning == "Suspicious, but allowed: 97% of customers are in segment 3."


def test_the_reach_of_a_fifth_is_read_from_the_gains(facts: RunFacts) -> None:
    assert mailing.reach_sentence(facts.gains, 300).striptags() == (
        "52.5% (52.0% to 53.1%) of all customers belong to the best 20% of the population by 300 "
        "micro-segments, 2.6 times as many as by chance."
    )
    assert mailing.reach_sentence(facts.gains.filter(pl.col("depth") > 0.2), 300) == ""
    assert mailing.certainty_sentence(facts.gains).striptags() == (
        "52.5% (52.0% to 53.1%) of all customers belong to the best 20%: in brackets is the range "
        "that chance alone leaves."
    )


@pytest.mark.parametrize(
    ("with_set_aside", "best"),
    [
        (False, "the best 20% by segments"),
        (True, "the best 20% by segments, those without one as one more,"),
    ],
)
def test_whole_segments_hold_fewer_customers_than_the_ranking(
    facts: RunFacts, with_set_aside: bool, best: str
) -> None:
    assert mailing.segment_reach_sentence(
        facts.gains, with_set_aside=with_set_aside
    ).striptags() == (f"Choose people by this ranking, not by whole segments: {best} hold 44.7%.")


def test_a_ranking_that_gains_nothing_is_said_to_gain_nothing(facts: RunFacts) -> None:
    flat = facts.gains.with_columns(customers_reached="depth", lift=pl.lit(1.0))
    assert "no more than by chance" in mailing.reach_sentence(flat, 300)


def test_the_better_of_two_rankings_is_named(facts: RunFacts) -> None:
    def reached(micro: float) -> pl.DataFrame:
        share = pl.when(pl.col("by") == "micro_segment").then(micro).otherwise(0.629)
        return facts.gains.with_columns(customers_reached=share, low=micro - 0.1, high=micro + 0.1)

    worse = mailing.segment_reach_sentence(reached(0.2)).striptags()
    assert worse == "With whole segments it would be 62.9%, which is more."
    order, list_order = mailing.ranking_sentences(reached(0.2), 1, 3)
    assert order == (
        "1 micro-segment, as few people allow no more, is no finer an order of the population than "
        "3 whole segments."
    )
    assert "ranked by micro-segments, also here, where whole segments reach more" in list_order
    close = mailing.segment_reach_sentence(reached(0.6)).striptags()
    assert close.endswith("62.9%, which is more, though chance alone may do that.")
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
        "5 segments: no customer is left to measure on how many they reach."
    )
