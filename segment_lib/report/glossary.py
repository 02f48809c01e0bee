"""Glossary of the page: each word that needs one is explained once, here."""

from segment_lib.report.segments import HALF, NOT_SHOWN, TWICE, UNCLEAR, WORDS
from segment_lib.schema.language import N_, Language
from segment_lib.terms import DISSOLVED, FAR, FOUND_AGAIN, LEVELS, STABLE

GLOSSARY = {
    N_("people"): N_("Everybody in the population extract: customers or not."),
    N_("segment"): N_("People with similar data, found by the computer in the whole population."),
    N_("group"): N_(
        "Segments that are alike and all above average, all below, or neither, put together to "
        "keep the page short. "
        "Up to nine segments stay as they are. More are merged, the likest first, to five to nine "
        "groups: merging ends before the step that would put the least alike together."
    ),
    N_("portrait"): N_(
        "Up to three things that people of a segment have in common more often than everybody, the "
        "strongest first, each of another kind."
    ),
    N_("trait"): N_(
        "Something known of people, such as “savers”, and how many people it holds for."
    ),
    N_("index"): N_(
        "How common customers are among these people: 100 is average; at 200 they are twice as "
        "common."
    ),
    N_("range"): N_(
        "The true value very likely lies between these two numbers, allowing for chance and for "
        "how firmly the segment can be drawn. In a chart it is the bar."
    ),
    WORDS[LEVELS[0]]: N_("The whole range of the index is above {far_above:count}."),
    WORDS[LEVELS[1]]: N_("The whole range of the index is above 100: customers are surely common."),
    WORDS[LEVELS[2]]: N_("100 lies within the range: no difference from average is shown."),
    WORDS[LEVELS[3]]: N_("The whole range of the index is below 100: customers are surely rare."),
    WORDS[LEVELS[4]]: N_("The whole range of the index is below {far_below:count}."),
    UNCLEAR: N_(
        "The range holds 100 and is too wide to say more: it goes below {half:count} or above "
        "{twice:count}."
    ),
    NOT_SHOWN: N_("Too few people stand behind a number to show it."),
    N_("set aside"): N_(
        "Rows with too many unknown values to say which segment they belong to. They are counted "
        "and compared, and never lost."
    ),
    N_("found again"): N_(
        "When the segments are worked out again from half of the people, at least "
        "{again:percent} of a segment's people stay together. From {outline:percent} it is “found "
        "again in outline”; below that its borders are “uncertain”; up to {dissolved:percent} it "
        "is “not found again”."
    ),
    N_("held out"): N_(
        "Customers who had no part in making the ranking. What is counted on them is what a "
        "mailing may expect."
    ),
    N_("likeness"): N_(
        "How much a person's data look like a customer's: 100 is average, 200 twice as much."
    ),
    N_("micro-segment"): N_("A small slice of a segment, used to rank people more finely."),
    N_("depth"): N_("The share of the population that gets mail, the most promising people first."),
    N_("lift"): N_("The index divided by 100: 2 means twice as many customers as by chance."),
}
"""Word to its explanation, in English, in the order of the page."""
_BOUNDS = {
    "again": FOUND_AGAIN,
    "outline": STABLE,
    "dissolved": DISSOLVED,
    "half": HALF,
    "twice": TWICE,
    "far_below": FAR[0],
    "far_above": FAR[1],
}


def glossary(language: Language) -> dict[str, str]:
    """Explanation of each word in a language, its bounds filled in."""
    return {word: language.gettext(text, **_BOUNDS) for word, text in GLOSSARY.items()}


def anchor(word: str) -> str:
    """Name of the place of a word in the glossary."""
    return f"word-{word.replace(' ', '-')}"
