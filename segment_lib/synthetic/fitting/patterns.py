"""Joint missing patterns by iterative proportional fitting: the least assuming ones that add up.

A cell is one combination of region and group states. Every published count, alone, in pairs or as
rows by number missing, is a constraint on cells; what was not published stays independent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segment_lib.synthetic.figures import OUTLIERS, ROWS, figures
from segment_lib.synthetic.missing import EMPTY, GROUP_COLUMN, GROUPS, REGIONS, marks

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Counts = Mapping[str, int]

PASSES = 250
RARE = {"population": 0.3, "customers": 0.15}
"""Cells with fewer rows in both extracts are left out, the others fitted again."""

_NO_HOUSEHOLD, _NO_BUILDING, _WHOLE = range(len(REGIONS))
_FEW_MISSING = 24


@dataclass(frozen=True)
class Constraint:
    """Cells labelled 0, 1, ... hold so many rows together; cells labelled -1 are free."""

    labels: Ints
    rows: Floats

    def of(self, kept: Bools) -> "Constraint":
        return Constraint(self.labels[kept], self.rows)


class Cells:
    """Every combination of states, and what each has missing."""

    def __init__(self) -> None:
        self.states = _all_states()
        self.region = self.states[:, 0]
        written = [marks(tuple(int(state) for state in states)) for states in _single_states()]
        missing = [len(set(marks_) - set(OUTLIERS)) for marks_ in written]
        empty = [EMPTY in marks_.values() for marks_ in written]
        self.n_missing = self._sum(np.array(missing))
        self.no_empty = self._sum(np.array(empty, dtype=np.int64)) == 0

    def group(self, name: str) -> Ints:
        """The state of one group, per cell."""
        return self.states[:, GROUP_COLUMN[name]]

    def _sum(self, amounts: Ints) -> Ints:
        """Amounts of the region and of each group's state, added up."""
        total = amounts[self.region]
        start = len(REGIONS)
        for group in GROUPS:
            total = total + amounts[start + self.group(group.name)]
            start += len(group.states)
        return np.asarray(total)


def fit_patterns() -> tuple[Ints, dict[str, Floats]]:
    """States of each pattern, and rows of the population and the customers that have it."""
    cells = Cells()
    constraints = {"population": _population(cells), "customers": _customers(cells)}
    rows = {"population": _fit(np.ones(len(cells.states)), constraints["population"])}
    smaller = rows["population"] * ROWS["customers"] / ROWS["population"]
    rows["customers"] = _fit(smaller, constraints["customers"])
    kept = (rows["population"] > RARE["population"]) | (rows["customers"] > RARE["customers"])
    for extract in rows:
        inside = [constraint.of(kept) for constraint in constraints[extract]]
        rows[extract] = _fit(rows[extract][kept], inside)
    order = np.lexsort(cells.states[kept].T[::-1])
    return cells.states[kept][order], {name: value[order] for name, value in rows.items()}


def _fit(start: Floats, constraints: Sequence[Constraint]) -> Floats:
    """`start` scaled until the constraints hold, one after the other."""
    rows = start.copy()
    for _ in range(PASSES):
        for c in constraints:
            now = np.bincount(c.labels + 1, weights=rows, minlength=len(c.rows) + 1)[1:]
            factor = np.divide(c.rows, now, out=np.ones_like(now), where=now > 0)
            rows *= np.concatenate([[1.0], factor])[c.labels + 1]
    return rows


def _all_states() -> Ints:
    blocks = []
    for region, name in enumerate(REGIONS):
        sizes = [len(group.states) if name in group.regions else 1 for group in GROUPS]
        states = np.indices(sizes).reshape(len(sizes), -1).T
        blocks.append(np.column_stack([np.full(len(states), region), states]))
    return np.vstack(blocks)


def _single_states() -> list[list[int]]:
    """Each region alone, then each state of each group alone in a whole row."""
    nothing = [0] * len(GROUPS)
    single = [[region, *nothing] for region in range(len(REGIONS))]
    for column, group in enumerate(GROUPS):
        for state in range(len(group.states)):
            single.append([_WHOLE, *nothing[:column], state, *nothing[column + 1 :]])
    return single


