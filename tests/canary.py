"""A word planted in cells, headers and labels, which no line of any job may say."""

CANARY = "Kanarienvogel"


def planted(text: str, separator: str = ";") -> str:
    """The lines of an extract with a column more, that bears the word in its header and cells."""
    header, *rows = text.splitlines()
    lines = [f"{header}{separator}{CANARY}-header", *(f"{row}{separator}{CANARY}" for row in rows)]
    return "\n".join(lines) + "\n"
