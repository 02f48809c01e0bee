"""The head of a text file: the columns of its header, the first row, the format of numbers."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segment_lib.errors import DataError
from segment_lib.schema import Schema
from segment_lib.schema.language import N_, Sentence, sentence
from segment_lib.sources.numbers import (
    NATIVE_FORMAT,
    NumberFormat,
    infer_number_format,
    is_number,
    may_need_number_format,
)
from segment_lib.sources.quoting import UNCLOSED
from segment_lib.sources.table import EITHER_WAY, Table
from segment_lib.sources.text_format import TextFormat
from segment_lib.storage.location import Location

HEAD = 1 << 20
"""Bytes at the start of a file that are its head."""
_BOM = b"\xef\xbb\xbf"
_SEP_LINE = re.compile(r'"?sep=(\\t|.)\1*"?', re.IGNORECASE)
_FEW, _MANY = 20, 200
"""Rows below the header that are looked at; more of them to infer the format of numbers."""
_BEFORE = 20
"""Lines above the header that are looked at."""
_QUESTIONS, _QUESTION_LINES = 3, 3
"""Number columns needed to detect lines of question texts, and the most such lines."""
_SEPARATOR_NAMED = N_("the first line names the separator (sep=): passed over.")
_ROW_NUMBERS = N_("the first column has no name, as row numbers have none: passed over.")
_LINES_END = N_("the lines end in a separator: the empty last column is passed over.")
_ROWS_END = N_("the rows end in a separator: the empty last column is passed over.")
_ROW_NAMES = N_("the rows begin with a column the header lacks (row names): passed over.")


@dataclass(frozen=True)
class Head:
    """The layout of a text file, as its head shows it."""

    columns: tuple[str, ...]
    """A name for each cell of a row; empty for a column that is passed over."""
    offset: int
    """Position of the first row in the file, in bytes."""
    header: tuple[str, ...] = ()
    """The header's cells."""
    remarks: tuple[Sentence, ...] = ()
    """Sentences for the user on what was passed over or inferred."""
    number_format: NumberFormat | None = None
    """The format of numbers, where the head leaves no doubt and the config does not say."""


def columns(head: bytes, origin: Location, form: TextFormat, schema: Schema) -> Head:
    """Read the head of a file: its columns, and where its first row begins.

    Raises
    ------
    DataError
        If it is no text with a header, or has columns that cannot be told.
    """
    _check_text(head, origin)
    start = len(_BOM) if head.startswith(_BOM) else 0
    lines = _HeadLines(head[start:], origin, form)
    header_line, remarks = _find_header(lines, schema)
    first = header_line + 1 if form.header else header_line
    infers_format = not (form.decimal or form.thousands) and may_need_number_format(head)
    last = min(len(lines), first + (_MANY if infers_format else _FEW))
    sample = [lines.cells(i) for i in range(first, last)]
    cells = _header(lines, header_line, schema) if form.header else schema.listed
    names, skipped = _columns(cells, sample, lines, header_line, schema)
    remarks += skipped
    if not form.header:
        _check_headless(lines, header_line, names, sample, schema)
    numbers = {attribute.name for attribute in schema.numbers}
    number_columns = [i for i, name in enumerate(names) if name in numbers]
    rows = [[row[i] for i in number_columns] for row in sample if len(row) == len(names)]
    questions = _question_lines(rows) if form.header and len(rows) == len(sample) else 0
    if questions:
        remarks.append(
            sentence(
                N_(
                    "Lines below the header with texts in the columns of numbers, passed over: "
                    "{n:count}."
                ),
                n=questions,
            )
        )
    number_format = None
    if infers_format:
        number_format = infer_number_format(cell for row in rows[questions:] for cell in row)
    if number_format:
        remarks.append(
            sentence(
                N_(
                    'numbers are read with inputs.decimal = "{decimal}" and inputs.thousands = '
                    '"{thousands}", as the first rows are written.'
                ),
                decimal=number_format.decimal,
                thousands=number_format.thousands,
            )
        )
    return Head(
        names,
        start + lines.table.start(first + questions),
        tuple(cells) if form.header else (),
        tuple(remarks),
        number_format,
    )


