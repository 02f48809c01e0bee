"""Escaping of foreign text, such as names of files, for messages and pages."""


def printable(text: str) -> str:
    r"""Escape the letters of a text that do not show, or that change the direction of a line.

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
