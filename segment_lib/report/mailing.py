"""Sentences on what a mail-out reaches and earns, each from a number of the files."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from markupsafe import Markup

from segment_lib.report.depths import reached_text
from segment_lib.report.formatting import (
    money,
    one_decimal,
    percent,
    percent_tenths,
    plural,
    short_number,
)
from segment_lib.report.quantities import at_depth, fill, quantity
from segment_lib.schema.language import Language
from segment_lib.terms import DEPTH

MAX_WEIGHTS = 10
"""Weights of the likeness that are told."""


def reach_sentence(gains: pl.DataFrame, n_micro: int, ranking: str = "micro") -> Markup:
    """Sentence on the customers reached at DEPTH; empty if the table lacks that depth."""
    rows = {
        row["by"]: row
        for row in gains.filter((pl.col("depth") - DEPTH).abs() < 1e-9).iter_rows(named=True)
    }
    ranked = rows.get("logistic" if ranking == "logistic" else "micro_segment")
    if ranked is None or "segment" not in rows:
        return Markup()
    if ranked["customers_reached"] is None:
        return Markup(
            "How many customers a mailing reaches cannot be told: all had part in the ranking, and "
            "none is left to measure on."
        )
    return fill(
        _reach_template(ranked, rows["segment"]["customers_reached"]),
        depth=percent(DEPTH),
        ranking="customer-likeness" if ranking == "logistic" else plural(n_micro, "micro-segment"),
        reached=reached_text(ranked, Language()),
        lift=one_decimal(ranked["lift"]),
        segments=quantity(
            "reached-by-segments", percent_tenths(rows["segment"]["customers_reached"])
        ),
    )


def _reach_template(ranked: Mapping[str, Any], by_segments: float) -> str:
    """Sentence on a reach, by whether it is more than without selection and by segments."""
    begin = "The best {depth} of the population by {ranking} reach {reached} of all customers, "
    if not _more(by_segments, ranked["customers_reached"]):
        end = " Whole segments reach {segments}."
    elif by_segments <= ranked["high"]:
        end = " Whole segments reach {segments}, which is more, though chance alone may do that."
    else:
        end = " Whole segments reach {segments}, which is more."
    if ranked["lift"] >= 1.05:
        return f"{begin}{{lift}} times as many as without selection.{end}"
    if ranked["lift"] <= 0.95:
        return f"{begin}fewer than without selection.{end}"
    return f"{begin}no more than without selection.{end}"


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


def depth_sentences(depth: Mapping[str, Any]) -> tuple[Markup, ...]:
    """Sentences on how the most profitable depth is reckoned, and on its assumption."""
    rate = depth["base_response_rate"]
    sentences = (
        "A piece costs {cost} and an order earns {margin}. So a piece pays where people respond at "
        "{pays} or more, which is an index of {index}.",
        "The depth that pays most is {depth}; by the limits of the index it lies between {low} and "
        "{high}.",
        "Assumed: people respond in proportion to their index, those of index 100 at {rate}. The "
        "ranges allow for chance, not for a wrong assumption: a test mailing tells better.",
    )
    fields = {
        "cost": quantity("cost-per-piece", money(depth["cost_per_piece"])),
        "margin": quantity("margin-per-order", money(depth["margin_per_order"])),
        "pays": quantity("rate-that-pays", percent_tenths(rate * depth["break_even_index"] / 100)),
        "index": quantity("break-even-of-people", short_number(depth["break_even_index"])),
        "depth": quantity(
            at_depth("depth", depth["recommended_depth"]),
            percent_tenths(depth["recommended_depth"]),
        ),
        "low": quantity("depth-low", percent_tenths(depth["depth_low"])),
        "high": quantity("depth-high", percent_tenths(depth["depth_high"])),
        "rate": quantity("base-rate", percent_tenths(rate)),
    }
    return tuple(fill(sentence, **fields) for sentence in sentences)


def _more(share: float | None, than: float | None) -> bool:
    """Whether a share is larger to a tenth of a percent; False where one is not measured."""
    if share is None or than is None:
        return False
    return round(1000 * share) > round(1000 * than)
