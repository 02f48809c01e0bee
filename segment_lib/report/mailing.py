"""Sentences on what a mail-out reaches and earns, each from a number of the files."""

import polars as pl

from segment_lib.report.facts import Figures
from segment_lib.report.formatting import count, one_decimal, percent, plural, short_number
from segment_lib.terms import DEPTH

MAX_WEIGHTS = 10
"""Weights of the likeness that are told."""


def reach_sentence(gains: pl.DataFrame, n_micro: int, ranking: str = "micro") -> str:
    """Sentence on the customers reached at DEPTH; empty if the table lacks that depth."""
    reached = {
        by: (share, low, high, lift)
        for by, share, low, high, lift in gains.filter((pl.col("depth") - DEPTH).abs() < 1e-9)
        .select("by", "customers_reached", "low", "high", "lift")
        .iter_rows()
    }
    by = "logistic" if ranking == "logistic" else "micro_segment"
    if by not in reached or "segment" not in reached:
        return ""
    share, low, high, lift = reached[by]
    if share is None:
        return (
            "How many customers a mailing reaches cannot be told: all had part in the ranking, and "
            "none is left to measure on."
        )
    if lift >= 1.05:
        against = f"{one_decimal(lift)} times as many as without selection"
    elif lift <= 0.95:
        against = "fewer than without selection"
    else:
        against = "no more than without selection"
    by_segments = reached["segment"][0]
    whole_segments = f"{one_decimal(100 * by_segments)}%"
    if _more(by_segments, share):
        chance = ", though no more than chance may add" if by_segments <= high else ""
        whole_segments += f", which is more{chance}"
    return (
        f"Mailing the best {percent(DEPTH)} of the population by "
        f"{'customer-likeness' if ranking == 'logistic' else plural(n_micro, 'micro-segment')} "
        f"reaches {one_decimal(100 * share)}% of customers "
        f"({one_decimal(100 * low)} to "
        f"{one_decimal(100 * high)}%), {against}; by whole segments, {whole_segments}."
    )


def ranking_sentences(
    gains: pl.DataFrame, n_micro: int, n_segments: int, ranking: str = "micro", why: str = ""
) -> tuple[str, str]:
    """Sentences on the rankings, and on the one that jobs.export uses."""
    cells = plural(n_micro, "micro-segment")
    if n_micro > n_segments:
        sentence = (
            f"Whole segments are a coarse rank. {cells}, ranked by their share of customers, put "
            "the population in a finer order."
        )
    else:
        sentence = (
            f"{cells}, as few people allow no more, {'is' if n_micro == 1 else 'are'} no finer "
        )
        sentence += f"an order of the population than {plural(n_segments, 'whole segment')}."
    if (gains["by"] == "logistic").any():
        sentence += (
            " Customer-likeness is finest: how many times commoner people with the same attributes "
            "are among customers than in the population, times 100. It says who is like a "
            "customer, not how many will respond."
        )
    if ranking == "logistic":
        return sentence, f"The list is ranked by customer-likeness: {why}."
    deep = gains.filter((pl.col("depth") - DEPTH).abs() < 1e-9)
    reached = dict(deep.select("by", "customers_reached").iter_rows())
    if not _more(reached.get("segment"), reached.get("micro_segment")):
        return sentence, ""
    return sentence, (
        "The list is ranked by micro-segments, also here, where whole segments reach more of the "
        f"customers at {percent(DEPTH)}."
    )


def weight_sentences(weights: pl.DataFrame) -> tuple[str, ...]:
    """Sentences on the strongest weights of the likeness."""
    return tuple(
        f"{label[:1].upper()}{label[1:]}: {one_decimal(odds)} times"
        for label, odds in weights.head(MAX_WEIGHTS).select("label", "odds_ratio").iter_rows()
    )


def depth_sentences(depth: Figures) -> tuple[str, ...]:
    """Sentences on the most profitable depth, and its assumption."""
    return (
        f"A piece that costs {_money(depth['cost_per_piece'])} pays while people respond at "
        f"{percent(depth['base_response_rate'] * depth['break_even_index'] / 100)} or more, which "
        f"is a micro-index of {short_number(depth['break_even_index'])}, at a margin of "
        f"{_money(depth['margin_per_order'])} per order.",
        f"Mail the best {percent(depth['recommended_depth'])} of the population "
        f"({percent(depth['depth_low'])} to {percent(depth['depth_high'])}): "
        f"{count(depth['pieces'])} pieces, {count(depth['expected_orders'])} orders expected, "
        f"a profit of {_money(depth['expected_profit'])}.",
        f"Assumed: people respond in proportion to the micro-index of their micro-segment, "
        f"those of index 100 at {percent(depth['base_response_rate'])}. A test mailing tells "
        "better.",
    )


def _more(share: float | None, than: float | None) -> bool:
    """Whether a share is larger to a tenth of a percent; False where one is not measured."""
    if share is None or than is None:
        return False
    return round(1000 * share) > round(1000 * than)


def _money(amount: float) -> str:
    return f"{amount:,.2f}" if abs(amount) < 1000 else f"{amount:,.0f}"
