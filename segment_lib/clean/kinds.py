"""Drafted types of columns: what a column is by its cells, why, and what of it is doubtful."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from segment_lib.clean.columns import DATE, EMAIL, MAX_CODES, NO_DAY, ColumnCounts
from segment_lib.clean.missing_codes import MissingCodes, likely_missing
from segment_lib.clean.scales import MIN_MONOTONE, Order, are_grades, is_code_name
from segment_lib.clean.tally import MAX_VALUES
from segment_lib.schema import Meaning, dates
from segment_lib.schema.summary import AttributeType, NoAttribute
from segment_lib.schema.suppress_column import MIN_MISSING_SHARE, is_consent_name
from segment_lib.schema.tails import MOST_SKEW, skewness

Kind = AttributeType | NoAttribute
Doubt = Literal[
    "scale", "apart", "missing", "zero", "flag", "consent", "mark", "alone", "repeats", "order"
]
MAX_LEVELS = 100
"""Levels from which on codes make no features."""
_MAX_GRADES = 20
"""Whole numbers that run on may be grades up to so many."""
_COUNT_NAME = re.compile(r"anz|count|num(?!mer)|zahl(?!ung)|kinder|children|persons", re.IGNORECASE)


@dataclass(frozen=True)
class KnownColumn:
    """What is known of a column beside its cells: labels, and what was published of it."""

    meaning: Meaning | None = None
    levels: frozenset[str] = frozenset()
    """All codes that do not mean missing, where they are known."""
    kind: Kind | None = None
    """None where the cells must say."""

    def missing_codes(self, counts: ColumnCounts, min_cell: int) -> MissingCodes:
        """Find the codes of the column that mean missing."""
        labels = self.meaning.levels if self.meaning else {}
        return likely_missing(counts, labels, self.levels, min_cell=min_cell)


@dataclass(frozen=True)
class ColumnDraft:
    """The drafted line of a column in the feature summary."""

    name: str
    kind: Kind
    why: str
    counts: ColumnCounts
    """Of the population, or of the customers where only they have the column."""
    missing: tuple[str, ...] = ()
    doubts: Mapping[Doubt, tuple[str, ...]] | None = None
    """Kind of doubt to the codes that it is about."""

    @property
    def n_missing(self) -> int:
        """Rows that are empty or hold a missing code."""
        return self.counts.texts.nulls + self.counts.rows_of(self.missing)

    @property
    def is_attribute(self) -> bool:
        """True if people are segmented by it."""
        return self.kind in get_args(AttributeType)

    def commonest(self, min_cell: int, most: int = 5) -> list[tuple[str, float]]:
        """The commonest levels and their shares of the rows; none that few rows hold, no ids.

        Nor are so many listed that few rows are left over, which could be told from the shares.
        """
        if not self.is_attribute or self.counts.n_levels is None:
            return []
        levels = self.counts.levels | self.counts.words
        often = sorted(levels.items(), key=lambda item: (-item[1], item[0]))
        listed = [(code, rows) for code, rows in often[:most] if rows >= min_cell]
        while listed and 0 < self.counts.filled - sum(rows for _, rows in listed) < min_cell:
            listed.pop()
        return [(code, rows / self.counts.rows) for code, rows in listed]


def draft_column(
    name: str,
    population: ColumnCounts | None,
    customers: ColumnCounts | None,
    known: KnownColumn,
    *,
    order: Order | None = None,
    min_cell: int,
) -> ColumnDraft:
    """Draft the line of a column of one or both extracts.

    Parameters
    ----------
    order : what the order of its codes says of other columns, if anything
    """
    counts = population or customers
    assert counts is not None
    if population is None or customers is None:
        why = f"in the {'customers' if population is None else 'population'} alone"
        return ColumnDraft(name, "left out", why, counts, doubts={"alone": ()})
    codes = known.missing_codes(counts, min_cell)
    if order and order.is_zero_apart and not (known.kind or _COUNT_NAME.search(name)):
        codes = codes.with_zero()
    if beside := _no_attribute(name, population, customers, codes):
        return beside
    if population.is_postcode(name) and not known.kind:
        why = "postcodes; the feature is the region, their first two digits"
        return ColumnDraft(name, "postcode", why, counts, codes.codes)
    if types := population.date_types:
        far = tuple(t for t, n in counts.levels.items() if n >= min_cell and NO_DAY.fullmatch(t))
        why = "dates; the feature is the age in years at the latest of them"
        doubts: dict[Doubt, tuple[str, ...]] = {"apart": far} if far else {}
        doubts |= {"order": ()} if len(types) > 1 else {}
        return ColumnDraft(name, types[0], why, counts, (*codes.codes, *far), doubts)
    kind, why, doubts = _attribute_kind(
        name, counts, codes, known, order.monotone if order else None
    )
    if codes.apart:
        doubts["apart"] = codes.apart
    if codes.doubtful:
        doubts["missing"] = codes.doubtful
    is_code = not known.kind and kind in ("ordinal", "categorical")
    if is_code and len(counts.values) > 3 and min(counts.values) == 0 and "0" not in codes.codes:
        doubts["zero"] = ("0",)
    why = f"{why}; missing codes: {codes.why}" if codes.codes else why
    return ColumnDraft(name, kind, why, counts, codes.codes, doubts)


def _no_attribute(
    name: str, population: ColumnCounts, customers: ColumnCounts, codes: MissingCodes
) -> ColumnDraft | None:
    """The line of a column that describes nobody; None for an attribute."""
    known = {level: n for level, n in population.levels.items() if level not in codes.codes}
    doubts: dict[Doubt, tuple[str, ...]] = {}
    kind: Kind = "left out"
    why = ""
    if not known:
        why = "empty, or missing in every row"
    elif len(known) == 1 and population.n_levels is not None:
        why = "the same in every row that has a value"
        if population.texts.nulls > MIN_MISSING_SHARE * population.rows:
            why, doubts["mark"] = "a mark that few rows have", ()
    elif population.is_yes_or_no and len(customers.levels) == 1 and not customers.texts.nulls:
        why, doubts["flag"] = "yes and no, and the same for all customers: it marks them", ()
    elif is_consent_name(name) and population.is_yes_or_no:
        why, doubts["consent"] = "by its name it says who may be mailed", ()
    elif population.fits(EMAIL):
        kind, why = "text", "e-mail addresses"
    elif population.fits(DATE) and not population.date_types:
        kind, why = "text", f"dates in another form than {dates.FORMS}; to use it, write them so"
    elif population.numbers is None and not (
        population.is_whole or population.date_types or population.is_postcode(name)
    ):
        kind, why = "text", _why_text(population)
    return ColumnDraft(name, kind, why, population, codes.codes, doubts) if why else None


def _why_text(column: ColumnCounts) -> str:
    """Why a column of text is no attribute; empty where it may be one."""
    n_levels = column.n_levels
    if n_levels is not None and n_levels <= MAX_LEVELS:
        return ""
    blanks = sum(" " in level.strip() for level in column.levels) > len(column.levels) / 2
    many = f"more than {MAX_VALUES:,}" if n_levels is None else f"{n_levels:,}"
    return f"{'free text' if blanks else 'text'} of {many} different values"


def _attribute_kind(
    name: str,
    counts: ColumnCounts,
    codes: MissingCodes,
    known: KnownColumn,
    monotone: float | None,
) -> tuple[Kind, str, dict[Doubt, tuple[str, ...]]]:
    """The type of an attribute, why it is that, and what is doubtful."""
    values = {v for code in counts.levels if code not in codes.codes for v in _number(code)}
    levels = [code for code in counts.levels if code not in codes.codes]
    if known.kind:
        return known.kind, "known by its name", {}
    if counts.is_yes_or_no:
        return "categorical", "yes and no", {}
    if len(values) < len(levels):
        return "categorical", "words or codes with letters", {}
    if len(values) == 2:
        return "categorical", "two codes", {}
    if counts.numbers and (skew := skewness(counts.known_numbers(codes.codes))) > MOST_SKEW:
        return "amount", f"numbers of which few are very large (skewness {skew:.1f})", {}
    if any(v != int(v) for v in values):
        return "numeric", "numbers with decimals", {}
    if known.meaning and known.meaning.levels:
        if are_grades(known.meaning):
            return "ordinal", "its labels are grades", {}
        return "categorical", "its labels are no grades", {"scale": ()}
    if len(values) > MAX_CODES:
        is_near = len(values) <= _MAX_GRADES and max(values) - min(values) <= len(values)
        doubts: dict[Doubt, tuple[str, ...]] = {"scale": ()}
        return "numeric", "many different numbers", doubts if is_near or is_code_name(name) else {}
    if min(values) == 0 and _COUNT_NAME.search(name):
        return "numeric", "a count, by its name", {}
    if monotone is not None and monotone < MIN_MONOTONE:
        return (
            "categorical",
            f"{len(values)} numbers whose order says little of others",
            {"scale": ()},
        )
    if max(values) - min(values) > len(values) or is_code_name(name):
        why = "by its name" if is_code_name(name) else "with gaps between them"
        return "categorical", f"{len(values)} numbers, codes {why}", {"scale": ()}
    sure = monotone is not None and monotone > 0.9
    return "ordinal", f"{len(values)} numbers that run on", {} if sure else {"scale": ()}


def _number(code: str) -> tuple[float, ...]:
    try:
        return (float(code),)
    except ValueError:
        return ()
