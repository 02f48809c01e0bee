"""Where a text can be cut: at the row end that follows a place, found in a window around it."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from segment_lib.sources.quoting import (
    BACKSLASH,
    LINE_END,
    RETURN,
    Marked,
    Positions,
    mark,
)
from segment_lib.sources.text_format import TextFormat

WIDEST = 1 << 26
"""Bytes that are looked at, at most, on either side of a place."""
_WINDOW, _BLOCK = 1 << 16, 1 << 20
_SURE = 2
"""Rows there must be in a window that tell what is quoted in it."""


def row_starts(
    file: io.BufferedReader,
    places: Sequence[int],
    first: int,
    stop: int,
    n_columns: int,
    form: TextFormat,
) -> Iterator[int]:
    """The row starts that follow places, up to `stop`; one for places within one row.

    Where places are near each other, all that is between them is read, and each once.

    Parameters
    ----------
    first : where the first row begins
    """
    if places and places[0] - first < _BLOCK:
        yield from _starts_in_order(file, places, first, stop, form)
        return
    reached = 0
    for place in places:
        if place > reached:
            start = row_start(file, place, first, stop, n_columns, form)
            reached = start or place + WIDEST
            if start:
                yield start


def _starts_in_order(
    file: io.BufferedReader, places: Sequence[int], first: int, stop: int, form: TextFormat
) -> Iterator[int]:
    """The row starts that follow places, told from all rows up to there."""
    size = _BLOCK
    while first < stop and places:
        file.seek(first)
        text = file.read(min(size, stop - first))
        at_end = first + len(text) == stop
        marked = mark(text if at_end else text.rstrip(_unsettled(form)), form)
        ends = _row_ends(marked, form)
        if not len(ends) and not at_end and size < WIDEST:
            size *= 4
            continue
        if marked.breach or not (len(ends) or at_end):
            # Whoever parses the piece will tell what is wrong with its quotes.
            ends = np.flatnonzero(marked.letters == LINE_END)
        starts = first + ends + 1
        starts = starts[starts < stop]
        if not len(starts):
            return
        n = int(np.searchsorted(places, starts[-1], side="right"))
        yield from np.unique(starts[np.searchsorted(starts, places[:n])]).tolist()
        places, first, size = places[n:], int(starts[-1]), _BLOCK


def row_start(
    file: io.BufferedReader, place: int, first: int, stop: int, n_columns: int, form: TextFormat
) -> int | None:
    """The first row start from `place` up to `stop`, or None if there is none.

    A line end within quotes is told from a row end by what the window around it looks like, read
    once as if it began outside quotes and once as if inside: which reading keeps the rules of
    quotes and gives rows of `n_columns` cells. Where neither does, the rows are ragged or their
    quotes are, which whoever parses the piece will tell.

    Parameters
    ----------
    first : where the first row begins, before which there is nothing to look at
    """
    size = _WINDOW
    while True:
        start, end = max(first, place - size), min(stop, place + size)
        file.seek(start)
        window = _Window(file.read(end - start), place - start, end == stop, form, n_columns)
        widest = (start == first and end == stop) or size >= WIDEST
        outside = window.read(inside=False)
        chosen: _Reading | None = outside
        if start > first:
            chosen = _choose(outside, window.read(inside=True), widest)
        if chosen is not None and chosen.row_end is not None:
            row = start + chosen.row_end + 1
            return row if row < stop else None
        if widest:
            return None
        size *= 4


@dataclass(frozen=True)
class _Reading:
    """What a window looks like if it begins outside, or inside, quotes."""

    keeps_rules: bool
    row_end: int | None
    """Where the first row ends of which the next begins at the place or behind it."""
    rows: int
    """Whole rows."""
    even: int
    """Those that have as many cells as there are columns."""

    @property
    def is_sure(self) -> bool:
        return self.keeps_rules and self.rows >= _SURE and self.even == self.rows

    @property
    def evenness(self) -> float:
        return self.even / max(self.rows, 1)


@dataclass(frozen=True)
class _Window:
    """A stretch of a text around a place."""

    text: bytes
    place: int
    is_last: bool
    """True if it goes up to the end of the rows."""
    form: TextFormat
    n_columns: int

    def read(self, *, inside: bool) -> _Reading:
        """The window as it is if what begins it is inside quotes, or outside."""
        quote = self.form.quote.encode()
        if inside and (not quote or quote not in self.text):
            return _Reading(bool(quote) and not self.is_last, None, 0, 0)
        start = self._settled()
        text = self.text[start:]
        text = text if self.is_last else text.rstrip(_unsettled(self.form))
        marked = mark(text, self.form, inside=inside)
        ends = marked.positions(LINE_END)
        if marked.breach:
            ends = ends[ends < marked.breach.position]
        row_ends = _row_ends(marked, self.form)
        row_ends = row_ends[row_ends >= self.place - 1 - start]
        at = marked.positions(ord(self.form.separator))
        cells = np.diff(np.searchsorted(at, ends)) + 1
        return _Reading(
            self._keeps_rules(marked),
            start + int(row_ends[0]) if len(row_ends) else None,
            len(cells),
            int(np.count_nonzero(cells == self.n_columns)),
        )

    def _settled(self) -> int:
        """Where the window no longer begins amid letters that belong together."""
        blank = b"" if self.form.separator == " " else b" "
        start = len(self.text) - len(self.text.lstrip(_unsettled(self.form) + blank))
        escaped = self.form.quote_escape == "backslash" and self.text[:start].endswith(b"\\")
        return start + escaped

    def _keeps_rules(self, marked: Marked) -> bool:
        return marked.breach is None and not (self.is_last and marked.ends_inside)


def _unsettled(form: TextFormat) -> bytes:
    """Letters whose meaning hangs on what is beside them."""
    escape = b"\\" if form.quote_escape == "backslash" else b""
    return form.quote.encode() + b"\r" + escape


def _row_ends(marked: Marked, form: TextFormat) -> Positions:
    """The line ends to cut at: none that may be escaped, none after a breach."""
    ends = marked.positions(LINE_END)
    if marked.breach:
        ends = ends[ends < marked.breach.position]
    if form.quote_escape:
        return ends
    one, two = (marked.letters[np.maximum(ends - n, 0)] for n in (1, 2))
    may_be_escaped = np.where(one == RETURN, two, one) == BACKSLASH
    kept: Positions = ends[~may_be_escaped]
    return kept


def _choose(outside: _Reading, inside: _Reading, widest: bool) -> _Reading | None:
    """The reading that is right, or None if a wider window must tell."""
    if not inside.keeps_rules or outside.row_end == inside.row_end:
        return outside
    if not outside.keeps_rules:
        return inside
    if outside.is_sure != inside.is_sure:
        return outside if outside.is_sure else inside
    if not widest:
        return None
    return inside if inside.evenness > outside.evenness else outside
