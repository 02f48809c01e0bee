"""Marginals of counts, years and sparse attributes, of which notebooks print a part."""

from collections.abc import Iterable

import numpy as np
from scipy.optimize import brentq, least_squares

from extracts.figures import figures
from extracts.fitting.cells import Floats, Ints
from extracts.fitting.margins import Margin, Margins, Table, margin

APART = (
    "AGER_TYP",
    "TITEL_KZ",
    "KK_KUNDENTYP",
    "KBA05_BAUMAX",
    "ALTER_HH",
    "GEBURTSJAHR",
    "ANZ_HAUSHALTE_AKTIV",
    "KBA13_ANZAHL_PKW",
    "CAMEO_DEUG_2015",
)
"""What this module gives the marginals of, in this order."""

_UNPRINTED = (430, 6930)
"""Least and most rows of a year that was not printed, for all that is known: 60 years were."""

_CAR_KNOTS = np.array([0, 31, 120, 250, 384, 465, 549, 660, 778, 950, 1100, 1250])
_CAR_START = (5.0, 30, 350, 800, 1330, 1330, 1200, 950, 750, 450, 280, 200)
"""Counts per value at the knots to start from; quartiles, mean and deviation set the rest."""
_CAR_ROUND = {2000: 1300, 2100: 1150, 2200: 1000, 2300: 1300}
"""Rows with so many cars: above 1,250 whole hundreds alone occur; these are guesses."""
_CAR_LARGEST_UNPRINTED = 1322
_CAR_FEWEST = 35
"""Rows with 31 cars, the first number above those printed as the rarest: a guess."""


def number_margins() -> Margins:
    """Of the attributes apart."""
    found = (
        _traveller_types(),
        _titles(),
        _customer_types(),
        _building_types(),
        margin(range(1, 22), _counts_at(_complete("ALTER_HH"), range(1, 22))),
        _birth_years(),
        _households(),
        _cars(),
        _cameo_groups(),
    )
    return dict(zip(APART, found, strict=True))


def complete_rows() -> int:
    """Rows without an empty cell."""
    return int(figures()["marginals_complete"]["rows"])


def _traveller_types() -> Margin:
    """AGER_TYP with its unknown codes -1 and 0 as levels; rows without a building hold -1."""
    codes = (-1, 0, 1, 2, 3)
    counts = _counts_at(figures()["derived"]["AGER_TYP"]["counts"], codes)
    counts[0] -= _missing("before", "GEBAEUDETYP")
    return margin(codes, counts, counts, [1, 0, 0, 0, 0])


def _titles() -> Margin:
    codes = range(6)
    complete = _counts_at(_complete("TITEL_KZ"), codes)
    all_rows = _counts_at(figures()["derived"]["TITEL_KZ"]["counts"], codes)
    homeless = _missing("before", "GEBAEUDETYP") - _missing("before", "TITEL_KZ")
    untitled = _missing("after", "TITEL_KZ") - _missing("before", "TITEL_KZ")
    all_rows[0] = untitled - homeless
    return margin(codes, complete, np.maximum(all_rows - complete, 0), [1, 0, 0, 0, 0, 0])


def _customer_types() -> Margin:
    counts: Table = figures()["marginals_full"]["table"]["KK_KUNDENTYP"]["counts"]
    codes = sorted(counts)
    return margin(codes, _counts_at(counts, codes))


def _building_types() -> Margin:
    """KBA05_BAUMAX with its unknown code 0 as a level."""
    name = "KBA05_BAUMAX"
    printed = _complete(name)
    codes = sorted(printed)
    complete = _counts_at(printed, codes)
    others = _described(name, "count") - complete_rows()
    unknown = _missing("after", name) - _missing("before", name) - printed["0"]
    known = complete[1:] / complete[1:].sum() * (others - unknown)
    return margin(codes, complete, np.r_[unknown, known])


def _birth_years() -> Margin:
    """Printed years as printed, the others between their neighbours, to the number of rows."""
    years = np.arange(1900, 2018)
    printed = {int(year): rows for year, rows in _complete("GEBURTSJAHR").items() if year != "0"}
    known = np.array(sorted(printed))
    rows = np.exp(np.interp(years, known, np.log([printed[year] for year in known])))
    between = ~np.isin(years, known)
    lower, upper = _UNPRINTED
    rows[between] = np.clip(rows[between], lower, 6900)
    wanted = complete_rows() - _complete("GEBURTSJAHR")["0"] - sum(printed.values())
    factor = brentq(
        lambda factor: np.clip(rows[between] * factor, lower, upper).sum() - wanted, 0.01, 20
    )
    rows[between] = np.clip(rows[between] * factor, lower, upper)
    return margin(years, rows)


