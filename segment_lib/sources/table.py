"""The rows of a text: where they end, which lines are no people, which cannot be read."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from segment_lib.sources.quoting import (
    LINE_END,
    RETURN,
    UNCLOSED,
    MaskedText,
    Positions,
    TextFault,
    mask_text,
)
from segment_lib.sources.text_format import TextFormat

BLANK_LINES, HEADER_ROWS = "blank_lines", "header_rows"
SWALLOWED, BACKSLASH_N, RETURNS = "swallowed_lines", "backslash_n", "stray_returns"
"""Kinds of notes."""

_BLANKS = b" \t\r\x0b\x0c\x1a"
_FEW_SEPARATORS = 4
"""Fewer separators than this may look like whole rows within a quoted cell by chance."""

ESCAPED_LINE_END = (
    "a blank line follows a backslash",
    'Set inputs.quote_escape = "backslash" if that means a line end within the cell, or take the '
    "blank line out.",
)
SWALLOWING = (
    "a quoted cell of this row holds whole rows",
    'Close its quote, or take it out (or set inputs.quote = "" if cells are never quoted).',
)
EITHER_WAY = (
    'Set inputs.quote_escape = "backslash" if a backslash makes what follows it text, or to '
    '"double" if the backslash is text.'
)
BLANK_LINE = (
    "a blank line, in a table of one column",
    'Take it out, or write "" if it is a row without a value.',
)


@dataclass(frozen=True)
class Table:
    """The lines of a text that ends with a line end, in UTF-8."""

    text: bytes
    columns: tuple[str, ...]
    """A name for each cell of a row."""
    header: tuple[str, ...]
    """The header's cells."""
    form: TextFormat

    @cached_property
    def masked(self) -> MaskedText:
        return mask_text(self.text, self.form)

    @cached_property
    def ends(self) -> Positions:
        """Positions of the line ends outside quoted cells."""
        return self.masked.positions(LINE_END)

    @property
    def rows(self) -> int:
        """Number of lines that are people."""
        return len(self.ends) - len(self.skipped)

    @cached_property
    def skipped(self) -> dict[int, str]:
        """Line to its kind, of the lines that are certainly no people."""
        return dict(sorted({**self._blank_lines(), **self._headers()}.items()))

    @cached_property
    def fault(self) -> TextFault | None:
        """The first fault that makes rows unreadable, their number of cells aside."""
        if self.masked.fault:
            return self.masked.fault
        if self.masked.ends_inside:
            assert self.masked.inside is not None
            outside = np.flatnonzero(~self.masked.inside)
            return TextFault(int(outside[-1]) + 1 if len(outside) else 0, *UNCLOSED)
        blank = [line for line, kind in self.skipped.items() if kind == BLANK_LINES]
        if blank and len(self.columns) == 1:
            return TextFault(self.start(blank[0]), *BLANK_LINE)
        if not self.form.quote_escape:
            for start in map(self.start, blank):
                if self.text[max(0, start - 2) : start].strip(b"\r\n") == b"\\":
                    return TextFault(start, *ESCAPED_LINE_END)
        swallowing = self._swallowing[1]
        if swallowing is not None:
            return TextFault(self.start(swallowing), *SWALLOWING)
        return self._ambiguous()

    @property
    def notes(self) -> dict[str, int]:
        """Counts of the lines passed over and of what looks odd."""
        notes = Counter(self.skipped.values())
        notes[SWALLOWED] = self._swallowing[0]
        if b"\\N" in self.text and not self.form.quote_escape:
            delimiters = re.escape(self.form.separator.encode()) + rb"\r\n"
            notes[BACKSLASH_N] = len(
                re.findall(rb"(?<=[%b])\\N(?=[%b])" % (delimiters, delimiters), self.text)
            )
        if b"\r" in self.text:
            returns = self.masked.positions(RETURN)
            notes[RETURNS] = int(np.count_nonzero(self.masked.letters[returns + 1] != LINE_END))
        return dict(+notes)

    @property
    def is_rectangular(self) -> bool:
        """True if the total number of cells is right, though maybe not in each row."""
        of_skipped = sum(self.separators(line) for line in self.skipped)
        wanted = self.rows * (len(self.columns) - 1)
        return self.masked.count(ord(self.form.separator)) - of_skipped == wanted

    def ragged(self) -> Iterator[tuple[int, int]]:
        """Yield the lines with too few or too many cells, and their number of cells."""
        separators = self.masked.positions(ord(self.form.separator))
        cells = np.diff(np.searchsorted(separators, self.ends), prepend=0) + 1
        for line in np.flatnonzero(cells != len(self.columns)).tolist():
            if line not in self.skipped:
                yield line, int(cells[line])

    def parser_text(self) -> bytes:
        """The text of the people alone, for a parser whose quotes only enclose cells."""
        nothing = [mask for mask, meaning in self.masked.masks.items() if not meaning]
        text = self.masked.letters.tobytes() if self.masked.masks else self.text
        if self.skipped:
            parts, done = [], 0
            for line in self.skipped:
                parts.append(text[done : self.start(line)])
                done = int(self.ends[line]) + 1
            text = b"".join([*parts, text[done:]])
        return text.translate(None, bytes(nothing)) if nothing else text

    def start(self, line: int) -> int:
        """Position of the start of a line."""
        return int(self.ends[line - 1]) + 1 if line else 0

    def line(self, line: int) -> bytes:
        """The bytes of a line."""
        return self.text[self.start(line) : int(self.ends[line])]

    def cells(self, line: int, encoding: str = "utf-8") -> list[str]:
        """The cells of a line."""
        start, stop = self.start(line), int(self.ends[line])
        letters = self.masked.letters[start:stop]
        is_separator = letters == ord(self.form.separator)
        if self.masked.inside is not None:
            is_separator &= ~self.masked.inside[start:stop]
        edges = [start - 1, *(np.flatnonzero(is_separator) + start).tolist(), stop]
        return [
            self.masked.cell(before + 1, after, self.form.quote, encoding)
            for before, after in pairwise(edges)
        ]

    def separators(self, line: int) -> int:
        return len(self.cells(line)) - 1

    def line_of_row(self, row: int) -> int:
        """The line of a person; both count from 0, within the text."""
        for line in self.skipped:
            if line > row:
                break
            row += 1
        return row

    def line_number(self, position: int) -> int:
        """The number of the line of the text, from 1, as an editor counts."""
        return self.text.count(b"\n", 0, position) + 1

    def _ambiguous(self) -> TextFault | None:
        """The first row that fits the header if backslashes escape too, but has other cells then.

        Nothing but the config can tell how such a row is meant, unless escapes leave it more stray
        quotes: who escapes, escapes quotes too.
        """
        letters = f"{self.form.separator}\n{self.form.quote}"
        if (
            not self.form.may_escape
            or b"\\" not in self.text  # Most texts have none, which is seen at once.
            or not any(f"\\{letter}".encode() in self.text for letter in letters)
            or not self.is_rectangular
        ):
            return None
        escaping = mask_text(self.text, replace(self.form, quote_escape="backslash"))
        if escaping.fault or escaping.ends_inside:
            return None
        separator = ord(self.form.separator)
        ends, separators = escaping.positions(LINE_END), escaping.positions(separator)
        edges = np.concatenate([self.ends, self.masked.positions(separator)])
        differing = np.setxor1d(edges, np.concatenate([ends, separators]), assume_unique=True)
        cells = np.diff(np.searchsorted(separators, ends), prepend=0) + 1
        strays, strays_as_text = (
            np.diff(np.searchsorted(masked.strays, ends), prepend=0)
            for masked in (escaping, self.masked)
        )
        header = self.header or tuple(filter(None, self.columns))
        expected = len("".join("x" if name.strip() else " " for name in header).rstrip())
        most = max(len(header), len(self.columns))
        misfit = (cells < expected) | (cells > most) | (strays > strays_as_text)
        # Both readings are compared between the row ends that they have in common.
        common = np.intersect1d(self.ends, ends, assume_unique=True)
        misfits = np.unique(np.searchsorted(common, ends[misfit]))
        blocks = np.setdiff1d(np.searchsorted(common, differing), np.append(misfits, len(common)))
        if not len(blocks):
            return None
        start = int(common[blocks[0] - 1]) + 1 if blocks[0] else 0
        as_text = self.separators(int(np.searchsorted(self.ends, start))) + 1
        escaped = int(cells[np.searchsorted(ends, start)])
        problem = (
            f"{as_text} cell{'s' * (as_text > 1)} if a backslash is text, {escaped} "
            f"other{'s' * (escaped > 1)} if it escapes, expected {expected}"
        )
        return TextFault(start, problem, EITHER_WAY)

    def _blank_lines(self) -> dict[int, str]:
        blanks = _BLANKS.replace(self.form.separator.encode(), b"")
        starts = np.append(0, self.ends[:-1] + 1)
        first = self.masked.letters[starts[: len(self.ends)]]
        is_blank = np.zeros(256, dtype=bool)
        is_blank[list(b"\n" + blanks)] = True
        lines = np.flatnonzero(is_blank[first]).tolist()
        return {line: BLANK_LINES for line in lines if not self.line(line).strip(blanks)}

    def _headers(self) -> dict[int, str]:
        """The lines that repeat the header."""
        names = [name.strip() for name in self.header]
        longest = max(names, key=len, default="").encode()
        if not longest or longest not in self.text:
            return {}
        size = 2 * sum(len(name.encode()) + 3 for name in self.header) + 8
        lines: list[int] = []
        for match in re.finditer(re.escape(longest), self.text):
            line = int(np.searchsorted(self.ends, match.start()))
            if (line not in lines[-1:]) and self.ends[line] - self.start(line) <= size:
                cells = [cell.strip("\ufeff \t\r") for cell in self.cells(line)]
                if cells == names:
                    lines.append(line)
        return dict.fromkeys(lines, HEADER_ROWS)

    @cached_property
    def _swallowing(self) -> tuple[int, int | None]:
        """Number of rows that span lines which look like rows of their own, and the first sure one.

        A stray quote that opens a cell, and another some rows later that seems to close it, look
        like this. A row is sure if its separators are too many for chance.
        """
        inside, text = self.masked.inside, self.masked.letters
        between = len(self.columns) - 1
        if inside is None or not between:
            return 0, None
        all_ends = np.flatnonzero(text == LINE_END)
        if len(all_ends) == len(self.ends):
            return 0, None
        separators = np.flatnonzero(text == ord(self.form.separator))
        whole = np.diff(np.searchsorted(separators, all_ends), prepend=0) == between
        row = np.searchsorted(self.ends, all_ends)
        lines = np.bincount(row, minlength=len(self.ends))
        several = (lines > 1) & (np.bincount(row, weights=whole, minlength=len(lines)) == lines)
        certain = np.flatnonzero(several & ((lines - 1) * between >= _FEW_SEPARATORS))
        return int(several.sum()), int(certain[0]) if len(certain) else None