def _states(where: Bools, state: Ints, *rows: float) -> Constraint:
    """So many rows in state 1, 2, ... of a group, within some cells."""
    return Constraint(np.where(where & (state > 0), state - 1, -1), np.array(rows, dtype=float))


def _rows(where: Bools, rows: float) -> Constraint:
    return Constraint(np.where(where, 0, -1), np.array([float(rows)]))


def _both(cells: Cells, extract: str) -> list[Constraint]:
    """Constraints from missing counts per attribute, before and after the codes."""
    before: Counts = figures()["missing"][f"{extract}_before"]["counts"]
    after: Counts = figures()["missing"][f"{extract}_after"]["counts"]
    household, building = before["SOHO_KZ"], before["GEBAEUDETYP"]
    regions = [household, building - household, ROWS[extract] - building]
    anywhere = np.ones(len(cells.states), dtype=bool)
    phase, coarse = after["LP_LEBENSPHASE_FEIN"], after["LP_LEBENSPHASE_GROB"]
    family, none = after["LP_FAMILIE_FEIN"], before["LP_FAMILIE_FEIN"]
    foreign = after["NATIONALITAET_KZ"] - household
    constraints = [
        Constraint(cells.region.copy(), np.array(regions, dtype=float)),
        _states(
            anywhere, cells.group("typology"), phase - coarse, coarse - family, family - none, none
        ),
        _states(anywhere, cells.group("income"), after["HH_EINKOMMEN_SCORE"]),
        _states(anywhere, cells.group("health"), after["ALTERSKATEGORIE_GROB"], foreign),
        _states(anywhere, cells.group("youth"), after["PRAEGENDE_JUGENDJAHRE"] - household),
    ]
    for group, name in (
        ("cars_near", "KBA05_ANTG1"),
        ("postal", "PLZ8_ANTG1"),
        ("cars_wide", "KBA13_ANZAHL_PKW"),
        ("distance", "BALLRAUM"),
    ):
        constraints.append(_states(anywhere, cells.group(group), after[name] - building))
    for group, name in (("quarter", "KKK"), ("cameo", "CAMEO_DEU_2015")):
        coded, empty = after[name] - before[name], before[name] - building
        constraints.append(_states(anywhere, cells.group(group), coded, empty))
    titles = after["ANZ_HH_TITEL"] - building
    alone = after["ANZ_HAUSHALTE_AKTIV"] - building - titles
    constraints.append(_states(anywhere, cells.group("households"), alone, titles))
    place = after["ORTSGR_KLS9"] - before["ORTSGR_KLS9"]
    nines = after["ARBEIT"] - before["ARBEIT"] - place
    empty = before["ARBEIT"] - building
    constraints.append(_states(anywhere, cells.group("labour"), nines, place, empty))
    return constraints


def _customers(cells: Cells) -> list[Constraint]:
    """What was published on customers: counts per attribute, and rows kept by five rules."""
    before: Counts = figures()["missing"]["customers_before"]["counts"]
    after: Counts = figures()["missing"]["customers_after"]["counts"]
    anywhere = np.ones(len(cells.states), dtype=bool)
    name, household = "W_KEIT_KIND_HH", before["SOHO_KZ"]
    coded, empty = after[name] - before[name], before[name] - household
    kept = {rule["rule"]: rule.get("kept") for rule in figures()["customer_rows_kept"]}
    rules = {0: "0 missing", 8: "<=8", 9: "<=9", 10: "<=10", 29: "<30"}
    up_to = [kept[rule] for rule in rules.values()]
    between = np.diff([0, *up_to, ROWS["customers"]]).astype(float)
    return [
        *_both(cells, "customers"),
        _states(anywhere, cells.group("child"), coded, empty),
        _states(anywhere, cells.group("shops"), before["KONSUMNAEHE"] - household),
        Constraint(np.searchsorted(list(rules), cells.n_missing), between),
    ]


def _population(cells: Cells) -> list[Constraint]:
    """Counts per attribute, in pairs, in rows with few or no empty cells, and by number missing."""
    histogram = np.zeros(int(cells.n_missing.max()) + 1)
    for number, rows in figures()["row_missing"]["counts"].items():
        histogram[int(number)] = rows
    return [
        *_both(cells, "population"),
        *_children(cells),
        *_pairs(cells),
        *_without_empty_cells(cells),
        *_with_few_missing(cells),
        Constraint(cells.n_missing, histogram),
    ]


