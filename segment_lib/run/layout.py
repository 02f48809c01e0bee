"""Names in a run folder other than artifacts: run.json, the lock and the staging folders."""

import re

from segment_lib.run.artifacts import FOLDERS, PLAN, PROPOSED_PLAN
from segment_lib.storage.lock import LOCK

RUN = "run.json"
STAGING, EXPORT, TABLES = ".work", "export", "tables"
RESERVED = (RUN, PLAN.path, PROPOSED_PLAN.path, LOCK, STAGING, EXPORT, TABLES, *FOLDERS)
"""All that jobs write, list or remove."""

STAGING_DIR = re.compile(r"[a-z]+-[0-9a-f]{32}")
HALF_WRITTEN = re.compile(
    rf"\.({'|'.join(map(re.escape, (RUN, PLAN.path, PROPOSED_PLAN.path, LOCK)))})\.[0-9a-f]{{32}}"
)
TABLE_COPY = re.compile(r"(population|customers)-[0-9a-f]{32}\.parquet(\.half)?")
EXPORT_AT_WORK = re.compile(r"\.export-\w+")
