"""Joint missing patterns: groups of attributes that go missing together, and their states."""

import csv
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from extracts.figures import read_text

EMPTY = "empty"
"""The mark of an empty cell among the codes that stand for missing."""

REGIONS = ("no_household", "no_building", "whole")
"""Rows without household and building, rows without building, all others."""


@dataclass(frozen=True)
class Group:
    """Attributes that go missing together.

    `states[k]` says what is written into which attribute in state k; state 0 writes nothing.
    """

    name: str
    states: tuple[dict[str, str], ...]


def _all(names: str, mark: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), mark)


_KBA05 = "KBA05_ANTG1 KBA05_ANTG2 KBA05_ANTG3 KBA05_ANTG4 KBA05_GBZ MOBI_REGIO"
_PLZ8 = "PLZ8_ANTG1 PLZ8_ANTG2 PLZ8_ANTG3 PLZ8_ANTG4 PLZ8_BAUMAX PLZ8_HHZ PLZ8_GBZ"
_CAMEO = "CAMEO_DEUG_2015 CAMEO_DEU_2015 CAMEO_INTL_2015"
_HEALTH = "HEALTH_TYP SHOPPER_TYP VERS_TYP"
_PHASE = "LP_LEBENSPHASE_FEIN LP_LEBENSPHASE_GROB"
_FAMILY = "LP_FAMILIE_FEIN LP_FAMILIE_GROB"
_TYPOLOGY = (
    "CJT_GESAMTTYP GFK_URLAUBERTYP LP_STATUS_FEIN LP_STATUS_GROB RETOURTYP_BK_S ONLINE_AFFINITAET"
)
_HOUSEHOLD = "SOHO_KZ ANZ_PERSONEN ANZ_TITEL WOHNDAUER_2008"
_BUILDING = "GEBAEUDETYP MIN_GEBAEUDEJAHR OST_WEST_KZ WOHNLAGE ANZ_HAUSHALTE_AKTIV ANZ_HH_TITEL"
_REGION = f"{_CAMEO} {_KBA05} {_PLZ8} BALLRAUM EWDICHTE INNENSTADT GEBAEUDETYP_RASTER KKK REGIOTYP"
_REGION += " KBA13_ANZAHL_PKW ARBEIT ORTSGR_KLS9 RELAT_AB"
_ALWAYS_WITHOUT_BUILDING = _all(f"{_BUILDING} {_REGION} KBA05_BAUMAX", EMPTY)

REGION_MARKS: dict[str, dict[str, str]] = {
    "no_household": _ALWAYS_WITHOUT_BUILDING
    | _all(f"{_HOUSEHOLD} W_KEIT_KIND_HH KONSUMNAEHE TITEL_KZ ALTER_HH KK_KUNDENTYP", EMPTY)
    | _all(_HEALTH, "-1")
    | _all("NATIONALITAET_KZ PRAEGENDE_JUGENDJAHRE", "0"),
    "no_building": _ALWAYS_WITHOUT_BUILDING,
    "whole": {},
}
"""The marks that every row of a region holds."""

GROUPS = (
    Group(
        "typology",
        (
            {},
            {"LP_LEBENSPHASE_FEIN": "0"},
            _all(_PHASE, "0"),
            _all(f"{_PHASE} {_FAMILY}", "0"),
            _all(f"{_PHASE} {_FAMILY} {_TYPOLOGY}", EMPTY),
        ),
    ),
    Group("income", ({}, {"HH_EINKOMMEN_SCORE": EMPTY})),
    Group(
        "health",
        (
            {},
            _all(_HEALTH, "-1") | {"ALTERSKATEGORIE_GROB": "9"},
            _all(_HEALTH, "-1") | {"NATIONALITAET_KZ": "0"},
        ),
    ),
    Group("youth", ({}, {"PRAEGENDE_JUGENDJAHRE": "0"})),
    Group("child", ({}, {"W_KEIT_KIND_HH": "0"}, {"W_KEIT_KIND_HH": EMPTY})),
    Group("shops", ({}, {"KONSUMNAEHE": EMPTY})),
    Group("quarter", ({}, _all("KKK REGIOTYP", "0"), _all("KKK REGIOTYP", EMPTY))),
    Group("cars_near", ({}, _all(f"{_KBA05} KBA05_BAUMAX", EMPTY))),
    Group("postal", ({}, _all(_PLZ8, EMPTY))),
    Group("cars_wide", ({}, {"KBA13_ANZAHL_PKW": EMPTY})),
    Group(
        "cameo",
        (
            {},
            {"CAMEO_DEUG_2015": "X", "CAMEO_DEU_2015": "XX", "CAMEO_INTL_2015": "XX"},
            _all(_CAMEO, EMPTY),
        ),
    ),
    Group(
        "households",
        ({}, {"ANZ_HAUSHALTE_AKTIV": "0"}, {"ANZ_HAUSHALTE_AKTIV": "0", "ANZ_HH_TITEL": EMPTY}),
    ),
    Group(
        "labour",
        (
            {},
            _all("ARBEIT RELAT_AB", "9"),
            _all("ARBEIT RELAT_AB", "9") | {"ORTSGR_KLS9": "0"},
            _all("ARBEIT RELAT_AB ORTSGR_KLS9", EMPTY),
        ),
    ),
    Group("distance", ({}, _all("BALLRAUM EWDICHTE INNENSTADT", EMPTY))),
)
"""Patterns are drawn in this order, so that the first groups come closest to their counts."""

GROUP_COLUMN = {group.name: 1 + index for index, group in enumerate(GROUPS)}
"""The position of a group among the states of a pattern; the region stands first."""


def marks(pattern: tuple[int, ...]) -> dict[str, str]:
    """The mark that a pattern (region, then the state of each group) writes into each attribute."""
    written = dict(REGION_MARKS[REGIONS[pattern[0]]])
    for group, state in zip(GROUPS, pattern[1:], strict=True):
        written.update(group.states[state])
    return written


@dataclass(frozen=True)
class Patterns:
    """Distinct patterns and how many rows of the real extracts have each."""

    states: NDArray[np.int8]
    """Of shape (n_patterns, 1 + groups): the region, then the state of each group."""
    rows: dict[str, NDArray[np.float64]]

    def tuples(self) -> list[tuple[int, ...]]:
        """The states, one tuple per pattern."""
        return [tuple(int(state) for state in states) for states in self.states]

    def draw(self, uniform: NDArray[np.float64], extract: str) -> NDArray[np.int64]:
        """The pattern of each row: the smallest whose cumulated share exceeds `uniform`."""
        cumulated = np.cumsum(self.rows[extract])
        position = np.searchsorted(cumulated / cumulated[-1], uniform, side="right")
        return np.minimum(position, len(cumulated) - 1)


@cache
def patterns() -> Patterns:
    """The fitted patterns, in the order they are drawn."""
    header, *lines = csv.reader(read_text("patterns.csv").splitlines(), delimiter=";")
    n_states = 1 + len(GROUPS)
    table = np.array(lines, dtype=np.float64)
    return Patterns(
        states=table[:, :n_states].astype(np.int8),
        rows={name: table[:, column] for column, name in enumerate(header[n_states:], n_states)},
    )