def _households() -> Margin:
    """Counts printed up to 30, then a power law with the published mean."""
    name = "ANZ_HAUSHALTE_AKTIV"
    values = np.arange(1, 596)
    known = _described(name, "count")
    n = known - (_missing("after", name) - _missing("before", name))
    mean = _described(name, "mean") * known / n
    few = np.zeros(len(values))
    few[:30] = _counts_at(figures()["marginals_low_missing"]["table"][name], range(1, 31))
    others = n - few.sum()
    mean_of_others = (mean * n - (few * values).sum()) / others
    tail = values[30:].astype(np.float64)

    def falling(power: float) -> Floats:
        shares = (tail - 20) ** (-power)
        return np.asarray(shares / shares.sum())

    power = brentq(lambda power: (falling(power) * tail).sum() - mean_of_others, 0.2, 4)
    few[30:] = falling(power) * others
    complete = _counts_at(_complete(name), values)
    complete[30:] = 0
    unprinted = (complete == 0) & (values <= 30)
    complete[unprinted] = few[unprinted] * complete[25] / few[25]
    rest = complete_rows() - _complete(name)["0"] - complete[:30].sum()
    complete[30:] = few[30:] / few[30:].sum() * rest
    return margin(values, complete, np.maximum(few - complete, 0))


def _cars() -> Margin:
    """Printed values as printed, the others along a curve with the published moments."""
    name = "KBA13_ANZAHL_PKW"
    few = {
        int(value): rows
        for value, rows in figures()["marginals_low_missing"]["table"][name].items()
    }
    hundreds = np.arange(1300, 2301, 100)
    round_rows = np.array([_CAR_ROUND.get(v, few.get(v, 0)) for v in hundreds.tolist()], float)
    below = _described(name, "count") - round_rows.sum()
    rows = _car_curve(hundreds, round_rows)
    printed = np.array([value in few for value in range(len(rows))])
    rows[printed] = [few[value] for value in np.flatnonzero(printed).tolist()]
    rows[~printed] *= (below - rows[printed].sum()) / rows[~printed].sum()
    rows, values = np.r_[rows, round_rows], np.r_[np.arange(len(rows)), hundreds]
    complete = rows * complete_rows() / rows.sum()
    table = {int(value): n for value, n in _complete(name).items()}
    printed = np.array([value in table for value in values.tolist()])
    complete[printed] = [table[value] for value in values[printed].tolist()]
    left = complete_rows() - complete[printed].sum()
    complete[~printed] *= left / complete[~printed].sum()
    return margin(values, complete, np.maximum(rows - complete, 0))


def _car_curve(hundreds: Ints, round_rows: Floats) -> Floats:
    """Rows with 0 to 1,250 cars: log-linear between knots, fitted to quartiles and moments."""
    values = np.arange(_CAR_KNOTS[-1] + 1.0)
    name = "KBA13_ANZAHL_PKW"
    n, mean, deviation = (_described(name, key) for key in ("count", "mean", "std"))
    below = n - round_rows.sum()

    def curve(logs: Floats) -> Floats:
        return np.asarray(np.exp(np.interp(values, _CAR_KNOTS, logs)))

    def off(logs: Floats) -> Floats:
        rows = curve(logs)
        summed = np.cumsum(rows)
        quartiles = [
            summed[int(_described(name, f"{percent}%"))] - n * (percent / 100)
            for percent in (25, 50, 75)
        ]
        centre = ((rows * values).sum() + (round_rows * hundreds).sum()) / n
        squares = (rows * values * values).sum() + (round_rows * hundreds**2.0).sum()
        spread = np.sqrt(max(squares / n - centre**2, 1))
        off_by = np.r_[
            np.array([*quartiles, rows.sum() - below]) / n * 200,
            (centre - mean) / 3,
            (spread - deviation) / 3,
            np.diff(logs, 2) * 0.2,
            np.maximum(rows[::25] - _CAR_LARGEST_UNPRINTED, 0) / 20,
            (np.exp(logs[1]) - _CAR_FEWEST) / 50,
        ]
        return np.asarray(off_by)

    return curve(least_squares(off, np.log(_CAR_START)).x)


def _cameo_groups() -> Margin:
    few: Table = figures()["marginals_low_missing"]["table"]["CAMEO_DEUG_2015"]
    codes = sorted(few)
    complete = _counts_at(_complete("CAMEO_DEUG_2015"), codes)
    return margin(codes, complete, _counts_at(few, codes) - complete)


def _complete(name: str) -> Table:
    table: Table = figures()["marginals_complete"]["table"][name]
    return table


def _counts_at(table: Table, codes: Iterable[object]) -> Floats:
    return np.array([table.get(str(code), 0) for code in codes], dtype=np.float64)


def _missing(when: str, name: str) -> int:
    return int(figures()["missing"][f"population_{when}"]["counts"][name])


def _described(name: str, key: str) -> float:
    return float(figures()["describe_population"]["table"][name][key])
