"""The run folder and its stages: run.json, artifacts, parts, and how stages are run."""
