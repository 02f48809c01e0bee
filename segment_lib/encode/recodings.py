"""Recoding tables of attributes that mix several facts in one code, and redundant attributes.

Meanings of the codes: the data dictionary delivered with the AZDIAS and CUSTOMERS extracts.
"""

from collections.abc import Collection, Mapping

Table = Mapping[str, float | None]


def _bands(bands: Mapping[float, tuple[int, ...]], codes: range) -> Table:
    """Invert value → codes to code → value; codes in no band have None."""
    table: dict[str, float | None] = {str(code): None for code in codes}
    for value, members in bands.items():
        table.update({str(code): value for code in members})
    return table


def _flag(members: tuple[int, ...], codes: range) -> Table:
    return {str(code): int(code in members) for code in codes}


_YOUTH = range(1, 16)
_PHASE = range(1, 41)
_HOUSEHOLDS = {
    "single": tuple(range(1, 14)),
    "couple": tuple(range(14, 21)),
    "single_parent": tuple(range(21, 24)),
    "family": tuple(range(24, 29)),
    "multi_person": tuple(range(29, 41)),
}
_CAMEO = tuple(f"{wealth}{stage}" for wealth in range(1, 6) for stage in range(1, 6))


def _buildings(prefix: str) -> dict[str, Table]:
    return {
        # Families per house, 1 (one or two) to 4 (over ten); 5 is no size but a business.
        f"{prefix}_building_size": {"1": 1, "2": 2, "3": 3, "4": 4, "5": None},
        f"{prefix}_business": {"1": 0, "2": 0, "3": 0, "4": 0, "5": 1},
    }


RECODINGS: Mapping[str, Mapping[str, Table]] = {
    "PRAEGENDE_JUGENDJAHRE": {
        "youth_decade": _bands(
            {40: (1, 2), 50: (3, 4), 60: (5, 6, 7), 70: (8, 9), 80: (10, 11, 12, 13), 90: (14, 15)},
            _YOUTH,
        ),
        "youth_avantgarde": _flag((2, 4, 6, 7, 9, 11, 13, 15), _YOUTH),
        # Movements of one part of Germany only; the others belong to both.
        "youth_east": _flag((7, 12, 13), _YOUTH),
        "youth_west": _flag((6, 10, 11), _YOUTH),
    },
    "CAMEO_INTL_2015": {
        # 1 is wealthy, 5 is poorer.
        "cameo_wealth": {code: int(code[0]) for code in _CAMEO},
        # 1 is before family, 5 is retired.
        "cameo_life_stage": {code: int(code[1]) for code in _CAMEO},
    },
    "LP_LEBENSPHASE_FEIN": {
        **{f"life_stage={name}": _flag(codes, _PHASE) for name, codes in _HOUSEHOLDS.items()},
        # 1 younger, 2 middle-aged, 3 older, 4 retired; 12 of the 40 classes name no age.
        "life_age_band": _bands(
            {
                1: (1, 3, 14, 18, 29, 30, 33, 34, 35),
                2: (2, 4, 39),
                3: (5, 7, 11, 13, 15, 16, 19, 20, 31, 32, 36, 37),
                4: (6, 8, 12, 38, 40),
            },
            _PHASE,
        ),
        # 1 low, 1.5 low or average, 2 average, 3 own business, own home or high income, 4 the top.
        "life_wealth_band": _bands(
            {
                1: (1, 2, 5, 6, 15, 21, 24, 29, 31),
                1.5: (14,),
                2: (3, 4, 7, 8, 16, 22, 25, 30, 32),
                3: (9, 11, 12, 17, 19, 23, 26, 27, 33, 34, 36, 37, 38),
                4: (10, 13, 18, 20, 28, 35, 39, 40),
            },
            _PHASE,
        ),
    },
    "WOHNLAGE": {
        "rural": {"0": 0, "1": 0, "2": 0, "3": 0, "4": 0, "5": 0, "7": 1, "8": 1},
        # 1 is very good, 5 is very poor; no score (0) and rural areas have none.
        "neighbourhood_quality": {
            "0": None, "1": 1, "2": 2, "3": 3, "4": 4, "5": 5, "7": None, "8": None,
        },
    },
    "PLZ8_BAUMAX": _buildings("plz8"),
    "KBA05_BAUMAX": _buildings("kba05"),
}  # fmt: skip
"""Attribute to its features, each a table from code to value."""

REDUNDANT: Mapping[str, tuple[str, str]] = {
    "LP_FAMILIE_GROB": ("LP_FAMILIE_FEIN", "its classes are those of LP_FAMILIE_FEIN, joined"),
    "LP_STATUS_FEIN": ("LP_STATUS_GROB", "LP_STATUS_GROB says it in five classes"),
    "LP_LEBENSPHASE_GROB": (
        "LP_LEBENSPHASE_FEIN",
        "LP_LEBENSPHASE_FEIN tells household, age, wealth",
    ),
    "CAMEO_DEU_2015": ("CAMEO_DEUG_2015", "CAMEO_DEUG_2015 says it in nine classes"),
    "GREEN_AVANTGARDE": ("PRAEGENDE_JUGENDJAHRE", "youth_avantgarde is the same split"),
}
"""Attribute to the one kept in its place, if that one is kept, and why."""


def with_redundant(attributes: Collection[str]) -> tuple[str, ...]:
    """Return the attributes, and those that are redundant beside one of them."""
    same = (name for name, (kept, _) in REDUNDANT.items() if kept in attributes)
    return (*attributes, *same)
