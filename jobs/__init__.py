"""The story: one short script per stage, and run.py, which tells all of it."""
