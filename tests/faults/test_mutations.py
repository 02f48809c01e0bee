"""A faulty file is read rightly, remarked on or refused: never a traceback or a hang."""

import json
import os
import subprocess
import sys
from collections import Counter
from typing import Any

from tests.conftest import ROOT

COUNT = 2_000 if os.environ.get("FAULTS") == "all" else 150
LONGEST = 20.0
"""Seconds that a job may take on a small file."""


def outcomes(first: int, count: int) -> list[dict[str, Any]]:
    """What became of the mutations of these seeds, in a process of their own."""
    command = [
        sys.executable,
        "-m",
        "tests.faults.mutations",
        f"--first={first}",
        f"--count={count}",
    ]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST * count, check=False
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"ended at seed {first + len(lines)}: {done.stderr[-2000:]}"
    return lines


def test_no_mutated_file_ends_in_a_traceback_a_hang_or_a_silent_loss_of_rows() -> None:
    ended = outcomes(first=0, count=COUNT)
    assert len(ended) == COUNT
    unexpected = [one for one in ended if one["code"] not in (0, 3)]
    assert not unexpected, unexpected[:3]
    many = [one for one in ended if one["code"] == 3 and not one["lines"][-1].startswith("error: ")]
    assert not many, many[:3]
    slow = [one for one in ended if one["seconds"] > LONGEST]
    assert not slow, slow[:3]
    silent = [
        one
        for one in ended
        if one["code"] == 0 and not one["remarked"] and one["rows"] != one["counted"]
    ]
    assert not silent, silent[:3]
    assert Counter(one["code"] for one in ended)[0] > COUNT / 20, "too few files are read at all"
