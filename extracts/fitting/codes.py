"""From traits to codes: cuts of each trait, and codes drawn within their parent's code."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from extracts.figures import coarse_codes, figures
from extracts.fitting.cells import Floats, Ints
from extracts.fitting.margins import Margins
from extracts.fitting.traits import Traits

Columns = Mapping[str, Floats]
"""Values of each trait, one per row."""

GREEN = "GREEN_AVANTGARDE"
PARENTS = {
    "PRAEGENDE_JUGENDJAHRE": GREEN,
    "LP_FAMILIE_FEIN": "LP_FAMILIE_GROB",
    "CAMEO_DEU_2015": "CAMEO_DEUG_2015",
}
"""Attributes drawn within the code of another one."""

TRAIT_OF = {"CAMEO_DEU_2015": "CAMEO_STAGE"}

NESTING_TRAITS = (
    GREEN,
    "PRAEGENDE_JUGENDJAHRE",
    "LP_LEBENSPHASE_FEIN",
    "LP_FAMILIE_FEIN",
    "CAMEO_DEUG_2015",
    "CAMEO_STAGE",
)
"""The traits nested codes depend on."""


@dataclass(frozen=True)
class Within:
    """The codes of an attribute within one code of its parent, and the cuts between them."""

    codes: Ints
    cuts: Floats


Nested = dict[str, dict[int, Within]]
"""Attribute -> code of its parent -> codes within."""


@dataclass(frozen=True)
class Cameo:
    """CAMEO_DEU_2015 codes, by group and then by life stage, and the international code of each."""

    deu: tuple[str, ...]
    intl: Ints


def cameo() -> Cameo:
    """In the order of positions that stand for CAMEO_DEU_2015 codes among numbers."""
    groups: dict[str, list[str]] = figures()["derived"]["CAMEO_INTL_2015"]["codes"]
    intl = {deu: int(code) for code, group in groups.items() for deu in group}
    deu = sorted(intl, key=lambda code: (code[0], intl[code] % 10, code))
    return Cameo(tuple(deu), np.array([intl[code] for code in deu]))


def green_shares(margins: Margins, row_class: str) -> Floats:
    """Shares of GREEN_AVANTGARDE 0 and 1: it follows from the youth code."""
    youth = margins["PRAEGENDE_JUGENDJAHRE"]
    green = youth.shares(row_class)[youth.is_one_of(_green_codes())].sum()
    return np.array([1 - green, green])


def nested_cuts(
    columns: Columns, traits: Traits, margins: Margins, row_class: str
) -> tuple[Nested, dict[str, Ints]]:
    """Cuts of nested codes at quantiles of rows drawn, and the codes of these rows with parents."""
    phase = _cut(columns, traits, margins, "LP_LEBENSPHASE_FEIN", row_class)
    life_phase = coarse_codes("LP_LEBENSPHASE_GROB", "last_fine_code")[phase]
    green = np.searchsorted(traits.cuts(GREEN, green_shares(margins, row_class)), columns[GREEN])
    codes = {
        GREEN: green,
        "LP_LEBENSPHASE_FEIN": phase,
        "LP_LEBENSPHASE_GROB": life_phase,
        "LP_FAMILIE_GROB": coarse_codes("LP_FAMILIE_GROB", "last_life_phase")[life_phase],
        "CAMEO_DEUG_2015": _cut(columns, traits, margins, "CAMEO_DEUG_2015", row_class),
    }
    nested: Nested = {}
    for name, parent in PARENTS.items():
        levels, of_parent, shares = _LEVELS[name](margins, row_class)
        values = columns[TRAIT_OF.get(name, name)]
        codes[name] = np.zeros(len(values), dtype=np.int64)
        nested[name] = {}
        for code in np.unique(of_parent).tolist():
            rows = codes[parent] == code
            inside = of_parent == code
            known = values[rows] if rows.sum() > 50 else values
            within = Within(levels[inside], _quantiles(known, shares[inside]))
            codes[name][rows] = within.codes[np.searchsorted(within.cuts, values[rows])]
            nested[name][code] = within
    return nested, codes


def observed_codes(columns: Columns, traits: Traits, margins: Margins) -> dict[str, Ints]:
    """Codes of complete rows under the names of the notebook with the published components."""
    codes = {
        name: _cut(columns, traits, margins, name, "complete")
        for name in margins
        if name not in PARENTS
    }
    codes |= nested_cuts(columns, traits, margins, "complete")[1]
    status = coarse_codes("LP_STATUS_GROB", "last_fine_code")
    intl = cameo().intl[codes["CAMEO_DEU_2015"]]
    return codes | {
        "LP_STATUS_GROB": status[codes["LP_STATUS_FEIN"]],
        "CAMEO_INTL_2015_1": intl // 10,
        "CAMEO_INTL_2015_2": intl % 10,
    }


_Levels = tuple[Ints, Ints, Floats]
"""Codes of an attribute, the parent's code of each, and their shares in all rows of a class."""


def _youths(margins: Margins, row_class: str) -> _Levels:
    youth = margins["PRAEGENDE_JUGENDJAHRE"]
    return youth.numbers, youth.is_one_of(_green_codes()).astype(int), youth.shares(row_class)


def _families(margins: Margins, row_class: str) -> _Levels:
    family = margins["LP_FAMILIE_FEIN"]
    coarse = coarse_codes("LP_FAMILIE_GROB", "last_fine_code")
    return family.numbers, coarse[family.numbers], family.shares(row_class)


def _cameos(margins: Margins, row_class: str) -> _Levels:
    """Shares within a group are those of all rows, whatever the class."""
    counts = figures()["marginals_full"]["table"]["CAMEO_DEU_2015"]["counts"]
    deu = cameo().deu
    groups = np.array([int(code[0]) for code in deu])
    return np.arange(len(deu)), groups, np.array([float(counts[code]) for code in deu])


_LEVELS: dict[str, Callable[[Margins, str], _Levels]] = {
    "PRAEGENDE_JUGENDJAHRE": _youths,
    "LP_FAMILIE_FEIN": _families,
    "CAMEO_DEU_2015": _cameos,
}


def _cut(columns: Columns, traits: Traits, margins: Margins, name: str, row_class: str) -> Ints:
    cuts = traits.cuts(name, margins[name].shares(row_class))
    return np.asarray(margins[name].numbers[np.searchsorted(cuts, columns[name])])


def _quantiles(values: Floats, shares: Floats) -> Floats:
    """Cuts of values drawn; evenly spaced where a class holds none of these codes."""
    total = shares.sum()
    even = np.ones(len(shares)) / len(shares)
    below = np.cumsum(shares / total if total > 0 else even)[:-1]
    return np.asarray(np.quantile(values, np.clip(below, 0, 1)))


def _green_codes() -> Sequence[int]:
    codes: list[int] = figures()["derived"][GREEN]["codes"]
    return codes
