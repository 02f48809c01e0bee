"""LibreOffice, by which lists are opened as their readers open them."""

import csv
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

ALL_SHEETS = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
"""The filter that writes each sheet as CSV: commas, UTF-8, cells as they are shown."""
GERMAN = "CSV:59,34,76,1,,1031,true"
"""The filter that reads semicolons, decimal commas, and text in quotes as text."""


def opened(path: Path, folder: Path, *reading: str) -> dict[str, Sequence[Sequence[str]]]:
    """Rows of cells, as shown, of each sheet that LibreOffice finds in a file."""
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice is not installed: apt-get install libreoffice-calc-nogui")
    command = [
        *(office, "--headless", f"-env:UserInstallation=file://{folder}/profile"),
        *(f"--infilter={filter}" for filter in reading),
        *("--convert-to", ALL_SHEETS, "--outdir", str(folder / "opened"), str(path)),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    sheets = {}
    for sheet in (folder / "opened").iterdir():
        with sheet.open(newline="", encoding="utf-8") as file:
            sheets[sheet.stem] = list(csv.reader(file))
    return sheets
