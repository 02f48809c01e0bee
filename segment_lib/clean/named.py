"""Columns that the config names beside the attributes: refused where they cannot serve."""

from collections.abc import Collection, Mapping

from segment_lib.clean.response import NO_ANSWER
from segment_lib.errors import ConfigError, DataError
from segment_lib.schema.language import N_, Sentence, sentence
from segment_lib.schema.suppress_column import NO, is_consent_name, is_unambiguous


def refuse_names(
    attributes: Collection[str], *, id_column: str, suppress_column: str, response: str
) -> None:
    """Raise a ConfigError if a column is named so that it cannot serve as what it is named."""
    if id_column in attributes:
        raise ConfigError(
            f"inputs.id_column = {id_column}: is an attribute, which people are segmented by. Take "
            "it out of the feature summary, or name another column."
        )
    if response in (*attributes, "row"):
        raise ConfigError(
            f"inputs.response = {response}: is an attribute, which people are segmented by, or the "
            "row number. Take it out of the feature summary, or rename it."
        )
    if suppress_column and suppress_column in ("row", id_column):
        raise ConfigError(
            f"inputs.suppress_column = {suppress_column}: is the id column or the row number. Name "
            "the column that says who must not be mailed."
        )


def id_faults(column: str, extract: str, ids: Collection[int], rows: int) -> list[str]:
    """Return the fault of an id column that has one value, or none.

    Parameters
    ----------
    ids : keys of two of the ids of the extract, or of all if there are fewer
    rows : rows of the extract
    """
    if len(ids) >= min(2, rows):
        return []
    what = "the same in every row" if ids else "empty in every row"
    return [f"inputs.id_column = {column}: {what} of the {extract}"]


def response_faults(column: str, answers: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return the faults of the response.

    Parameters
    ----------
    answers : by extract that has it, rows by what they answer
    """
    values = {answer for counts in answers.values() for answer in counts}
    faults = [
        f"inputs.response = {column}: holds something other than 0, 1 and empty cells in the "
        f"{extract}"
        for extract, counts in answers.items()
        if NO_ANSWER in counts
    ]
    if not faults and len(values) < 2:
        what = "the same in every row that has one" if values else "empty in every row"
        faults.append(f"inputs.response = {column}: {what}")
    return faults


def refuse_faults(faults: Collection[str]) -> None:
    """Raise a DataError that lists all faults of named columns, if there are any."""
    if faults:
        raise DataError(
            f"{'; '.join(faults)}. Name another column, or leave the key out of the config."
        )


def suppress_remarks(
    column: str, words: Mapping[str, Collection[str]], patterns: Mapping[str, str], id_column: str
) -> list[Sentence]:
    """Return what is worth a look in the column that says who must not be mailed.

    Parameters
    ----------
    words : by extract that has the column, its distinct words
    patterns : by extract, the path of its files, for messages

    Raises
    ------
    DataError
        If no extract has it, or what it says is not certain.
    ConfigError
        If the customers alone have it, and nobody can be recognised among the population.
    """
    remarks: list[Sentence] = []
    for extract, own in words.items():
        if not is_unambiguous(own):
            raise DataError(
                f"{patterns[extract]}, column {column}: does not say for certain who must not be "
                "mailed. Understood are J/N, ja/nein, Y/N, yes/no, true/false, 1/0, X or empty, "
                "and one other mark or empty."
            )
        if not any(word and word not in NO for word in own):
            remarks.append(
                sentence(
                    N_("{extract:extract}: {column} marks nobody (inputs.suppress_column)."),
                    extract=extract,
                    column=column,
                )
            )
    if not words:
        raise DataError(
            f"inputs.suppress_column = {column}: neither extract has such a column. Check its name."
        )
    if "population" not in words:
        if not id_column:
            raise ConfigError(
                f"inputs.suppress_column = {column}: only the customers have it, and nobody of the "
                "population can be recognised without inputs.id_column."
            )
        remarks.append(
            sentence(
                N_("only the customers have {column} (inputs.suppress_column)."), column=column
            )
        )
    if is_consent_name(column):
        remarks.append(
            sentence(
                N_(
                    "{column}: by its name it says who may be mailed. inputs.suppress_column is "
                    "for a column that says who must not."
                ),
                column=column,
            )
        )
    return remarks
