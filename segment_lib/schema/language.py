"""The languages of the page: words from the catalogue, and numbers as each language writes them."""

import gettext
import io
import math
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

from babel import Locale
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

NOTHING = "–"
"""Stands for a number that is not known or not shown."""
_LISTED, _MOST_ITEMS = 5, 20
LOCALES = {"en": "en_GB", "de": "de"}
"""What Babel calls each language; British, as lists have no comma before their "and" there."""


def N_(text: str) -> str:
    """Mark a text of a constant for the catalogue; it is translated where it is drawn."""
    return text


@dataclass(frozen=True)
class Language:
    """A language that sentences and numbers are written in.

    Texts stand in the code in English. A sentence is one text, as the order of its words differs
    between languages. A field is named in braces; behind a colon stands the method of this class
    that writes its value.

    Examples
    --------
    >>> german = Language("de")
    >>> german.percent(0.12), german.decimals(1234.5, 1), german.listed(["a", "b", "c"])
    ('12\\xa0%', '1.234,5', 'a, b und c')
    >>> german.gettext("{share:percent} of {n:count} people", share=0.12, n=1234)
    '12\\xa0% of 1.234 people'
    """

    code: str = "en"
    """One of `terms.LANGUAGES`."""

    # -- words -----------------------------------------------------------------------------------

    def gettext(self, text: str, **fields: object) -> str:
        """Translation of a text, its fields filled in."""
        return self._filled(catalogue(self.code).gettext(text), fields)

    def ngettext(self, one: str, many: str, number: int, **fields: object) -> str:
        """Translation of the text for this number, which is its field ``n``."""
        words = catalogue(self.code).ngettext(one, many, number)
        return self._filled(words, {"n": number, **fields})

    def say(self, sentence: "Sentence") -> str:
        """Translation of a sentence that was stored with its figures."""
        return " ".join(self.gettext(text, **sentence.fields) for text in sentence.texts)

    def items(self, names: Sequence[object], most: int = _MOST_ITEMS) -> str:
        """First names or sentences of a list, and how many more there are."""
        shown = ", ".join(self._said(name) for name in names[:most])
        more = len(names) - most
        text = N_("{words} and {n:count} more")
        return self.gettext(text, words=shown, n=more) if more > 0 else shown

    def extract(self, name: str) -> str:
        """Name of an extract."""
        return self.gettext(EXTRACT_NAMES[name])

    def _said(self, value: object) -> str:
        """A value as text; a sentence, also as it was stored, is translated."""
        if isinstance(value, Mapping):
            value = Sentence(tuple(value["texts"]), value["fields"])
        return self.say(value) if isinstance(value, Sentence) else str(value)

    def label(self, text: str) -> str:
        """Translation of a label or phrase that the project ships for a known attribute."""
        return catalogue(self.code).pgettext("label", text)

    def listed(self, words: Sequence[str]) -> str:
        """Words joined as in a sentence: 'a, b and c'."""
        return str(format_list(list(words), locale=LOCALES[self.code]))

    def listed_first(self, words: Sequence[str]) -> str:
        """First words of a list, and how many more there are."""
        return self.items(words, _LISTED)

    def share(self, share: float | None) -> str:
        """Share with one decimal; in words where it is of few people and not shown."""
        return self.gettext("hardly any") if share is None else self.percent_tenths(share)

    def with_psi(self, attributes: Sequence[tuple[str, float]]) -> str:
        """Attributes with their population stability index."""
        words = [f"{name} (PSI {self.decimals(psi, 2)})" for name, psi in attributes]
        return self.listed_first(words)

    def _filled(self, text: str, fields: Mapping[str, object]) -> str:
        return _Fields(self).vformat(text, (), fields) if fields else text

    # -- numbers ---------------------------------------------------------------------------------

    def decimals(self, number: float | None, digits: int = 3) -> str:
        """Number with this many decimals, thousands marked."""
        if number is None or math.isnan(number):
            return NOTHING
        pattern = f"#,##0.{'0' * digits}" if digits else "#,##0"
        # Rounded as Python rounds, so that a figure is the same on the page and in the console.
        rounded = Decimal(f"{number:.{digits}f}")
        return str(format_decimal(rounded, pattern, LOCALES[self.code])).replace("-", "−")

    def count(self, number: float | None) -> str:
        """Count with thousands marks."""
        return self.decimals(number, 0)

    def one_decimal(self, number: float) -> str:
        """Number with one decimal."""
        return self.decimals(number, 1)

    def short_number(self, number: float | None) -> str:
        """Number without decimals, such as an index; with one where it is below 10."""
        return self.decimals(number, 0 if number is None or number >= 9.95 or number == 0 else 1)

    def figure(self, number: float | None, digits: int = 3) -> str:
        """Number with this many decimals; without any from 1,000, in words from a million."""
        size = 0.0 if number is None else abs(number)
        if number is None or not size >= 1000:
            return self.decimals(number, digits)
        if size >= 1e12:
            return self.gettext("{number:one_decimal} trillion", number=number / 1e12)
        if size >= 1e9:
            return self.gettext("{number:one_decimal} billion", number=number / 1e9)
        if size >= 1e6:
            return self.gettext("{number:one_decimal} million", number=number / 1e6)
        return self.count(number)

    def percent(self, share: float | None) -> str:
        """Percentage of a share of 1, with a decimal where it is small."""
        if share is not None and 0 < share < 0.0005:
            return self.gettext("under {share:percent_tenths}", share=0.001)
        is_small = share is not None and 0 < share < 0.0995
        return self.percent_tenths(share) if is_small else self._percent(share, 0)

    def percent_tenths(self, share: float | None) -> str:
        """Percentage of a share of 1 with one decimal."""
        return self._percent(share, 1)

    def _percent(self, share: float | None, digits: int) -> str:
        if share is None or math.isnan(share):
            return NOTHING
        pattern = Locale.parse(LOCALES[self.code]).percent_formats[None].pattern
        return str(pattern.replace("#,##0", self.decimals(100 * share, digits)))

    def ratio(self, index: float) -> str:
        """Ratio of an index: 310 is '3.1'."""
        ratio = index / 100
        digits = 0 if ratio >= 9.95 else 1 if ratio >= 1.25 or ratio < 0.75 else 2
        return self.decimals(ratio, digits)

    def times(self, index: float) -> str:
        """Ratio of an index in words: 310 is '3.1 times'."""
        return self.gettext("{ratio} times", ratio=self.ratio(index))

    def index_range(self, low: float, high: float) -> str:
        """Range between the limits of an index: '80 to 120'."""
        return self.gettext("{low:short_number} to {high:short_number}", low=low, high=high)

    def money(self, amount: float) -> str:
        """Amount of money, with cents below 1,000."""
        return self.decimals(amount, 2 if abs(amount) < 1000 else 0)

    def size(self, number: float | None) -> str:
        """Number of bytes in the unit that fits."""
        if number is None:
            return NOTHING
        units = ("B", "kB", "MB", "GB", "TB")
        power = next((p for p in range(4) if number < 1000 ** (p + 1)), 4)
        scaled = number / 1000**power
        return f"{self.decimals(scaled, int(power > 0 and scaled < 10))} {units[power]}"

    @property
    def vega(self) -> dict[str, object]:
        """Marks of numbers for the axes and tooltips of a chart."""
        symbols = Locale.parse(LOCALES[self.code]).number_symbols["latn"]
        return {
            "decimal": symbols["decimal"],
            "thousands": symbols["group"],
            "grouping": [3],
            "currency": ["", ""],
            "percent": self._percent(0.0, 0).removeprefix("0"),
        }


