"""All keys of the config: type, values, default and documentation of each, in one place.

A key whose default is none of its values must be set. The sentence under a key is the one that
docs/config.md has.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Annotated, Any, get_type_hints

from segment_lib.config.kinds import (
    Column,
    Count,
    Money,
    NeededPath,
    OptionalPath,
    Query,
    Share,
    are_names,
    is_day,
    is_range,
    is_real,
    is_text,
    is_whole,
    parse_size,
)
from segment_lib.schema.customer_mark import CustomerMark
from segment_lib.schema.values import Flag, Values, one_of
from segment_lib.sources.text_format import TextFormat
from segment_lib.terms import ALL, LANGUAGES, PLACED


@dataclass(frozen=True)
class Inputs(TextFormat):
    """Where the delivered files lie, and how their text is written."""

    population: NeededPath = ""
    """The population extract: CSV, Parquet or Excel, plain or packed; a file, a folder of parts, or
    a glob ([which files](data.md#files-and-folders)); or a [Delta table](data.md#delta-tables), or
    the address of a [database](data.md#databases)."""
    population_query: Query = ""
    """SQL for the rows of a population in a database ([databases](data.md#databases))."""
    customers: NeededPath = ""
    """The customer extract, with the same columns."""
    customers_query: Query = ""
    """SQL for the rows of customers in a database."""
    customers_where: Annotated[
        str,
        Values(
            lambda v: v == "" or (isinstance(v, str) and CustomerMark.parse(v) is not None),
            '"column = value"',
        ),
    ] = ""
    """`"column = value"`, in place of `customers`: the rows of the population that are customers
    ([data](data.md#customers-marked-in-the-population))."""
    feature_summary: OptionalPath = ""
    """The table `attribute;information_level;type;missing_or_unknown`, one line per attribute;
    without it the types are drafted from the rows ([draft](draft.md#straight-to-a-report))."""
    data_dictionary: OptionalPath = ""
    """Markdown with a section per attribute; without it the labels shipped for the 85 AZDIAS
    attributes serve."""
    labels: OptionalPath = ""
    """A table `column,code,label`, in place of a data dictionary or over its labels
    ([data](data.md#labels-as-a-table))."""
    missing: Annotated[
        tuple[str, ...],
        Values(are_names, 'a list of codes and words in quotes, such as ["NA", "-1"]'),
    ] = ()
    """What means missing in every attribute, beside its own missing codes
    ([data](data.md#words-for-nothing))."""
    id_column: Column = ""
    """A column that names the people, carried along in `raw/`; without it the row number does
    ([data](data.md#people-and-their-ids))."""
    repeated_ids: Annotated[str, one_of("once", "refuse", "rows")] = "once"
    """People whose id comes again: count them `once`, `refuse` the extract, or take `rows` as
    people ([data](data.md#people-and-their-ids))."""
    suppress_column: Column = ""
    """A column that says who must not be mailed, carried along in `raw/`
    ([data](data.md#people-and-their-ids))."""
    extra_columns: Annotated[str, one_of("ignore", "carry", "refuse")] = "ignore"
    """Columns the feature summary lacks: `ignore` them, `carry` them along in `raw/` as text, or
    `refuse` the extract."""
    response: Column = ""
    """A column of 0 and 1, yes and no, or empty cells in either extract that says who responded;
    counted per segment, never used to segment; customer-likeness learns it."""
    formats: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By extract, the keys of its own table, such as [inputs.customers], but the path."""

    @property
    def mark(self) -> CustomerMark | None:
        """What marks customers among the population; None where they have files of their own."""
        return CustomerMark.parse(self.customers_where)

    def path(self, extract: str) -> str:
        """Where the files of an extract lie."""
        return self.population if self.mark or extract == "population" else self.customers

    def query(self, extract: str) -> str:
        """The SQL for the rows of an extract in a database."""
        return self.population_query if extract == "population" else self.customers_query

    def text_format(self, extract: str) -> TextFormat:
        """How the text of an extract is written: its own keys before those of both extracts."""
        extract = "population" if self.mark else extract
        shared = {f.name: getattr(self, f.name) for f in fields(TextFormat)}
        return TextFormat(**shared | dict(self.formats.get(extract, {})))


REPLACED_BY = {"customers": "customers_where"}
"""Keys of the inputs that need not be set, by the key that is set in their place."""


@dataclass(frozen=True)
class Cleaning:
    """What is too incomplete to use."""

    max_missing_share: Share = 0.3
    """Attributes missing in a larger share of the population are dropped, for both extracts."""
    max_missing_per_row: Annotated[
        float,
        Values(
            lambda v: is_real(v) and v >= 0 and (v < 1 or v == int(v)),
            "a whole number of attributes, or a share below 1",
        ),
    ] = 25
    """Rows that lack more of the kept attributes are set aside; below 1 it is a share of them."""
    max_unseen_share: Share = 0.05
    """An extract is refused if a kept attribute holds codes the dictionary lacks in a larger share
    of rows; below it they are counted and reported."""


@dataclass(frozen=True)
class Encode:
    """How attributes become features ([the plan](plan.md))."""

    report_day: Annotated[str, Values(is_day, "a day as yyyy-mm-dd, or empty")] = ""
    """The day to which ages are reckoned from dates; empty for the latest date of the population.
    The plan holds it, so that it stays for what comes later."""
    min_level_share: Share = 0.0
    """Levels of a nominal attribute that a smaller share of the population has are one feature,
    `other`; of postcodes in any case those below 0.005."""


@dataclass(frozen=True)
class Model:
    """How segments are found."""

    scaling: Annotated[str, one_of("attribute", "feature")] = "attribute"
    """What has one unit of variance: an `attribute`, shared by its features, or each `feature`
    ([method](method.md))."""
    n_components: Annotated[
        float | str,
        Values(
            lambda v: v == "parallel" or is_whole(v, 1) or (isinstance(v, float) and 0 < v < 1),
            '"parallel", a share of variance below 1, or a whole number',
        ),
    ] = "parallel"
    """The components kept: those that stand out from chance by `"parallel"` analysis, as many as
    explain a share of variance, or a number of them ([method](method.md))."""
    min_components: Annotated[int, Values(lambda v: is_whole(v, 1), "a whole number from 1 on")] = (
        10
    )
    """The least number of components that `"parallel"` analysis keeps, as far as there are so many;
    without effect on a share or a number."""
    n_clusters: Annotated[
        int | str,
        Values(lambda v: v == "auto" or is_whole(v, 2), '"auto" or a whole number of at least 2'),
    ] = "auto"
    """The number of segments, or `"auto"` to choose it from the sweep by the rule in
    [method](method.md)."""
    sweep: Annotated[
        tuple[int, int], Values(is_range, "two whole numbers of at least 2, the least first")
    ] = (2, 20)
    """The least and the largest number of segments tried; of those chosen from, 12 is the largest
    unless the sweep begins above it."""
    random_state: Annotated[
        int, Values(lambda v: is_whole(v, 0) and v < 2**32, "a whole number from 0 to 4294967295")
    ] = 0
    """Seed of everything random."""
    n_micro: Annotated[int, Values(lambda v: is_whole(v, 2), "a whole number of at least 2")] = 300
    """Micro-segments to rank people by; fewer where the population is small."""


@dataclass(frozen=True)
class Compare:
    """How customers are compared with the population."""

    base: Annotated[str, one_of(PLACED, ALL)] = PLACED
    """Whose shares are index 100: of the rows that have a segment (`placed`), or of `all`."""
    min_segment_rows: Count = 500
    """Segments with fewer rows of the population are marked small."""
    allow_suspicious: Flag = False
    """Go on where the outcome looks like a broken delivery
    ([decision 0008](decisions/0008-suspicious-outcomes.md)), and only say so."""


@dataclass(frozen=True)
class Fairness:
    """What must not, or should not without a look, decide who gets mail."""

    attributes: Annotated[tuple[str, ...], Values(are_names, "a list of attributes")] = (
        "NATIONALITAET_KZ",
        "ANREDE_KZ",
        "ALTERSKATEGORIE_GROB",
    )
    """Sensitive attributes: shown per segment, naming none. Those not delivered are ignored."""
    keep_out: Flag = False
    """Leave them out of the features, so that segments do not form by them."""
    describe: Flag = False
    """Let the portraits of segments speak of them; their shares are shown in any case."""
    min_cell: Count = 10
    """Counts of fewer people are left out of tables meant for people."""


@dataclass(frozen=True)
class Mailing:
    """What a mail-out costs and earns, all three or none; and what ranks people."""

    cost_per_piece: Money = None
    """What a piece costs, in any currency; with the two below it gives the depth that pays
    ([targets](targets.md))."""
    margin_per_order: Money = None
    """What an order earns in the same currency, before the cost of mailing."""
    base_response_rate: Annotated[
        float | None, Values(lambda v: is_real(v) and 0 < v <= 1, "a share above 0, up to 1")
    ] = None
    """Orders per piece where all people are mailed."""
    ranking: Annotated[str, one_of("auto", "logistic", "micro")] = "auto"
    """What orders the target list: `logistic` for customer-likeness, `micro` for micro-segments, or
    `auto` for likeness where it reaches more held-out customers ([targets](targets.md))."""


@dataclass(frozen=True)
class Report:
    """How the page is written."""

    language: Annotated[str, one_of(*LANGUAGES)] = "en"
    """What the page and the names of segments are written in, English (`en`) or German (`de`)
    ([language](language.md))."""


@dataclass(frozen=True)
class Refresh:
    """What a refresh does with a later delivery ([refresh](refresh.md))."""

    policy: Annotated[str, one_of("auto", "apply", "refit")] = "auto"
    """Of `segments refresh`: `apply` the model of the base, `refit` it from its centres, or `auto`:
    decide by drift ([refresh](refresh.md))."""
    renamed: Annotated[
        Mapping[str, str],
        Values(
            lambda v: isinstance(v, dict) and all(is_text(name) for name in v.values()),
            "a table from attribute to column name",
        ),
    ] = field(default_factory=dict)
    """A table `[refresh.renamed]` of lines `OLD = "NEW"`: columns that are called otherwise now."""


@dataclass(frozen=True)
class Run:
    """How the work is cut up."""

    rows_per_part: Annotated[
        int, Values(lambda v: is_whole(v, 1), "a whole number of at least 1")
    ] = 100_000
    """About how many rows are worked on at a time; in proportion fewer of more than 200
    attributes, so that a part takes no more memory."""
    memory: Annotated[
        str, Values(lambda v: parse_size(v) is not None, "a size such as 900MiB or 4GiB")
    ] = "4GiB"
    """What the job may use in all on this machine. Each stage works on as many parts at once as
    fit, the sweep keeps its scores in memory if they fit. Too small a budget is refused at once,
    and the smallest that would do is named."""


@dataclass(frozen=True)
class Config:
    """All settings of a run: a section each."""

    inputs: Inputs
    cleaning: Cleaning = field(default_factory=Cleaning)
    encode: Encode = field(default_factory=Encode)
    model: Model = field(default_factory=Model)
    compare: Compare = field(default_factory=Compare)
    fairness: Fairness = field(default_factory=Fairness)
    mailing: Mailing = field(default_factory=Mailing)
    report: Report = field(default_factory=Report)
    refresh: Refresh = field(default_factory=Refresh)
    run: Run = field(default_factory=Run)

    def reading(self, population: str, customers: str) -> "Config":
        """The same settings for extracts that lie elsewhere."""
        return replace(
            self, inputs=replace(self.inputs, population=population, customers=customers)
        )

    def as_dict(self) -> dict[str, dict[str, Any]]:
        return asdict(self)

    @property
    def memory(self) -> int:
        """The budget in bytes."""
        return parse_size(self.run.memory) or 0


SECTIONS: dict[str, type] = get_type_hints(Config)
"""Dataclass by name of the section."""
