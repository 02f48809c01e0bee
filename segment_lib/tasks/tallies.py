"""What extracts hold, added up from the tallies in the footers of their raw parts."""

from collections.abc import Sequence
from pathlib import Path

from dask import delayed
from dask.delayed import Delayed

from segment_lib.clean import Tally
from segment_lib.model.blocks import add_up
from segment_lib.storage.files import StoredFile, read_metadata


def add_tallies(root: Path, raw: Sequence[StoredFile]) -> Delayed:
    """Return the task that adds up the tallies of parts as they are read, never all in memory."""
    return add_up([delayed(read_tally)(root, file) for file in raw])


def read_tally(root: Path, file: StoredFile) -> Tally:
    """Return the tally of a raw part."""
    return Tally.from_json(read_metadata(root, file)["tally"])
