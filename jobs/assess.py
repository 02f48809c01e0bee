"""From the tallies alone: what is missing, which attributes are kept, and the plan for the rest."""

from collections import Counter
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import polars as pl
from dask import delayed

from jobs.command import run_alone
from jobs.legacy import Outcome, Stage
from segment_lib.clean import (
    ExtractCounts,
    Tally,
    as_code,
    assess_attributes,
    expected_levels,
    histogram,
    refuse_unseen,
    remarks,
    sum_tallies,
)
from segment_lib.config import Config
from segment_lib.disclosure import count_text
from segment_lib.encode import (
    MAX_LEVELS,
    REDUNDANT,
    Plan,
    decode_plan,
    derive_plan,
    has_too_many_levels,
    read_plan,
)
from segment_lib.errors import ConfigError, DataError
from segment_lib.model.blocks import add_up
from segment_lib.run.job import Job
from segment_lib.run.manifest import Manifest
from segment_lib.run.progress import log
from segment_lib.schema import canonical
from segment_lib.schema.suppress_column import suspected_columns, suspected_remarks
from segment_lib.storage.files import StoredFile, read_metadata, write_file, write_part
from segment_lib.storage.location import Location
from segment_lib.terms import EXTRACTS


def settings(config: Config) -> Any:
    told = config.cleaning
    small = config.fairness.min_cell
    return [told.max_missing_share, told.max_unseen_share, small, kept_out(config)]


def kept_out(config: Config) -> dict[str, str]:
    """Sensitive attributes that make no feature, and what says the same; the reason in the plan."""
    if not config.fairness.keep_out:
        return {}
    sensitive = config.fairness.attributes
    same = [name for name, (instead, _) in REDUNDANT.items() if instead in sensitive]
    return dict.fromkeys((*sensitive, *same), "sensitive")


def inputs(job: Job) -> Any:
    return [job.hashes("ingest"), job.told_meanings(), declared(job)]


def declared(job: Job) -> Any:
    """What the feature summary and the config say of the attributes, beside what ingest obeys."""
    told = [[a.information_level, *a.missing] for a in job.schema]
    return [told, job.config.inputs.missing]


def read_tally(root: Location, file: StoredFile) -> Tally:
    return Tally.from_json(read_metadata(root, file)["tally"])


def tallies(job: Job, run: Manifest | None = None) -> dict[str, Tally]:
    """The tally of each extract, added up as its parts are read: never all of them in memory.

    Parameters
    ----------
    run : another run than that of the job
    """
    of = run or job.manifest
    tasks = [
        add_up([delayed(read_tally)(of.root, file) for file in of.files("ingest", f"raw/{name}/")])
        for name in EXTRACTS
    ]
    return dict(zip(EXTRACTS, job.workers.run(tasks), strict=True))


def levels(job: Job) -> dict[str, tuple[str, ...]]:
    """The levels the dictionary gives, for the attributes of which it lists all."""
    return {n: tuple(meaning.levels) for n, meaning in job.meanings.items() if meaning.complete}


def look_over(
    job: Job, attributes: pl.DataFrame, extracts: Mapping[str, ExtractCounts], plan: Plan
) -> list[str]:
    """What to remark on in the delivery.

    Raises
    ------
    DataError
        If too many rows hold codes the dictionary lacks: it is not theirs.
    """
    dictionary = levels(job)
    refuse_unseen(
        job.schema,
        attributes,
        extracts,
        dictionary,
        max_unseen_share=job.config.cleaning.max_unseen_share,
        uncounted={rule.attribute for rule in plan.rules if has_too_many_levels(rule)},
    )
    return remarks(
        job.schema,
        extracts,
        dictionary,
        everywhere=tuple(map(canonical, job.config.inputs.missing)),
        min_cell=job.config.fairness.min_cell,
    )


def edited_plan(job: Job) -> str | None:
    """The plan as the analyst left it; None if it is as it was derived, or not there."""
    path = job.root / "plan.json"
    if not path.is_file():
        return None
    text = path.read_bytes()
    derived = sha256(text).hexdigest() in job.manifest.notes.get("derived_plans", ())
    return None if derived else decode_plan(text, path)


def note_derived(job: Job, plan: str) -> None:
    """Remember the plan, so that it is never taken for an edited one."""
    noted = job.manifest.notes.setdefault("derived_plans", [])
    if (mark := sha256(plan.encode()).hexdigest()) not in noted:
        noted.append(mark)


