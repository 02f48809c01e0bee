"""Codes: their canonical spelling, the lists that declare them, and words for a missing value."""

import re
from collections.abc import Iterator
from math import isfinite
from unicodedata import normalize

_WHOLE = re.compile(r"([+-]?\d+)\.0+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_TRUTH = ("true", "false")

# fmt: off
_NULL_WORDS = frozenset((
    "na", "n/a", "n.a.", "#n/a", "#n/a n/a", "#na", "<na>", "nan", "-nan", "nat", "null", "(null)",
    "none", "nil", "\\n", "-", "--", "---", "–", "—", ".", "..", "...", "?", "??", "k.a.", "k. a.",
    "keine angabe", "n/v", "n.v.", "#nv", "#value!", "#wert!", "#ref!", "#bezug!", "#div/0!",
    "#num!", "#zahl!", "#name?", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan",
))
# fmt: on
"""Words for a missing value of pandas, R, Excel, databases and people, in lower case."""

_LIST = re.compile(r"(c\s*)?(?:\[(?P<a>.*)\]|\((?P<b>.*)\)|\{(?P<c>.*)\})", re.DOTALL)
_QUOTES = {'"': '"', "'": "'", "`": "`", "´": "´", "„": "“”", "“": "”", "‘": "’", "‚": "‘’"}
_SEPARATORS = ",;|"
_INTEGER = r"[+-]?\d+"
_RANGE = re.compile(rf"({_INTEGER})\s*(\.\.\.?|…|:|–|-|\bto\b|\bbis\b)\s*({_INTEGER})")
_RECODED = re.compile(r"(?P<code>[+-]?\d+(\.\d+)?)\s*=\s*(?P<value>[+-]?\d+(\.\d+)?)")
_OPEN_RANGE = re.compile(r"[<>≤≥=!]+\s*[+-]?\d.*|[+-]?\d+\s*\+|(?:\.\.\.?|…|:).*|.*(?:\.\.|…|:)")
_STRAY = re.compile(r"[\[\]{}:=]|\.\.")
_LARGEST_RANGE = 1000


def canonical(code: str) -> str:
    """The canonical spelling of a code: ``8``, ``8.0`` and `` 8`` are the same level.

    So are ``true``, ``True`` and ``TRUE``, and accented letters, composed or decomposed.

    >>> canonical(" 8.0"), canonical("8.5"), canonical("W"), canonical("TRUE")
    ('8', '8.5', 'W', 'true')
    """
    code = code.strip()
    if not code.isascii():
        code = normalize("NFC", code)
    if code.lower() in _TRUTH:
        return code.lower()
    whole = _WHOLE.fullmatch(code)
    return whole.group(1) if whole else code


def is_number(code: str) -> bool:
    """True if a code is a finite number."""
    return bool(_NUMBER.fullmatch(code)) and isfinite(float(code))


def is_null_word(text: str) -> bool:
    """True for what programs and people write for a missing value, such as ``NA`` or ``-``.

    Words that may mean something, such as ``unknown``, are none of them.

    >>> is_null_word("NULL"), is_null_word("unknown")
    (True, False)
    """
    return text.strip().lower() in _NULL_WORDS


def read_codes(text: str, *, numbers: bool) -> tuple[str, ...]:
    """Read a list of codes such as ``[-1,0]``, each once and in its canonical spelling.

    Brackets may be square, round or curly; without any, the text is a single code. Commas,
    semicolons and bars separate; a code with one of them in it is quoted. A range of whole numbers,
    such as ``-9..-1``, ``-9:-1`` or ``-9 to -1``, stands for each of them. ``97-99`` is a range
    among numbers, but may as well be one code among levels, where it is refused unless quoted.
    Among numbers, ``88=0`` is passed over: 88 is no missing code but stands for 0
    (`read_recoded`).

    Parameters
    ----------
    numbers : true if the codes are of an attribute of numbers

    Raises
    ------
    ValueError
        If the list may mean something else than what would be read; it says what to write.
    """
    text = text.strip()
    codes: list[str] = []
    for code, quoted in _items(text):
        if numbers and not quoted and _RECODED.fullmatch(code):
            continue
        codes += [code] if quoted or is_null_word(code) else _expand(code, numbers)
    return tuple(dict.fromkeys(filter(None, map(canonical, codes))))


def read_recoded(text: str) -> tuple[tuple[float, float], ...]:
    """Read the numbers of a list of codes that stand for another, each with that.

    >>> read_recoded("[99, 88=0]")
    ((88.0, 0.0),)
    """
    pairs = (_RECODED.fullmatch(item) for item, quoted in _items(text.strip()) if not quoted)
    return tuple((float(pair["code"]), float(pair["value"])) for pair in pairs if pair)


def _items(text: str) -> Iterator[tuple[str, bool]]:
    """Split a list into its items, each with whether it is quoted."""
    within = _LIST.fullmatch(text)
    if within is None or is_null_word(text):
        if not is_null_word(text) and re.search(rf"[{_SEPARATORS}\[\](){{}}]", text):
            raise ValueError("is no list in brackets; write [-1,0]")
        yield _unquoted(text)
        return
    inside = next(part for part in within.group("a", "b", "c") if part is not None)
    start = position = 0
    closing = ""
    for position, letter in enumerate(inside):
        if closing:
            closing = "" if letter in closing else closing
        elif letter in _QUOTES and not inside[start:position].strip():
            closing = _QUOTES[letter]
        elif letter in _SEPARATORS:
            yield _unquoted(inside[start:position])
            start = position + 1
    if closing:
        raise ValueError("has a quote that is opened and not closed")
    yield _unquoted(inside[start:])


def _unquoted(item: str) -> tuple[str, bool]:
    item = item.strip()
    if len(item) < 2 or item[0] not in _QUOTES:
        return item, False
    closing = [i for i, letter in enumerate(item) if i and letter in _QUOTES[item[0]]]
    if closing != [len(item) - 1]:
        raise ValueError("has text beside the quotes; write ['a','b']")
    return item[1:-1], True


def _expand(item: str, numbers: bool) -> list[str]:
    """The codes that an item without quotes stands for."""
    # Word processors write dashes for the minus sign.
    item = re.sub(r"^[−–](?=\d)|(?<=[.:…\s])[−–](?=\d)", "-", item.strip())
    item = item.replace("−", "-")
    if (limits := _RANGE.fullmatch(item)) is not None:
        return _range(item, *limits.groups(), numbers=numbers)
    if _OPEN_RANGE.fullmatch(item):
        raise ValueError("has a range with an open end; list the codes one by one, or quote it")
    if _STRAY.search(item):
        raise ValueError(f"has {item!r} in it; write codes alone, or quote it")
    if numbers and item[:1] in "+-.(0123456789" and item and not is_number(item):
        raise ValueError(f"has {item!r} in it, which is no number; separate codes by commas")
    if re.fullmatch(rf"{_INTEGER}(\s+{_INTEGER})+", item):
        raise ValueError(f"has {item!r} in it; separate codes by commas")
    return [item]


def _range(item: str, first: str, word: str, last: str, *, numbers: bool) -> list[str]:
    mixed = word in "-–" and (first[0] == "-") != (last[0] == "-")
    if mixed or (not numbers and word in "-–:"):
        raise ValueError(
            f"has {item!r} in it, which may be a range or a code; write {first}..{last}, "
            "or quote it"
        )
    if any(re.match(r"[+-]?0\d", limit) for limit in (first, last)):
        raise ValueError("has a range of codes with zeros before them; list the codes one by one")
    low, high = sorted((int(first), int(last)))
    if high - low >= _LARGEST_RANGE:
        raise ValueError(f"has a range of more than {_LARGEST_RANGE:,} codes")
    return [str(code) for code in range(low, high + 1)]
