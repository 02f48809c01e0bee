"""What is worth a look in the ids of an extract, and what of it stops a run."""

from segment_lib.clean.repeats import RepeatCounts
from segment_lib.errors import DataError

FREQUENT = 100
"""An id that so many rows have, and one in a hundred, may stand for none."""


def refuse_ids(
    repeats: RepeatCounts, rows: int, extract: str, source: str, repeated_ids: str
) -> None:
    """Refuse ids that leave it in doubt who is who.

    Parameters
    ----------
    rows : rows of the extract
    source : the files and the column, for messages
    repeated_ids : what is to be done with rows that repeat an id: once, refuse or rows

    Raises
    ------
    DataError
        If ids repeat and are to be refused, one is no person's, or zeros leave two in doubt.
    """
    if repeats.rows and repeated_ids == "refuse":
        raise DataError(
            f"{source}: {repeats.rows:,} of {rows:,} rows repeat an id of an earlier row. Deliver "
            'each person once, or set inputs.repeated_ids to "once" or "rows".'
        )
    if _is_frequent(repeats, rows) and extract == "population" and repeated_ids == "once":
        raise DataError(
            f"{source}: one id stands in {repeats.most:,} of {rows:,} rows, as if it stood for no "
            'id. List it in inputs.missing, or set inputs.repeated_ids to "rows".'
        )
    if repeats.padded:
        raise DataError(
            f"{source}: some ids differ in leading zeros alone, as 0123 and 123 do, and may be of "
            "one person or of two. Write the ids of one person alike and, of two, so that they "
            "differ in more than zeros."
        )


def remarks_on_ids(
    repeats: RepeatCounts, without_id: int, rows: int, repeated_ids: str, min_cell: int
) -> list[str]:
    """Return what is worth a look in ids that are not refused; of few people, that they are few."""
    remarks = []
    if without_id:
        remarks.append(
            f"{_few_or(without_id, min_cell)} rows have no id. They are counted as people, but "
            "cannot be recognised and are not listed."
        )
    if repeats.rows:
        kept = "left out" if repeated_ids == "once" else "taken as people"
        remarks.append(
            f"{_few_or(repeats.rows, min_cell)} of {rows:,} rows repeat an id of an earlier row "
            f"and are {kept} (inputs.repeated_ids); {_few_or(repeats.differing, min_cell)} of them "
            "differ from the first row of their id in an attribute."
        )
    if _is_frequent(repeats, rows):
        remarks.append(
            f"one id stands in {repeats.most:,} rows. If it stands for no id, list it in "
            "inputs.missing."
        )
    return remarks


def _is_frequent(repeats: RepeatCounts, rows: int) -> bool:
    return repeats.most >= max(FREQUENT, rows / 100)


def _few_or(count: int, min_cell: int) -> str:
    return f"fewer than {min_cell}" if 0 < count < min_cell else f"{count:,}"
