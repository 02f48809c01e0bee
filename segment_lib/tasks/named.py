"""Checks of the columns that the config names, in raw parts."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from dask import delayed

from segment_lib.clean import parse_answers
from segment_lib.clean.named import id_faults, refuse_faults, response_faults, suppress_remarks
from segment_lib.schema import Schema
from segment_lib.schema.ids import NO_ID, hash_ids
from segment_lib.schema.language import Sentence
from segment_lib.schema.suppress_column import distinct_words
from segment_lib.storage.files import StoredFile, read_part
from segment_lib.storage.location import Location
from segment_lib.tasks.compute import Compute
from segment_lib.tasks.extracts import RawParts


def named_remarks(
    compute: Compute,
    root: Location,
    extracts: Sequence[RawParts],
    schema: Schema,
    *,
    id_column: str,
    suppress_column: str,
    response: str,
) -> list[Sentence]:
    """Return remarks on the columns that the config names.

    Raises
    ------
    DataError
        If the id column or the response says nothing (all faults in one line), or it is not certain
        who must not be mailed.
    """
    faults = []
    counts: dict[str, Counter[str]] = {}
    for parts in extracts:
        if id_column:
            ids = compute([delayed(some_ids)(root, file, id_column) for file in parts.files])
            faults += id_faults(id_column, parts.name, frozenset().union(*ids), parts.rows)
        if response in parts.extract.passthrough:
            tasks = [delayed(count_answers)(root, file, response) for file in parts.files]
            counts[parts.name] = sum(compute(tasks), Counter[str]())
    refuse_faults([*faults, *(response_faults(response, counts) if response else ())])
    if not suppress_column:
        return []
    is_attribute = suppress_column in schema.names
    missing: Sequence[str] = schema[suppress_column].missing if is_attribute else ()
    words = {
        parts.name: frozenset().union(
            *compute(
                [delayed(words_of)(root, file, suppress_column, missing) for file in parts.files]
            )
        )
        for parts in extracts
        if is_attribute or suppress_column in parts.extract.passthrough
    }
    patterns = {parts.name: parts.delivered.pattern for parts in extracts}
    return suppress_remarks(suppress_column, words, patterns, id_column)


def some_ids(root: Location, file: StoredFile, column: str) -> set[int]:
    """Return hashed keys of up to two ids of a part: no id leaves a worker."""
    keys = np.unique(hash_ids(read_part(root, file, columns=[column])[column]))
    return set(keys[keys != NO_ID][:2].tolist())


def count_answers(root: Location, file: StoredFile, column: str) -> Counter[str]:
    """Count the rows of a part by their answer."""
    return Counter(
        parse_answers(read_part(root, file, columns=[column])[column]).drop_nulls().to_list()
    )


def words_of(
    root: Location, file: StoredFile, column: str, missing: Sequence[str]
) -> frozenset[str]:
    """Return the distinct words of a column of a part."""
    return distinct_words(read_part(root, file, columns=[column])[column], missing)
