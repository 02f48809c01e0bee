"""What each stage reads and which keys of the config it obeys; its script says what it does.

So a job finds out whether there is anything to do, and loads the libraries of that alone.
"""

from collections.abc import Callable
from importlib import import_module

from segment_lib.run import artifacts, inputs
from segment_lib.run.artifacts import (
    ARRAYS,
    ASSIGNED,
    ATTRIBUTES,
    FEATURES,
    NAMES,
    PROJECTION,
    RAW,
    SEGMENTS,
)
from segment_lib.run.inputs import MEANINGS, PLAN_ON_DISK, SCHEMA
from segment_lib.run.reads import OfBase, Read, fields_of
from segment_lib.run.results import Compared, Drifted, Encoded, Fitted, Gained, Ingested, Swept
from segment_lib.run.run_sheet import RUN_SHEET
from segment_lib.run.stage import Script, Stage, in_order


def _script(name: str) -> Callable[[], Script]:
    def load() -> Script:
        module = import_module(f".{name}", __package__)
        return Script(module.run, module.cost)

    return load


def _stage(
    name: str, *, reads: tuple[Read, ...], settings: tuple[str, ...] = (), script: str = ""
) -> Stage:
    """Declare a stage, whose script is the module here of its name or of the one given."""
    return Stage(name, _script(script or name), reads, settings)


_TO_FIT = ("model.scaling", "model.n_components", "model.min_components")
_TO_SWEEP = ("model.n_clusters", "model.sweep", "model.random_state")

_REPORT = _stage(
    "report",
    reads=(
        *(ATTRIBUTES, artifacts.ROWS, artifacts.SWEEP, artifacts.STABILITY),
        *(artifacts.SENSITIVITY, ARRAYS, artifacts.COMPONENTS, artifacts.LOADINGS),
        *(SEGMENTS, NAMES, artifacts.TRAITS, artifacts.TESTS, artifacts.FAIRNESS),
        *(artifacts.GAINS, artifacts.DEPTHS, artifacts.DEPTH, artifacts.RESPONSE),
        *(RUN_SHEET, artifacts.GROUPS, artifacts.GROUP_TRAITS),
        *(artifacts.CALIBRATION, artifacts.WEIGHTS),
        *(Encoded, Fitted, Gained, Ingested, fields_of(Swept, "rule")),
        *(fields_of(Compared, "suspicious"), MEANINGS),
    ),
    settings=(
        *("fairness.attributes", "fairness.describe", "fairness.min_cell"),
        *("compare.min_segment_rows", "report.language"),
    ),
)

STAGES = in_order(
    (
        _stage(
            "ingest",
            reads=(inputs.EXTRACT_FILES, inputs.TEXT_FORMATS, inputs.DELIVERY),
            settings=(
                *("inputs.id_column", "inputs.suppress_column", "inputs.response"),
                *("inputs.extra_columns", "inputs.customers_where", "inputs.repeated_ids"),
                *("inputs.missing", "run.rows_per_part", "fairness.min_cell"),
            ),
        ),
        _stage(
            "assess",
            reads=(
                *(RAW, SCHEMA, MEANINGS),
                *(inputs.DICTIONARY, inputs.LABELS, inputs.EDITABLE_PLAN),
            ),
            settings=(
                *("cleaning.max_missing_share", "cleaning.max_unseen_share"),
                *("encode.report_day", "encode.min_level_share"),
                *("fairness.attributes", "fairness.keep_out", "fairness.min_cell"),
                *("inputs.missing", "inputs.suppress_column"),
            ),
        ),
        _stage(
            "encode",
            reads=(RAW, ATTRIBUTES, SCHEMA, PLAN_ON_DISK),
            settings=("cleaning.max_missing_per_row",),
        ),
        _stage(
            "fit", reads=(FEATURES, fields_of(Encoded, "features", "attributes")), settings=_TO_FIT
        ),
        _stage(
            "sweep",
            reads=(
                *(FEATURES, PROJECTION, fields_of(Fitted, "n_above_chance", "variance_needed")),
                fields_of(Encoded, "features", "population"),
            ),
            settings=_TO_SWEEP,
        ),
        _stage(
            "assign",
            reads=(
                *(RAW, fields_of(Ingested, "left_out"), FEATURES),
                *(fields_of(Encoded, "features"), ARRAYS),
            ),
        ),
        _stage(
            "compare",
            reads=(
                *(RAW, ATTRIBUTES, FEATURES, ARRAYS, artifacts.RECLUSTERED, ASSIGNED),
                *(SCHEMA, MEANINGS, PLAN_ON_DISK, fields_of(Encoded, "features", "redundant")),
                *(OfBase(NAMES), OfBase(artifacts.LEVELS)),
                OfBase(fields_of(Compared, "language")),
            ),
            settings=(
                *("compare", "fairness.attributes", "fairness.describe", "fairness.min_cell"),
                *("inputs.customers_where", "report.language"),
            ),
        ),
        _stage(
            "gains",
            reads=(
                *(RAW, FEATURES, PROJECTION, ARRAYS, ASSIGNED, MEANINGS, PLAN_ON_DISK),
                *(OfBase(ARRAYS), OfBase(artifacts.MICRO_MODEL), OfBase(artifacts.RANKING)),
                fields_of(Ingested, "passthrough"),
                fields_of(Encoded, "features", "population", "customers"),
            ),
            settings=("model.n_micro", "model.random_state", "mailing", "inputs.response"),
        ),
        _REPORT,
    )
)
"""The stages of a full run."""

