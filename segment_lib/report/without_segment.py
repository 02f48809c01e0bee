"""Sentences on people without a segment: how many they are, and where the ranking puts them."""

from markupsafe import Markup

from segment_lib.report.quantities import fill, quantity
from segment_lib.report.segments import Segment
from segment_lib.schema.language import N_, Language
from segment_lib.terms import DEPTH


def without_segment(aside: Segment, language: Language) -> Markup:
    """Sentence on how many people and customers are in no segment."""
    if aside.population_share is None:
        return Markup(
            language.gettext("Some people are in no segment, as too little is known of them.")
        )
    people = quantity("segment--1-people-share", language.percent(aside.population_share))
    if aside.customer_share is None or aside.index is None:
        return fill(
            language.gettext(
                "{people} of the population are in no segment, as too little is known of them; "
                "they are too few customers to count."
            ),
            people=people,
        )
    return fill(
        language.gettext(
            "{people} of the population and {customers} of all customers are in no segment, as too "
            "little is known of them."
        ),
        people=people,
        customers=quantity("segment--1-customer-share", language.percent(aside.customer_share)),
    )


def place_in_ranking(
    depths: tuple[float, float], mailed: float, left: float | None, language: Language
) -> Markup:
    """Sentences on where the rows set aside stand in the ranking; empty if that is not known.

    Parameters
    ----------
    depths : between which they stand
    mailed : depth of the mailing
    left : share of the customers at that depth without them, if they all stand above it
    """
    first, last = depths
    if not last:
        return Markup()
    among_best = min(mailed, last) - first
    form = language.percent if mailed == DEPTH else language.percent_tenths
    if among_best <= 0:
        templates = [
            N_(
                "In the ranking those without a segment stand between the best {first} and the "
                "best {last} of the population."
            )
        ]
    else:
        templates = [
            N_(
                "In the ranking those without a segment stand between the best {first} and the "
                "best {last} of the population; of the best {mailed} they are {share}."
            ),
            N_(
                "Only the gaps in their data rank them, which may say more of how the files were "
                "made than of who buys: test some of them first."
            ),
        ]
    if among_best > 0 and last <= mailed and left is not None and left >= 0:
        templates.append(
            N_(
                "The list can leave them out: of the best {mailed}, {people} of the population are "
                "left then, with {customers} of all customers."
            )
        )
    return fill(
        " ".join(language.gettext(template) for template in templates),
        first=quantity("set-aside-from", language.percent_tenths(first)),
        last=quantity("set-aside-to", language.percent_tenths(last)),
        mailed=form(mailed),
        share=quantity("set-aside-among-best", language.percent(among_best / (mailed or 1.0))),
        people=quantity("best-with-segment", language.percent_tenths(mailed - among_best)),
        customers=quantity("reached-with-segment", language.percent(left or 0.0)),
    )
