"""Columns with a role beside the attributes: ids, bans on mailing, responses."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from segment_lib.clean.columns import DATE, ColumnCounts
from segment_lib.clean.kinds import ColumnDraft
from segment_lib.schema.suppress_column import MAX_WORDS, is_suppress_name, is_unambiguous

_ID_NAME = re.compile(
    r"(?i:^(id|lnr|nr|uuid|guid|key)$|(^|[\W_])(id|nr|no|key|uuid|guid|lnr)$|^(id|nr)[\W_]"
    r"|nummer$|(kd|kunden|person(en)?|customer|client|member|account)[\W_]?(id|nr|no|num|number|key)$)"
    r"|[a-z](ID|Id|Nr)$"
)
_RESPONSE_NAME = re.compile(r"respon[sd]|antwort|reagiert|reaktion|responder", re.IGNORECASE)
_SENSITIVE_NAME = re.compile(
    r"(?i:sex|gender|geschlecht|anrede|race|rasse|ethni|nation|religio|konfession|birth|geburt"
    r"|native|citizen|staatsang|disab|behinder|health|gesund)|(^|_)(?i:age|alter)(_|$|[A-Z])"
)
MIN_DISTINCT, _MIN_NAMED, _MIN_ROWS = 0.95, 0.3, 100
"""Different values per row of ids, and of a column that is named like one."""


@dataclass(frozen=True)
class Roles:
    """The columns that the config names, each empty if there is none."""

    id_column: str = ""
    suppress_column: str = ""
    response: str = ""
    sensitive: tuple[str, ...] = ()


def may_be_id(column: ColumnCounts, name: str) -> bool:
    """True if a sample of a column may be of ids: single words, no dates, hardly one twice."""
    if column.filled < min(_MIN_ROWS, column.rows) or any(v != int(v) for v in column.values):
        return False
    if any(" " in level.strip() or "@" in level for level in column.levels) or column.fits(DATE):
        return False
    distinct = len(column.levels) / max(1, sum(column.levels.values()))
    return distinct >= (_MIN_NAMED if _ID_NAME.search(name) else MIN_DISTINCT)


def is_id(column: ColumnCounts, name: str) -> bool:
    """True for ids: another in nearly every row, and named, spelled or numbered like ids."""
    if column.distinct is None or not column.filled:
        return False
    share = column.distinct / column.filled
    if _ID_NAME.search(name):
        return share >= _MIN_NAMED
    if share < MIN_DISTINCT or column.filled < _MIN_ROWS:
        return False
    if len(column.values) < len(column.levels):
        return True
    low, high = min(column.values), max(column.values)
    runs_on = high - low < 2 * column.filled
    as_long = low >= 100_000 and len(str(int(low))) == len(str(int(high)))
    return column.distinct == column.rows and low >= 0 and (runs_on or as_long)


def assign_roles(drafts: Sequence[ColumnDraft]) -> tuple[Roles, list[ColumnDraft]]:
    """Find the columns with a role, and return the drafts with these left out of the attributes.

    Of several columns of ids the one named so, else the first, names the people.
    """
    shared = [d for d in drafts if not (d.doubts and "alone" in d.doubts)]
    ids = [d.name for d in shared if d.kind == "id"]
    id_column = next(iter(sorted(ids, key=lambda name: not _ID_NAME.search(name))), "")
    bans = [
        d.name
        for d in shared
        if is_suppress_name(d.name) and len(d.counts.levels) <= MAX_WORDS and is_ban(d.counts)
    ]
    responses = [d.name for d in drafts if _RESPONSE_NAME.search(d.name) and d.counts.is_yes_or_no]
    roles = Roles(
        id_column,
        next(iter(bans), ""),
        next(iter(responses), ""),
        tuple(d.name for d in drafts if d.is_attribute and _SENSITIVE_NAME.search(d.name)),
    )
    why = dict.fromkeys(bans, "by its name it says who must not be mailed") | dict.fromkeys(
        responses, "by its name it says who responded"
    )
    return roles, [
        replace(d, kind="left out", why=why[d.name], missing=(), doubts={}) if d.name in why else d
        for d in drafts
    ]


def is_ban(column: ColumnCounts) -> bool:
    """True if the words of a column say who must not be mailed without doubt."""
    words = [level.lower() for level in column.levels]
    return is_unambiguous([*words, *([""] if column.texts.nulls or column.words else [])])


def id_draft(
    name: str,
    population: ColumnCounts | None,
    customers: ColumnCounts | None,
    min_cell: int,
) -> ColumnDraft | None:
    """The line of a column of ids; None if it is none."""
    counts = population or customers
    if counts is None or not is_id(counts, name):
        return None
    if population is None or customers is None:
        where = "customers" if population is None else "population"
        return ColumnDraft(name, "id", f"ids, of the {where} alone", counts, doubts={"alone": ()})
    repeated = {
        extract: (own.filled - (own.distinct or 0), own.rows)
        for extract, own in (("population", population), ("customers", customers))
        if (own.distinct or 0) < own.filled
    }
    if not repeated:
        return ColumnDraft(name, "id", "another value in every row", counts)
    rows = " and ".join(
        f"{'few' if n < min_cell else f'{n / of_all:.1%}'} of the {extract}"
        for extract, (n, of_all) in repeated.items()
    )
    return ColumnDraft(
        name, "id", f"an id, which comes again in {rows}", counts, doubts={"repeats": ()}
    )
