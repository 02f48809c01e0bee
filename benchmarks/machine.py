"""Conditions of a measurement: machine, versions, day."""

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

_PACKAGES = (
    "polars",
    "dask",
    "dask-ml",
    "scikit-learn",
    "numpy",
    "numba",
    "pyarrow",
    "pandas",
    "pyspark",
)


@dataclass(frozen=True)
class Conditions:
    """Conditions of a figure besides the code."""

    cpu: str
    cores: int
    memory_gib: float
    system: str
    versions: dict[str, str]
    date: str
    command: str

    @property
    def slug(self) -> str:
        """Machine and day, fit for a file name."""
        words = re.sub(r"[^a-z0-9]+", "-", self.cpu.lower()).strip("-")
        return f"{words}-{self.cores}-cores-{self.date[:10]}"


def conditions(arguments: Sequence[str], program: str = "benchmarks.bench") -> Conditions:
    """Present conditions, for `python -m PROGRAM` with these arguments."""
    return Conditions(
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        system=f"{platform.system()} {platform.machine()}",
        versions={"python": platform.python_version()}
        | {name: installed for name in _PACKAGES if (installed := _version(name))},
        date=datetime.now().astimezone().isoformat(timespec="minutes"),
        command=" ".join(["python -m", program, *arguments]),
    )


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
