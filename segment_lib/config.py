"""What a run is told: frozen dataclasses, from TOML and ``--set``; all faults listed at once."""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from difflib import get_close_matches
from math import inf, isfinite
from pathlib import Path
from typing import Any

from segment_lib.errors import ConfigError
from segment_lib.sources.text_format import TextFormat
from segment_lib.storage.stores import is_remote

_UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


@dataclass(frozen=True)
class Inputs(TextFormat):
    """Where the delivered files lie, and how their text is written.

    Relative paths are relative to the config file.

    A path that begins with s3:// is of an object store.
    """

    population: str = ""
    """The population extract: a CSV or Parquet file, a folder of parts, or a glob."""
    customers: str = ""
    """The customer extract, with the same columns."""
    feature_summary: str = ""
    """The table attribute;information_level;type;missing_or_unknown."""
    data_dictionary: str = ""
    """Markdown with a section per attribute; without it the labels shipped with the job serve."""
    missing: tuple[str, ...] = ()
    """Codes and words that mean missing in every attribute, such as NA or NULL."""
    id_column: str = ""
    """A column that names the people, carried along; without it the row number does."""
    repeated_ids: str = "once"
    """People whose id comes again: count them once, refuse the extract, or take rows as people."""
    suppress_column: str = ""
    """A column that says who must not be mailed, carried along."""
    extra_columns: str = "ignore"
    """Columns the feature summary lacks: ignore them, carry them along in raw/, or refuse them."""
    response: str = ""
    """A column of 0 and 1 in either extract that says who responded; never used to segment."""
    formats: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By extract, what is said of its text alone: [inputs.customers] with path, separator, …"""

    def text_format(self, extract: str) -> TextFormat:
        """What is said of the text of an extract, by itself or of both."""
        said = {f.name: getattr(self, f.name) for f in fields(TextFormat)}
        return TextFormat(**said | dict(self.formats.get(extract, {})))


@dataclass(frozen=True)
class Cleaning:
    """What is too incomplete to use."""

    max_missing_share: float = 0.3
    """Attributes missing in a larger share of the population are dropped."""
    max_missing_per_row: float = 25
    """Rows that lack more of the kept attributes are set aside. Below 1 it is a share of them."""
    max_unseen_share: float = 0.05
    """An extract with codes the dictionary lacks in a larger share of rows is refused."""


@dataclass(frozen=True)
class Model:
    """How segments are found."""

    n_components: float = 0.85
    """A share of variance below 1, or a whole number of components."""
    n_clusters: int | str = "auto"
    """A whole number of segments, or "auto" to choose from the sweep."""
    sweep: tuple[int, int] = (2, 20)
    """The least and the largest number of segments tried."""
    random_state: int = 0
    """Seed of everything random."""
    n_micro: int = 300
    """Micro-segments to rank people by; fewer where the population is small."""


@dataclass(frozen=True)
class Mailing:
    """What a mail-out costs and earns: all three, or none."""

    cost_per_piece: float | None = None
    """In any currency."""
    margin_per_order: float | None = None
    """In the same currency, before the cost of mailing."""
    base_response_rate: float | None = None
    """Orders per piece sent to average people, a share."""


@dataclass(frozen=True)
class Compare:
    """When a comparison is too thin, or too odd, to be told without a word."""

    min_segment_rows: int = 500
    """Segments with fewer rows of the population are marked small."""
    allow_suspicious: bool = False
    """Go on where the outcome looks like a broken delivery, and only say so."""


@dataclass(frozen=True)
class Fairness:
    """What must not, or should not without a look, decide who gets mail."""

    attributes: tuple[str, ...] = ("NATIONALITAET_KZ", "ANREDE_KZ", "ALTERSKATEGORIE_GROB")
    """Sensitive attributes: shown per segment, naming none. Those not delivered are ignored."""
    keep_out: bool = False
    """Leave them out of the features, so that segments do not form by them."""
    min_cell: int = 10
    """Counts of fewer people are left out of tables meant for people."""


@dataclass(frozen=True)
class Refresh:
    """What a refresh does with a later delivery."""

    policy: str = "auto"
    """apply the model of the base, refit it from its centres, or auto: decide by drift."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Attribute of the base to the column that holds it now."""


@dataclass(frozen=True)
class Run:
    """How the work is cut up."""

    rows_per_part: int = 100_000
    """About how many rows are worked on at a time."""
    memory: str = "4GiB"
    """What the job may use in all, such as 900MiB or 4GiB."""


@dataclass(frozen=True)
class Config:
    """All settings of a run."""

    inputs: Inputs
    cleaning: Cleaning = field(default_factory=Cleaning)
    model: Model = field(default_factory=Model)
    compare: Compare = field(default_factory=Compare)
    fairness: Fairness = field(default_factory=Fairness)
    mailing: Mailing = field(default_factory=Mailing)
    refresh: Refresh = field(default_factory=Refresh)
    run: Run = field(default_factory=Run)

    def as_dict(self) -> dict[str, dict[str, Any]]:
        return asdict(self)

    @property
    def memory(self) -> int:
        """The budget in bytes."""
        return parse_size(self.run.memory) or 0


