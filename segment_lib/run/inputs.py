"""Sources: inputs of stages that no stage writes, such as extracts, attributes and the plan."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from typing import Any

from segment_lib.encode import Plan, decode_plan, read_plan
from segment_lib.errors import ConfigError
from segment_lib.run.artifacts import DRIFT, MODEL_STAGES, PLAN
from segment_lib.run.baseline import Baseline
from segment_lib.run.job import Job
from segment_lib.run.reads import Source
from segment_lib.run.record import Work
from segment_lib.schema import Dictionary, LabelTable, Meaning, Schema
from segment_lib.schema.changes import Changes
from segment_lib.sources import ColumnMapping, DeliveredFiles, TextFormat, list_files
from segment_lib.storage.files import hash_file
from segment_lib.storage.location import Location
from segment_lib.storage.stores import as_location
from segment_lib.terms import EXTRACTS

_DERIVED = "derived_plans"
_DESCRIPTIONS = ("data_dictionary", "labels")


def _attributes(schema: Schema) -> Any:
    return [[a.name, a.information_level, a.type, *a.missing, *a.recoded] for a in schema]


def _delivered_files(job: Job) -> Mapping[str, DeliveredFiles]:
    patterns = {name: job.config.inputs.path(name) for name in EXTRACTS}
    return {
        name: DeliveredFiles(
            pattern,
            job.delivered[name],
            partial(job.delivered_now, name),
            list_files(pattern).left_out,
        )
        for name, pattern in patterns.items()
    }


EXTRACT_FILES: Source[Mapping[str, DeliveredFiles]] = Source(
    "the delivered files",
    value=_delivered_files,
    # Not where they are: a delivery that was moved is the same.
    digest=lambda job: [
        [list(files.fingerprints.values()), files.left_out]
        for files in _delivered_files(job).values()
    ],
)
ADDRESSES: Source[Mapping[str, str]] = Source(
    "where the extracts are, as the config names them: of a table that is no file, not its copy",
    value=lambda job: {name: job.manifest.about["config"]["inputs"][name] for name in EXTRACTS},
    digest=lambda job: None,
)
TEXT_FORMATS: Source[Mapping[str, TextFormat]] = Source(
    "what the config says of the text of each extract",
    value=lambda job: {name: job.config.inputs.text_format(name) for name in EXTRACTS},
    digest=lambda job: [asdict(job.config.inputs.text_format(name)) for name in EXTRACTS],
)
DELIVERY: Source[ColumnMapping] = Source(
    "how columns become attributes",
    value=lambda job: job.delivery,
    digest=lambda job: job.delivery.as_json(),
)
SCHEMA: Source[Schema] = Source(
    "the attributes",
    value=lambda job: job.schema,
    digest=lambda job: _attributes(job.schema),
)
MEANINGS: Source[Mapping[str, Meaning]] = Source(
    "what attributes mean",
    value=lambda job: job.meanings,
    digest=lambda job: {name: asdict(meaning) for name, meaning in job.meanings.items()},
)
DICTIONARY: Source[Dictionary | None] = Source(
    "the delivered data dictionary, which decides meanings alone",
    value=lambda job: job.dictionary,
    digest=lambda job: None,
)
LABELS: Source[LabelTable | None] = Source(
    "the delivered table of labels, which decides meanings alone",
    value=lambda job: job.labels,
    digest=lambda job: None,
)


DESCRIPTIONS: Source[Mapping[str, str]] = Source(
    "the files that describe columns and codes, by the key of the config that names them",
    value=lambda job: {key: getattr(job.config.inputs, key) for key in _DESCRIPTIONS},
    digest=lambda job: [
        hash_file(as_location(path)) if (path := getattr(job.config.inputs, key)) else None
        for key in _DESCRIPTIONS
    ],
)


def read_plan_on_disk(job: Job) -> Plan:
    """Return the plan in the run folder, derived or edited."""
    path = job.root / PLAN.path
    return read_plan(decode_plan(path.read_bytes(), path), job.schema, str(path))


@dataclass(frozen=True)
class PlanOnDisk:
    """A plan as encode follows it."""

    plan: Plan
    sha256: str


PLAN_ON_DISK: Source[PlanOnDisk] = Source(
    f"{PLAN.path}, derived or edited",
    value=lambda job: PlanOnDisk(read_plan_on_disk(job), hash_file(job.root / PLAN.path) or ""),
    digest=lambda job: hash_file(job.root / PLAN.path),
    stages=(PLAN.stage,),
)


class EditablePlan:
    """plan.json, and the record of which plans were derived and not edited.

    Parameters
    ----------
    path : where it is, if it is
    derived : sha256 of the plans that were derived here; is added to
    """

    def __init__(self, path: Location, derived: list[str]) -> None:
        self.path, self._derived = path, derived

    def edited(self) -> str | None:
        """Return the text of the plan; None if it is as it was derived, or not there."""
        if not self.path.is_file():
            return None
        content = self.path.read_bytes()
        if sha256(content).hexdigest() in self._derived:
            return None
        return decode_plan(content, self.path)

    def note_derived(self, text: str) -> None:
        """Record a derived plan, so that it is never taken for an edited one."""
        if (digest := sha256(text.encode()).hexdigest()) not in self._derived:
            self._derived.append(digest)


EDITABLE_PLAN: Source[EditablePlan] = Source(
    "the plan as the analyst left it, which is kept whatever it is",
    value=lambda job: EditablePlan(
        job.root / PLAN.path, job.manifest.notes.setdefault(_DERIVED, [])
    ),
    digest=lambda job: None,
)


def baseline_of(job: Job) -> Baseline:
    """Return the base of a refresh.

    Raises
    ------
    ConfigError
        If the job is no refresh.
    """
    if job.baseline is None:
        raise ConfigError("This stage is one of a refresh, which names a base with --base.")
    return job.baseline


PLAN_IN_FORCE: Source[str] = Source(
    "the plan of the base, or the one given in its place",
    value=lambda job: baseline_of(job).plan_text(job.meanings),
    digest=lambda job: sha256(baseline_of(job).plan_text(job.meanings).encode()).hexdigest(),
)
CHANGES: Source[Changes] = Source(
    "how the delivery differs from that of the base",
    value=lambda job: baseline_of(job).changes,
    digest=lambda job: [asdict(change) for change in baseline_of(job).changes.listed],
)
BASE_NAME: Source[str] = Source(
    "the name of the base",
    value=lambda job: baseline_of(job).root.name,
    digest=lambda job: baseline_of(job).root.name,
)
BASE_FILLS: Source[Mapping[str, float]] = Source(
    "the value of every feature of the base where its attribute is missing",
    value=lambda job: baseline_of(job).fills,
    digest=lambda job: dict(baseline_of(job).fills),
)
BASE_SCHEMA: Source[Schema] = Source(
    "the attributes of the base",
    value=lambda job: baseline_of(job).schema,
    digest=lambda job: _attributes(baseline_of(job).schema),
)


_BEFORE_SUMMARY = (*MODEL_STAGES, DRIFT.stage)


def work_of(job: Job) -> Work:
    """Return how many parts the stages of a refresh went over."""
    records = (job.manifest.stages[name] for name in _BEFORE_SUMMARY)
    return sum((Work(**record.work) for record in records), start=Work())


WORK: Source[Work] = Source(
    "the parts that the stages went over",
    value=work_of,
    digest=lambda job: vars(work_of(job)),
    stages=_BEFORE_SUMMARY,
)
