"""What the line of an error says, as keys for programs: code, file, line, column, config key."""

import re

from segment_lib.errors import JobError

_PLACE = re.compile(
    r"(?P<file>(?:\w+://[^/\s]*)?[^:]*?/[^:]*?)"
    r"(?:, row group \d+)?(?:, (?:line|row) (?P<line>\d+))?(?:, column (?P<column>[^:]+))?: "
)
"""How lines about an input begin."""


def error_facts(error: JobError) -> dict[str, str | int]:
    """Return exit code, and of file, line, column and key those that the error names first.

    The line is that of a text file; of Parquet it is the row, from 0.
    """
    from segment_lib.config.sections import SECTIONS  # it loads Polars, which --help can do without

    place = _PLACE.match(str(error))
    key = re.search(rf"\b(?:{'|'.join(SECTIONS)})\.[a-z_]+\b", str(error))
    facts: dict[str, str | int] = {"code": error.exit_code}
    if place:
        facts |= {name: text for name, text in place.groupdict().items() if text}
    if "line" in facts:
        facts["line"] = int(facts["line"])
    return facts | ({"key": key[0]} if key else {})
