"""Segments of a population, out of core: the nouns and stages that the jobs put together."""

import os
from importlib import import_module
from typing import Any

# Polars' allocator reads this when it is loaded: freed memory goes back in 0.3 s, not in 10:
# at once would cost a fifth of the time of ingest and encode.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:300,muzzy_decay_ms:0")

__version__ = "0.1.0"

_PUBLIC = {
    "IncrementalPCA": "segment_lib.model",
    "KMeans": "segment_lib.model",
    "LogisticRegression": "segment_lib.model",
    "StandardScaler": "segment_lib.model",
    "open_run": "segment_lib.run.opened",
}
"""What docs/api.md shows, by the module that has it."""


def __getattr__(name: str) -> Any:
    # Loaded when it is asked for: a worker or a command that needs none of it starts at once.
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
