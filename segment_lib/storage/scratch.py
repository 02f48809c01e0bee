"""Private folder of this machine for a job whose run folder is in an object store.

What is mapped into memory, unpacked or drawn needs a disk. The folder goes when the job ends; what
a killed job or worker left goes when a job of the same run folder starts again on that machine, or
finds its workers there.
"""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from segment_lib.storage.location import Location


def private_folder(root: Location) -> Path:
    """Make a folder for the owner alone, where Python makes temporary ones (TMPDIR)."""
    return Path(tempfile.mkdtemp(prefix=_beginning(root)))


def private_folders(root: Location) -> list[Path]:
    """Return the folders that jobs of this run folder made here and have not removed."""
    folders = Path(tempfile.gettempdir()).glob(f"{_beginning(root)}*")
    return sorted(folder for folder in folders if folder.lstat().st_uid == os.getuid())


def sweep_private_folders(root: Location) -> None:
    """Remove the folders of killed jobs of this run folder from this machine."""
    for folder in private_folders(root):
        shutil.rmtree(folder, ignore_errors=True)


def _beginning(root: Location) -> str:
    return f"segments-{hashlib.sha256(str(root).encode()).hexdigest()[:16]}-"
