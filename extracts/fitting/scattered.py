"""Attributes nobody keeps: how many rows of each class lose them, whatever else they lose."""

from extracts.figures import ROWS, figures
from extracts.fitting.numbers import complete_rows
from extracts.missing import EMPTY
from extracts.model import Scattered

ASIDE = {"GEBURTSJAHR": 0.80, "ALTER_HH": 0.55, "KK_KUNDENTYP": 0.90}
"""Assumed shares of the rows set aside, among those that have a household where that matters."""

_IN_EVERY_ROW = "GEBURTSJAHR"


def scattered() -> dict[str, Scattered]:
    """Shares per class in each extract: what is published of all rows, less what is set aside."""
    return {
        name: Scattered(
            mark=EMPTY if name == "KK_KUNDENTYP" else "0",
            population=_shares(name, "population"),
            customers=_shares(name, "customers"),
        )
        for name in ASIDE
    }


def _shares(name: str, extract: str) -> list[float]:
    before = figures()["missing"][f"{extract}_before"]["counts"]
    after = figures()["missing"][f"{extract}_after"]["counts"]
    household, building = before["SOHO_KZ"], before["GEBAEUDETYP"]
    already = 0 if name == _IN_EVERY_ROW else household
    lost = after[name] - already - ASIDE[name] * (building - already)
    whole = ROWS[extract] - building
    complete = lost / whole
    partial = complete
    if extract == "population" and name != "KK_KUNDENTYP":
        unknown = figures()["marginals_complete"]["table"][name]["0"]
        complete = unknown / complete_rows()
        partial = (lost - unknown) / (whole - complete_rows())
    return [round(share, 6) for share in (complete, partial, ASIDE[name])]
