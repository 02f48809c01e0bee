"""The content of `model.json`, put together from what was fitted, and how it is spelled."""

import json
from collections.abc import Mapping

import numpy as np

from extracts.figures import figures
from extracts.fitting.cells import Floats
from extracts.fitting.codes import (
    GREEN,
    NESTING_TRAITS,
    PARENTS,
    TRAIT_OF,
    Columns,
    cameo,
    green_shares,
    nested_cuts,
)
from extracts.fitting.codes import Nested as NestedCuts
from extracts.fitting.customers import (
    DEFAULT_SHARE,
    Customers,
    beside_default,
    customer_margins,
)
from extracts.fitting.margins import DEFAULT_PROFILE, Margin, Margins
from extracts.fitting.scattered import scattered
from extracts.fitting.traits import SCALE, Traits
from extracts.model import Alone, Cuts, Model, Nested
from extracts.population import CLASSES, RANKED

NESTING_ROWS = 1_200_000
_SEED = 5
_ROWS_AT_ONCE = 20_000
_INDENTED = 3
"""Levels of the file that get lines of their own."""


def assemble_model(
    traits: Traits, margins: Margins, customers: Customers, *, nesting_rows: int = NESTING_ROWS
) -> Model:
    """Everything rounded: traits as given should be `rounded()` already."""
    columns = draw_columns(traits, nesting_rows)
    nested = {c: nested_cuts(columns, traits, margins, c)[0] for c in CLASSES}
    drawn = {name: known for name, known in margins.items() if name not in PARENTS}
    green = {c: traits.cuts(GREEN, green_shares(margins, c)) for c in CLASSES}
    cuts = {name: _cuts(name, known, traits) for name, known in drawn.items()}
    for name, known in customer_margins(margins).items():
        cuts[name]["customers"] = _by_class(name, known, traits, customers.segments)
    return Model(
        scale=SCALE,
        latents=list(traits.names),
        segments={
            "population": _rounded(traits.shares, 6),
            "customers": _rounded(customers.segments, 6),
        },
        customer_shift={name: round(s * SCALE) for name, s in customers.shifts.items()},
        means=[_whole(row) for row in traits.means],
        loadings=[_whole(row[: i + 1]) for i, row in enumerate(traits.loadings)],
        default_share=DEFAULT_SHARE,
        default_codes=DEFAULT_PROFILE,
        codes={name: known.numbers.tolist() for name, known in drawn.items()} | {GREEN: [0, 1]},
        cuts=cuts | {GREEN: {"population": {c: _whole(green[c]) for c in CLASSES}}},
        nested={name: _nested(name, {c: nested[c] for c in CLASSES}) for name in PARENTS},
        scattered=scattered(),
        cameo_deu=list(cameo().deu),
        cameo_intl=cameo().intl.tolist(),
        life_phase_alone=_life_phases_alone(traits),
        ranked={
            name: {c: _rounded(np.cumsum(margins[name].shares(c))[:-1], 9) for c in CLASSES[:2]}
            for name in RANKED
        },
    )


def model_json(model: Model) -> str:
    """One line per attribute, per class of rows or per row of a matrix."""
    return _spell(model, 0) + "\n"


def draw_columns(traits: Traits, rows: int) -> Columns:
    """The traits nested codes depend on, in rows of the population."""
    rng = np.random.default_rng(_SEED)
    segment = rng.choice(len(traits.shares), rows, p=traits.shares)
    wanted = [traits.names.index(name) for name in NESTING_TRAITS]
    parts = []
    for start in range(0, rows, _ROWS_AT_ONCE):
        of_part = segment[start : start + _ROWS_AT_ONCE]
        noise = rng.standard_normal((len(of_part), len(traits.names)))
        parts.append(traits.means[of_part][:, wanted] + noise @ traits.loadings[wanted].T)
    return dict(zip(NESTING_TRAITS, np.concatenate(parts).T, strict=True))


def _cuts(name: str, known: Margin, traits: Traits) -> dict[str, Cuts]:
    """Classes cut as the complete rows are left out."""
    by_class = {c: traits.cuts(name, _shares(name, known, c)) for c in CLASSES}
    return {
        "population": {
            c: _whole(cuts)
            for c, cuts in by_class.items()
            if c == "complete" or not np.allclose(cuts, by_class["complete"])
        }
    }


def _by_class(name: str, known: Margin, traits: Traits, segments: Floats) -> Cuts:
    return {c: _whole(traits.cuts(name, known.shares(c), segments=segments)) for c in CLASSES}


def _shares(name: str, known: Margin, row_class: str) -> Floats:
    return beside_default(name, known) if row_class == "set_aside" else known.shares(row_class)


def _nested(name: str, by_class: Mapping[str, NestedCuts]) -> Nested:
    first = by_class["complete"][name]
    return Nested(
        parent=PARENTS[name],
        latent=TRAIT_OF.get(name, name),
        codes={str(code): within.codes.tolist() for code, within in first.items()},
        cuts={
            c: {str(code): _whole(within.cuts) for code, within in nested[name].items()}
            for c, nested in by_class.items()
        },
    )


def _life_phases_alone(traits: Traits) -> dict[str, Alone]:
    """A fine life phase to stand behind each coarse one, and each family, published alone."""
    derived = figures()["derived"]
    coarse = derived["LP_LEBENSPHASE_GROB"]["coarse_code_alone"]
    family = derived["LP_FAMILIE_GROB"]["family_alone"]
    return {
        key: Alone(codes=codes, cuts=_whole(traits.cuts("LP_LEBENSPHASE_FEIN", _as_shares(counts))))
        for key, codes, counts in (
            ("coarse", [13, 14], coarse),
            ("family", [1, 14, 29], family),
        )
    }


def _as_shares(counts: Mapping[str, int]) -> Floats:
    return np.array([*counts.values()]) / sum(counts.values())


def _whole(values: Floats) -> list[int]:
    return [int(value) for value in np.round(values * SCALE)]


def _rounded(values: Floats, digits: int) -> list[float]:
    return [round(float(value), digits) for value in values]


def _spell(value: object, depth: int) -> str:
    if isinstance(value, dict) and depth < _INDENTED:
        inside = [
            f"{' ' * (depth + 1)}{json.dumps(key)}: {_spell(entry, depth + 1)}"
            for key, entry in value.items()
        ]
        return "{\n" + ",\n".join(inside) + "\n" + " " * depth + "}"
    if isinstance(value, list) and value and isinstance(value[0], list):
        rows = [" " * (depth + 1) + json.dumps(row) for row in value]
        return "[\n" + ",\n".join(rows) + "\n" + " " * depth + "]"
    return json.dumps(value)
