"""Segments of a population, out of core: the nouns and stages that the jobs put together."""

import os

# Polars' allocator reads this when it is loaded: freed memory goes back in 0.3 s, not in 10:
# at once would cost a fifth of the time of ingest and encode.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:300,muzzy_decay_ms:0")

__version__ = "0.1.0"
