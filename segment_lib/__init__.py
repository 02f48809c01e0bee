"""Segments of a population, out of core: the nouns and stages that the jobs put together."""

__version__ = "0.1.0"