def _children(cells: Cells) -> list[Constraint]:
    """W_KEIT_KIND_HH: empty where ANZ_PERSONEN is 0, which is published by number missing."""
    before: Counts = figures()["missing"]["population_before"]["counts"]
    after: Counts = figures()["missing"]["population_after"]["counts"]
    together = figures()["missing_together"]["counts"]
    name, household = "W_KEIT_KIND_HH", before["SOHO_KZ"]
    empty, coded = before[name] - household, after[name] - before[name]
    nobody = figures()["marginals_low_missing"]["table"]["ANZ_PERSONEN"]["0"]
    no_building = together["GEBAEUDETYP"][name] - household - (empty - nobody)
    child = cells.group("child")
    shops = together["KONSUMNAEHE"]["GEBAEUDETYP"] - household
    return [
        _states(cells.region == _NO_BUILDING, child, no_building, empty - nobody),
        _states(cells.region == _WHOLE, child, coded - no_building, nobody),
        _states(cells.region == _NO_BUILDING, cells.group("shops"), shops),
    ]


def _pairs(cells: Cells) -> list[Constraint]:
    together = figures()["missing_together"]["counts"]
    building = figures()["missing"]["population_before"]["counts"]["GEBAEUDETYP"]
    lacks = {
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
    constraints = [
        _rows(lacks[name] & lacks[other], together[name][other] - building)
        for name in ("CAMEO_DEU_2015", "KBA13_ANZAHL_PKW", "ANZ_HH_TITEL", "ARBEIT", "BALLRAUM")
        for other in lacks
        if other != name and other in together[name] and (name, other) not in _IMPLIED
    ]
    both = figures()["missing_together_beyond"]["counts"]["PLZ8_ANTG1"]["KBA05_ANTG1"] - building
    child = together["ANZ_HH_TITEL"]["W_KEIT_KIND_HH"] - together["GEBAEUDETYP"]["W_KEIT_KIND_HH"]
    return [
        *constraints,
        _rows(lacks["PLZ8_ANTG1"] & lacks["KBA05_ANTG1"], both),
        _rows(lacks["ANZ_HH_TITEL"] & (cells.group("child") > 0), child),
    ]


_IMPLIED = {("ANZ_HH_TITEL", "ANZ_HAUSHALTE_AKTIV")}
"""Holds by the states of the group itself."""


def _without_empty_cells(cells: Cells) -> list[Constraint]:
    """Missing codes that occur in the 697,612 rows without an empty cell."""
    block = figures()["marginals_complete"]
    table, rows = block["table"], block["rows"]
    family = rows - sum(table["LP_FAMILIE_FEIN"].values())
    coded = {
        ("health", 1): table["ALTERSKATEGORIE_GROB"]["9"],
        ("health", 2): table["NATIONALITAET_KZ"]["0"],
        ("quarter", 1): table["KKK"]["0"],
        ("child", 1): table["W_KEIT_KIND_HH"]["0"],
        ("households", 1): table["ANZ_HAUSHALTE_AKTIV"]["0"],
        ("typology", 3): family,
    }
    labour = np.isin(cells.group("labour"), (1, 2))
    return [
        _rows(cells.no_empty, rows),
        _rows(cells.no_empty & labour, table["ARBEIT"]["9"]),
        *(
            _rows(cells.no_empty & (cells.group(group) == state), count)
            for (group, state), count in coded.items()
        ),
    ]


def _with_few_missing(cells: Cells) -> list[Constraint]:
    """Missing values in the rows with few: the rows less the known values printed for them."""
    table = figures()["marginals_low_missing"]["table"]
    rows = sum(table["ANREDE_KZ"].values())
    few = cells.n_missing <= _FEW_MISSING
    lacking = {
        "CJT_GESAMTTYP": cells.group("typology") == 4,
        "LP_FAMILIE_FEIN": cells.group("typology") >= 3,
        "ALTERSKATEGORIE_GROB": cells.group("health") == 1,
        "HEALTH_TYP": cells.group("health") > 0,
        "W_KEIT_KIND_HH": cells.group("child") > 0,
    }
    return [
        _rows(few & where, rows - sum(table[name].values())) for name, where in lacking.items()
    ]
