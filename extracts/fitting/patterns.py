"""Joint missing patterns: the cells that meet every published count, alone, in pairs, by row."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from extracts.figures import ROWS, figures
from extracts.fitting.cells import (
    Bools,
    Cells,
    Constraint,
    Floats,
    Ints,
    all_cells,
    cells_hold,
    scale_rows,
    states_hold,
)
from extracts.missing import GROUPS

Counts = Mapping[str, int]

PASSES = 250
PASSES_KEPT = 200
RARE = {"population": 0.3, "customers": 0.15}
"""Cells with fewer rows in both extracts are left out, and the others fitted again."""

FEW_MISSING = 24
"""Rows missing at most this many of the 79: those of the notebook that dropped more than 30 %."""

START = {
    "typology": (0.9, 0.004, 0.02, 0.04, 0.006),
    "income": (0.5, 0.5),
    "health": (0.95, 0.005, 0.045),
    "youth": (0.95, 0.05),
    "child": (0.93, 0.03, 0.04),
    "shops": (0.98, 0.02),
    "quarter": (0.92, 0.045, 0.035),
    "cars_near": (0.95, 0.05),
    "postal": (0.97, 0.03),
    "cars_wide": (0.985, 0.015),
    "cameo": (0.992, 0.0005, 0.0075),
    "households": (0.992, 0.003, 0.005),
    "labour": (0.995, 0.0001, 0.0001, 0.005),
    "distance": (0.9993, 0.0007),
}
"""Rough shares of the states, as if independent: what was not published stays near that."""

_PAIRS = {
    "CAMEO_DEU_2015": "KBA05_ANTG1 KKK KBA13_ANZAHL_PKW PLZ8_ANTG1",
    "KBA13_ANZAHL_PKW": "PLZ8_ANTG1",
    "ANZ_HH_TITEL": "CAMEO_DEU_2015 KBA05_ANTG1 KBA13_ANZAHL_PKW PLZ8_ANTG1 KKK ARBEIT BALLRAUM",
    "ARBEIT": "ANZ_HAUSHALTE_AKTIV CAMEO_DEU_2015 KBA05_ANTG1 KKK KBA13_ANZAHL_PKW PLZ8_ANTG1",
    "BALLRAUM": "ANZ_HAUSHALTE_AKTIV CAMEO_DEU_2015 KBA05_ANTG1 KKK KBA13_ANZAHL_PKW PLZ8_ANTG1",
}
"""Attributes of whole rows whose joint missing counts were published."""


@dataclass(frozen=True)
class FittedPatterns:
    """Rows of every cell, and of the patterns kept."""

    cells: Cells
    cell_rows: dict[str, Floats]
    patterns: Ints
    """Sorted, of shape (n_patterns, 1 + groups)."""
    rows: dict[str, Floats]


def fit_patterns(*, passes: int = PASSES, passes_kept: int = PASSES_KEPT) -> FittedPatterns:
    """Fit the population, then the customers starting from it; keep what is not rare."""
    cells = all_cells()
    constraints = {name: [*_constraints(cells, name)] for name in ROWS}
    population = scale_rows(_start(cells), constraints["population"], passes=passes)
    smaller = population * ROWS["customers"] / ROWS["population"]
    customers = scale_rows(smaller, constraints["customers"], passes=passes)
    cell_rows = {"population": population, "customers": customers}
    kept = np.any([rows > RARE[name] for name, rows in cell_rows.items()], axis=0)
    order = np.lexsort(cells.states[kept].T[::-1])
    rows = {}
    for name, all_rows in cell_rows.items():
        of_kept = [constraint.of(kept) for constraint in constraints[name]]
        rows[name] = scale_rows(all_rows[kept], of_kept, passes=passes_kept)[order]
    return FittedPatterns(cells, cell_rows, cells.states[kept][order], rows)


def patterns_csv(fitted: FittedPatterns) -> str:
    """The patterns as `patterns.csv` holds them: states, then rows in each extract."""
    header = ["region", *(group.name for group in GROUPS), *fitted.rows]
    lines = [";".join(header)]
    rows = np.column_stack([*fitted.rows.values()])
    for states, counts in zip(fitted.patterns, rows, strict=True):
        lines.append(";".join([*map(str, states), *(f"{count:.3f}" for count in counts)]))
    return "\n".join(lines) + "\n"


def _start(cells: Cells) -> Floats:
    rows = np.ones(len(cells.states))
    for name, shares in START.items():
        rows *= np.array(shares)[cells.group(name)]
    return np.asarray(rows * (ROWS["population"] / rows.sum()))


def _constraints(cells: Cells, extract: str) -> Iterator[Constraint]:
    """The order matters a little: published counts of different notebooks differ by some rows."""
    yield from _alone(cells, extract)
    if extract == "customers":
        yield _rows_kept(cells)
        return
    yield from _together(cells)
    yield from _without_empty_cells(cells)
    yield from _with_few_missing(cells)
    histogram = np.zeros(int(cells.n_missing.max()) + 1)
    for number, rows in figures()["row_missing"]["counts"].items():
        histogram[int(number)] = rows
    yield Constraint(cells.n_missing, histogram)


def _alone(cells: Cells, extract: str) -> Iterator[Constraint]:
    """Missing per attribute, before and after codes are counted as missing."""
    before, after, n = _counts(extract, "before"), _counts(extract, "after"), ROWS[extract]
    household, building = before["SOHO_KZ"], before["GEBAEUDETYP"]
    everywhere = np.ones(len(cells.states), dtype=bool)
    housed, whole = ~cells.in_region("no_household"), cells.in_region("whole")
    yield states_hold(everywhere, cells.region, [household, building - household, n - building])
    phase, coarse = after["LP_LEBENSPHASE_FEIN"], after["LP_LEBENSPHASE_GROB"]
    family, none = after["LP_FAMILIE_FEIN"], before["LP_FAMILIE_FEIN"]
    typology = [n - phase, phase - coarse, coarse - family, family - none, none]
    yield states_hold(everywhere, cells.group("typology"), typology)
    yield cells_hold(cells.group("income") == 1, after["HH_EINKOMMEN_SCORE"])
    foreign = after["NATIONALITAET_KZ"] - household
    health = [n - after["HEALTH_TYP"], after["ALTERSKATEGORIE_GROB"], foreign]
    yield states_hold(housed, cells.group("health"), health)
    yield cells_hold(cells.group("youth") == 1, after["PRAEGENDE_JUGENDJAHRE"] - household)
    yield from (_children_of_population if extract == "population" else _children)(cells)
    yield cells_hold(cells.group("shops") == 1, _shops(extract) - household)

    def of_whole(group: str, *rows: int) -> Constraint:
        return states_hold(whole, cells.group(group), [n - building - sum(rows), *rows])

    coded, empty = after["KKK"] - before["KKK"], before["KKK"] - building
    yield of_whole("quarter", coded, empty)
    yield of_whole("cars_near", after["KBA05_ANTG1"] - building)
    yield of_whole("postal", after["PLZ8_ANTG1"] - building)
    yield of_whole("cars_wide", after["KBA13_ANZAHL_PKW"] - building)
    yield of_whole("distance", after["BALLRAUM"] - building)
    cameo = "CAMEO_DEU_2015"
    yield of_whole("cameo", after[cameo] - before[cameo], before[cameo] - building)
    untitled = after["ANZ_HH_TITEL"] - building
    yield of_whole("households", after["ANZ_HAUSHALTE_AKTIV"] - building - untitled, untitled)
    nine = after["ARBEIT"] - before["ARBEIT"]
    placeless = after["ORTSGR_KLS9"] - before["ORTSGR_KLS9"]
    yield of_whole("labour", nine - placeless, placeless, before["ARBEIT"] - building)


def _children(cells: Cells) -> Iterator[Constraint]:
    before, after = _counts("customers", "before"), _counts("customers", "after")
    empty, unknown = before["W_KEIT_KIND_HH"], after["W_KEIT_KIND_HH"]
    rows = [ROWS["customers"] - unknown, unknown - empty, empty - before["SOHO_KZ"]]
    yield states_hold(~cells.in_region("no_household"), cells.group("child"), rows)


def _children_of_population(cells: Cells) -> Iterator[Constraint]:
    """W_KEIT_KIND_HH is empty where ANZ_PERSONEN is 0: counted in rows with a building alone."""
    before, after = _counts("population", "before"), _counts("population", "after")
    household, building = before["SOHO_KZ"], before["GEBAEUDETYP"]
    empty = before["W_KEIT_KIND_HH"] - household
    coded = after["W_KEIT_KIND_HH"] - before["W_KEIT_KIND_HH"]
    nobody = figures()["marginals_low_missing"]["table"]["ANZ_PERSONEN"]["0"]
    homeless = _both("GEBAEUDETYP", "W_KEIT_KIND_HH") - household
    coded_homeless = homeless - (empty - nobody)
    without = [building - household - homeless, coded_homeless, empty - nobody]
    yield states_hold(cells.in_region("no_building"), cells.group("child"), without)
    coded_whole = coded - coded_homeless
    within = [ROWS["population"] - building - nobody - coded_whole, coded_whole, nobody]
    yield states_hold(cells.in_region("whole"), cells.group("child"), within)


def _together(cells: Cells) -> Iterator[Constraint]:
    building, whole = _counts("population", "before")["GEBAEUDETYP"], cells.in_region("whole")
    lacking = {name: whole & rows for name, rows in _lacking(cells).items()}
    for name, others in _PAIRS.items():
        for other in others.split():
            yield cells_hold(lacking[name] & lacking[other], _both(name, other) - building)
    nested = figures()["missing_nested"]["counts"]["PLZ8_ANTG1"]["KBA05_ANTG1"]
    yield cells_hold(lacking["PLZ8_ANTG1"] & lacking["KBA05_ANTG1"], nested - building)
    yield cells_hold(lacking["BALLRAUM"] & lacking["ARBEIT"], 0)
    child = "W_KEIT_KIND_HH"
    rows = _both("ANZ_HH_TITEL", child) - _both("GEBAEUDETYP", child)
    yield cells_hold(lacking["ANZ_HH_TITEL"] & (cells.group("child") > 0), rows)


def _lacking(cells: Cells) -> dict[str, Bools]:
    return {
        "PLZ8_ANTG1": cells.group("postal") > 0,
        "KBA13_ANZAHL_PKW": cells.group("cars_wide") > 0,
        "KBA05_ANTG1": cells.group("cars_near") > 0,
        "CAMEO_DEU_2015": cells.group("cameo") > 0,
        "KKK": cells.group("quarter") > 0,
        "ANZ_HAUSHALTE_AKTIV": cells.group("households") > 0,
        "ANZ_HH_TITEL": cells.group("households") == 2,
        "ARBEIT": cells.group("labour") > 0,
        "BALLRAUM": cells.group("distance") > 0,
    }


def _without_empty_cells(cells: Cells) -> Iterator[Constraint]:
    """Missing codes in the rows without an empty cell."""
    block = figures()["marginals_complete"]
    table, n = block["table"], block["rows"]
    yield cells_hold(cells.complete, n)
    for group, states, rows in (
        ("health", [1], table["ALTERSKATEGORIE_GROB"]["9"]),
        ("health", [2], table["NATIONALITAET_KZ"]["0"]),
        ("quarter", [1], table["KKK"]["0"]),
        ("child", [1], table["W_KEIT_KIND_HH"]["0"]),
        ("labour", [1, 2], table["ARBEIT"]["9"]),
        ("households", [1], table["ANZ_HAUSHALTE_AKTIV"]["0"]),
        ("typology", [3], n - sum(table["LP_FAMILIE_FEIN"].values())),
    ):
        yield cells_hold(cells.complete & np.isin(cells.group(group), states), rows)


def _with_few_missing(cells: Cells) -> Iterator[Constraint]:
    """Missing in the rows with few: all of them less the known values printed."""
    table = figures()["marginals_low_missing"]["table"]
    few, n = cells.n_missing <= FEW_MISSING, sum(table["ANREDE_KZ"].values())
    for group, states, name in (
        ("typology", [4], "CJT_GESAMTTYP"),
        ("typology", [3, 4], "LP_FAMILIE_FEIN"),
        ("health", [1], "ALTERSKATEGORIE_GROB"),
        ("health", [1, 2], "HEALTH_TYP"),
        ("child", [1, 2], "W_KEIT_KIND_HH"),
    ):
        lacking = np.isin(cells.group(group), states)
        yield cells_hold(few & lacking, n - sum(table[name].values()))


def _rows_kept(cells: Cells) -> Constraint:
    """Customers by number missing, from the rows five notebooks kept."""
    kept = {rule["rule"]: rule.get("kept") for rule in figures()["customer_rows_kept"]}
    most = {0: "0 missing", 8: "<=8", 9: "<=9", 10: "<=10", 29: "<30"}
    edges = [0, *(kept[rule] for rule in most.values()), ROWS["customers"]]
    return Constraint(np.searchsorted([*most], cells.n_missing), np.diff(edges).astype(np.float64))


def _counts(extract: str, when: str) -> Counts:
    counts: Counts = figures()["missing"][f"{extract}_{when}"]["counts"]
    return counts


def _both(name: str, other: str) -> int:
    table: Mapping[str, Any] = figures()["missing_together"]["counts"]
    return int(table[name][other])


def _shops(extract: str) -> int:
    """Rows without KONSUMNAEHE: published together with GEBAEUDETYP, or else all of them."""
    if extract == "population":
        return _both("KONSUMNAEHE", "GEBAEUDETYP")
    return _counts(extract, "before")["KONSUMNAEHE"]
