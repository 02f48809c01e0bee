"""Quotes and escapes of a text: which letters separate cells and rows, and which are text.

A quote opens a cell only as its first letter, and closes it only before a separator or a line end;
two together within a quoted cell are one. All other quotes are text.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from segment_lib.sources.text_format import TextFormat

Letters = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int64]

LINE_END, RETURN, BLANK, BACKSLASH = b"\n\r \\"
_BLOCK = 1 << 20

_UNQUOTED = '(or set inputs.quote = "" if cells are never quoted).'
AFTER_QUOTE = (
    "text follows the quote that closes a cell",
    f"Write quotes within a quoted cell twice {_UNQUOTED}",
)
ESCAPED = (
    "a quote follows a backslash",
    'Set inputs.quote_escape = "backslash" if that means a quote within the cell, or to "double" '
    "if the backslash is text.",
)
PADDED = (
    "blanks come before the quote that opens a cell",
    f"Take out the blanks between separators and quotes {_UNQUOTED}",
)
UNCLOSED = ("a quote is opened and not closed", f"Close it {_UNQUOTED}")
NO_MASK = ("the rows hold nearly all control characters", "Take them out.")
"""Faults of quoting, each with what to do."""


@dataclass(frozen=True)
class TextFault:
    """A position at which the quoting of a text breaks the rules."""

    position: int
    problem: str
    advice: str


@dataclass(frozen=True)
class MaskedText:
    """A text whose stray quotes and escapes are masked; the quotes left enclose cells."""

    letters: Letters
    inside: Flags | None = None
    """True from a quote that opens a cell up to the one that closes it; None without quotes."""
    masks: Mapping[int, str] = field(default_factory=dict)
    """Control character to the text that it stands for."""
    ends_inside: bool = False
    fault: TextFault | None = None
    strays: Positions = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """Positions of the quotes that are text though nothing escapes them."""

    def positions(self, letter: int) -> Positions:
        """Positions of a letter outside quotes, where it separates cells or rows."""
        return np.flatnonzero(self._outside(letter))

    def count(self, letter: int) -> int:
        """Count a letter outside quotes, where it separates cells or rows."""
        return int(np.count_nonzero(self._outside(letter)))

    def _outside(self, letter: int) -> Flags:
        matches: Flags = self.letters == letter
        if self.inside is not None:
            matches &= ~self.inside
        return matches

    def cell(self, start: int, stop: int, quote: str, encoding: str) -> str:
        """The text of a cell."""
        text = self.letters[start:stop].tobytes().decode(encoding, errors="replace")
        text = text.removesuffix("\r")
        if quote and len(text) > 1 and text[0] == quote:
            text = text[1:-1].replace(quote * 2, quote)
        for mask, meaning in self.masks.items():
            text = text.replace(chr(mask), meaning)
        return text


def mask_text(text: bytes, form: TextFormat, *, inside: bool = False) -> MaskedText:
    """Tell the letters that are text from those that separate cells and rows.

    Parameters
    ----------
    inside : True if the text begins within a quoted cell
    """
    letters = np.frombuffer(text, dtype=np.uint8)
    masks: dict[int, str] = {}
    if form.quote_escape == "backslash" and b"\\" in text:
        letters, masks = _without_escapes(text, form)
        text = letters.tobytes()
    if not form.quote or (form.quote.encode() not in text and not inside):
        return MaskedText(letters, masks=masks)
    return _QuoteScan(text, letters, form, masks).run(inside)


def unused_letters(text: bytes) -> Iterator[int]:
    """Yield control characters that the text does not contain."""
    return (letter for letter in (*range(1, 9), *range(14, 26)) if letter not in text)


def _without_escapes(text: bytes, form: TextFormat) -> tuple[Letters, dict[int, str]]:
    """Mask the backslashes that escape, and the letters they escape."""
    letters = np.frombuffer(text, dtype=np.uint8).copy()
    backslashes = np.flatnonzero(letters == BACKSLASH)
    first = np.maximum.accumulate(np.where(np.diff(backslashes, prepend=-2) > 1, backslashes, 0))
    escapes = backslashes[(backslashes - first) % 2 == 0]
    escapes = escapes[escapes + 1 < len(letters)]
    free = unused_letters(text)
    nothing = next(free, 0)
    masks = {nothing: ""}
    escaped = letters[escapes + 1]
    for letter in {*f"{form.quote}{form.separator}\\\r\n"}:
        matches = escapes[escaped == ord(letter)]
        mask = next(free, 0) if len(matches) else 0
        if mask:
            masks[mask] = letter
            letters[matches] = nothing
            letters[matches + 1] = mask
    return letters, masks


class _QuoteScan:
    """A pass over the quotes of a text, block by block."""

    def __init__(
        self, text: bytes, letters: Letters, form: TextFormat, masks: dict[int, str]
    ) -> None:
        self.text = text
        self.letters = letters
        self.form = form
        self.masks = masks
        self.quote = ord(form.quote)
        self.separator = ord(form.separator)
        self.fault: TextFault | None = None
        self.strays: list[Positions] = []

    def run(self, inside: bool) -> MaskedText:
        at_start = inside
        for start, stop in self._blocks():
            inside = self._block(start, stop, inside)
            if self.fault:
                break
        strays = np.concatenate([np.empty(0, dtype=np.int64), *self.strays])
        if len(strays):
            self._mask(strays)
        in_quotes = np.bitwise_xor.accumulate(self.letters == self.quote)
        is_inside = ~in_quotes if at_start else in_quotes
        return MaskedText(self.letters, is_inside, self.masks, inside, self.fault, strays)

    def _blocks(self) -> Iterator[tuple[int, int]]:
        """Yield the blocks of the text; they end at line ends, never within a run of quotes."""
        start = 0
        while start < len(self.text):
            stop = self.text.find(b"\n", start + _BLOCK) + 1 or len(self.text)
            yield start, stop
            start = stop

    def _block(self, start: int, stop: int, inside: bool) -> bool:
        quotes = np.flatnonzero(self.letters[start:stop] == self.quote) + start
        if not len(quotes):
            return inside
        starts_run = np.diff(quotes, prepend=-2) > 1
        first = quotes[starts_run]
        last = quotes[np.append(starts_run[1:], True)]
        odd = (last - first) % 2 == 0
        before, after = self._letter(first - 1), self._letter(last + 1)
        opens = (before == LINE_END) | (before == self.separator)
        closes = (after == LINE_END) | (after == self.separator)
        closes |= (after == RETURN) & (self._letter(last + 2) == LINE_END)
        was_inside = np.logical_xor.accumulate(np.append(inside, odd))
        outside = ~was_inside[:-1]
        if np.where(outside, opens & (odd | closes), ~odd | closes).all():
            return bool(was_inside[-1])
        return self._one_by_one(first, last, before, opens, closes, inside)

    def _letter(self, positions: Positions) -> Letters:
        """The letters at positions; a line end for those outside the text."""
        clipped = self.letters[np.clip(positions, 0, len(self.letters) - 1)]
        is_outside = (positions < 0) | (positions >= len(self.letters))
        return np.where(is_outside, np.uint8(LINE_END), clipped)

    def _one_by_one(
        self,
        first: Positions,
        last: Positions,
        before: Letters,
        opens: Flags,
        closes: Flags,
        inside: bool,
    ) -> bool:
        stray = np.zeros(len(first), dtype=bool)
        runs = zip(first.tolist(), last.tolist(), opens.tolist(), closes.tolist(), strict=True)
        for i, (start, stop, can_open, can_close) in enumerate(runs):
            odd = (stop - start) % 2 == 0
            if inside and odd:
                if not can_close:
                    self.fault = TextFault(start, *self._fault_inside(start))
                    break
                inside = False
            elif not inside and can_open:
                if not odd and not can_close:
                    self.fault = TextFault(start, *AFTER_QUOTE)
                    break
                inside = odd
            elif not inside:
                if problem := self._fault_outside(start, int(before[i])):
                    self.fault = TextFault(start, *problem)
                    break
                stray[i] = True
        if stray.any():
            lengths = last[stray] - first[stray] + 1
            self.strays.append(
                np.repeat(first[stray] - np.append(0, np.cumsum(lengths)[:-1]), lengths)
                + np.arange(lengths.sum())
            )
        return inside

    def _fault_inside(self, position: int) -> tuple[str, str]:
        escaped = not self.form.quote_escape and self.text[position - 1] == BACKSLASH
        return ESCAPED if escaped else AFTER_QUOTE

    def _fault_outside(self, position: int, before: int) -> tuple[str, str] | None:
        if before == BACKSLASH and not self.form.quote_escape:
            return ESCAPED
        blanks = b"\r" if self.separator == BLANK else b" \r"
        if before not in blanks:
            return None
        text = self.text[max(0, position - _BLOCK) : position].rstrip(blanks)
        return PADDED if text and text[-1] in (LINE_END, self.separator) else None

    def _mask(self, strays: Positions) -> None:
        mask = next((free for free in unused_letters(self.text) if free not in self.masks), None)
        if mask is None:
            self.fault = TextFault(int(strays[0]), *NO_MASK)
            return
        self.letters = self.letters.copy()
        self.letters[strays] = mask
        self.masks = {**self.masks, mask: self.form.quote}
