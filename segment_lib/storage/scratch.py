"""A private folder of this machine for a job whose run folder is in an object store.

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
    """A new folder for the owner alone, where Python makes temporary ones (TMPDIR)."""
    return Path(tempfile.mkdtemp(prefix=_beginning(root)))


def private_folders(root: Location) -> list[Path]:
    """The folders that jobs of this run folder made on this machine and have not removed."""
    folders = Path(tempfile.gettempdir()).glob(f"{_beginning(root)}*")
    return sorted(folder for folder in folders if folder.lstat().st_uid == os.getuid())


def sweep_private_folders(root: Location) -> None:
    """Remove the folders that killed jobs of this run folder left on this machine."""
    for folder in private_folders(root):
        shutil.rmtree(folder, ignore_errors=True)


def _beginning(root: Location) -> str:
    return f"segments-{hashlib.sha256(str(root).encode()).hexdigest()[:16]}-"
