"""A stage reads what it has declared and nothing else, and its fingerprint knows all it reads."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jobs import draft_types, refresh, run
from segment_lib.cluster.workers import local_workers
from segment_lib.config import Config, Inputs
from segment_lib.errors import ConfigError
from segment_lib.run.artifact_kinds import Artifact
from segment_lib.run.artifacts import ARRAYS, ARTIFACTS, ATTRIBUTES, FEATURES, PLAN, PROJECTION, RAW
from segment_lib.run.baseline import Baseline
from segment_lib.run.blame import unquoted
from segment_lib.run.context import Context
from segment_lib.run.job import Job
from segment_lib.run.manifest import Manifest
from segment_lib.run.progress import Console
from segment_lib.run.reads import OfBase, Read, Source, fields_of
from segment_lib.run.record import StageRecord
from segment_lib.run.restricted import UndeclaredError
from segment_lib.run.results import Encoded, Fitted, Ingested, Result
from segment_lib.run.runner import run_stages
from segment_lib.run.stage import Cost, Outcome, Script, Stage
from segment_lib.storage.files import StoredFile, write_file, write_part

PARTS = [artifact.part("population", 0) for artifact in (RAW, FEATURES)]
INGESTED = Ingested(1, 0, "LNR", "", "once", {}, left_out={PARTS[0]: 1})
ENCODED = Encoded(("AGE",), ("AGE",), (), 2, "sha256", 1, 0)
PLAIN: Source[str] = Source("a plain source", lambda job: "value", lambda job: "value")
OTHER: Source[str] = Source("another source", lambda job: "value", lambda job: "value")


def publish(manifest: Manifest, result: Result, artifacts: Sequence[Artifact | str]) -> None:
    """Publish a stage that leaves its result and a file for each artifact."""
    staging_dir = manifest.folder.begin(result.stage, "fingerprint")
    rows = pl.DataFrame({"row": [0]})
    paths = [entry if isinstance(entry, str) else entry.path for entry in artifacts]
    files = [
        write_part(staging_dir, path, rows)
        if path.endswith(".parquet")
        else write_file(staging_dir, path, b"{}")
        for path in paths
    ]
    record = StageRecord("fingerprint", tuple(files), facts=result.as_json())
    manifest.publish(result.stage, staging_dir, record, following=())


def a_run(root: Path) -> Manifest:
    manifest = Manifest(root)
    publish(manifest, INGESTED, [PARTS[0]])
    publish(manifest, ENCODED, [PARTS[1]])
    publish(manifest, Fitted(3, (), 3, ()), [PROJECTION])
    return manifest


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A refresh of which three stages are done, in this run and in its base."""
    config = Config(Inputs())
    base = Baseline(a_run(tmp_path / "base"), config)
    return Job(config, a_run(tmp_path / "run"), local_workers(1), Console(shown=False), base)


def stage_of(
    reads: tuple[Read, ...] = (),
    settings: tuple[str, ...] = (),
    run: Callable[[Context], Any] = lambda context: None,
) -> Stage:
    return Stage("sweep", lambda: Script(run, lambda scale: Cost(1, 1)), reads, settings)


