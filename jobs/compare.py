"""Compare segments: where the customers come from, how certain that is, and the traits of each."""

from collections import Counter

import numpy as np
import polars as pl
from dask import delayed

from segment_lib import profile
from segment_lib.compare import (
    chi_square_tests,
    group_segments,
    group_table,
    refuse_suspicious,
    sanity_checks,
    segment_table,
)
from segment_lib.disclosure import suppress_segments
from segment_lib.model import segment_ids
from segment_lib.run import artifacts
from segment_lib.run.artifacts import ARRAYS, ASSIGNED, ATTRIBUTES, COUNTS, FEATURES, RAW
from segment_lib.run.context import Context
from segment_lib.run.inputs import MEANINGS, PLAN_ON_DISK, SCHEMA
from segment_lib.run.results import Compared, Encoded
from segment_lib.run.stage import Cost, Outcome, Scale
from segment_lib.schema.language import Language
from segment_lib.schema.translated import meanings_in
from segment_lib.schema.wording import counted
from segment_lib.storage.tables import PEOPLE
from segment_lib.tasks.assign import count_assigned
from segment_lib.tasks.count import BYTES_PER_CELL, BYTES_PER_FEATURE, add_counts, count_parts
from segment_lib.tasks.tallies import sum_of_tallies
from segment_lib.terms import EXTRACTS, SET_ASIDE

from .command import run_alone


def run(context: Context) -> Outcome:
    """Count by segment, compare, and describe."""
    compare, fairness = context.config.compare, context.config.fairness
    schema, language = context.source(SCHEMA), Language(context.config.report.language)
    encoded, arrays, levels = context.result(Encoded), context.arrays(ARRAYS), profiled(context)
    sensitive = [levels[name] for name in fairness.attributes if name in levels]
    parts = context.make_parts(
        count_parts(
            context.aligned(RAW, ASSIGNED, FEATURES),
            COUNTS.beside,
            {"population": list(levels.values()), "customers": sensitive},
            schema,
            encoded.features,
            arrays,
            context.arrays(artifacts.RECLUSTERED)["cluster_centers"],
        ),
        bytes_per_row=max(BYTES_PER_CELL * len(levels), BYTES_PER_FEATURE * len(encoded.features)),
        unit="parts",
    )
    people, customers = (
        add_counts(context.staging_dir, COUNTS.among(parts, extract)) for extract in EXTRACTS
    )
    assigned = [delayed(count_assigned)(context.root, context.files(ASSIGNED, e)) for e in EXTRACTS]
    population_rows, customer_rows = context.compute(assigned)
    segments = segment_table(
        population_rows,
        customer_rows,
        ids := segment_ids(arrays),
        contingency=people.overlap.contingency,
        customer_sizes=customers.overlap.sizes,
        jaccard=people.overlap.stability,
        base=compare.base,
        min_rows=compare.min_segment_rows,
    )
    suspicious = sanity_checks(segments, fairness.min_cell)
    # The codes of both cannot differ where both are the same files.
    if not compare.allow_suspicious and not context.config.inputs.customers_where:
        refuse_suspicious(suspicious)
    elif suspicious:
        context.log(f"suspicious, but allowed: {'; '.join(map(str, suspicious))}")
    shown = suppress_segments(segments, fairness.min_cell)
    verdicts = dict(shown.select("segment", "verdict").iter_rows())
    groups = group_segments(
        arrays["cluster_centers"],
        np.array([population_rows[number] for number in ids.tolist()]),
        [verdicts.get(number) for number in ids.tolist()],
    )
    kept = set(context.frame(ATTRIBUTES).filter("kept")["attribute"]) - set(encoded.redundant)
    tables = profile.profile_tables(
        people.levels,
        customers.levels,
        segments,
        schema=schema,
        levels=levels,
        meanings=meanings_in(language, context.source(MEANINGS)),
        language=language,
        telling=kept,
        sensitive=fairness.attributes,
        describe_sensitive=fairness.describe,
        group_figures=group_table(
            population_rows,
            customer_rows,
            ids,
            groups,
            contingency=people.overlap.contingency,
            customer_sizes=customers.overlap.sizes,
            base=compare.base,
            min_rows=compare.min_segment_rows,
        ),
        group_of={int(ids[place]): int(ids[group[0]]) for group in groups for place in group},
        min_cell=fairness.min_cell,
        arrays=arrays,
        features=context.source(PLAN_ON_DISK).plan.attributes,
        names_before=names_before(context, language),
    )
    context.write_json(artifacts.LEVELS, profile.levels_to_json(levels), ensure_ascii=False)
    context.write_table(artifacts.SEGMENTS, segments)
    context.write_json(
        artifacts.TESTS,
        {**chi_square_tests(segments), "suspicious": list(map(str, suspicious))},
    )
    context.write_frame(artifacts.PROFILE, tables.profile)
    for name in (
        "traits",
        "names",
        "group_traits",
        "groups",
        "components",
        "loadings",
        "fairness",
    ):
        context.write_table(getattr(artifacts, name.upper()), getattr(tables, name))
    form = PEOPLE[context.config.report.language]
    context.write_table(artifacts.DESCRIBE, tables.describe, form)
    n_verdicts = Counter(shown.filter(pl.col("segment") != SET_ASIDE)["verdict"])
    total = population_rows.total() + customer_rows.total()
    message = f"{counted(n_verdicts['over'], 'segment')} over, {n_verdicts['under']} under"
    return Outcome(Compared(tuple(suspicious), language.code), total, total, message)


def names_before(context: Context, language: Language) -> pl.DataFrame | None:
    """Return the names of the base of a refresh; None if they are in another language."""
    if not context.is_refresh or context.base.result(Compared).language != language.code:
        return None
    return context.base.table(artifacts.NAMES)


def profiled(context: Context) -> dict[str, profile.Levels]:
    """Choose the profile of each attribute: as in the base of a refresh, so that counts compare."""
    (tally,) = context.compute([sum_of_tallies(context.root, context.files(RAW, "population"))])
    base = context.base.json(artifacts.LEVELS) if context.is_refresh else {}
    counts = {name: value.rows for name, value in tally.values.items()}
    dates = {attribute.name for attribute in context.source(SCHEMA) if attribute.is_date}
    return profile.all_levels(counts, profile.levels_from_json(base), dates)


def cost(scale: Scale) -> Cost:
    """Estimate what counting takes."""
    return Cost(
        scale.all_parts,
        scale.attributes * (2_400 + 140 * scale.all_parts),
        bytes_per_row=BYTES_PER_CELL * scale.attributes,
    )


if __name__ == "__main__":
    run_alone("compare")
