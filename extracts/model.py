"""The fitted model as data: segments, traits, cuts from trait to code.

Whole numbers throughout, in units of 1 / `scale`: read the same by every machine.
"""

import json
from functools import cache
from typing import TypedDict

from extracts.figures import read_text

Cuts = dict[str, list[int]]
"""Class of rows -> trait values at which one code ends and the next begins."""


class Nested(TypedDict):
    """A code drawn within its parent's code."""

    parent: str
    latent: str
    codes: dict[str, list[int]]
    cuts: dict[str, Cuts]


class Alone(TypedDict):
    """Life phases behind rows that hold a coarser code only."""

    codes: list[int]
    cuts: list[int]


class Scattered(TypedDict):
    """The share of rows, per class, that lose an attribute whatever else they lose."""

    mark: str
    population: list[float]
    customers: list[float]


class Model(TypedDict):
    """The content of `model.json`."""

    scale: int
    latents: list[str]
    segments: dict[str, list[float]]
    means: list[list[int]]
    loadings: list[list[int]]
    """Lower triangle: traits are `means[segment] + loadings @ noise`."""
    customer_shift: dict[str, int]
    default_share: float
    default_codes: dict[str, int]
    codes: dict[str, list[int]]
    cuts: dict[str, dict[str, Cuts]]
    ranked: dict[str, dict[str, list[float]]]
    """Cumulated shares per class, of attributes cut by rank."""
    nested: dict[str, Nested]
    scattered: dict[str, Scattered]
    life_phase_alone: dict[str, Alone]
    cameo_deu: list[str]
    cameo_intl: list[int]


@cache
def model() -> Model:
    """The fitted model."""
    content: Model = json.loads(read_text("model.json"))
    return content
