"""Marginals: the share of each code, by class of rows, as the printed tables give it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import least_squares

from extracts.figures import attributes, coarse_codes, figures, missing_codes
from extracts.fitting.cells import Bools, Floats, Ints
from extracts.fitting.patterns import FittedPatterns

Table = Mapping[str, int]

DERIVED = (
    "LP_LEBENSPHASE_GROB",
    "LP_FAMILIE_GROB",
    "LP_STATUS_GROB",
    "CAMEO_DEU_2015",
    "CAMEO_INTL_2015",
    "GREEN_AVANTGARDE",
)
"""Codes that follow from others, or are drawn within them."""

DEFAULT_PROFILE = {
    "SEMIO_SOZ": 2,
    "SEMIO_FAM": 6,
    "SEMIO_REL": 7,
    "SEMIO_MAT": 5,
    "SEMIO_VERT": 1,
    "SEMIO_LUST": 5,
    "SEMIO_ERL": 3,
    "SEMIO_KULT": 3,
    "SEMIO_RAT": 4,
    "SEMIO_KRIT": 7,
    "SEMIO_DOM": 6,
    "SEMIO_KAEM": 6,
    "SEMIO_PFLICHT": 5,
    "SEMIO_TRADV": 3,
    "FINANZ_MINIMALIST": 3,
    "FINANZ_SPARER": 4,
    "FINANZ_VORSORGER": 3,
    "FINANZ_ANLEGER": 5,
    "FINANZ_UNAUFFAELLIGER": 5,
    "FINANZ_HAUSBAUER": 3,
    "FINANZTYP": 4,
    "ZABEOTYP": 3,
    "HH_EINKOMMEN_SCORE": 2,
}
"""The one profile most rows with many missing values carry, read off their published means."""

_BY_MOMENTS = (
    "RETOURTYP_BK_S",
    "HH_EINKOMMEN_SCORE",
    "WOHNDAUER_2008",
    "ONLINE_AFFINITAET",
    "ANZ_TITEL",
    "KONSUMNAEHE",
)
"""In rows set aside, known by mean and standard deviation of all rows less those of the others."""

_ONLY_UNKNOWN_PRINTED = ("HEALTH_TYP", "SHOPPER_TYP", "VERS_TYP")
IN_ORDER = {
    "FINANZTYP": "134625",
    "ZABEOTYP": "541263",
    "CJT_GESAMTTYP": "213456",
    "WOHNLAGE": "05432178",
}
"""Nominal codes along their trait: the order in which they stand along the components."""

_NOT_DRAWN = {"ANZ_PERSONEN": "0", "GEBAEUDETYP": "5"}
"""Codes that other steps write: nobody at home with a missing pattern, type 5 in one row."""


@dataclass(frozen=True)
class Margin:
    """Codes of an attribute, and the share of each among the rows of each class that know it."""

    codes: tuple[str, ...]
    complete: Floats
    partial: Floats
    set_aside: Floats

    @property
    def numbers(self) -> Ints:
        """The codes as numbers, O as 0 and W as 1."""
        texts = {"O": 0, "W": 1}
        return np.array([texts[c] if c in texts else int(float(c)) for c in self.codes])

    def shares(self, row_class: str) -> Floats:
        """Of one class: complete, partial or set_aside."""
        by_class: dict[str, Floats] = vars(self)
        return by_class[row_class]

    def is_one_of(self, codes: Sequence[int]) -> Bools:
        """Which of the codes are among these."""
        return np.isin(self.numbers, codes)


Margins = dict[str, Margin]


def margin(
    codes: Iterable[object],
    complete: Sequence[float] | Floats,
    partial: Sequence[float] | Floats | None = None,
    set_aside: Sequence[float] | Floats | None = None,
) -> Margin:
    """Counts as shares. Classes left out are as the complete rows."""
    return Margin(
        tuple(str(code) for code in codes),
        _shares(complete),
        _shares(complete if partial is None else partial),
        _shares(complete if set_aside is None else set_aside),
    )


def printed_margins(fitted: FittedPatterns, *, apart: Sequence[str]) -> Margins:
    """Of every attribute whose codes were printed, but those derived and those treated apart."""
    names = [a.name for a in attributes() if a.name not in (*DERIVED, *apart)]
    margins = {name: _printed(name) for name in names}
    for name, code in DEFAULT_PROFILE.items():
        if "mean" in figures()["default_profile"]["table"].get(name, {}):
            margins[name] = _with_default_profile(name, code, margins[name])
    phase, youth = "LP_LEBENSPHASE_FEIN", "PRAEGENDE_JUGENDJAHRE"
    margins |= {name: _in_order(margins[name], order) for name, order in IN_ORDER.items()}
    margins[phase] = _with_families(margins[phase])
    margins[youth] = _with_movements(margins[youth], fitted)
    return margins


def _in_order(known: Margin, codes: str) -> Margin:
    order = [known.codes.index(code) for code in codes]
    return Margin(tuple(codes), known.complete[order], known.partial[order], known.set_aside[order])


def tilt(codes: Floats, base: Floats, mean: float, deviation: float) -> tuple[Floats, float]:
    """Shares nearest to `base` with this mean and standard deviation, and how far off they are."""
    weight = base / base.sum()
    spread = codes.std()
    x = (codes - codes.mean()) / spread

    def shares(theta: Floats) -> Floats:
        log = np.log(weight + 1e-12) + (theta[0] * x + theta[1] * x * x)
        tilted = np.exp(log - log.max())
        return np.asarray(tilted / tilted.sum())

    def off(theta: Floats) -> list[float]:
        tilted = shares(theta)
        centre = (tilted * codes).sum()
        variance = max((tilted * (codes - centre) ** 2).sum(), 1e-9)
        return [(centre - mean) / spread, (np.sqrt(variance) - deviation) / spread]

    found = least_squares(off, [0.0, 0.0], bounds=(-60, 60))
    return shares(found.x), float(found.cost)


def _printed(name: str) -> Margin:
    """Complete rows from their table, partial ones from the difference to the next larger one."""
    of_all, of_few, of_complete = (
        _table(name, block)
        for block in ("marginals_full", "marginals_low_missing", "marginals_complete")
    )
    codes = sorted({*(of_all or {}), *(of_few or {}), *(of_complete or {})}, key=_position)
    codes = [code for code in codes if code != _NOT_DRAWN.get(name)]
    everyone, few, complete = (_dense(table, codes) for table in (of_all, of_few, of_complete))
    base = few if of_few else everyone
    partial = base
    if not of_few or not of_complete:
        complete = base
    else:
        partial = np.maximum(few - complete, 0)
        partial = partial if partial.sum() > 50 else complete
    set_aside = base
    # Rows set aside have no building: a difference between its two tables says nothing of them.
    if of_all and of_few and name != "GEBAEUDETYP":
        set_aside = np.maximum(everyone - few, 0)
    elif of_few and name in _BY_MOMENTS:
        set_aside = _by_moments(name, np.array(codes, dtype=np.float64), few)
    return margin(codes, complete, partial, set_aside)


def _by_moments(name: str, codes: Floats, few: Floats) -> Floats:
    described = figures()["describe_population"]["table"][name]
    n, mean, deviation = described["count"], described["mean"], described["std"]
    squares = deviation**2 * (n - 1) + n * mean * mean
    others = n - few.sum()
    mean_aside = (n * mean - (few * codes).sum()) / others
    variance = (squares - (few * codes * codes).sum()) / others - mean_aside * mean_aside
    return tilt(codes, few, mean_aside, np.sqrt(max(variance, 0.01)))[0]


def _with_default_profile(name: str, code: int, known: Margin) -> Margin:
    """Rows set aside: 86 % or less hold the default code, the others what the moments leave."""
    block = figures()["default_profile"]
    if name == block["published_example"]["column"]:
        counts = block["published_example"]["high_missing_counts"]
        return replace(known, set_aside=_shares(_dense(counts, known.codes)))
    codes = np.array(known.codes, dtype=np.float64)
    mean, square = block["table"][name]["mean"], block["table"][name]["sd"] ** 2
    for percent in range(86, 59, -1):
        share = percent / 100
        left = (mean - share * code) / (1 - share)
        variance = (square + mean * mean - share * code * code) / (1 - share) - left * left
        if codes[0] < left < codes[-1] and 0 < variance <= (left - codes[0]) * (codes[-1] - left):
            others, cost = tilt(codes, np.ones(len(codes)), left, np.sqrt(variance))
            if cost < 1e-4:
                shares = share * (codes == code) + (1 - share) * others
                return replace(known, set_aside=_shares(shares))
    raise ValueError(f"{name}: no share of the default code {code} gives the published moments.")


def _with_families(phases: Margin) -> Margin:
    """Fine life phases as in all rows, within families as in each class."""
    everyone, few, complete = (
        figures()[block]["table"]["LP_FAMILIE_GROB"]
        for block in ("marginals_full", "marginals_low_missing", "marginals_complete")
    )
    everyone = everyone["counts"]
    phase_of = coarse_codes("LP_LEBENSPHASE_GROB", "last_fine_code")
    family_of = coarse_codes("LP_FAMILIE_GROB", "last_life_phase")[phase_of]
    families = [str(family) for family in family_of[phases.numbers]]
    of_all = _dense(
        figures()["marginals_full"]["table"]["LP_LEBENSPHASE_FEIN"]["counts"], phases.codes
    )
    return Margin(
        phases.codes,
        _shares(of_all * [complete[f] / everyone[f] for f in families]),
        _shares(of_all * [(few[f] - complete[f]) / everyone[f] for f in families]),
        _shares(of_all * [max(everyone[f] - few[f], 0) / everyone[f] for f in families]),
    )


def _with_movements(youth: Margin, fitted: FittedPatterns) -> Margin:
    """Youth codes as in all rows, the avant-garde among them as often as in each class."""
    cells, rows = fitted.cells, fitted.cell_rows["population"]
    known = cells.group("youth") == 0
    complete = rows[cells.complete & known].sum()
    whole = rows[cells.in_region("whole") & known].sum()
    before = figures()["missing"]["population_before"]["counts"]
    homeless = before["GEBAEUDETYP"] - before["SOHO_KZ"]
    unknown = rows[cells.in_region("no_building") & ~known].sum()
    name = "GREEN_AVANTGARDE"
    green_complete = figures()["marginals_complete"]["table"][name]["1"]
    green_few = figures()["marginals_low_missing"]["table"][name]["1"]
    green_aside = figures()["default_profile"]["table"][name]["counts"]["1"]
    is_green = youth.is_one_of(figures()["derived"][name]["codes"])
    of_all = _dense(
        figures()["marginals_full"]["table"]["PRAEGENDE_JUGENDJAHRE"]["counts"], youth.codes
    )

    def with_share(share: float) -> Floats:
        counts = of_all.copy()
        counts[is_green] *= share / of_all[is_green].sum()
        counts[~is_green] *= (1 - share) / of_all[~is_green].sum()
        return counts

    return Margin(
        youth.codes,
        with_share(green_complete / complete),
        with_share((green_few - green_complete) / (whole - complete)),
        with_share(green_aside / (homeless - unknown)),
    )


def _table(name: str, block: str) -> Table | None:
    """A printed table without missing codes, None where none was printed."""
    if block == "marginals_complete" and name in _ONLY_UNKNOWN_PRINTED:
        return None
    printed: dict[str, Any] = figures()[block]["table"]
    if name not in printed:
        return None
    table: Table = printed[name].get("counts", printed[name])
    if name == "OST_WEST_KZ" and "1" in table:
        table = {"W": table["1"], "O": table["0"]}
    return {code: n for code, n in table.items() if code not in missing_codes()[name]}


def _dense(table: Table | None, codes: Sequence[str]) -> Floats:
    return np.array([(table or {}).get(code, 0) for code in codes], dtype=np.float64)


def _shares(counts: Sequence[float] | Floats) -> Floats:
    array = np.array(counts, dtype=np.float64)
    return np.asarray(array / array.sum())


def _position(code: str) -> tuple[int, float, str]:
    return (0, float(code), code) if code[0].isdigit() or code[0] == "-" else (1, 0.0, code)
