"""Sentences whose numbers are marked with what they mean, so that one meaning has one number."""

from collections.abc import Callable

from markupsafe import Markup, escape

from segment_lib.schema.language import N_, Language
from segment_lib.schema.wording import printable

RANGE = N_("{value} ({low} to {high})")
"""How a number stands with its limits."""


def quantity(meaning: str, text: str) -> Markup:
    """The text of a number as the page marks it.

    Parameters
    ----------
    meaning : what it counts, the same wherever the number stands, as in "segment-3-index"
    """
    return Markup('<span data-figure="{}">{}</span>').format(meaning, text)


def fill(template: str, **fields: str) -> Markup:
    """Sentence with the fields filled in; markup of quantities stays, other text is escaped."""
    return escape(template).format(
        **{
            name: text if isinstance(text, Markup) else printable(text)
            for name, text in fields.items()
        }
    )


def at_depth(name: str, depth: float) -> str:
    """Meaning of a number of one depth of the mailing."""
    return f"{name}-at-{depth:.10g}"


def ranged(
    meaning: str,
    value: float,
    low: float | None,
    high: float | None,
    form: Callable[[float], str],
    language: Language,
) -> Markup:
    """A quantity with its limits; alone where they are not measured."""
    shown = quantity(meaning, form(value))
    if low is None or high is None:
        return shown
    low_shown, high_shown = (
        quantity(f"{meaning}-{end}", form(limit)) for end, limit in (("low", low), ("high", high))
    )
    return fill(language.gettext(RANGE), value=shown, low=low_shown, high=high_shown)
