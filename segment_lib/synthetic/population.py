"""One block of rows: latent traits drawn from segments, cut into codes, then thinned by the missing pattern.

A block is a pure function of (seed, extract, block). Traits are sums of products of whole numbers
small enough for float64 to hold exactly, so that no processor, thread count or BLAS changes a code.
"""

import json
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from segment_lib.synthetic.figures import attributes, figures, read_text
from segment_lib.synthetic.missing import EMPTY, GROUPS, REGIONS, marks, patterns

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Codes = dict[str, Ints]

BLOCK_ROWS = 8192
"""Rows drawn together. Part of the format: another value makes other files."""

NOTHING = -99
"""An empty cell, among whole-number codes."""

EXTRACTS = ("population", "customers")
CLASSES = ("complete", "partial", "set_aside")
"""Rows by what they miss: no empty cell, some, or so much that they carry the default profile."""

RARE_HOUSE = ("GEBAEUDETYP", 5)
"""Code 5 stands in exactly one row of the population: the first complete one from row 100 on."""
RARE_HOUSE_FROM = 100

_DRAWS_PER_UNIT = 4096
_UNKNOWN_CAMEO = {"X": 0, "XX": 0}


@dataclass(frozen=True)
class Block:
    """Codes of `BLOCK_ROWS` rows, NOTHING where a cell is empty, and the planted segment (-1: set aside)."""

    codes: Codes
    segment: Ints


def draw_block(seed: int, extract: str, block: int) -> Block:
    """The rows of one block, all of them: cut the last block of a file yourself."""
    rng = np.random.default_rng([seed, EXTRACTS.index(extract), block])
    pattern = _draw_pattern(rng, seed, extract, block)
    row_class = pattern_classes()[pattern]
    segment = _choose(rng, np.array(model()["segments"][extract]))
    traits = _draw_traits(rng, segment, extract)
    is_default = rng.random(BLOCK_ROWS) < model()["default_share"]
    codes = _simple_codes(traits, row_class, extract)
    for name, code in model()["default_codes"].items():
        codes[name][is_default & (row_class == 2)] = code
    states = patterns().states[pattern]
    _override_life_phase(codes, traits, states)
    _add_nested_codes(codes, traits, row_class)
    _mark_missing(codes, pattern, states)
    _scatter_missing(rng, codes, row_class, extract)
    if extract == "population" and block == 0:
        name, code = RARE_HOUSE
        codes[name][RARE_HOUSE_FROM + int(np.argmax(row_class[RARE_HOUSE_FROM:] == 0))] = code
    return Block(codes, np.where(row_class == 2, -1, segment))


@cache
def model():
    return json.loads(read_text("model.json"))


@cache
def _matrices():
    m = model()
    size = len(m["latents"])
    means = np.array(m["means"], dtype=np.float64)
    loadings = np.zeros((size, size))
    for row, values in enumerate(m["loadings"]):
        loadings[row, : len(values)] = values
    shift = np.zeros(size)
    for name, value in m["customer_shift"].items():
        shift[m["latents"].index(name)] = value
    return means * _DRAWS_PER_UNIT, loadings.T.copy(), shift * _DRAWS_PER_UNIT


@cache
def pattern_classes() -> Ints:
    out = []
    for states in patterns().states:
        written = marks(tuple(int(s) for s in states))
        if REGIONS[states[0]] != "whole":
            out.append(2)
        else:
            out.append(int(EMPTY in written.values()))
    return np.array(out)


def _draw_pattern(rng, seed: int, extract: str, block: int) -> Ints:
    """Systematic draws: a block holds each pattern's share of rows, rounded, in random order."""
    start = np.random.default_rng([seed, EXTRACTS.index(extract)]).random()
    offset = (start + block * 0.6180339887498949) % 1.0
    uniform = (rng.permutation(BLOCK_ROWS) + offset) / BLOCK_ROWS
    return patterns().draw(uniform, extract)


def _choose(rng, shares: Floats) -> Ints:
    cumulated = np.cumsum(shares)
    return np.searchsorted(cumulated[:-1] / cumulated[-1], rng.random(BLOCK_ROWS), side="right")


def _draw_traits(rng, segment: Ints, extract: str) -> Floats:
    means, loadings, shift = _matrices()
    noise = np.rint(rng.standard_normal((BLOCK_ROWS, len(loadings))) * _DRAWS_PER_UNIT)
    traits = noise @ loadings
    traits += means[segment]
    if extract == "customers":
        traits += shift
    return np.ascontiguousarray(traits.T)


def _cuts(values) -> Floats:
    return np.array(values, dtype=np.float64) * _DRAWS_PER_UNIT


