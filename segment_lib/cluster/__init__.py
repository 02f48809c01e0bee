"""Dask workers and threads: memory budget, preflight checks, versions and spilling."""