DECLARED = stage_of(
    (
        RAW, Fitted, fields_of(Ingested, "left_out"), PLAIN, OfBase(FEATURES),
        OfBase(fields_of(Encoded, "features")),
    ),
    ("model.random_state", "mailing"),
)  # fmt: skip
ALLOWED: dict[str, Callable[[Context], Any]] = {
    "an artifact": lambda context: context.files(RAW),
    "the file of an artifact": lambda context: context.file(RAW),
    "a result": lambda context: context.result(Fitted).n_components,
    "a field of a result": lambda context: context.result(Ingested).left_out,
    "a key of the config": lambda context: context.config.model.random_state + 1,
    "a section of the config": lambda context: context.config.mailing,
    "a source": lambda context: context.source(PLAIN),
    "an artifact of the base": lambda context: context.base.frame(FEATURES).height,
    "a field of a result of the base": lambda context: context.base.result(Encoded).features,
}
UNDECLARED: dict[str, Callable[[Context], Any]] = {
    "an artifact": lambda context: context.files(FEATURES),
    "the file of an artifact": lambda context: context.file(FEATURES),
    "a table": lambda context: context.frame(ATTRIBUTES),
    "arrays": lambda context: context.arrays(PROJECTION),
    "JSON": lambda context: context.json(PLAN),
    "aligned parts, one of them declared": lambda context: list(context.aligned(RAW, FEATURES)),
    "numbered parts": lambda context: list(context.numbered(FEATURES)),
    "a result": lambda context: context.result(Encoded),
    "another field of a result": lambda context: context.result(Ingested).population,
    "a method of a result that reads other fields": lambda context: context.result(Ingested).rows(
        "population"
    ),
    "another key of a section": lambda context: context.config.model.n_micro,
    "another section": lambda context: context.config.fairness,
    "the whole config": lambda context: context.config.as_dict(),
    "another source": lambda context: context.source(OTHER),
    "another artifact of the base": lambda context: context.base.files(RAW),
    "what is declared of the run, in the base": lambda context: context.base.result(Fitted),
    "another result of the base": lambda context: context.base.result(Ingested),
    "another field of a result of the base": lambda context: context.base.result(Encoded).plan,
}


@pytest.mark.parametrize("read", ALLOWED)
def test_a_stage_reads_what_it_has_declared(job: Job, tmp_path: Path, read: str) -> None:
    assert ALLOWED[read](Context(job, DECLARED, tmp_path))


@pytest.mark.parametrize("read", UNDECLARED)
def test_a_stage_cannot_read_what_it_has_not_declared(job: Job, tmp_path: Path, read: str) -> None:
    with pytest.raises(UndeclaredError, match=r"sweep reads .*declare"):
        UNDECLARED[read](Context(job, DECLARED, tmp_path))


def test_a_stage_that_is_no_refresh_has_no_base(job: Job, tmp_path: Path) -> None:
    with pytest.raises(UndeclaredError, match="a base, of which there is none"):
        Context(replace(job, baseline=None), DECLARED, tmp_path).base.files(FEATURES)


def test_a_stage_writes_its_own_artifacts_alone(job: Job, tmp_path: Path) -> None:
    context = Context(job, DECLARED, tmp_path)
    context.write(ARRAYS, b"")
    with pytest.raises(UndeclaredError, match=r"sweep writes .* of encode"):
        context.write_frame(replace(ATTRIBUTES, stage="encode"), pl.DataFrame())
    assert [file.path for file in context.written] == [ARRAYS.path]


def test_the_runner_hands_a_stage_nothing_else(job: Job) -> None:
    """What it was about to write is not published."""

    def run(context: Context) -> Outcome:
        context.write(ARRAYS, b"")
        context.files(FEATURES)
        raise AssertionError

    with pytest.raises(UndeclaredError):
        run_stages(job, [stage_of((RAW,), run=run)])
    assert "sweep" not in Manifest(job.root).stages


def changed_file(manifest: Manifest, path: str) -> None:
    """List a file as if it had been written with other bytes."""
    for name, record in manifest.stages.items():
        files = tuple(replace(f, sha256="other") if f.path == path else f for f in record.files)
        manifest.stages[name] = replace(record, files=files)


def changed_fact(manifest: Manifest, result: Result, **facts: Any) -> None:
    record = manifest.stages[result.stage]
    manifest.stages[result.stage] = replace(record, facts={**record.facts, **facts})


def with_setting(job: Job, section: str, **keys: Any) -> Job:
    config = replace(job.config, **{section: replace(getattr(job.config, section), **keys)})
    return replace(job, config=config)


