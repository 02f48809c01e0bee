"""Tallies of raw parts, read from their footers and added up."""

from collections.abc import Sequence

from dask import delayed
from dask.delayed import Delayed

from segment_lib.clean import Tally
from segment_lib.model.blocks import add_up
from segment_lib.storage.files import StoredFile, read_metadata
from segment_lib.storage.location import Location
from segment_lib.tasks.raw import TALLY


def read_tally(root: Location, raw: StoredFile) -> Tally:
    """Return the tally of a raw part."""
    return Tally.from_json(read_metadata(root, raw)[TALLY])


def sum_of_tallies(root: Location, raw: Sequence[StoredFile]) -> Delayed:
    """Return the task that adds up the tallies of parts, without holding all in memory."""
    return add_up([delayed(read_tally)(root, file) for file in raw])
