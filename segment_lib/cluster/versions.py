"""By what the bytes of a run are decided: packages in their versions, and the code itself."""

import hashlib
import importlib.util
import platform
from collections.abc import Iterable
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


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """Version of Python and of each package here; none of one that is not installed."""
    versions = {"python": platform.python_version()}
    for name in packages:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "none"
    return versions


def code_of(package: str) -> str:
    """The first digits of the sha256 of the package's modules, their names and text."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return "none"
    root, digest = Path(spec.origin).parent, hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:8]
