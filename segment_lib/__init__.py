"""Segments of a population, out of core: the nouns and stages that the jobs put together."""

import os

# Polars' allocator reads this when it is loaded: freed memory goes back at once, not after seconds,
# so that what a process holds is what its parts in flight take.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:0,muzzy_decay_ms:0")

__version__ = "0.1.0"
