"""Which segments the customers come from, how sure that is, and what sets each segment apart."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from jobs.legacy import Outcome, Stage, tallies
from jobs.segment_counts import (
    Counted,
    count_extracts,
    levels_as_json,
    levels_of_base,
    segment_rows,
)
from segment_lib.clean import delivered
from segment_lib.compare import (
    SET_ASIDE,
    associate,
    compare_segments,
    index_interval,
    index_spread,
    sanity_checks,
)
from segment_lib.config import Config
from segment_lib.disclosure import suppress_segments
from segment_lib.errors import DataError
from segment_lib.model import Projection, segment_ids
from segment_lib.profile import (
    TOO_FEW,
    Levels,
    component_tables,
    describe_segments,
    fairness_table,
    feature_words,
    levels_of,
    name_segments,
    profile_segments,
    segment_traits,
)
from segment_lib.run.inputs import read_plan_on_disk as current_plan
from segment_lib.run.job import Job
from segment_lib.run.progress import log
from segment_lib.schema import Meaning, known_phrases
from segment_lib.storage.files import (
    StoredFile,
    formula_undone,
    read_arrays,
    read_file,
    read_part,
    write_file,
    write_part,
    write_table,
)


def settings(config: Config) -> Any:
    return [asdict(config.compare), config.fairness.attributes, config.fairness.min_cell]


def inputs(job: Job) -> Any:
    read = [job.hashes(stage) for stage in ("encode", "sweep", "assign")]
    tables = ("compare/names.csv", "compare/levels.json")
    base = [[job.base.file("compare", path).sha256 for path in tables]] if job.base else []
    return [read, job.hashes("ingest", "raw/"), job.hashes("assess"), job.told_meanings(), *base]


def compare(job: Job, counted: Mapping[str, Counted], ids: np.ndarray) -> pl.DataFrame:
    """Index, interval, spread, stability and verdict of each segment."""
    rows = segment_rows(job)
    _, alike = counted["population"].overlap.partners()
    population, customers = rows["population"], rows["customers"]
    n, m = sum(population.values()), sum(customers.values())
    places = [place for place, number in enumerate(ids.tolist()) if population[number]]
    numbers = [int(ids[place]) for place in places]
    own = [index_interval(customers[s], m, population[s], n)[1] for s in numbers]
    low, high = index_spread(
        counted["population"].overlap.joint[:, places],
        counted["customers"].overlap.sizes,
        all_population=n,
        all_customers=m,
        own=np.array(own, dtype=np.float64),
    )
    return compare_segments(
        population,
        customers,
        spread={s: (float(low[i]), float(high[i])) for i, s in enumerate(numbers)},
        stability={s: float(alike[:, at].mean()) for at, s in zip(places, numbers, strict=True)},
        min_rows=job.config.compare.min_segment_rows,
    )


def refuse_suspicious(job: Job, segments: pl.DataFrame) -> list[str]:
    """Raise a DataError if the outcome looks broken, or say so where that is allowed."""
    odd = sanity_checks(segments, job.config.fairness.min_cell)
    if odd and not job.config.compare.allow_suspicious:
        raise DataError(
            f"The outcome looks like a broken delivery or coding, not like customers: "
            f"{'; '.join(odd)}. Compare the coding of both extracts; if it is so, set "
            "compare.allow_suspicious=true."
        )
    if odd:
        log(f"compare  suspicious, but allowed: {'; '.join(odd)}")
    return odd


def tests(segments: pl.DataFrame, odd: list[str]) -> dict[str, Any]:
    """The chi-square tests of the table, with and without the rows set aside."""
    told = {}
    for name, rows in (
        ("all_segments", segments),
        ("without_set_aside", segments.filter(pl.col("segment") != SET_ASIDE)),
    ):
        counts = [dict(rows.select("segment", of).iter_rows()) for of in _ROWS]
        found = associate(*counts)
        told[name] = asdict(found) if found else None
    return {**told, "suspicious": odd}


_ROWS = ("population_rows", "customer_rows")


def components(job: Job, projection: Projection) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Components and loadings in words."""
    phrases = known_phrases()
    words = {
        feature: feature_words(
            feature, rule.attribute, job.meanings.get(rule.attribute, Meaning()), phrases
        )
        for rule in current_plan(job).rules
        for feature in rule.features
    }
    features = job.facts("encode")["features"]
    of = projection.explained_variance_ratio
    return component_tables(projection.components, of, features, words)


def fairness(
    job: Job,
    counted: Mapping[str, Counted],
    segments: pl.DataFrame,
    levels: Mapping[str, Levels],
    sensitive: list[str],
) -> pl.DataFrame:
    """The sensitive attributes in every segment, of population and customers."""
    customers = counted["customers"].levels
    population = counted["population"].levels.filter(pl.col("attribute").is_in(sensitive))
    order = _level_order(pl.concat([population, customers]), levels)
    return fairness_table(
        population,
        customers,
        segments,
        {name: order[name] for name in sensitive},
        job.meanings,
        min_cell=job.config.fairness.min_cell,
    )