CHANGES: dict[str, tuple[Read | str, Callable[[Job], Job | None]]] = {
    "an artifact": (RAW, lambda job: changed_file(job.manifest, PARTS[0])),
    "a result": (
        Fitted,
        lambda job: changed_fact(job.manifest, Fitted(3, (), 3, ()), n_components=4),
    ),
    "a field of a result": (
        fields_of(Ingested, "left_out"),
        lambda job: changed_fact(job.manifest, INGESTED, left_out={}),
    ),
    "a key of the config": ("model.n_micro", lambda job: with_setting(job, "model", n_micro=7)),
    "a section of the config": ("model", lambda job: with_setting(job, "model", n_micro=7)),
    "an artifact of the base": (
        OfBase(FEATURES),
        lambda job: job.base and changed_file(job.base, PARTS[1]),
    ),
    "a result of the base": (
        OfBase(Encoded),
        lambda job: job.base and changed_fact(job.base, ENCODED, plan="other"),
    ),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_what_a_stage_declares_is_in_its_fingerprint_and_nothing_else_is(
    job: Job, kind: str
) -> None:
    read, change = CHANGES[kind]
    reads, settings = ((), (read,)) if isinstance(read, str) else ((read,), ())
    reading, blind = stage_of(reads, settings), stage_of((PLAIN,), ("run",))
    before = [stage.fingerprint(job) for stage in (reading, blind)]
    after = change(job) or job
    assert reading.fingerprint(after) != before[0]
    assert blind.fingerprint(after) == before[1]


def test_a_customer_set_aside_sets_assign_off(job: Job) -> None:
    """No feature changes by one, but there is a row more to write."""
    job.manifest.stages["sweep"] = StageRecord("", (StoredFile(ARRAYS.path, 1, "sha256"),))
    (assign,) = (stage for stage in run.STAGES if stage.name == "assign")
    before = assign.fingerprint(job)
    ingested = job.manifest.stages["ingest"]
    customers = StoredFile(RAW.part("customers", 0), 1, "sha256", 1)
    job.manifest.stages["ingest"] = replace(ingested, files=(*ingested.files, customers))
    assert assign.fingerprint(job) != before


@pytest.mark.parametrize("key", ["model.n_micros", "modell", "modell.n_micro"])
def test_a_setting_that_is_no_key_is_refused_where_the_stage_is_declared(key: str) -> None:
    with pytest.raises(UndeclaredError, match=f"decades obeys {key}"):
        replace(stage_of(), name="decades", settings=(key,))


def test_the_line_of_an_undeclared_read_says_what_to_declare(job: Job, tmp_path: Path) -> None:
    with pytest.raises(UndeclaredError) as raised:
        Context(job, stage_of((RAW,)), tmp_path / "staging").files(FEATURES)
    *_, line = unquoted(raised.value)
    assert "reads features, which it does not declare. Add it to its reads" in line


def test_a_stage_of_a_full_run_is_one_of_a_refresh_too() -> None:
    own = {stage.name for stage in run.STAGES}
    assert own | {"drift", "refresh"} == {stage.name for stage in refresh.STAGES}
    stages = {draft_types.STAGE.name} | {stage.name for stage in refresh.STAGES}
    assert {artifact.stage for artifact in ARTIFACTS} == stages


def test_only_what_is_read_is_asked_of_a_job_that_begins_later(job: Job) -> None:
    job.manifest.stages.clear()
    ran = []

    def write_down(context: Context) -> Outcome:
        ran.append(1)
        return Outcome(Result(), 1, 1, "")

    last = replace(stage_of(run=write_down), name="report")
    run_stages(job, [stage_of(), last], first="report")
    assert ran == [1]
    reader = replace(stage_of((ARRAYS,), run=write_down), name="assign")
    with pytest.raises(ConfigError, match="assign reads what sweep leaves, and sweep is not done"):
        run_stages(job, [stage_of(), reader], first="assign")
