"""Versions of the packages, and the hash of the code, that decide the bytes of a run."""

import hashlib
import importlib.util
import platform
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "segment_lib",
    "polars",
    "numpy",
    "pyarrow",
    "dask",
    "dask-ml",
    "numba",
    "scikit-learn",
    "scipy",
)
"""Those that decide the bytes of parts, tables and model, here and on workers."""


_version = cache(version)


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """Return the version of Python and of each package here; none if not installed."""
    versions = {"python": platform.python_version()}
    for name in packages:
        try:
            versions[name] = _version(name)
        except PackageNotFoundError:
            versions[name] = "none"
    return versions


def code_of(package: str) -> str:
    """Return the first digits of the sha256 over the package's modules, their names and text."""
    spec = importlib.util.find_spec(package)
    return code_below(Path(spec.origin).parent) if spec and spec.origin else "none"


def code_below(root: Path) -> str:
    """Return the first digits of the sha256 over the modules of a folder, their names and text."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root)
        # A wheel has the jobs in the library, a checkout beside it; the library is the same.
        if name.parts[0] != "jobs":
            digest.update(f"{name.as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:8]
