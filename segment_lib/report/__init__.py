"""The tables of a finished run as one page a reader can act on, and its figures as files."""

from segment_lib.report.drift import DriftSection, drift_section
from segment_lib.report.page import RunFacts, write_report

__all__ = ["DriftSection", "RunFacts", "drift_section", "write_report"]