def run(job: Job, work: Location) -> Outcome:
    schema = job.schema
    counted = tallies(job)
    extracts = {name: sum_tallies([counted[name]], schema) for name in EXTRACTS}
    population, customers = extracts.values()
    dictionary = levels(job)
    attributes = assess_attributes(
        schema,
        population,
        customers,
        dictionary,
        max_missing_share=job.config.cleaning.max_missing_share,
    )
    _tell_coverage(job)
    _tell_kept_out(job)
    kept = set(attributes.filter("kept")["attribute"])
    rows: dict[str, Counter[int]] = {
        name: histogram(counted[name], schema, kept) for name in EXTRACTS
    }
    plan = derive_plan(
        schema,
        kept_out(job.config)
        | dict(attributes.filter(~pl.col("kept")).select("attribute", "reason").iter_rows()),
        {a.name: spelled(population.values[a.name].rows) for a in schema},
        {a.name: expected_levels(a, population.values[a.name], dictionary) for a in schema},
    )
    if not plan.features:
        raise DataError(
            "Every attribute of the population is missing too often or the same in all rows: there "
            "is nothing to segment. Check the extract and cleaning.max_missing_share."
        )
    derived = plan.to_json(job.meanings)
    text = edited_plan(job) or derived
    note_derived(job, derived)
    if text != derived:
        plan = read_plan(text, schema, str(job.root / "plan.json"))
        log("assess   plan.json was edited and is kept; delete it to get the derived one")
    noticed = look_over(job, attributes, extracts, plan)
    files = [
        write_part(work, "assess/attributes.parquet", attributes),
        write_part(work, "assess/rows.parquet", histogram_table(rows)),
        write_file(work, "plan.json", text.encode()),
    ]
    total = population.rows + customers.rows
    return Outcome(
        files,
        total,
        total,
        _message(attributes, plan, job.config.fairness.min_cell),
        {"attributes": [[a.name, a.information_level, a.type, list(a.missing)] for a in schema]},
        remarks=[
            *noticed,
            *suspected_remarks(suspected_columns(attributes, job.config.inputs.suppress_column)),
        ],
    )


def spelled(counts: Mapping[float | str, int]) -> dict[str, int]:
    return {as_code(value): rows for value, rows in counts.items()}


def _tell_coverage(job: Job) -> None:
    if job.dictionary and job.dictionary.not_covered:
        log(f"assess   the data dictionary lacks {', '.join(job.dictionary.not_covered)}")
    if job.dictionary and job.dictionary.not_delivered:
        log(f"assess   only the dictionary has {', '.join(job.dictionary.not_delivered)}")


def _tell_kept_out(job: Job) -> None:
    """Say which attributes cannot be kept out; refuse if it is all of them: a name is wrong."""
    told, names = job.config.fairness, job.schema.names
    absent = [name for name in told.attributes if name not in names] if told.keep_out else []
    if absent and len(absent) == len(told.attributes):
        raise ConfigError(
            f"fairness.keep_out: the feature summary has no {', '.join(absent)}. Set "
            "fairness.attributes to the attributes to keep out, or fairness.keep_out to false."
        )
    if absent:
        log(f"assess   no {', '.join(absent)} in the feature summary to keep out")


def histogram_table(rows: Mapping[str, Counter[int]]) -> pl.DataFrame:
    return pl.DataFrame(
        [(name, n, count) for name in EXTRACTS for n, count in sorted(rows[name].items())],
        schema={"extract": pl.String, "n_missing": pl.Int64, "rows": pl.Int64},
        orient="row",
    )


def _message(attributes: pl.DataFrame, plan: Plan, min_cell: int) -> str:
    dropped = attributes.filter(~pl.col("kept"))["attribute"].to_list()
    unseen = sum(attributes["unseen_rows"]) + sum(attributes["customers_unseen_rows"])
    told = f"{attributes.height - len(dropped)} of {attributes.height} attributes kept"
    told += f" (dropped {', '.join(dropped)})" if dropped else ""
    told += f", {len(plan.features)} features planned"
    many = [rule.attribute for rule in plan.rules if has_too_many_levels(rule)]
    told += f" (none of {', '.join(many)}: more than {MAX_LEVELS} levels)" if many else ""
    cells = count_text(unseen, min_cell)
    return told + (f", {cells} cells hold a code the dictionary lacks" if unseen else "")


STAGE: Stage = Stage("assess", needs=("ingest",), settings=settings, inputs=inputs, run=run)

if __name__ == "__main__":
    run_alone(STAGE.name)
