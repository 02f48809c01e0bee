"""Remarks on the extracts for the user, from the tallies alone, and the checks that stop a run.

A remark quotes codes of the feature summary, words for nothing and numbers that many rows hold,
never what a single person's cell holds.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence

import polars as pl

from segment_lib.clean.assessment import Assessment
from segment_lib.clean.completeness import (
    ExtractCounts,
    as_code,
    looks_like_id,
    unseen_codes,
)
from segment_lib.clean.spellings import (
    are_null_words,
    describe_difference,
    describe_duplicates,
    describe_likeness,
    missing_setting,
)
from segment_lib.clean.tally import ENDS, WORD, Values
from segment_lib.errors import DataError
from segment_lib.schema import Attribute, canonical, is_null_word, is_number
from segment_lib.schema.dates import FORMS
from segment_lib.schema.language import N_, Sentence, sentence
from segment_lib.schema.wording import listed

_MAX_NAMES = 20
"""The most attributes named in one line."""
_MAX_CODES = 5
"""The most codes named of one attribute."""
_MIN_SHARE = 0.01
"""The least share of rows for a sentinel value to be remarked on."""
_FAR = 10
"""Multiple of the range of the other values at which an unusual code counts as a sentinel."""
_FIRST_YEAR, _LAST_YEAR = 1800, 2100
"""Range of plausible years, among which 0 is a sentinel."""
_USUAL = re.compile(r"[7-9]|9+[5-9]|7+|8+|214748364[78]|32767|65535|4294967295")
"""Usual codes for missing, without their sign and point."""


def remarks(
    delivery: Assessment, *, everywhere: Collection[str] = (), min_cell: int = 0
) -> list[Sentence]:
    """Make all remarks, one line for each kind.

    Parameters
    ----------
    everywhere : the missing codes that are declared for all attributes
    min_cell : counts of fewer rows are suppressed
    """
    return [
        *_absent_codes(delivery, list(map(canonical, everywhere))),
        *_null_words(delivery, min_cell),
        *_sentinel_codes(delivery, min_cell),
        *_ids(delivery),
        *_misspelled_codes(delivery, min_cell),
        *_duplicate_levels(delivery),
    ]


def refuse_unseen(
    delivery: Assessment,
    attributes: pl.DataFrame,
    *,
    max_unseen_share: float,
    uncounted: Collection[str] = (),
) -> None:
    """Raise a DataError if too many rows hold codes that are no level; it names likely causes.

    Parameters
    ----------
    attributes : the table of `Assessment.attributes`
    uncounted : attributes that are not checked, as too many levels make them no feature
    """
    faults, remedies = list[str](), list[str]()
    for row in attributes.filter("kept").iter_rows(named=True):
        attribute = delivery.schema[row["attribute"]]
        for name, extract in delivery.extracts.items():
            unseen = row["unseen_rows" if name == "population" else f"{name}_unseen_rows"]
            if unseen <= max_unseen_share * extract.rows or attribute.name in uncounted:
                continue
            cause, remedy = _cause(attribute, extract, delivery.levels[attribute.name] or ())
            remedies.append(remedy)
            because = f": {cause}" if cause else ""
            faults.append(f"{attribute.name} ({unseen / extract.rows:.1%} of the {name}{because})")
    if faults:
        raise DataError(
            "Codes that are neither a level nor a missing code, in more than "
            f"{max_unseen_share:.0%} of the rows: {listed(faults, _MAX_NAMES)}. "
            f"{' '.join(dict.fromkeys(remedies))}"
        )


def _cause(
    attribute: Attribute, extract: ExtractCounts, levels: tuple[str, ...]
) -> tuple[str, str]:
    """The likely cause of codes that are no level, empty if unknown, and the advice."""
    if attribute.is_date:
        return f"no date as {FORMS}", "Write the dates so, or call the column text."
    unseen = unseen_codes(extract.values[attribute.name], levels)
    if looks_like_id(attribute, extract):
        return (
            "another value in nearly every row",
            "Take an id out of the feature summary, and look whether the columns are the right "
            "ones.",
        )
    if are_null_words(unseen):
        return "words for nothing", f"Set {missing_setting(unseen)}."
    if words := describe_difference(levels, unseen):
        return str(words), "Write the codes alike in both extracts."
    return (
        "",
        "Name the data dictionary that describes them in inputs.data_dictionary, or raise "
        "cleaning.max_unseen_share.",
    )


def _remark(text: str, names: Sequence[Sentence], **fields: str) -> list[Sentence]:
    """Make the remark on attributes; none if there are none."""
    return [sentence(text, names=list(names), **fields)] if names else []


def _share(rows: int, name: str, extract: ExtractCounts, min_cell: int) -> Sentence:
    """Write a number of rows as a share of the extract; "few" if it is suppressed."""
    if rows < min_cell:
        return sentence(N_("few of the {extract:extract}"), extract=name)
    text = N_("{share:percent_tenths} of the {extract:extract}")
    return sentence(text, share=rows / extract.rows, extract=name)


def _absent_codes(delivery: Assessment, everywhere: Collection[str]) -> list[Sentence]:
    extracts = delivery.extracts.values()
    seen: dict[str, set[str]] = {
        name: {code for extract in extracts for code in extract.values[name].missing}
        for name in delivery.schema.names
    }
    absent = {
        a.name: [code for code in a.missing if not _is_seen(a, code, seen[a.name])]
        for a in delivery.schema
    }
    seen_anywhere = set().union(*seen.values())
    # What other attributes hold is declared out of habit; what none holds may be a slip.
    similar, nowhere, elsewhere = list[Sentence](), list[Sentence](), list[Sentence]()
    for name, missing in absent.items():
        if codes := [code for code in missing if code not in everywhere]:
            levels = {v for e in extracts for v in e.values[name].rows if isinstance(v, str)}
            words = next(filter(None, (describe_likeness(code, levels) for code in codes)), None)
            group = similar if words else elsewhere if seen_anywhere.issuperset(codes) else nowhere
            text = N_("{name} [{codes}] (a level is {words})") if words else "{name} [{codes}]"
            fields = {"words": words} if words else {}
            group.append(sentence(text, name=name, codes=listed(codes, _MAX_CODES), **fields))
    for code in everywhere:
        if all(code in missing for missing in absent.values()):
            nowhere.append(sentence("{name} [{codes}]", name="inputs.missing", codes=code))
    return _remark(
        N_("Declared as missing, but in no row of either extract: {names:items}. Check the codes."),
        similar + nowhere + elsewhere,
    )


def _is_seen(attribute: Attribute, code: str, seen: Collection[str]) -> bool:
    if attribute.storage == "text":
        return code in seen
    if not is_number(code):
        return WORD in seen
    return float(code) in {float(other) for other in seen if is_number(other)}


def _null_words(delivery: Assessment, min_cell: int) -> list[Sentence]:
    names, words = list[Sentence](), set[str]()
    for attribute in delivery.schema:
        shares = []
        for name, extract in delivery.extracts.items():
            levels = {
                level: rows
                for level, rows in extract.values[attribute.name].rows.items()
                if isinstance(level, str)
                and is_null_word(level)
                and level not in delivery.dictionary.get(attribute.name, ())
            }
            words |= set(levels)
            if levels:
                shares.append(_share(sum(levels.values()), name, extract, min_cell))
        if shares:
            names.append(_held(attribute.name, shares))
    return _remark(
        N_(
            "Words that mean nothing are levels of {names:items}. If they stand for missing "
            "values, set {setting}."
        ),
        names,
        setting=missing_setting(words),
    )


def _sentinel_codes(delivery: Assessment, min_cell: int) -> list[Sentence]:
    names = list[Sentence]()
    for attribute in delivery.schema:
        levels = delivery.dictionary.get(attribute.name, ())
        by_value: dict[str, list[Sentence]] = {}
        for name, extract in delivery.extracts.items():
            counts = _numbers(attribute, extract.values[attribute.name])
            for value in sentinels(counts, _MIN_SHARE * extract.rows, min_cell):
                # Other codes may be any numbers.
                if as_code(value) not in levels and (
                    attribute.is_number or is_usual_sentinel(value)
                ):
                    share = _share(counts[value], name, extract, min_cell)
                    by_value.setdefault(as_code(value), []).append(share)
        names += [_held(f"{attribute.name} {v}", shares) for v, shares in by_value.items()]
    return _remark(
        N_(
            "Values far from all others, as codes for missing are: {names:items}. If they mean "
            "missing, list them in missing_or_unknown of the feature summary; if they mean none, "
            "write 0."
        ),
        names,
    )


def _held(name: str, shares: Sequence[Sentence]) -> Sentence:
    """Name of what is held, and by what shares of the extracts."""
    return sentence("{name} ({shares:items})", name=name, shares=list(shares))


def _numbers(attribute: Attribute, values: Values) -> dict[float, int]:
    """Number to its rows, of an attribute of numbers, or of codes that all are numbers."""
    if attribute.is_number:
        return {value: n for value, n in values.counted.items() if not isinstance(value, str)}
    codes = {as_code(value): n for value, n in values.rows.items()}
    return {float(code): n for code, n in codes.items()} if all(map(is_number, codes)) else {}


def sentinels(counts: Mapping[float, int], least_rows: float, min_cell: int = 0) -> list[float]:
    """Sentinel values: numbers at either end, of at least `least_rows` rows, far from all others.

    Far is more than the range of the others, for a number that is a usual code for missing, else
    `_FAR` times that; or below 0 where no other number is, on a scale of more numbers above.
    """
    numbers = sorted(counts)
    far: list[float] = []
    ends = list(_ENDS)
    # With the sentinels of one end removed, those of the other may show.
    while ends:
        for end in ends:
            if group := _sentinel_group(numbers, end, counts, least_rows, min_cell):
                far += group
                numbers = [value for value in numbers if value not in group]
                ends.remove(end)
                break
        else:
            break
    return sorted(far)


def _highest(numbers: Sequence[float], size: int) -> tuple[Sequence[float], Sequence[float]]:
    return numbers[-size:], numbers[:-size]


def _least(numbers: Sequence[float], size: int) -> tuple[Sequence[float], Sequence[float]]:
    return numbers[:size], numbers[size:]


_ENDS = (_highest, _least)


def _sentinel_group(
    numbers: Sequence[float],
    end: Callable[[Sequence[float], int], tuple[Sequence[float], Sequence[float]]],
    rows: Mapping[float, int],
    least_rows: float,
    min_cell: int,
) -> Sequence[float]:
    """The sentinel values at one end; empty if there are none."""
    for size in range(1, ENDS):
        group, others = end(numbers, size)
        counts = [rows[value] for value in group]
        if len(others) < 2 or min(counts) < min_cell or sum(counts) < least_rows:
            continue
        gap, span = max(group[0] - others[-1], others[0] - group[-1]), others[-1] - others[0]
        is_usual = all(is_usual_sentinel(value) for value in group)
        # A scale from -2 to 2 has negative values too.
        is_negative = is_usual and group[-1] < 0 <= others[0] and others[-1] > -3 * group[0]
        is_no_year = list(group) == [0] and others[0] > _FIRST_YEAR and others[-1] < _LAST_YEAR
        if is_negative or is_no_year or (0 not in group and gap > span * (1 if is_usual else _FAR)):
            return group
    return ()


def is_usual_sentinel(value: float) -> bool:
    """True for numbers that usually mean missing, such as -1, 99 and 9998."""
    digits = as_code(abs(value)).replace(".", "")
    return bool(_USUAL.fullmatch(digits)) or (value < 0 and bool(re.fullmatch(r"\d", digits)))


def _ids(delivery: Assessment) -> list[Sentence]:
    population = delivery.extracts["population"]
    return _remark(
        N_(
            "Another value in nearly every row, as an id has: {names:items}. Take it out of the "
            "feature summary, and name it in inputs.id_column if it is the id."
        ),
        [
            sentence("{name}", name=attribute.name)
            for attribute in delivery.schema
            if attribute.name not in delivery.dictionary and looks_like_id(attribute, population)
        ],
    )


def _misspelled_codes(delivery: Assessment, min_cell: int) -> list[Sentence]:
    names = []
    for attribute in delivery.schema.names:
        levels = delivery.levels[attribute]
        for name, extract in delivery.extracts.items():
            unseen = unseen_codes(extract.values[attribute], levels)
            rows = sum(unseen.values())
            words = describe_difference(levels or (), unseen) if rows >= max(1, min_cell) else None
            if words:
                text = "{name} ({share}: {words})"
                share = _share(rows, name, extract, min_cell)
                names.append(sentence(text, name=attribute, share=share, words=words))
    return _remark(
        N_("Codes that are levels written otherwise: {names:items}. Write them alike."), names
    )


def _duplicate_levels(delivery: Assessment) -> list[Sentence]:
    names = []
    for attribute in delivery.schema.names:
        for name, extract in delivery.extracts.items():
            levels = [v for v in extract.values[attribute].rows if isinstance(v, str)]
            if words := describe_duplicates(levels):
                text = N_("{name} (in the {extract:extract}: {words})")
                names.append(sentence(text, name=attribute, extract=name, words=words))
    return _remark(
        N_("Levels that may be one, written in two ways: {names:items}. Write them in one way."),
        names,
    )
