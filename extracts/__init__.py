"""Extracts of the real shape, drawn from what was published about the real ones."""
