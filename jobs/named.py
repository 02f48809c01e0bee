"""Columns that the config names, looked at once they are read and before anything is published."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from dask import delayed

from segment_lib.clean import NO_ANSWER, parse_answers
from segment_lib.errors import DataError
from segment_lib.run.job import Job
from segment_lib.schema.ids import NO_ID, hash_ids
from segment_lib.sources import Extract
from segment_lib.storage.files import StoredFile, read_part
from segment_lib.storage.location import Location


def some_ids(root: Location, file: StoredFile, column: str) -> set[int]:
    """Keys of two of the ids of a raw part, or of all if there are fewer: no id leaves a worker."""
    keys = np.unique(hash_ids(read_part(root, file, columns=[column])[column]))
    return set(keys[keys != NO_ID][:2].tolist())


def count_answers(root: Location, file: StoredFile, column: str) -> Counter[str]:
    """Rows of a raw part by what they answer."""
    return Counter(
        parse_answers(read_part(root, file, columns=[column])[column]).drop_nulls().to_list()
    )


def refuse_named(
    job: Job, extracts: Sequence[Extract], files: Sequence[StoredFile], work: Location
) -> None:
    """Raise a DataError if the id column or the response says nothing; all faults in one line.

    Parameters
    ----------
    files : the raw parts below `work`
    """
    faults = []
    responses = Counter[str]()
    id_column, response = job.config.inputs.id_column, job.config.inputs.response
    for extract in extracts:
        own = [file for file in files if f"/{extract.name}/" in file.path]
        if id_column:
            tasks = [delayed(some_ids)(work, file, id_column) for file in own]
            ids: set[int] = set().union(*job.workers.run(tasks))
            if len(ids) < min(2, sum(file.rows or 0 for file in own)):
                what = "the same in every row" if ids else "empty in every row"
                faults.append(f"inputs.id_column = {id_column}: {what} of the {extract.name}")
        if response in extract.passthrough:
            tasks = [delayed(count_answers)(work, file, response) for file in own]
            counts = sum(job.workers.run(tasks), Counter[str]())
            responses += counts
            if counts[NO_ANSWER]:
                faults.append(
                    f"inputs.response = {response}: holds something other than 0, 1 and empty "
                    f"cells in the {extract.name}"
                )
    if response and not responses[NO_ANSWER] and len(responses) < 2:
        what = "the same in every row that has one" if responses else "empty in every row"
        faults.append(f"inputs.response = {response}: {what}")
    if faults:
        raise DataError(
            f"{'; '.join(faults)}. Name another column, or leave the key out of the config."
        )