@cache
def _simple_cuts(name: str, extract: str):
    by_extract = model()["cuts"][name]
    chosen = by_extract.get(extract, by_extract["population"])
    return [_cuts(chosen.get(c, chosen["complete"])) for c in CLASSES]


def _simple_codes(traits: Floats, row_class: Ints, extract: str) -> Codes:
    m = model()
    rows_of = [np.flatnonzero(row_class == c) for c in range(len(CLASSES))]
    codes: Codes = {}
    for name, values in m["codes"].items():
        trait = traits[m["latents"].index(name)]
        levels = np.array(values)
        code = np.empty(BLOCK_ROWS, dtype=np.int64)
        for rows, cuts in zip(rows_of, _simple_cuts(name, extract), strict=True):
            code[rows] = levels[_bin(trait[rows], cuts)]
        codes[name] = code
    return codes


def _bin(trait: Floats, cuts: Floats) -> Ints:
    return np.searchsorted(cuts, trait)


def _override_life_phase(codes: Codes, traits: Floats, states) -> None:
    trait = traits[model()["latents"].index("LP_LEBENSPHASE_FEIN")]
    state = states[:, 1 + [g.name for g in GROUPS].index("typology")]
    for number, key in ((1, "coarse"), (2, "family")):
        alone = model()["life_phase_alone"][key]
        rows = state == number
        codes["LP_LEBENSPHASE_FEIN"][rows] = np.array(alone["codes"])[
            _bin(trait[rows], _cuts(alone["cuts"]))
        ]


@cache
def _lookup(name: str, key: str) -> Ints:
    """Fine code -> coarse code."""
    ends = figures()["derived"][name][key]
    table = np.zeros(max(ends.values()) + 1, dtype=np.int64)
    for coarse, last in sorted(ends.items(), key=lambda item: -item[1]):
        table[: last + 1] = int(coarse)
    return table


def _add_nested_codes(codes: Codes, traits: Floats, row_class: Ints) -> None:
    codes["LP_LEBENSPHASE_GROB"] = _lookup("LP_LEBENSPHASE_GROB", "last_fine_code")[
        codes["LP_LEBENSPHASE_FEIN"]
    ]
    codes["LP_FAMILIE_GROB"] = _lookup("LP_FAMILIE_GROB", "last_life_phase")[
        codes["LP_LEBENSPHASE_GROB"]
    ]
    codes["LP_STATUS_GROB"] = _lookup("LP_STATUS_GROB", "last_fine_code")[codes["LP_STATUS_FEIN"]]
    for name, rule in model()["nested"].items():
        parent = codes[rule["parent"]]
        trait = traits[model()["latents"].index(rule["latent"])]
        code = np.empty(BLOCK_ROWS, dtype=np.int64)
        for value, levels in rule["codes"].items():
            for number, row_kind in enumerate(CLASSES):
                rows = np.flatnonzero((parent == int(value)) & (row_class == number))
                cuts = _cuts(rule["cuts"][row_kind][value])
                code[rows] = np.array(levels)[_bin(trait[rows], cuts)]
        codes[name] = code
    codes["CAMEO_INTL_2015"] = np.array(model()["cameo_intl"])[codes["CAMEO_DEU_2015"]]


@cache
def _pattern_marks() -> dict[str, NDArray[np.int64]]:
    """Per attribute, what each pattern writes (0 < |x|: NOTHING or a code; 1000 = leave alone)."""
    table = patterns().states
    out: dict[str, NDArray[np.int64]] = {}
    for index, states in enumerate(table):
        for name, mark in marks(tuple(int(s) for s in states)).items():
            column = out.setdefault(name, np.full(len(table), 1000))
            if mark == EMPTY:
                column[index] = NOTHING
            elif name == "CAMEO_DEU_2015":
                column[index] = len(model()["cameo_deu"])
            else:
                column[index] = 0 if mark in ("X", "XX") else int(mark)
    return out


def _mark_missing(codes: Codes, pattern: Ints, states) -> None:
    child = states[:, 1 + [g.name for g in GROUPS].index("child")]
    codes["ANZ_PERSONEN"][child == 2] = 0
    codes["GREEN_AVANTGARDE"][_pattern_marks()["PRAEGENDE_JUGENDJAHRE"][pattern] == 0] = 0
    for name, column in _pattern_marks().items():
        mark = column[pattern]
        codes[name] = np.where(mark == 1000, codes[name], mark)


def _scatter_missing(rng, codes: Codes, row_class: Ints, extract: str) -> None:
    for name, rule in model()["scattered"].items():
        hit = rng.random(BLOCK_ROWS) < np.array(rule[extract])[row_class]
        mark = NOTHING if rule["mark"] == EMPTY else int(rule["mark"])
        codes[name][hit & (codes[name] != NOTHING)] = mark