def run(job: Job, work: Path) -> Outcome:
    schema = job.schema
    arrays = read_arrays(job.root, job.manifest.file("sweep", "model/arrays.npz"))
    projection = Projection.from_arrays(arrays)
    population = delivered([tallies(job)["population"]], schema)
    values = {name: of.rows for name, of in population.values.items()}
    levels = {name: levels_of(name, of) for name, of in values.items() if len(of) > 1}
    levels |= {name: of for name, of in levels_of_base(job).items() if name in levels}
    sensitive = [name for name in job.config.fairness.attributes if name in levels]
    anew = read_arrays(job.root, job.manifest.file("sweep", "model/reclusterings.npz"))
    counted, made = count_extracts(
        job,
        projection,
        arrays["cluster_centers"],
        anew["cluster_centers"],
        {"population": list(levels.values()), "customers": [levels[name] for name in sensitive]},
        work,
    )
    segments = compare(job, counted, segment_ids(arrays))
    odd = refuse_suspicious(job, segments)
    counts = counted["population"].levels
    scales = {a.name for a in schema if a.type == "ordinal"}
    profile = profile_segments(counts, list(levels.values()), job.meanings, scales)
    ordered = {a.name for a in schema if a.type in ("ordinal", "numeric", "interval")}
    traits = segment_traits(profile, _level_order(counts, levels), ordered, job.meanings)
    assessed = read_part(job.root, job.manifest.file("assess", "assess/attributes.parquet"))
    # What few people are known to have says nothing of a segment; what is told twice, nothing new.
    told = set(assessed.filter("kept")["attribute"]) - set(job.facts("encode")["redundant"])
    telling = traits.filter(pl.col("attribute").is_in(told))
    min_cell = job.config.fairness.min_cell
    names = name_segments(
        telling,
        job.meanings,
        known_phrases(),
        unnamed=job.config.fairness.attributes,
        few=segments.filter(pl.col("population_rows") < min_cell)["segment"].to_list(),
        min_cell=min_cell,
    )
    names = keep_names(job, names)
    read, loadings = components(job, projection)
    described = describe_segments(segments, names, telling, min_cell=min_cell)
    fair = fairness(job, counted, segments, levels, sensitive)
    tested = tests(segments, odd)
    files: list[StoredFile] = [
        *made.files,
        write_file(work, "compare/levels.json", levels_as_json(levels)),
        write_file(work, "compare/segments.csv", segments.write_csv().encode()),
        write_part(work, "compare/profile.parquet", profile),
        write_file(work, "compare/tests.json", json.dumps(tested, indent=1).encode()),
        write_table(work, "compare/traits.csv", traits),
        write_table(work, "compare/names.csv", names),
        write_table(work, "compare/components.csv", read),
        write_table(work, "compare/loadings.csv", loadings),
        write_table(work, "compare/fairness.csv", fair),
        write_table(work, "compare/describe.csv", described),
    ]
    total = int(segments.select(_ROWS).sum().sum_horizontal()[0])
    verdicts = Counter(suppress_segments(segments, min_cell)["verdict"])
    return Outcome(
        files,
        total,
        total,
        f"{verdicts['over']} segments over, {verdicts['under']} under",
        {"suspicious": odd, **made.facts},
    )


def keep_names(job: Job, names: pl.DataFrame) -> pl.DataFrame:
    """The names of the base for the segments a refresh took over; new ones keep their own.

    So do those that had too few people to be named then.
    """
    if job.base is None:
        return names
    path = job.base.file("compare", "compare/names.csv")
    before = formula_undone(pl.read_csv(read_file(job.base.root, path), schema=names.schema))
    before = before.filter(~pl.col("name").str.starts_with(TOO_FEW))
    told = before.join(names, on="segment", how="semi")
    new = names.join(before, on="segment", how="anti").with_columns(
        pl.when(pl.col("name").is_in(told["name"].implode()))
        .then(pl.format("{} ({})", "name", "segment"))
        .otherwise("name")
        .alias("name")
    )
    return pl.concat([told, new]).sort("segment")


def _level_order(counts: pl.DataFrame, levels: Mapping[str, Levels]) -> dict[str, list[str]]:
    """The levels counted, in the order of bins, of numbers, or of text."""
    number = pl.col("level").cast(pl.Float64, strict=False)
    table = counts.select("attribute", "level").unique().sort("attribute", number, "level")
    found: dict[str, list[str]] = {}
    for attribute, level in table.iter_rows():
        found.setdefault(attribute, []).append(level)
    return {name: list(levels[name].names) or of for name, of in found.items()}


STAGE: Stage = Stage(
    "compare",
    needs=("ingest", "assess", "encode", "sweep", "assign"),
    settings=settings,
    inputs=inputs,
    run=run,
)

if __name__ == "__main__":
    from jobs.run import main

    main(only="compare")
