"""Results of stages, a frozen dataclass each: what later stages read beside files."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, Self, cast

from segment_lib.errors import IntegrityError
from segment_lib.run.json_values import typed
from segment_lib.schema import Attribute, Schema
from segment_lib.schema.language import Sentence
from segment_lib.schema.summary import AttributeType


@dataclass(frozen=True)
class Result:
    """The result of a stage."""

    stage: ClassVar[str]

    def as_json(self) -> dict[str, Any]:
        """Return the result as plain JSON values."""
        values: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the result that `as_json` gave; what it does not know is ignored.

        Raises
        ------
        IntegrityError
            If a value is absent or of another type.
        """
        try:
            known = {f.name: values[f.name] for f in fields(cls) if f.name in values}
            return cast(Self, typed(cls, known))
        except KeyError as error:
            what = f"does not tell {error.args[0]}"
        except (TypeError, ValueError, RecursionError):
            what = "tells something of another type"
        raise IntegrityError(
            f"run.json: stage {cls.stage} {what}. Run again with --from ingest, or choose another "
            "--run-dir."
        )


@dataclass(frozen=True)
class Ingested(Result):
    """Rows and columns of the extracts as read."""

    stage = "ingest"
    population: int
    """Rows kept of the population."""
    customers: int
    """Rows kept of the customers."""
    id_column: str
    suppress_column: str
    repeated_ids: str
    passthrough: Mapping[str, tuple[str, ...]]
    """By extract, the columns that are no attributes and are carried along."""
    texts: tuple[str, ...] = ()
    """Those of them of type `text`, which lists have only where they are asked for."""
    ids: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By extract, rows without an id, and rows that repeat one."""
    customers_where: str = ""
    """What marks the customers among the population, if anything does."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """By part, rows left out as they repeat an id."""

    def rows(self, extract: str) -> int:
        """Rows kept of an extract."""
        return {"population": self.population, "customers": self.customers}[extract]


@dataclass(frozen=True)
class Assessed(Result):
    """The attributes as they were declared."""

    stage = "assess"
    attributes: tuple[tuple[str, str, str, tuple[str, ...]], ...]
    """Name, information level, type and missing codes of each."""
    recoded: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    """Attribute to its numbers that stand for another, each with that."""

    @classmethod
    def declare(cls, schema: Schema) -> Self:
        """Return the result of attributes as they are declared."""
        return cls(
            tuple((a.name, a.information_level, a.type, a.missing) for a in schema),
            {a.name: a.recoded for a in schema if a.recoded},
        )

    @property
    def schema(self) -> Schema:
        """The attributes."""
        return Schema(
            tuple(
                Attribute(
                    name, level, cast(AttributeType, kind), missing, self.recoded.get(name, ())
                )
                for name, level, kind, missing in self.attributes
            )
        )


@dataclass(frozen=True)
class Encoded(Result):
    """The features, and how many rows have them."""

    stage = "encode"
    features: tuple[str, ...]
    attributes: tuple[str, ...]
    """The attribute that each feature is made from."""
    redundant: tuple[str, ...]
    """Attributes that say nothing another does not."""
    max_missing_per_row: int
    plan: str
    """sha256 of the plan that was followed."""
    population: int
    """Rows of the population that have features; the others are set aside."""
    customers: int


@dataclass(frozen=True)
class Fitted(Result):
    """The components."""

    stage = "fit"
    n_components: int
    constant_features: tuple[str, ...]
    n_above_chance: int
    """Components that stand out from chance; all, where that does not decide how many are kept."""
    variance_needed: tuple[float, ...]
    """What each component has to exceed, where chance decides how many are kept."""


@dataclass(frozen=True)
class Swept(Result):
    """The number of segments, and why it was chosen."""

    stage = "sweep"
    n_clusters: int
    rule: Sentence
    next_segment: int
    """The least number that no segment has had."""
    matching: Mapping[str, Any] | None = None
    """After a refit, which segment is which of the base."""


@dataclass(frozen=True)
class Assigned(Result):
    """Empty: the parts are all that is left."""

    stage = "assign"


@dataclass(frozen=True)
class Compared(Result):
    """Sanity checks that failed in the comparison."""

    stage = "compare"
    suspicious: tuple[Sentence, ...]
    language: str
    """What names and traits are written in."""


@dataclass(frozen=True)
class Gained(Result):
    """The micro-segments, and what orders the target list."""

    stage = "gains"
    n_micro: int
    random_state: int
    ranking: str = "micro"
    """logistic or micro."""
    why: Sentence = field(default_factory=lambda: Sentence(()))
    """Why it is that one."""
    aside_from: float = 0.0
    aside_to: float = 0.0
    """Depths of that ranking between which the rows set aside stand; both 0 if there are none."""


@dataclass(frozen=True)
class Drifted(Result):
    """Drift since the base, and the decision taken."""

    stage = "drift"
    base: str
    """Name of the run folder of the base."""
    decision: str
    reason: Sentence
    findings: tuple[Sentence, ...]
    changes: tuple[Mapping[str, Any], ...]
    changed: tuple[Sentence, ...]
    """The changes in words."""
    distances: Mapping[str, Any]


@dataclass(frozen=True)
class Refreshed(Result):
    """Decision and findings of the refresh."""

    stage = "refresh"
    decision: str
    reason: Sentence
    findings: tuple[Sentence, ...]


@dataclass(frozen=True)
class Reported(Result):
    """The answer, as the page and the console have it."""

    stage = "report"
    answer: str = ""
    """First sentence of the page."""
