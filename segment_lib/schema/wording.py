"""Wording of messages and pages: escaped foreign text, such as names of files, and lists."""

from collections.abc import Sequence


def printable(text: str) -> str:
    r"""Escape the letters of a text that do not show, or that change the direction of a line.

    Line ends, controls of a terminal, marks of direction and letters of no encoding become what
    Python writes for them. The space that holds a number and its unit together stays.

    Examples
    --------
    >>> printable("a\nb\u202ec")
    'a\\nb\\u202ec'
    """
    if text.isprintable():
        return text
    return "".join(
        letter
        if letter.isprintable() or letter == "\u00a0"
        else letter.encode("unicode_escape").decode()
        for letter in text
    )


def listed(names: Sequence[str], most: int) -> str:
    """Join names in one line, and count those beyond the first `most`.

    Examples
    --------
    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def counted(n: int, noun: str) -> str:
    """Put a number before a noun whose plural ends in s.

    Examples
    --------
    >>> counted(1, "segment"), counted(0, "segment"), counted(1200, "row")
    ('1 segment', '0 segments', '1,200 rows')
    """
    return f"{n:,} {noun}{'s' * (n != 1)}"