_SECTIONS: dict[str, type] = {
    "inputs": Inputs,
    "cleaning": Cleaning,
    "model": Model,
    "compare": Compare,
    "fairness": Fairness,
    "mailing": Mailing,
    "refresh": Refresh,
    "run": Run,
}

_PATHS = ("population", "customers", "feature_summary")
_EXTRACTS = ("population", "customers")
_OPTIONAL_PATHS = ("data_dictionary",)


def parse_size(text: object) -> int | None:
    """Bytes of a size such as ``900MiB``; None if it is none."""
    for unit, factor in _UNITS.items():
        if isinstance(text, str) and text.strip().endswith(unit):
            try:
                size = float(text.strip().removesuffix(unit)) * factor
            except ValueError:
                return None
            return int(size) if 0 < size < inf else None
    return None


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Read a config file, then apply overrides such as ``model.n_clusters=8``.

    Raises
    ------
    ConfigError
        If the file is absent or no TOML, or keys or values are wrong; all faults are listed.
    """
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise ConfigError(f"{path}: no such config file. Copy config/azdias.toml.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8. Save the config as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: no TOML: {error}. Mend it.") from None
    faults: list[str] = []
    for override in overrides:
        _apply(told, override, faults)
    sections = {}
    for name, entries in told.items():
        if name not in _SECTIONS:
            faults.append(_unknown(f"section [{name}]", name, _SECTIONS))
        elif not isinstance(entries, dict):
            faults.append(f"section [{name}] must be a table")
        else:
            if name == "inputs":
                entries = told[name] = _with_formats(entries, faults)
            sections[name] = _section(name, entries, path.parent, faults)
    for name in _PATHS:
        entries = told.get("inputs")
        if (isinstance(entries, dict) and not entries.get(name)) or entries is None:
            faults.append(f"inputs.{name} is not set")
    mailing = told.get("mailing")
    if isinstance(mailing, dict) and mailing:
        absent = [f.name for f in fields(Mailing) if f.name not in mailing]
        faults += [f"mailing.{name} is not set, while other keys of it are" for name in absent]
    if faults:
        raise ConfigError(f"{path}: {'; '.join(faults)}. Mend the config.")
    return Config(**sections)


def _with_formats(entries: dict[str, Any], faults: list[str]) -> dict[str, Any]:
    """The inputs with an extract's own table taken apart: its path, and how its text is written."""
    plain = {key: value for key, value in entries.items() if key != "formats"}
    formats: dict[str, dict[str, Any]] = {}
    if "formats" in entries:
        faults.append("unknown key inputs.formats; write [inputs.customers] with path and others")
    known = {f.name for f in fields(TextFormat)}
    for extract in _EXTRACTS:
        if not isinstance(own := entries.get(extract), dict):
            continue
        plain[extract] = own.get("path", "")
        for key in sorted(set(own) - {"path"}):
            test, expected = _TESTS.get(f"inputs.{key}", (lambda _: False, ""))
            if key not in known:
                faults.append(_unknown(f"key inputs.{extract}.{key}", key, known | {"path"}))
            elif not test(own[key]):
                faults.append(f"inputs.{extract}.{key} must be {expected}")
            else:
                formats.setdefault(extract, {})[key] = own[key]
    return plain | ({"formats": formats} if formats else {})


def _section(name: str, entries: dict[str, Any], folder: Path, faults: list[str]) -> Any:
    kind = _SECTIONS[name]
    known = {f.name for f in fields(kind)}
    values = {}
    for key, value in entries.items():
        if key not in known:
            faults.append(_unknown(f"key {name}.{key}", key, known))
            continue
        test, expected = _TESTS[f"{name}.{key}"]
        if not test(value):
            faults.append(f"{name}.{key} must be {expected}")
            continue
        if name == "inputs" and key in _PATHS + _OPTIONAL_PATHS and value:
            value = value if is_remote(value) else str(folder / value)
        values[key] = tuple(value) if isinstance(value, list) else value
    return kind(**values)


def _apply(told: dict[str, Any], override: str, faults: list[str]) -> None:
    key, equals, text = override.partition("=")
    section, dot, name = key.strip().partition(".")
    if not (equals and dot):
        faults.append(f"--set {override}: expected section.key=value, as model.n_clusters=8")
        return
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    entries = told.setdefault(section, {})
    inner, _, last = name.rpartition(".")
    if inner and isinstance(entries, dict):
        # As in inputs.customers.separator: of the table of an extract, made of its path if need be.
        path = entries.get(inner, "")
        entries = entries[inner] = path if isinstance(path, dict) else {"path": path}
    if isinstance(entries, dict):
        entries[last] = value


def _unknown(what: str, name: str, known: Any) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"unknown {what}" + (f", did you mean {near[0]}?" if near else "")


def _whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _real(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _range(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(_whole(end, 2) for end in value)
        and value[0] <= value[1]
    )


def _names(value: object) -> bool:
    return isinstance(value, list) and all(_text(name) for name in value)


def _yes_or_no(value: object) -> bool:
    return isinstance(value, bool)


_TESTS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "inputs.population": (_text, "a path"),
    "inputs.customers": (_text, "a path"),
    "inputs.feature_summary": (_text, "a path"),
    "inputs.data_dictionary": (lambda v: isinstance(v, str), "a path"),
    "inputs.extra_columns": (
        lambda v: v in ("ignore", "carry", "refuse"),
        'one of "ignore", "carry", "refuse"',
    ),
    "inputs.separator": (
        lambda v: (
            v == "" or (isinstance(v, str) and len(v) == 1 and v.isascii() and v not in '"\r\n')
        ),
        "one character, or empty to find out",
    ),
    "inputs.encoding": (
        lambda v: v in ("", "utf-8", "latin-1", "cp1252"),
        'one of "utf-8", "latin-1", "cp1252", or empty to find out',
    ),
    "inputs.quote": (
        lambda v: (
            v == "" or (isinstance(v, str) and len(v) == 1 and v.isascii() and v.isprintable())
        ),
        "one character, or empty if cells are never quoted",
    ),
    "inputs.quote_escape": (
        lambda v: v in ("", "double", "backslash"),
        'one of "double", "backslash", or empty to find out',
    ),
    "inputs.decimal": (lambda v: v in ("", ".", ","), '".", "," or empty to find out'),
    "inputs.thousands": (
        lambda v: v in ("", ".", ",", " ", "'"),
        'one of ".", ",", " ", "\'", or empty where there is none',
    ),
    "inputs.header": (_yes_or_no, "true or false"),
    "inputs.missing": (_names, 'a list of codes and words in quotes, such as ["NA", "-1"]'),
    "inputs.formats": (lambda v: isinstance(v, dict), "a table"),
    "inputs.repeated_ids": (
        lambda v: v in ("once", "refuse", "rows"),
        'one of "once", "refuse", "rows"',
    ),
    "inputs.suppress_column": (lambda v: isinstance(v, str), "a column name"),
    "inputs.id_column": (lambda v: isinstance(v, str), "a column name"),
    "inputs.response": (lambda v: isinstance(v, str), "a column name"),
    "cleaning.max_missing_share": (
        lambda v: _real(v) and 0 <= v <= 1,
        "a share from 0 to 1",
    ),
    "cleaning.max_unseen_share": (lambda v: _real(v) and 0 <= v <= 1, "a share from 0 to 1"),
    "cleaning.max_missing_per_row": (
        lambda v: _real(v) and v >= 0 and (v < 1 or v == int(v)),
        "a whole number of attributes, or a share below 1",
    ),
    "model.n_components": (
        lambda v: _whole(v, 1) or (isinstance(v, float) and 0 < v < 1),
        "a share of variance below 1, or a whole number",
    ),
    "model.n_clusters": (
        lambda v: v == "auto" or _whole(v, 2),
        '"auto" or a whole number of at least 2',
    ),
    "model.sweep": (_range, "two whole numbers of at least 2, the least first"),
    "model.random_state": (
        lambda v: _whole(v, 0) and v < 2**32,
        "a whole number from 0 to 4294967295",
    ),
    "compare.min_segment_rows": (lambda v: _whole(v, 0), "a whole number from 0 on"),
    "compare.allow_suspicious": (_yes_or_no, "true or false"),
    "fairness.attributes": (_names, "a list of attributes"),
    "fairness.keep_out": (_yes_or_no, "true or false"),
    "fairness.min_cell": (lambda v: _whole(v, 0), "a whole number from 0 on"),
    "model.n_micro": (lambda v: _whole(v, 2), "a whole number of at least 2"),
    "mailing.cost_per_piece": (lambda v: _real(v) and v > 0, "a number above 0"),
    "mailing.margin_per_order": (lambda v: _real(v) and v > 0, "a number above 0"),
    "mailing.base_response_rate": (lambda v: _real(v) and 0 < v <= 1, "a share above 0, up to 1"),
    "refresh.policy": (
        lambda v: v in ("auto", "apply", "refit"),
        'one of "auto", "apply", "refit"',
    ),
    "refresh.renamed": (
        lambda v: isinstance(v, dict) and all(_text(name) for name in v.values()),
        "a table from attribute to column name",
    ),
    "run.rows_per_part": (lambda v: _whole(v, 1), "a whole number of at least 1"),
    "run.memory": (lambda v: parse_size(v) is not None, "a size such as 900MiB or 4GiB"),
}
