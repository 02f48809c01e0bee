"""Report of a finished run: one page with its tables and charts, and the figures as files."""

from segment_lib.report.drift import DriftSection, drift_section
from segment_lib.report.facts import RunFacts
from segment_lib.report.page import first_sentence, write_report
from segment_lib.report.trend import trend_chart, trend_svg

__all__ = [
    "DriftSection",
    "RunFacts",
    "drift_section",
    "first_sentence",
    "trend_chart",
    "trend_svg",
    "write_report",
]
