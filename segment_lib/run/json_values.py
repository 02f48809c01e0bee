"""Values of declared types read from JSON; a value of another type is refused."""

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

_LARGEST = 1 << 62


def typed(hint: Any, value: Any) -> Any:
    """Return a JSON value as the type of a hint.

    Raises
    ------
    KeyError
        If a field without a default is absent, or one is there that the dataclass does not know.
    TypeError, ValueError
        If a value is of another type, or beyond what is written.
    """
    if hint is Any:
        return value
    if isinstance(hint, UnionType):
        return None if value is None else typed(get_args(hint)[0], value)
    if is_dataclass(hint):
        return _with_fields(hint, value)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        _check_type(value, list)
        if arguments[-1] is ...:
            return tuple(typed(arguments[0], item) for item in value)
        return tuple(typed(kind, item) for kind, item in zip(arguments, value, strict=True))
    if origin is Mapping:
        _check_type(value, dict)
        return {name: typed(arguments[1], item) for name, item in value.items()}
    _check_type(value, int | float if hint is float else hint)
    if isinstance(value, bool) and hint is not bool:
        raise TypeError
    if (hint is int and not 0 <= value < _LARGEST) or (hint is float and not math.isfinite(value)):
        raise ValueError
    return value


def _with_fields(kind: Any, value: Any) -> Any:
    _check_type(value, dict)
    hints = get_type_hints(kind)
    needed = [f.name for f in fields(kind) if f.default is f.default_factory is MISSING]
    return kind(**{name: typed(hints[name], value[name]) for name in {*needed, *value}})


def _check_type(value: Any, kind: Any) -> None:
    if not isinstance(value, kind):
        raise TypeError
