"""The story: one short script per stage, and run.py, which tells all of it."""

import segment_lib  # noqa: F401  # before Polars is loaded: it tells Polars' allocator what to do
