"""Heat map: in what the people of each segment differ most from everybody, by family of traits."""

from collections.abc import Sequence
from dataclasses import dataclass

from segment_lib.report.portraits import LARGE, MEDIUM, SMALL
from segment_lib.report.segments import Segment, Trait
from segment_lib.schema.language import N_, Language

MAX_FAMILIES = 9
SHARES = N_("{share:percent} here, {everybody:percent} of everybody")
LIKE_EVERYBODY = N_("like everybody")


@dataclass(frozen=True)
class HeatCell:
    """The strongest trait of a family, and how strong it is from 0 to 3."""

    words: str
    shares: str = ""
    codes: str = ""
    tone: int = 0


@dataclass(frozen=True)
class HeatMap:
    """Cells by segment and family."""

    families: tuple[str, ...]
    rows: tuple[tuple[Segment, tuple[HeatCell, ...]], ...]

    @property
    def ends(self) -> tuple[int, int]:
        """Places of the first and of the last segment with an index, to begin to compare with."""
        known = [place for place, (segment, _) in enumerate(self.rows) if segment.index is not None]
        return (known[0], known[-1]) if known else (0, len(self.rows) - 1)


def heat_map(segments: Sequence[Segment], language: Language, most: int = MAX_FAMILIES) -> HeatMap:
    """Heat map of the segments but the rows set aside, in their order.

    Shown are the families in which a segment differs most, the most telling first.
    """
    clustered = [segment for segment in segments if not segment.is_set_aside]
    strongest = [_strongest_by_family(segment) for segment in clustered]
    effects: dict[str, float] = {}
    for traits in strongest:
        for family, trait in traits.items():
            effects[family] = max(effects.get(family, 0.0), abs(trait.effect))
    families = sorted(effects, key=lambda family: (-effects[family], family))[:most]
    return HeatMap(
        tuple(families),
        tuple(
            (segment, tuple(_cell(traits.get(family), language) for family in families))
            for segment, traits in zip(clustered, strongest, strict=True)
        ),
    )


def _strongest_by_family(segment: Segment) -> dict[str, Trait]:
    """Strongest trait of each family: in short words if any is, of what there is more if any is."""
    strongest: dict[str, Trait] = {}
    for trait in sorted(segment.traits, key=lambda trait: (not trait.plain, trait.effect < SMALL)):
        if abs(trait.effect) >= SMALL:
            strongest.setdefault(trait.family, trait)
    return strongest


def _cell(trait: Trait | None, language: Language) -> HeatCell:
    if trait is None:
        return HeatCell(language.gettext(LIKE_EVERYBODY))
    shares = language.gettext(SHARES, share=trait.share, everybody=trait.share_at_large)
    tone = sum(abs(trait.effect) >= bound for bound in (SMALL, MEDIUM, LARGE))
    return HeatCell(trait.words, shares, trait.codes, tone)