def check_columns(
    path: Location,
    columns: tuple[str, ...],
    schema: Schema,
    form: TextFormat | None = None,
) -> None:
    """Raise a DataError unless every attribute is there, once; `form` is that of a text file."""
    named = {*columns}
    absent = [name for name in schema.names if name not in named]
    duplicates = sorted(name for name, n in Counter(columns).items() if n > 1 and name)
    if duplicates:
        # If the header line is lost, a row's cells stand as names: give their positions instead.
        attributes = {*schema.names}
        known = [name for name in duplicates if name in attributes]
        others = set(duplicates) - set(known)
        at = [f"column {i}" for i, name in enumerate(columns, start=1) if name in others]
        raise DataError(
            f"{path}, line 1: {_first(known + at)} named more than once. Keep one column of each."
        )
    if absent:
        alike = {name.strip().casefold() for name in columns}
        near = sum(name.casefold() in alike for name in absent)
        if near:
            advice = (
                f"{near} of them are there but for blanks or upper and lower case: name them alike."
            )
        else:
            separator = f", and the separator {form.separator!r}" if form else ""
            advice = f"Is this the right file{separator}?"
        if form and form.header and len(absent) == len(schema):
            advice += " If it has no header, set inputs.header = false."
        raise DataError(
            f"{path}, line 1: lacks {len(absent)} of {len(schema)} attributes of the feature "
            f"summary: {_first(absent)}. {advice}"
        )


class _HeadLines:
    """The whole lines in the head of a file."""

    def __init__(self, head: bytes, origin: Location, form: TextFormat) -> None:
        if len(head) >= HEAD - len(_BOM) and (last := head.rfind(b"\n")) > 0:
            head = head[: last + 1]  # The last line may go on.
        whole = head if head.endswith(b"\n") else head + b"\n"
        self.origin = origin
        self.form = form
        self.table = Table(whole, (), (), form)
        ends = self.table.ends
        fault = self.table.masked.fault
        self.n = sum(end < fault.position for end in ends.tolist()) if fault else len(ends)
        if not self.n:
            position = fault.position if fault else 0
            line = self.table.line_number(position)
            problem, advice = (fault.problem, fault.advice) if fault else UNCLOSED
            raise DataError(f"{origin}, line {line}: {problem}. {advice}")

    def __len__(self) -> int:
        return self.n

    def number(self, line: int) -> int:
        return self.table.line_number(self.table.start(line))

    def cells(self, line: int) -> list[str]:
        return self.table.cells(line, self.form.encoding)

    def has_stray_return(self, line: int) -> bool:
        """True if a CR that ends no line stands outside quotes."""
        start, stop = self.table.start(line), int(self.table.ends[line]) - 1
        inside = self.table.masked.inside
        returns = np.flatnonzero(self.table.masked.letters[start:stop] == ord("\r")) + start
        return bool(len(returns) and (inside is None or not inside[returns].all()))

    def error(self, line: int, problem: str) -> DataError:
        return DataError(f"{self.origin}, line {self.number(line)}: {problem}")

    def text(self, line: int) -> str:
        return self.table.line(line).decode(self.form.encoding, errors="replace")


def _check_text(head: bytes, origin: Location) -> None:
    if not head.strip():
        raise DataError(f"{origin}: the file is empty. Fetch it again.")
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in head[:4096]:
        raise DataError(f"{origin}: looks like UTF-16 or binary. Save it as UTF-8 text.")
    if b"\n" not in head and b"\r" in head:
        raise DataError(f"{origin}: lines end in CR alone. Save it with LF or CRLF line ends.")


def _find_header(lines: _HeadLines, schema: Schema) -> tuple[int, list[Sentence]]:
    """Find the line of the header, or of the first row without one; remark on lines before it."""
    remarks: list[Sentence] = []
    line = comments = 0
    if len(lines) > 1 and _SEP_LINE.fullmatch(lines.text(0).strip("\r")):
        remarks.append(sentence(_SEPARATOR_NAMED))
        line = 1
    names = {*schema.names}
    while line < len(lines) - 1 and not names & {*lines.cells(line)}:
        text = lines.table.line(line).strip()
        if text and not text.startswith(b"#"):
            break
        comments += text.startswith(b"#")
        line += 1
    if comments:
        remarks.append(
            sentence(
                N_("Lines before the header with # first, passed over: {n:count}."), n=comments
            )
        )
    return line, remarks


def _header(lines: _HeadLines, index: int, schema: Schema) -> tuple[str, ...]:
    """The cells of the header."""
    try:
        lines.table.line(index).decode(lines.form.encoding)
    except UnicodeDecodeError:
        advice = "Set inputs.encoding to latin-1 or cp1252."
        raise lines.error(index, f"not {lines.form.encoding}. {advice}") from None
    if lines.has_stray_return(index):
        raise lines.error(
            index,
            "a line of the header ends in CR alone, others in LF. Save it with LF or CRLF line "
            "ends.",
        )
    cells = lines.cells(index)
    if lines.form.may_escape and any(cell.endswith("\\") for cell in cells):
        raise lines.error(index, f"a column's name ends in a backslash. {EITHER_WAY}")
    names = {*schema.names}
    if not names & {*cells}:
        for line in range(index + 1, min(len(lines), index + _BEFORE)):
            if names <= {*lines.cells(line)}:
                where = f"the header stands here, not in line {lines.number(index)}"
                raise lines.error(line, f"{where}. Take out the lines before it.")
    return tuple(cells)


