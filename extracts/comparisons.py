"""Comparison of the extracts with the published figures, one function per topic."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
import polars as pl

from extracts.figures import ROWS, Block, figures, source
from extracts.read_back import KEPT, Delivered

MANY_MISSING = 25
"""Rows missing more of the 79 attributes are the ones published as having many missing values."""


@dataclass(frozen=True)
class Line:
    """One published figure and ours."""

    topic: str
    figure: str
    published: float
    ours: float
    distance: float
    """In the unit of the bound: rows, total variation, share of the published value, absolute."""
    bound: float
    source: str

    @property
    def within(self) -> bool:
        """Whether the distance keeps the bound."""
        return self.distance <= self.bound


@dataclass(frozen=True)
class Pair:
    """Both extracts, and how large they are beside the real ones."""

    population: Delivered
    customers: Delivered

    def named(self, extract: str) -> Delivered:
        """The population or the customer extract."""
        return self.population if extract == "population" else self.customers

    def scale(self, extract: str) -> float:
        """The ratio of the rows here to those of the real extract."""
        return self.named(extract).raw.height / ROWS[extract]


def missing_counts(extracts: Pair) -> Iterator[Line]:
    """Compare missing cells per attribute, before and after codes: within 0.5 % or 50 rows."""
    for extract in ROWS:
        for when, frame in (
            ("before", extracts.named(extract).raw),
            ("after", extracts.named(extract).known),
        ):
            block = figures()["missing"][f"{extract}_{when}"]
            ours = frame.null_count().row(0, named=True)
            for name, count in block["counts"].items():
                figure = f"{extract}, {name} missing {when} codes"
                yield _count("missing", figure, count, ours[name], extracts.scale(extract), block)


def missing_code_values(extracts: Pair) -> Iterator[Line]:
    """Compare which attributes hold a missing code as a value: 25, with X or XX in 373 rows."""
    block = figures()["missing"]["population_after"]
    for extract, x_rows in (("population", 373), ("customers", 126)):
        delivered = extracts.named(extract)
        raw, known = delivered.raw.null_count().row(0), delivered.known.null_count().row(0)
        holding = sum(after > before for before, after in zip(raw, known, strict=True))
        if extract == "population":
            yield Line(
                "missing codes",
                "attributes holding one",
                25,
                holding,
                abs(holding - 25),
                0,
                source(block),
            )
        ours = int(delivered.raw["CAMEO_DEU_2015"].eq("XX").sum())
        figure = f"{extract}, CAMEO_DEU_2015 XX"
        yield _count("missing codes", figure, x_rows, ours, extracts.scale(extract), block)


def missing_together(extracts: Pair) -> Iterator[Line]:
    """Compare rows missing two attributes, the worst pair of each: 1 % or 50 rows."""
    block = figures()["missing_together"]
    is_null = {name: extracts.population.known[name].is_null() for name in KEPT}
    scale = extracts.scale("population")
    for name, others in block["counts"].items():
        lines = [
            _count(
                "missing together",
                f"{name} and {other}",
                count,
                int((is_null[name] & is_null[other]).sum()),
                scale,
                block,
                share=0.01,
            )
            for other, count in others.items()
        ]
        if lines:
            yield max(lines, key=lambda line: line.distance / line.bound)


def row_missing(extracts: Pair) -> Iterator[Line]:
    """Compare rows by number missing: complete rows, peaks, histogram, rows with many missing."""
    block = figures()["row_missing"]
    scale = extracts.scale("population")
    ours = np.bincount(extracts.population.n_missing.to_numpy(), minlength=len(KEPT) + 1)
    published = _dense(block["counts"], len(KEPT) + 1)
    for number, share in ((0, 0.01), (34, 0.02), (43, 0.02), (47, 0.02)):
        figure = f"population, rows missing {number}"
        yield _count(
            "row missing", figure, published[number], int(ours[number]), scale, block, share=share
        )
    distance = _variation(published, ours)
    yield Line("row missing", "population, histogram", 0, distance, distance, 0.03, source(block))
    mean = _mean(extracts.population.n_missing)
    yield _relative("row missing", "population, mean", 5.6499, mean, 0.01, block)
    theirs = extracts.customers.n_missing
    for rule in figures()["customer_rows_kept"]:
        if "kept" in rule:
            limit = _limit(rule["rule"])
            figure = f"customers, rows missing {rule['rule'].replace(' missing', '')}"
            kept = int((theirs <= limit).sum())
            scale_customers = extracts.scale("customers")
            yield _count(
                "row missing", figure, rule["kept"], kept, scale_customers, rule, share=0.01
            )
    for extract, share in (("population", 0.1045), ("customers", 0.2605)):
        ours_share = _mean(extracts.named(extract).n_missing > MANY_MISSING)
        figure = f"{extract}, share with many missing"
        yield _relative(
            "row missing", figure, share, ours_share, 0.01, figures()["default_profile"]
        )


def marginals(extracts: Pair) -> Iterator[Line]:
    """Compare every published table of values, by class of rows: within 0.01."""
    raw, known = extracts.population.raw, extracts.population.known
    few = extracts.population.n_missing <= MANY_MISSING
    complete = raw.select(
        ~pl.any_horizontal(pl.all().exclude("KK_KUNDENTYP").is_null()).alias("complete")
    ).to_series()
    for title, frame, block in (
        ("all rows", known, figures()["marginals_full"]),
        ("few missing", known.filter(few), figures()["marginals_low_missing"]),
        ("no empty cell", raw.filter(complete), figures()["marginals_complete"]),
    ):
        for name, table in block["table"].items():
            if name == "ALTERSKATEGORIE_GROB" and title == "all rows":
                frame = frame.with_columns(raw[name])
            counts = table.get("counts", table)
            rows = block.get("rows", 0) if title == "no empty cell" else 0
            distance = marginal_distance(frame[name], counts, rows)
            bound = 0.01 + _noise(len(counts), frame.height, extracts.scale("population"))
            origin = source(table if "source" in table else block)
            yield Line("marginal", f"{title}, {name}", 0, distance, distance, bound, origin)


def marginal_distance(values: pl.Series, counts: Mapping[str, int], rows: int = 0) -> float:
    """Total variation between a column and a printed table.

    Notebooks print at most 60 values. Of a cut table the printed values alone are compared, and,
    where the number of `rows` was published, all others as one.
    """
    name = values.name
    if name == "OST_WEST_KZ" and set(counts) == {"0", "1"}:
        counts = {"O": counts["0"], "W": counts["1"]}
    rows_by_code = {_spell(value): n for value, n in values.drop_nulls().value_counts().iter_rows()}
    published = [*counts.values()]
    ours = [rows_by_code.get(code, 0) for code in counts]
    others = sum(rows_by_code.values()) - sum(ours)
    if rows:
        published.append(rows - sum(published))
        ours.append(others)
    elif len(counts) < 60:
        published.append(0)
        ours.append(others)
    return _variation(np.array(published, dtype=float), np.array(ours, dtype=float))


def default_profile(extracts: Pair) -> Iterator[Line]:
    """Compare what rows with many missing values hold: means within 3 %, values within 0.01."""
    block = figures()["default_profile"]
    many = extracts.population.raw.filter(extracts.population.n_missing > MANY_MISSING)
    for name, entry in block["table"].items():
        if "mean" in entry:
            mean = _mean(many[name])
            yield _relative("default profile", f"mean {name}", entry["mean"], mean, 0.03, block)
        else:
            distance = marginal_distance(many[name], entry["counts"])
            bound = 0.01 + _noise(len(entry["counts"]), many.height, extracts.scale("population"))
            yield Line("default profile", name, 0, distance, distance, bound, source(block))
    counts = block["published_example"]["high_missing_counts"]
    distance = marginal_distance(many["SEMIO_SOZ"], counts)
    bound = 0.01 + _noise(len(counts), many.height, extracts.scale("population"))
    origin = source(block["published_example"])
    yield Line("default profile", "SEMIO_SOZ", 0, distance, distance, bound, origin)


def customer_means(extracts: Pair) -> Iterator[Line]:
    """Compare the means printed for the customers, codes included: within 3 %."""
    block = figures()["describe_customers"]
    for name, entry in block["table"].items():
        ours = _mean(extracts.customers.raw[name])
        yield _relative("customers", f"mean {name}", entry["mean"], ours, 0.03, block)


def traps(extracts: Pair) -> Iterator[Line]:
    """Compare the codes that notebooks stumble over."""
    population, customers = extracts.population.raw, extracts.customers.raw
    origin = source(figures()["marginals_full"]["table"]["GEBAEUDETYP"])
    for extract, frame, published in (("population", population, 1), ("customers", customers, 0)):
        ours = int(frame["GEBAEUDETYP"].eq(5).sum())
        figure = f"{extract}, GEBAEUDETYP 5"
        yield Line("traps", figure, published, ours, abs(ours - published), 0, origin)
        never = int(frame["CAMEO_INTL_2015"].is_in(["11", "21", "42", "53"]).sum())
        yield Line(
            "traps", f"{extract}, CAMEO_INTL_2015 11, 21, 42, 53", 0, never, never, 0, origin
        )
    block = figures()["marginals_full"]["table"]["WOHNLAGE"]
    ours = int(population["WOHNLAGE"].eq(0).sum())
    scale = extracts.scale("population")
    yield _count("traps", "population, WOHNLAGE 0", 6950, ours, scale, block, share=0.05)


def _limit(rule: str) -> int:
    """The most missing values a row may have by a published rule: `0 missing`, `<=8`, `<30`."""
    if rule.startswith("<="):
        return int(rule[2:])
    return int(rule[1:]) - 1 if rule.startswith("<") else int(rule.split()[0])


def _count(
    topic: str,
    figure: str,
    published: float,
    ours: float,
    scale: float,
    block: Block,
    *,
    share: float = 0.005,
) -> Line:
    """A count of rows, within `share` or 50 rows; in a smaller extract, chance is allowed for."""
    expected = published * scale
    noise = 0.0 if scale >= 1 else 4 * sqrt(expected)
    bound = max(share * expected, 50 * scale) + noise
    return Line(topic, figure, round(expected), ours, abs(ours - expected), bound, source(block))


def _relative(
    topic: str, figure: str, published: float, ours: float, bound: float, block: Block
) -> Line:
    distance = abs(ours - published) / abs(published)
    return Line(topic, figure, published, ours, distance, bound, source(block))


def _mean(column: pl.Series) -> float:
    return float(column.drop_nulls().cast(pl.Float64).to_numpy().mean())


def _noise(values: int, rows: int, scale: float) -> float:
    """The total variation that chance alone adds in an extract smaller than the real one."""
    return 0.0 if scale >= 1 else sqrt(values / max(rows, 1))


def _variation(published: np.ndarray, ours: np.ndarray) -> float:
    return float(np.abs(published / published.sum() - ours / max(ours.sum(), 1)).sum() / 2)


def _dense(counts: Mapping[str, int], size: int) -> np.ndarray:
    table = np.zeros(size)
    for number, count in counts.items():
        table[int(number)] = count
    return table


def _spell(value: float | str) -> str:
    return value if isinstance(value, str) else str(int(value))
