"""Tasks of one part each, as values that workers run."""
