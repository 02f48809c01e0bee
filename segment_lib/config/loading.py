"""The config read from TOML and ``--set``, with all faults listed at once."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from segment_lib.config.sections import REPLACED_BY, SECTIONS, Config, Inputs
from segment_lib.errors import ConfigError
from segment_lib.schema.values import Values, keys
from segment_lib.sources.database import has_password, is_database
from segment_lib.sources.text_format import TextFormat
from segment_lib.storage.location import Location
from segment_lib.storage.stores import is_remote
from segment_lib.terms import EXTRACTS


def load_config(path: Location, overrides: Sequence[str] = ()) -> Config:
    """Read a config file, then apply overrides such as ``model.n_clusters=8``.

    Raises
    ------
    ConfigError
        If the file is absent or no TOML, or keys or values are wrong; all faults are listed.
    """
    return make_config(_read(path), path, overrides)


def make_config(tables: dict[str, Any], path: Location, overrides: Sequence[str] = ()) -> Config:
    """Make the config of tables as a file holds them, then apply overrides as `load_config` does.

    Parameters
    ----------
    path : the file, for messages; relative paths are relative to its folder

    Raises
    ------
    ConfigError
        If keys or values are wrong; all faults are listed.
    """
    faults: list[str] = []
    for override in overrides:
        _apply(tables, override, faults)
    sections = {}
    for name, entries in tables.items():
        if name not in SECTIONS:
            faults.append(_unknown(f"section [{name}]", name, SECTIONS))
        elif not isinstance(entries, dict):
            faults.append(f"section [{name}] must be a table")
        else:
            sections[name] = _section(name, entries, path.parent, faults)
    if isinstance(inputs := tables.get("inputs", {}), dict):
        faults += _input_faults(inputs)
    for name, entries in tables.items():
        if name in sections and name != "inputs" and len(_unset(name, entries)) < len(_unset(name)):
            faults += [f"{fault}, while others of it are" for fault in _unset(name, entries)]
    if faults:
        raise ConfigError(f"{path}: {'; '.join(faults)}. Correct the config.")
    return Config(**sections)


def _read(path: Location) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise ConfigError(f"{path}: no such config file. Copy config/azdias.toml.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8. Save the config as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: no TOML: {error}. Correct it.") from None


def _apply(tables: dict[str, Any], override: str, faults: list[str]) -> None:
    key, equals, text = override.partition("=")
    section, dot, name = key.strip().partition(".")
    if not (equals and dot):
        faults.append(f"--set {override}: expected section.key=value, as model.n_clusters=8")
        return
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    entries = tables.setdefault(section, {})
    inner, _, last = name.rpartition(".")
    if inner and isinstance(entries, dict):
        # As in inputs.customers.separator: of the table of an extract, made of its path if need be.
        path = entries.get(inner, "")
        entries = entries[inner] = path if isinstance(path, dict) else {"path": path}
    if isinstance(entries, dict):
        entries[last] = value


def _section(name: str, entries: dict[str, Any], folder: Location, faults: list[str]) -> Any:
    formats: dict[str, Any] = {}
    if name == "inputs":
        entries, formats = _formats_apart(entries, faults)
    known = keys(SECTIONS[name])
    settings = _valid(name, entries, known, faults)
    for key, value in settings.items():
        if known[key].is_path and value and not (is_remote(value) or is_database(value)):
            settings[key] = str(folder / value)
    return SECTIONS[name](**settings, **formats)


def _formats_apart(
    entries: dict[str, Any], faults: list[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The inputs with paths alone, and what tables such as [inputs.customers] hold beside it."""
    plain = {key: value for key, value in entries.items() if key != "formats"}
    if "formats" in entries:
        faults.append("unknown key inputs.formats; write [inputs.customers] with path and others")
    formats: dict[str, dict[str, Any]] = {}
    for extract in EXTRACTS:
        if isinstance(own := entries.get(extract), dict):
            plain[extract] = own.get("path", "")
            form = {key: own[key] for key in sorted(own) if key != "path"}
            known = keys(TextFormat) | {"path": keys(Inputs)[extract]}
            if form := _valid(f"inputs.{extract}", form, known, faults):
                formats[extract] = form
    return plain, {"formats": formats} if formats else {}


def _valid(
    table: str, entries: dict[str, Any], known: dict[str, Values], faults: list[str]
) -> dict[str, Any]:
    """The entries that are known and have one of their values."""
    valid = {}
    for key, entry in entries.items():
        # TOML has days of its own, which may stand without quotes.
        value = entry.isoformat() if isinstance(entry, date) else entry
        if key not in known:
            faults.append(_unknown(f"key {table}.{key}", key, known))
        elif not known[key].accept(value):
            faults.append(f"{table}.{key} must be {known[key].words}")
        else:
            valid[key] = tuple(value) if isinstance(value, list) else value
    return valid


def _unset(name: str, entries: Mapping[str, Any] = MappingProxyType({})) -> list[str]:
    """Faults of the keys that are not set, though their default is none of their values."""
    section = SECTIONS[name]
    return [
        f"{name}.{key} is not set"
        for key, values in keys(section).items()
        if not values.accept(getattr(section(), key)) and entries.get(key, "") == ""
    ]


def _input_faults(inputs: Mapping[str, Any]) -> list[str]:
    """Faults of the inputs: keys that are not set, or are set beside what replaces them."""
    replaced = {key: other for key, other in REPLACED_BY.items() if inputs.get(other)}
    twice = [
        f"inputs.{key} and inputs.{other} are both set; leave one of them out"
        for key, other in replaced.items()
        if inputs.get(key)
    ]
    return [*_unset("inputs", {**inputs, **replaced}), *twice, *_database_faults(inputs)]


def _database_faults(inputs: Mapping[str, Any]) -> list[str]:
    """Faults of the inputs that lie in a database; none of them quotes an address."""
    faults = []
    for extract in EXTRACTS:
        own = inputs.get(extract)
        path = str(own.get("path", "") if isinstance(own, dict) else own or "")
        key, has_query = f"inputs.{extract}", bool(inputs.get(f"{extract}_query"))
        if has_query != is_database(path):
            faults.append(
                f"{key}_query is set, and {key} is not the address of a database, postgresql://…"
                if has_query
                else f"{key} is the address of a database, and {key}_query is not set"
            )
        if has_query and has_password(path):
            faults.append(f"{key} holds a password; take it out and set PGPASSWORD")
    return faults


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"unknown {what}" + (f" (did you mean {near[0]}?)" if near else "")
