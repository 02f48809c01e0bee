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
    gains: pl.DataFrame,
    n_micro: int,
    ranking: str = "micro",
    language: Language = ENGLISH,
) -> Markup:
    """Sentence on the customers among the best DEPTH; empty if the table lacks that depth."""
    rows = _at_depth(gains)
    ranked = rows.get(_order(ranking))
    if ranked is None or "segment" not in rows:
        return Markup()
    if ranked["customers_reached"] is None:
        return Markup(
            language.gettext(
                "How many customers belong to the best cannot be told: all had part in the "
                "ranking, and none is left to measure on."
            )
        )
    return fill(
        language.gettext(_reach_template(ranked["lift"])),
        depth=language.percent(DEPTH),
        ranking=language.gettext("customer-likeness")
        if ranking == "logistic"
        else language.ngettext("{n:count} micro-segment", "{n:count} micro-segments", n_micro),
        reached=reached_text(ranked, language),
        lift=language.one_decimal(ranked["lift"]),
    )


def segment_reach_sentence(
    gains: pl.DataFrame,
    ranking: str = "micro",
    language: Language = ENGLISH,
    *,
    with_set_aside: bool = False,
) -> Markup:
    """Sentence on the customers among the best DEPTH of whole segments; empty if it is not known.

    `with_set_aside` is true where rows set aside stand among the segments.
    """
    rows = _at_depth(gains)
    ranked = rows.get(_order(ranking))
    if ranked is None or "segment" not in rows or ranked["customers_reached"] is None:
        return Markup()
    reached = rows["segment"]["customers_reached"]
    if _more(reached, ranked["customers_reached"]):
        template = (
            N_(
                "With whole segments it would be {segments}, which is more, though chance alone "
                "may do that."
            )
            if reached <= ranked["high"]
            else N_("With whole segments it would be {segments}, which is more.")
        )
    elif with_set_aside:
        template = N_(
            "Choose people by this ranking, not by whole segments: the best {depth} by segments, "
            "those without one as one more, hold {segments}."
        )
    else:
        template = N_(
            "Choose people by this ranking, not by whole segments: the best {depth} by segments "
            "hold {segments}."
        )
    return fill(
        language.gettext(template),
        depth=language.percent(DEPTH),
        segments=quantity("reached-by-segments", language.percent_tenths(reached)),
    )


def reached_share(gains: pl.DataFrame, ranking: str = "micro") -> float | None:
    """Share of the customers among the best DEPTH; None if it is not measured."""
    row = _at_depth(gains).get(_order(ranking))
    return None if row is None else row["customers_reached"]


def certainty_sentence(
    gains: pl.DataFrame, ranking: str = "micro", language: Language = ENGLISH
) -> Markup:
    """Sentence on the range of the customers among the best DEPTH; empty if it is not known."""
    row = _at_depth(gains).get(_order(ranking))
    if row is None or row["customers_reached"] is None:
        return Markup()
    return fill(
        language.gettext(
            "{reached} of all customers belong to the best {depth}: in brackets is the range that "
            "chance alone leaves."
        ),
        reached=reached_text(row, language),
        depth=language.percent(DEPTH),
    )


def _at_depth(gains: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """Rows of the gains at DEPTH, by what people are ranked by."""
    rows = gains.filter((pl.col("depth") - DEPTH).abs() < 1e-9).iter_rows(named=True)
    return {row["by"]: row for row in rows}


def _order(ranking: str) -> str:
    """What the list is ranked by, as in the gains."""
    return "logistic" if ranking == "logistic" else "micro_segment"


def _reach_template(lift: float) -> str:
    """Sentence on a reach, by whether it is more than by chance."""
    if lift >= 1.05:
        return N_(
            "{reached} of all customers belong to the best {depth} of the population by "
            "{ranking}, {lift} times as many as by chance."
        )
    if lift <= 0.95:
        return N_(
            "{reached} of all customers belong to the best {depth} of the population by "
            "{ranking}, fewer than by chance."
        )
    return N_(
        "{reached} of all customers belong to the best {depth} of the population by {ranking}, no "
        "more than by chance."
    )


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
    reached = {by: row["customers_reached"] for by, row in _at_depth(gains).items()}
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
