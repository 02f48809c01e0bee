"""Sentences on what a mail-out reaches and earns, each from a number of the files."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from markupsafe import Markup

from segment_lib.report.depths import reached_text
from segment_lib.report.formatting import capitalised
from segment_lib.report.quantities import at_depth, fill, quantity
from segment_lib.schema.language import ENGLISH, N_, Language
from segment_lib.terms import DEPTH

MAX_WEIGHTS = 10
"""Weights of the likeness that are told."""


def reach_sentence(
    gains: pl.DataFrame, n_micro: int, ranking: str = "micro", language: Language = ENGLISH
) -> Markup:
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
            language.gettext(
                "How many customers a mailing reaches cannot be told: all had part in the ranking, "
                "and none is left to measure on."
            )
        )
    by_segments = rows["segment"]["customers_reached"]
    templates = _reach_templates(ranked, by_segments)
    return fill(
        " ".join(language.gettext(template) for template in templates),
        depth=language.percent(DEPTH),
        ranking=language.gettext("customer-likeness")
        if ranking == "logistic"
        else language.ngettext("{n:count} micro-segment", "{n:count} micro-segments", n_micro),
        reached=reached_text(ranked, language),
        lift=language.one_decimal(ranked["lift"]),
        segments=quantity("reached-by-segments", language.percent_tenths(by_segments)),
    )


def _reach_templates(ranked: Mapping[str, Any], by_segments: float) -> tuple[str, str]:
    """Sentences on a reach, by whether it is more than without selection and by segments."""
    if ranked["lift"] >= 1.05:
        reach = N_(
            "The best {depth} of the population by {ranking} reach {reached} of all customers, "
            "{lift} times as many as without selection."
        )
    elif ranked["lift"] <= 0.95:
        reach = N_(
            "The best {depth} of the population by {ranking} reach {reached} of all customers, "
            "fewer than without selection."
        )
    else:
        reach = N_(
            "The best {depth} of the population by {ranking} reach {reached} of all customers, no "
            "more than without selection."
        )
    if not _more(by_segments, ranked["customers_reached"]):
        return reach, N_(
            "As many people chosen by whole segments would reach {segments}: so choose people by "
            "the ranking; the segments say who they are."
        )
    if by_segments <= ranked["high"]:
        return reach, N_(
            "Whole segments reach {segments}, which is more, though chance alone may do that."
        )
    return reach, N_("Whole segments reach {segments}, which is more.")


def ranking_sentences(
    gains: pl.DataFrame,
    n_micro: int,
    n_segments: int,
    ranking: str = "micro",
    why: str = "",
    language: Language = ENGLISH,
) -> tuple[str, str]:
    """Sentences on the rankings, and on the one that a list follows."""
    _ = language.gettext
    if n_micro > n_segments:
        sentences = [
            _(
                "Whole segments are a coarse rank. {n:count} micro-segments, ranked by their share "
                "of customers, put the population in a finer order.",
                n=n_micro,
            )
        ]
    else:
        order = language.ngettext(
            "{n:count} micro-segment, as few people allow no more, is no finer an order of the "
            "population than {segments}.",
            "{n:count} micro-segments, as few people allow no more, are no finer an order of the "
            "population than {segments}.",
            n_micro,
            segments=language.ngettext(
                "{n:count} whole segment", "{n:count} whole segments", n_segments
            ),
        )
        sentences = [order]
    if (gains["by"] == "logistic").any():
        likeness = _(
            "Customer-likeness is finest: how many times commoner people with the same attributes "
            "are among customers than in the population, times 100. It says who is like a "
            "customer, not how many will respond."
        )
        sentences.append(likeness)
    order = " ".join(sentences)
    if ranking == "logistic":
        return order, _("The list is ranked by customer-likeness: {why}.", why=why)
    deep = gains.filter((pl.col("depth") - DEPTH).abs() < 1e-9)
    reached = dict(deep.select("by", "customers_reached").iter_rows())
    if not _more(reached.get("segment"), reached.get("micro_segment")):
        return order, ""
    return order, _(
        "The list is ranked by micro-segments, also here, where whole segments reach more of the "
        "customers at {depth:percent}.",
        depth=DEPTH,
    )


def weight_sentences(weights: pl.DataFrame, language: Language = ENGLISH) -> tuple[str, ...]:
    """Sentences on the strongest weights of the likeness, each with everything else equal."""
    return tuple(
        language.gettext("{label}: weight {odds:one_decimal}", label=capitalised(label), odds=odds)
        for label, odds in weights.head(MAX_WEIGHTS).select("label", "odds_ratio").iter_rows()
    )


def depth_sentences(depth: Mapping[str, Any], language: Language = ENGLISH) -> tuple[Markup, ...]:
    """Sentences on how the most profitable depth is reckoned, and on its assumption."""
    pays = depth["cost_per_piece"] / depth["margin_per_order"]
    sentences = (
        N_(
            "A piece costs {cost} and an order earns {margin}. So a piece pays where people "
            "respond at {pays} or more, which is an index of {index}."
        ),
        N_(
            "The depth that pays most is {depth}; by the limits of the index it lies between {low} "
            "and {high}."
        ),
        N_(
            "Assumed: people respond in proportion to their index, all people on average at "
            "{rate}. The ranges allow for chance, not for a wrong assumption: a test mailing tells "
            "better."
        ),
    )
    fields = {
        "cost": quantity("cost-per-piece", language.money(depth["cost_per_piece"])),
        "margin": quantity("margin-per-order", language.money(depth["margin_per_order"])),
        "pays": quantity("rate-that-pays", language.percent_tenths(pays)),
        "index": quantity("break-even-of-people", language.short_number(depth["break_even_index"])),
        "depth": quantity(
            at_depth("depth", depth["recommended_depth"]),
            language.percent_tenths(depth["recommended_depth"]),
        ),
        "low": quantity("depth-low", language.percent_tenths(depth["depth_low"])),
        "high": quantity("depth-high", language.percent_tenths(depth["depth_high"])),
        "rate": quantity("base-rate", language.percent_tenths(depth["base_response_rate"])),
    }
    return tuple(fill(language.gettext(sentence), **fields) for sentence in sentences)


def _more(share: float | None, than: float | None) -> bool:
    """Whether a share is larger to a tenth of a percent; False where one is not measured."""
    if share is None or than is None:
        return False
    return round(1000 * share) > round(1000 * than)
