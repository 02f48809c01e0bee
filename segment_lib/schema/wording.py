"""Words of others, such as names of files, as they may stand in a line for people."""


def printable(text: str) -> str:
    r"""The text with all that would not show, or would turn a line around, spelled out.

    Line ends, controls of a terminal, marks of direction and letters of no encoding become what
    Python writes for them.

    Examples
    --------
    >>> printable("a\nb\u202ec")
    'a\\nb\\u202ec'
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )
