"""One block of rows: traits drawn from segments, cut into codes, thinned by missing patterns.

A block is a pure function of (seed, extract, block). Traits are sums of products of whole numbers
small enough for float64 to hold exactly, so no processor, thread count or BLAS changes a code.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from extracts.figures import coarse_codes
from extracts.missing import EMPTY, GROUP_COLUMN, REGIONS, marks, patterns
from extracts.model import model
from segment_lib.terms import EXTRACTS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Codes = dict[str, Ints]

BLOCK_ROWS = 8192
"""Rows drawn together. Part of the format: another value makes other files."""

NOTHING = -99
"""An empty cell, among whole-number codes."""


CLASSES = ("complete", "partial", "set_aside")
"""Rows by what they miss: no empty cell, some, or so much that most carry the default profile."""

RARE_HOUSE_FROM = 100
"""GEBAEUDETYP 5 stands in one row of the population: the first complete one from this row on."""

RANKED = ("KBA13_ANZAHL_PKW",)
"""Cut by rank within the block, not by value: 1,262 levels, so that chance would show in each."""

_NOISE_STEPS = 4096
_COMPLETE, _, _SET_ASIDE = range(len(CLASSES))
_KEEP = 32_000


@dataclass(frozen=True)
class Block:
    """Codes of `BLOCK_ROWS` rows, and the planted segment of each (-1: set aside)."""

    codes: Codes
    segment: Ints


def draw_block(seed: int, extract: str, block: int) -> Block:
    """Draw all rows of one block; the caller cuts the last block of a file."""
    rng = np.random.default_rng([seed, EXTRACTS.index(extract), block])
    pattern = patterns().draw(_systematic(rng, seed, extract, block), extract)
    row_class = _pattern_classes()[pattern]
    segment = _draw_segments(rng, extract)
    traits = _draw_traits(rng, segment, extract)
    codes = _cut_traits(traits, row_class, extract)
    default = (rng.random(BLOCK_ROWS) < model()["default_share"]) & (row_class == _SET_ASIDE)
    for name, code in model()["default_codes"].items():
        codes[name][default] = code
    _replace_life_phases(codes, traits, pattern)
    _add_nested_codes(codes, traits, row_class)
    _mark_missing(codes, pattern)
    _scatter_missing(rng, codes, row_class, extract)
    if extract == "population" and block == 0:
        complete = row_class[RARE_HOUSE_FROM:] == _COMPLETE
        codes["GEBAEUDETYP"][RARE_HOUSE_FROM + int(np.argmax(complete))] = 5
    return Block(codes, np.where(row_class == _SET_ASIDE, -1, segment))


def _systematic(rng: np.random.Generator, seed: int, extract: str, block: int) -> Floats:
    """Systematic sampling: evenly spaced points of [0, 1) in random order.

    Each pattern gets its share, to one row. Offsets of successive blocks step by the golden
    section, so that rounding evens out too.
    """
    start = np.random.default_rng([seed, EXTRACTS.index(extract)]).random()
    offset = (start + block * 0.6180339887498949) % 1.0
    return np.asarray((rng.permutation(BLOCK_ROWS) + offset) / BLOCK_ROWS)


@cache
def _pattern_classes() -> Ints:
    return np.array([_class_of(states) for states in patterns().tuples()])


def _class_of(states: tuple[int, ...]) -> int:
    if REGIONS[states[0]] != "whole":
        return _SET_ASIDE
    return int(EMPTY in marks(states).values())


def _draw_segments(rng: np.random.Generator, extract: str) -> Ints:
    cumulated = np.cumsum(model()["segments"][extract])
    return np.searchsorted(cumulated[:-1] / cumulated[-1], rng.random(BLOCK_ROWS), side="right")


def _draw_traits(rng: np.random.Generator, segment: Ints, extract: str) -> Floats:
    """Traits of shape (n_traits, BLOCK_ROWS), in whole units of 1 / (scale x noise steps)."""
    means, loadings = _means(extract), _loadings()
    noise = np.rint(rng.standard_normal((BLOCK_ROWS, len(loadings))) * _NOISE_STEPS)
    return np.ascontiguousarray((noise @ loadings.T + means[segment]).T)


@cache
def _means(extract: str) -> Floats:
    means = np.array(model()["means"], dtype=np.float64)
    if extract == "customers":
        for name, shift in model()["customer_shift"].items():
            means[:, _trait(name)] += shift
    return means * _NOISE_STEPS


@cache
def _loadings() -> Floats:
    size = len(model()["latents"])
    loadings = np.zeros((size, size))
    for row, values in enumerate(model()["loadings"]):
        loadings[row, : len(values)] = values
    return loadings


@cache
def _trait(name: str) -> int:
    return model()["latents"].index(name)


def _scaled(cuts: list[int]) -> Floats:
    return np.array(cuts, dtype=np.float64) * _NOISE_STEPS


@cache
def _cuts(name: str, extract: str) -> tuple[Floats, ...]:
    """Cuts per class of rows."""
    either = model()["cuts"][name]
    by_class = either.get(extract, either["population"])
    return tuple(_scaled(by_class.get(c, by_class["complete"])) for c in CLASSES)


@cache
def _cumulated_shares(name: str) -> tuple[Floats, ...]:
    """The share of rows below each cut, per class, in the population."""
    by_class = model()["ranked"][name]
    return tuple(np.array(by_class.get(c, by_class["complete"])) for c in CLASSES)


def _cut_traits(traits: Floats, row_class: Ints, extract: str) -> Codes:
    rows_of_class = [np.flatnonzero(row_class == c) for c in range(len(CLASSES))]
    codes: Codes = {}
    for name, levels in model()["codes"].items():
        trait = traits[_trait(name)]
        position = np.empty(BLOCK_ROWS, dtype=np.int64)
        for number, rows in enumerate(rows_of_class):
            if name in RANKED and extract == "population":
                shares = _cumulated_shares(name)[number]
                position[rows] = np.searchsorted(shares, _ranks(trait[rows]), side="right")
            else:
                position[rows] = np.searchsorted(_cuts(name, extract)[number], trait[rows])
        codes[name] = np.array(levels)[position]
    return codes


def _ranks(trait: Floats) -> Floats:
    """Ranks as points of [0, 1), with an offset that differs from block to block."""
    ranks = np.empty(len(trait))
    ranks[np.argsort(trait, kind="stable")] = np.arange(len(trait))
    offset = abs(trait.sum()) * 0.6180339887498949 % 1.0
    return np.asarray((ranks + offset) / max(len(trait), 1))


def _replace_life_phases(codes: Codes, traits: Floats, pattern: Ints) -> None:
    """Redraw rows that hold a coarse life phase or a family alone by their own marginals."""
    trait = traits[_trait("LP_LEBENSPHASE_FEIN")]
    state = patterns().states[pattern, GROUP_COLUMN["typology"]]
    for number, key in ((1, "coarse"), (2, "family")):
        alone = model()["life_phase_alone"][key]
        rows = np.flatnonzero(state == number)
        position = np.searchsorted(_scaled(alone["cuts"]), trait[rows])
        codes["LP_LEBENSPHASE_FEIN"][rows] = np.array(alone["codes"])[position]


def _add_nested_codes(codes: Codes, traits: Floats, row_class: Ints) -> None:
    """Add coarse codes that follow from fine ones, and fine ones drawn within coarse ones."""
    phase = coarse_codes("LP_LEBENSPHASE_GROB", "last_fine_code")[codes["LP_LEBENSPHASE_FEIN"]]
    codes["LP_LEBENSPHASE_GROB"] = phase
    codes["LP_FAMILIE_GROB"] = coarse_codes("LP_FAMILIE_GROB", "last_life_phase")[phase]
    status = coarse_codes("LP_STATUS_GROB", "last_fine_code")
    codes["LP_STATUS_GROB"] = status[codes["LP_STATUS_FEIN"]]
    for name, rule in model()["nested"].items():
        parent, trait = codes[rule["parent"]], traits[_trait(rule["latent"])]
        codes[name] = np.empty(BLOCK_ROWS, dtype=np.int64)
        for value, levels in rule["codes"].items():
            for number, row_kind in enumerate(CLASSES):
                rows = np.flatnonzero((parent == int(value)) & (row_class == number))
                cuts = _scaled(rule["cuts"][row_kind][value])
                codes[name][rows] = np.array(levels)[np.searchsorted(cuts, trait[rows])]
    codes["CAMEO_INTL_2015"] = np.array(model()["cameo_intl"])[codes["CAMEO_DEU_2015"]]


def _mark_missing(codes: Codes, pattern: Ints) -> None:
    child = patterns().states[pattern, GROUP_COLUMN["child"]]
    codes["ANZ_PERSONEN"][child == 2] = 0
    for name, written in _pattern_marks().items():
        mark = written[pattern]
        codes[name] = np.where(mark == _KEEP, codes[name], mark)
    codes["GREEN_AVANTGARDE"][codes["PRAEGENDE_JUGENDJAHRE"] == 0] = 0


@cache
def _pattern_marks() -> Codes:
    """The code that each pattern writes, by attribute."""
    written: Codes = {}
    unknown = {"X": 0, "XX": 0, EMPTY: NOTHING}
    for index, states in enumerate(patterns().tuples()):
        for name, mark in marks(states).items():
            column = written.setdefault(name, np.full(len(patterns().states), _KEEP))
            column[index] = unknown[mark] if mark in unknown else int(mark)
    deu = written["CAMEO_DEU_2015"]
    deu[deu == 0] = len(model()["cameo_deu"])
    return written


def _scatter_missing(rng: np.random.Generator, codes: Codes, row_class: Ints, extract: str) -> None:
    """Empty the attributes nobody keeps at a rate set by class of rows."""
    for name, rule in model()["scattered"].items():
        shares = rule["population"] if extract == "population" else rule["customers"]
        mark = NOTHING if rule["mark"] == EMPTY else int(rule["mark"])
        for number, share in enumerate(shares):
            rows = np.flatnonzero((row_class == number) & (codes[name] != NOTHING))
            hit = (rng.permutation(len(rows)) + rng.random()) < share * len(rows)
            codes[name][rows[hit]] = mark