ENGLISH = Language()
EXTRACT_NAMES = {"population": N_("population"), "customers": N_("customers")}


@dataclass(frozen=True)
class Sentence:
    """Sentence stored in English with its figures, to be written in the language of a page."""

    texts: tuple[str, ...]
    """Clauses that follow each other, marked for the catalogue by `N_`."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """JSON values of the fields in braces, and sentences in their place."""

    def __str__(self) -> str:
        return ENGLISH.say(self)


def sentence(*texts: str, **fields: Any) -> Sentence:
    """Sentence of clauses and the values of their fields."""
    return Sentence(texts, fields)


def about_extract(name: str, remark: Sentence) -> Sentence:
    """Remark with the name of the extract before it."""
    return sentence("{name:extract}: {remark}", name=name, remark=remark)


class _Fields(string.Formatter):
    """Formatter of the fields of a text: ``{share:percent}`` is written by `Language.percent`."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def format_field(self, value: object, format_spec: str) -> str:
        language = self._language
        return str(getattr(language, format_spec)(value)) if format_spec else language._said(value)


@cache
def catalogue(code: str) -> gettext.NullTranslations:
    """Catalogue of a language; that of English is empty, as texts are English."""
    if code == "en":
        return gettext.NullTranslations()
    path = resources.files(__package__).joinpath("locales", code, "LC_MESSAGES", "messages.po")
    compiled = io.BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=LOCALES[code]))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
