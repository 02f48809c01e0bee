"""Draft the types of the columns from the rows, as *draft* does, where no feature summary is given.

It comes before the stages of the job, as what these read follows from the types.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from segment_lib.config import Config, load_config
from segment_lib.errors import ConfigError
from segment_lib.run.artifacts import DRAFTED, DRAFTED_CONFIG
from segment_lib.run.context import Context
from segment_lib.run.draft_screen import assumed
from segment_lib.run.drafting import GIVEN, draft_files, write_config
from segment_lib.run.inputs import ADDRESSES, DESCRIPTIONS, EXTRACT_FILES, TEXT_FORMATS
from segment_lib.run.job import Job
from segment_lib.run.results import Result
from segment_lib.run.runner import run_stages
from segment_lib.run.stage import Cost, Outcome, Scale, Script, Stage
from segment_lib.schema.customer_mark import CustomerMark
from segment_lib.sources import unchanging


def run(context: Context) -> Outcome:
    """Draft the feature summary, and the config that would go with it."""
    min_cell = context.config.fairness.min_cell
    files = context.source(EXTRACT_FILES)
    patterns = {name: own.pattern for name, own in files.items()}
    described = {key: Path(path) for key, path in context.source(DESCRIPTIONS).items() if path}
    with unchanging(files.values()):
        drafted = draft_files(
            context.compute,
            patterns,
            context.source(TEXT_FORMATS),
            context.scratch(),
            mark=CustomerMark.parse(context.config.inputs.customers_where),
            dictionary=described.get("data_dictionary"),
            labels=described.get("labels"),
            min_cell=min_cell,
        )
    context.write(DRAFTED, drafted.summary(min_cell))
    inputs = context.config.inputs
    given = {key: getattr(inputs, key) for key in GIVEN}
    config = write_config(drafted, Path(), context.source(ADDRESSES), given)
    context.write(DRAFTED_CONFIG, config.encode())
    rows = drafted.population.rows + drafted.customers.rows
    message = f"{len(drafted.attributes)} of {len(drafted.columns)} columns make features"
    return Outcome(Result(), rows, rows, message, [assumed(drafted), *drafted.remarks])


def cost(scale: Scale) -> Cost:
    """Estimate what drafting takes."""
    return Cost(scale.all_parts, 1e5)


STAGE = Stage(
    DRAFTED.stage,
    lambda: Script(run, cost),
    reads=(EXTRACT_FILES, ADDRESSES, TEXT_FORMATS, DESCRIPTIONS),
    settings=(*(f"inputs.{key}" for key in GIVEN), "fairness.min_cell"),
)


def with_types(job: Job, overrides: Sequence[str] | None, *, dry: bool = False) -> Config:
    """Return the config of a job with a feature summary, which is drafted if it has none.

    Parameters
    ----------
    overrides : those of the command line, where the job was started with the extracts alone and
        the whole drafted config is followed; None where it has a config
    dry : draft nothing

    Raises
    ------
    ConfigError
        If nothing is to be drafted and nothing has been.
    """
    config, root = job.config, job.root
    if config.inputs.feature_summary:
        return config
    if dry and not STAGE.is_done(job):
        raise ConfigError(
            "inputs.feature_summary is not set, and the types are not drafted yet, so that nothing "
            "can be forecast. Run without --dry-run, or draft first: segments draft."
        )
    if not dry:
        run_stages(job, (STAGE,))
    if overrides is None:
        summary = str(root / DRAFTED.path)
        return replace(config, inputs=replace(config.inputs, feature_summary=summary))
    drafted = load_config(root / DRAFTED_CONFIG.path, overrides)
    # A delivery that was moved is read where it is now.
    return drafted.reading(config.inputs.population, config.inputs.customers)
