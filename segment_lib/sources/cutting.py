"""The search for row starts at which a text can be cut, in windows around the wanted offsets."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from segment_lib.sources.quoting import (
    BACKSLASH,
    LINE_END,
    RETURN,
    MaskedText,
    Positions,
    mask_text,
)
from segment_lib.sources.text_format import TextFormat

MAX_WINDOW = 1 << 26
"""The most bytes that are looked at on either side of an offset."""
_WINDOW, _BLOCK = 1 << 16, 1 << 20
_MIN_ROWS = 2
"""Rows a window must have for its quoting to be certain."""


def row_starts(
    file: io.BufferedReader,
    offsets: Sequence[int],
    first: int,
    stop: int,
    n_columns: int,
    form: TextFormat,
) -> Iterator[int]:
    """Yield the row starts that follow offsets, up to `stop`; one for offsets within one row.

    Where offsets are near each other, the text between them is read in full, and once.

    Parameters
    ----------
    first : where the first row begins
    """
    if offsets and offsets[0] - first < _BLOCK:
        yield from _starts_in_order(file, offsets, first, stop, form)
        return
    searched_to = 0
    for offset in offsets:
        if offset > searched_to:
            start = row_start(file, offset, first, stop, n_columns, form)
            searched_to = start or offset + MAX_WINDOW
            if start:
                yield start


def _starts_in_order(
    file: io.BufferedReader, offsets: Sequence[int], first: int, stop: int, form: TextFormat
) -> Iterator[int]:
    """Yield the row starts that follow offsets, by a scan of all rows before them."""
    size = _BLOCK
    while first < stop and offsets:
        file.seek(first)
        text = file.read(min(size, stop - first))
        is_last = first + len(text) == stop
        masked = mask_text(text if is_last else text.rstrip(_ambiguous_letters(form)), form)
        ends = _row_ends(masked, form)
        if not len(ends) and not is_last and size < MAX_WINDOW:
            size *= 4
            continue
        if masked.fault or not (len(ends) or is_last):
            # The fault of the quotes is reported where the piece is parsed.
            ends = np.flatnonzero(masked.letters == LINE_END)
        starts = first + ends + 1
        starts = starts[starts < stop]
        if not len(starts):
            return
        n = int(np.searchsorted(offsets, starts[-1], side="right"))
        yield from np.unique(starts[np.searchsorted(starts, offsets[:n])]).tolist()
        offsets, first, size = offsets[n:], int(starts[-1]), _BLOCK


def row_start(
    file: io.BufferedReader, offset: int, first: int, stop: int, n_columns: int, form: TextFormat
) -> int | None:
    """Find the first row start from `offset` up to `stop`; None if there is none.

    To tell a line end within quotes from a row end, the window around it is scanned twice, as if it
    began outside quotes and as if inside; the scan that keeps the rules of quotes and gives rows of
    `n_columns` cells is right. Where neither does, the rows are ragged or their quotes are faulty,
    which is reported where the piece is parsed.

    Parameters
    ----------
    first : where the first row begins, before which there is nothing to look at
    """
    size = _WINDOW
    while True:
        start, end = max(first, offset - size), min(stop, offset + size)
        file.seek(start)
        window = _Window(file.read(end - start), offset - start, end == stop, form, n_columns)
        is_widest = (start == first and end == stop) or size >= MAX_WINDOW
        as_outside = window.read(inside=False)
        scan: _WindowScan | None = as_outside
        if start > first:
            scan = _choose(as_outside, window.read(inside=True), is_widest)
        if scan is not None and scan.row_end is not None:
            row = start + scan.row_end + 1
            return row if row < stop else None
        if is_widest:
            return None
        size *= 4


@dataclass(frozen=True)
class _WindowScan:
    """The rows of a window, if it begins outside quotes or inside."""

    is_valid: bool
    row_end: int | None
    """Position of the last row end before the first row that begins at the offset or behind it."""
    rows: int
    """Number of whole rows."""
    regular_rows: int
    """Number of rows with as many cells as there are columns."""

    @property
    def is_certain(self) -> bool:
        return self.is_valid and self.rows >= _MIN_ROWS and self.regular_rows == self.rows

    @property
    def regularity(self) -> float:
        return self.regular_rows / max(self.rows, 1)


@dataclass(frozen=True)
class _Window:
    """A stretch of a text around an offset."""

    text: bytes
    offset: int
    is_last: bool
    """True if the window reaches the end of the rows."""
    form: TextFormat
    n_columns: int

    def read(self, *, inside: bool) -> _WindowScan:
        """Scan the window as if it began inside quotes, or outside."""
        quote = self.form.quote.encode()
        if inside and (not quote or quote not in self.text):
            return _WindowScan(bool(quote) and not self.is_last, None, 0, 0)
        start = self._clean_start()
        text = self.text[start:]
        text = text if self.is_last else text.rstrip(_ambiguous_letters(self.form))
        masked = mask_text(text, self.form, inside=inside)
        ends = masked.positions(LINE_END)
        if masked.fault:
            ends = ends[ends < masked.fault.position]
        row_ends = _row_ends(masked, self.form)
        row_ends = row_ends[row_ends >= self.offset - 1 - start]
        separators = masked.positions(ord(self.form.separator))
        cells = np.diff(np.searchsorted(separators, ends)) + 1
        return _WindowScan(
            masked.fault is None and not (self.is_last and masked.ends_inside),
            start + int(row_ends[0]) if len(row_ends) else None,
            len(cells),
            int(np.count_nonzero(cells == self.n_columns)),
        )

    def _clean_start(self) -> int:
        """Position in the window behind letters whose meaning depends on those before it."""
        blank = b"" if self.form.separator == " " else b" "
        start = len(self.text) - len(self.text.lstrip(_ambiguous_letters(self.form) + blank))
        escaped = self.form.quote_escape == "backslash" and self.text[:start].endswith(b"\\")
        return start + escaped


def _ambiguous_letters(form: TextFormat) -> bytes:
    """The letters whose meaning depends on those beside them."""
    escape = b"\\" if form.quote_escape == "backslash" else b""
    return form.quote.encode() + b"\r" + escape


def _row_ends(masked: MaskedText, form: TextFormat) -> Positions:
    """The line ends at which a text may be cut: none that may be escaped, none after a breach."""
    ends = masked.positions(LINE_END)
    if masked.fault:
        ends = ends[ends < masked.fault.position]
    if form.quote_escape:
        return ends
    previous, before_previous = (masked.letters[np.maximum(ends - n, 0)] for n in (1, 2))
    maybe_escaped = np.where(previous == RETURN, before_previous, previous) == BACKSLASH
    kept: Positions = ends[~maybe_escaped]
    return kept


def _choose(outside: _WindowScan, inside: _WindowScan, widest: bool) -> _WindowScan | None:
    """Choose the scan that is right; None if a wider window must decide."""
    if not inside.is_valid or outside.row_end == inside.row_end:
        return outside
    if not outside.is_valid:
        return inside
    if outside.is_certain != inside.is_certain:
        return outside if outside.is_certain else inside
    if not widest:
        return None
    return inside if inside.regularity > outside.regularity else outside
