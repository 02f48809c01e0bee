"""Restricted views of objects: only declared attributes can be read."""

from collections.abc import Collection
from typing import Any


class UndeclaredError(LookupError):
    """A stage reads what it has not declared, so its fingerprint would miss it."""


class Restricted:
    """View of an object that shows only some of its attributes.

    Parameters
    ----------
    whole : the object
    names : the attributes that may be read
    reader : who reads, for the error
    """

    def __init__(self, whole: object, names: Collection[str], reader: str) -> None:
        self._whole, self._names, self._reader = whole, frozenset(names), reader

    def __getattr__(self, name: str) -> Any:
        if name not in self._names:
            raise UndeclaredError(
                f"{self._reader} reads {type(self._whole).__name__}.{name}, which it does not "
                "declare. Add it to its reads or settings"
            )
        return getattr(self._whole, name)
