"""The values that a key of the config takes: a check, and the words a refusal says for it.

They annotate the field of the dataclass that declares the key: ``Annotated[float, Values(…)]``.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from json import dumps
from typing import Annotated, Any, get_type_hints


@dataclass(frozen=True)
class Values:
    """What a key may be set to, as TOML gives it."""

    accept: Callable[[Any], bool]
    words: str
    """As in "must be a share from 0 to 1"."""
    is_path: bool = False
    """Read from the folder of the config file on."""


def one_of(*choices: str, empty: str = "") -> Values:
    """A word among the choices, or an empty one where ``empty`` says what that stands for."""
    words = f"one of {', '.join(dumps(choice) for choice in choices)}"
    if empty:
        return Values(lambda v: v in ("", *choices), f"{words}, or empty {empty}")
    return Values(lambda v: v in choices, words)


def keys(section: type) -> dict[str, Values]:
    """Values by key of a section: of its fields those that are annotated with them."""
    hints = get_type_hints(section, include_extras=True)
    return {
        field.name: values
        for field in fields(section)
        for values in getattr(hints[field.name], "__metadata__", ())
    }


Flag = Annotated[bool, Values(lambda v: isinstance(v, bool), "true or false")]