_OWN = (
    _stage(
        "assess",
        reads=(RAW, SCHEMA, MEANINGS, inputs.CHANGES, inputs.PLAN_IN_FORCE, OfBase(ATTRIBUTES)),
        settings=(
            *("cleaning.max_unseen_share", "encode.report_day", "encode.min_level_share"),
            *("fairness.min_cell", "inputs.missing"),
        ),
        script="refresh_assess",
    ),
    _stage(
        "drift",
        reads=(
            *(RAW, ATTRIBUTES, FEATURES, SCHEMA, inputs.CHANGES, PLAN_ON_DISK),
            *(fields_of(Ingested, "left_out"), fields_of(Encoded, "features")),
            *(OfBase(RAW), OfBase(ARRAYS), OfBase(ASSIGNED)),
            *(
                OfBase(fields_of(Encoded, "features")),
                inputs.BASE_NAME,
                inputs.BASE_SCHEMA,
                inputs.BASE_FILLS,
            ),
        ),
        settings=("refresh.policy", "fairness.min_cell"),
    ),
    _stage(
        "fit",
        reads=(
            FEATURES,
            fields_of(Encoded, "features", "attributes", "population"),
            fields_of(Drifted, "decision"),
            *(OfBase(PROJECTION), OfBase(Fitted)),
        ),
        settings=_TO_FIT,
        script="refresh_fit",
    ),
    _stage(
        "sweep",
        reads=(
            *(FEATURES, PROJECTION, artifacts.PLACED),
            fields_of(Fitted, "n_above_chance", "variance_needed"),
            *(fields_of(Encoded, "features", "population"), fields_of(Drifted, "decision")),
            *map(OfBase, artifacts.MODEL_FILES),
            *(OfBase(Swept), OfBase(fields_of(Encoded, "features"))),
        ),
        settings=_TO_SWEEP,
        script="refresh_sweep",
    ),
    _stage(
        "refresh",
        reads=(
            *(SEGMENTS, NAMES, artifacts.SHARES, Drifted, OfBase(SEGMENTS), OfBase(NAMES)),
            *(
                fields_of(Ingested, "population", "customers"),
                fields_of(Swept, "matching"),
                inputs.WORK,
            ),
        ),
        script="refresh_summary",
    ),
    _stage(
        "report",
        reads=(
            *(*_REPORT.reads, Drifted, artifacts.DRIFT, artifacts.SEGMENT_CHANGES),
            *(artifacts.SUMMARY, OfBase(SEGMENTS)),
        ),
        settings=_REPORT.settings,
    ),
)
OF_REFRESH = in_order({stage.name: stage for stage in (*STAGES, *_OWN)}.values())
"""The stages of a refresh: those of a full run, some of them done in another way."""
