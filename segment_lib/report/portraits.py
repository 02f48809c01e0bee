"""Pen portraits of segments and groups: a few plain sentences from their strongest traits."""

from collections.abc import Iterator, Sequence

from segment_lib.report.segments import Segment, Trait
from segment_lib.schema.language import N_, Language

SENTENCES = 3
"""Traits in a portrait, each of another family."""
SMALL, MEDIUM, LARGE = 0.2, 0.5, 0.8
"""Differences of two shares as Cohen's h (Cohen 1988, "Statistical power analysis", chapter 6)."""

TRAIT = N_("{trait}: {share:percent} here, {everybody:percent} of everybody.")
PLAIN = N_("Much like everybody: no trait stands out.")
TOO_FEW = N_("Too few people to describe.")


def portrait(segment: Segment, language: Language) -> tuple[str, ...]:
    """Sentences on a segment, from what its people have more of, the strongest first."""
    if segment.population_rows is None:
        return (language.gettext(TOO_FEW),)
    marked = [trait for trait in segment.traits if trait.plain and trait.effect >= SMALL]
    sentences = [
        language.gettext(
            TRAIT, trait=trait.words, share=trait.share, everybody=trait.share_at_large
        )
        for trait in first_of_each_family(marked)
    ]
    return tuple(sentences[:SENTENCES]) or (language.gettext(PLAIN),)


def first_of_each_family(traits: Sequence[Trait]) -> Iterator[Trait]:
    """Yield the first trait of each family."""
    families: set[str] = set()
    for trait in traits:
        if trait.family not in families:
            families.add(trait.family)
            yield trait