def _columns(
    names: Sequence[str],
    sample: Sequence[Sequence[str]],
    lines: _HeadLines,
    index: int,
    schema: Schema,
) -> tuple[tuple[str, ...], list[Sentence]]:
    """Name each cell of a row, empty for columns passed over; remark on those."""
    rows = [row for row in sample if len(row) > 1]
    widths = {len(row) for row in rows}
    columns = tuple(name if name.strip() else "" for name in names)
    remarks: list[Sentence] = []
    if len(columns) > 1 and not columns[0] and any(columns[1:]):
        remarks.append(sentence(_ROW_NUMBERS))
    trailing = len(columns) - len("".join("x" if name else " " for name in columns).rstrip())
    if trailing and len(columns) > trailing:
        whole = [row for row in rows if len(row) == len(columns)]
        if widths == {len(columns) - trailing}:
            columns = columns[:-trailing]
        elif any(cell.strip() for row in whole for cell in row[-trailing:]):
            trailing = 0
        if trailing:
            remarks.append(sentence(_LINES_END))
    else:
        trailing = 0
    nameless = [
        i for i, name in enumerate(columns[: len(names) - trailing], start=1) if not name and i > 1
    ]
    if nameless or columns == ("",):
        numbers = _first([str(i) for i in nameless or [1]])
        raise lines.error(index, f"column {numbers} has no name. Name it.")
    if widths == {len(columns) + 1} and all(columns):
        if not any(row[-1].strip() for row in rows):
            shifted = ("", *columns)
            if not _count_up([row[0] for row in rows]) or not _fits(shifted, rows, schema):
                remarks.append(sentence(_ROWS_END))
                columns = (*columns, "")
        elif _fits(("", *columns), rows, schema) and not _fits((*columns, ""), rows, schema):
            remarks.append(sentence(_ROW_NAMES))
            columns = ("", *columns)
    return columns, remarks


def _count_up(cells: Sequence[str]) -> bool:
    """True if the cells are row numbers."""
    numbers = [int(cell) for cell in cells if re.fullmatch("[0-9]{1,15}", cell)]
    return len(numbers) == len(cells) and numbers == list(
        range(numbers[0], numbers[0] + len(numbers))
    )


def _fits(columns: Sequence[str], rows: Sequence[Sequence[str]], schema: Schema) -> bool:
    """True if numbers stand where numbers belong."""
    numbers = {attribute.name for attribute in schema.numbers}
    return all(
        is_number(cell, schema[name], NATIVE_FORMAT)
        for row in rows
        for name, cell in zip(columns, row, strict=True)
        if name in numbers
    )


def _check_headless(
    lines: _HeadLines,
    index: int,
    columns: Sequence[str],
    sample: Sequence[Sequence[str]],
    schema: Schema,
) -> None:
    if [cell.strip() for cell in sample[0]] == list(schema.listed):
        raise lines.error(
            index,
            "names the columns, though inputs.header is false. Set inputs.header = true.",
        )
    if len(sample[0]) != len(columns):
        raise lines.error(
            index,
            f"{len(sample[0])} cells, expected {len(columns)}: without a header, the columns are "
            "those of the feature summary in its order. List them all there, or add a "
            "header.",
        )


def _question_lines(rows: Sequence[Sequence[str]]) -> int:
    """Count the rows below the header that hold question texts, not people.

    Parameters
    ----------
    rows : the cells of the number columns
    """
    n = 0
    while n < min(_QUESTION_LINES, len(rows) - 1) and _is_text(rows[n]):
        n += 1
    return n if n and not any(_is_text(row) for row in rows[n:]) else 0


def _is_text(cells: Sequence[str]) -> bool:
    """True if nearly all cells hold words, not one word again and again."""
    words = [cell for cell in cells if sum(letter.isalpha() for letter in cell) > 1]
    return (
        len(cells) >= _QUESTIONS
        and len(words) >= 0.9 * len(cells)
        and len({*words}) > len(words) / 2
    )


def _count(n: int, word: str) -> str:
    return f"{n} {word}" + ("s" if n > 1 else "")


def _first(names: Sequence[str]) -> str:
    """The first five names."""
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
