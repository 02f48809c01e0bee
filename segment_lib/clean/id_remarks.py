"""What is worth a look in the ids of an extract, and what of it stops a run."""

from segment_lib.clean.repeats import RepeatCounts
from segment_lib.errors import DataError
from segment_lib.schema.language import N_, Sentence, sentence

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
) -> list[Sentence]:
    """Return what is worth a look in ids that are not refused; of few people, that they are few."""
    remarks: list[Sentence] = []
    if without_id:
        text = N_(
            "{rows} rows have no id. They are counted as people, but cannot be recognised and are "
            "not listed."
        )
        remarks.append(sentence(text, rows=_few_or(without_id, min_cell)))
    if repeats.rows:
        left_out = N_(
            "{repeated} of {rows:count} rows repeat an id of an earlier row and are left out "
            "(inputs.repeated_ids); {differing} of them differ from the first row of their id in "
            "an attribute."
        )
        taken = N_(
            "{repeated} of {rows:count} rows repeat an id of an earlier row and are taken as "
            "people (inputs.repeated_ids); {differing} of them differ from the first row of their "
            "id in an attribute."
        )
        remarks.append(
            sentence(
                left_out if repeated_ids == "once" else taken,
                repeated=_few_or(repeats.rows, min_cell),
                rows=rows,
                differing=_few_or(repeats.differing, min_cell),
            )
        )
    if _is_frequent(repeats, rows):
        text = N_(
            "one id stands in {n:count} rows. If it stands for no id, list it in inputs.missing."
        )
        remarks.append(sentence(text, n=repeats.most))
    return remarks


def _is_frequent(repeats: RepeatCounts, rows: int) -> bool:
    return repeats.most >= max(FREQUENT, rows / 100)


def _few_or(count: int, min_cell: int) -> Sentence:
    if 0 < count < min_cell:
        return sentence(N_("fewer than {n:count}"), n=min_cell)
    return sentence("{n:count}", n=count)
