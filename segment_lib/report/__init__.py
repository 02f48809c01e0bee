"""The tables of a finished run as one page a reader can act on, and its figures as files."""

from segment_lib.report.facts import RunFacts
from segment_lib.report.page import write_report

__all__ = ["RunFacts", "write_report"]
