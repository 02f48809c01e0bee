"""Groups of segments as the page shows them, no count of which discloses a suppressed one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from segment_lib.report.segments import SUPPRESSED, Segment, build_segments
from segment_lib.schema.language import ENGLISH, N_, Language

SEGMENTS = N_("Segments {numbers}")


@dataclass(frozen=True)
class Group:
    """A group of segments: its figures, and the segments in it by falling index."""

    figures: Segment
    members: tuple[Segment, ...]

    @property
    def is_one_segment(self) -> bool:
        return len(self.members) == 1

    def label(self, language: Language) -> str:
        """The numbers of its segments in words."""
        if self.is_one_segment:
            return self.figures.name
        numbers = [str(segment.number) for segment in self.members]
        return language.gettext(SEGMENTS, numbers=language.listed(numbers))

    def words(self, language: Language) -> str:
        """Words of its verdict; those of segments that alone have another are told beside."""
        words = self.figures.verdict_word
        levels = dict.fromkeys(member.level for member in self.members)
        others = [level for level in levels if level != self.figures.level]
        if not others:
            return words
        parts = [language.gettext("{words} on the whole", words=words)]
        for level in others:
            numbers = [str(member.number) for member in self.members if member.level == level]
            parts.append(
                language.ngettext(
                    "segment {numbers} {words}",
                    "segments {numbers} {words}",
                    len(numbers),
                    numbers=language.listed(numbers),
                    words=language.gettext(level),
                )
            )
        return "; ".join(parts)

    def indices(self, language: Language) -> str:
        """Its segments with the index of each, as far as that is known."""
        numbers = language.listed([language.short_number(member.index) for member in self.members])
        return language.gettext(
            "{segments}: index {numbers}", segments=self.label(language), numbers=numbers
        )


def build_groups(
    groups: pl.DataFrame,
    traits: pl.DataFrame,
    segments: Sequence[Segment],
    min_cell: int,
    language: Language = ENGLISH,
) -> tuple[Group, ...]:
    """Groups of a run by the index of their best segment, falling; rows set aside are in none.

    Parameters
    ----------
    groups, traits : compare/groups.csv and compare/group_traits.csv
    segments : those of the run, small counts suppressed
    """
    table = groups.rename({"group": "segment"}).with_columns(
        pl.lit(None, dtype=pl.Float64).alias("stability")
    )
    numbers = dict(table.filter(pl.col("segments") != "").select("segment", "segments").iter_rows())
    members = {
        group: tuple(s for s in segments if str(s.number) in listed.split(", "))
        for group, listed in numbers.items()
    }
    names = table.select("segment", "name")
    built = [
        _group(figures, members[figures.number])
        for figures in build_segments(table, names, traits, min_cell, language)
        if figures.number in members
    ]
    return tuple(sorted(built, key=lambda group: -(group.members[0].index or 0.0)))


def _group(figures: Segment, members: tuple[Segment, ...]) -> Group:
    """The group with its figures: of one segment those are its own.

    Where a count of a segment is suppressed, that of the group is too: else the other segments
    would disclose it.
    """
    if len(members) == 1:
        return Group(members[0], members)
    if any(segment.population_rows is None for segment in members):
        figures = replace(figures, population_rows=None, population_share=None, traits=())
    if any(segment.customer_rows is None for segment in members):
        figures = replace(figures, customer_rows=None, customer_share=None)
    if figures.is_suppressed:
        figures = replace(
            figures, index=None, limits=None, sampling_limits=None, verdict=SUPPRESSED
        )
    return Group(figures, members)
