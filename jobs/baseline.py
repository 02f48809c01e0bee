"""The earlier run a refresh starts from, and the delivery seen with its eyes."""

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256

import polars as pl

from jobs.stage import EXTRACTS, Job
from segment_lib.config import Config
from segment_lib.drift import Changes, compare_schemas
from segment_lib.encode import Plan, decode_plan, plan_entries, read_plan
from segment_lib.encode.rules import Drop
from segment_lib.errors import ConfigError, DataError, IntegrityError
from segment_lib.run.manifest import Manifest
from segment_lib.run.record import FORMAT, OtherFormat
from segment_lib.schema import Attribute, Schema, read_feature_summary
from segment_lib.sources import ColumnMapping, find_files, raw_dtypes, read_columns
from segment_lib.storage.files import read_regular, write_file
from segment_lib.storage.location import Location
from segment_lib.storage.stores import as_location

NEEDED = ("ingest", "assess", "encode", "fit", "sweep", "assign", "compare", "gains")
"""The stages of a run that can be a base."""
PROPOSED = "plan.proposed.json"
_FIXED = {
    "cleaning": ("max_missing_share", "max_missing_per_row"),
    "model": ("n_components", "n_clusters", "sweep", "random_state", "n_micro"),
    "fairness": ("keep_out",),
}
"""Settings that decided the model of the base, and hold for what it is compared with."""


@dataclass(frozen=True)
class RefreshJob(Job):
    """A job whose attributes, plan and model are those of a base."""

    plan: Location | None = None
    """A plan to use in place of that of the base."""

    @property
    def earlier(self) -> Manifest:
        assert self.base is not None
        return self.base

    @cached_property
    def base_schema(self) -> Schema:
        """The attributes of the base."""
        told = self.earlier.stages["ingest"].facts["attributes"]
        return Schema(tuple(Attribute(n, level, kind, tuple(m)) for n, level, kind, m in told))

    @cached_property
    def base_plan(self) -> Plan:
        """The plan the base was encoded by."""
        path = self.earlier.root / "plan.json"
        content = read_regular(path)
        if sha256(content).hexdigest() != self.earlier.stages["encode"].facts["plan"]:
            raise ConfigError(
                f"{path} was edited after the run was made. Run jobs.run on the base again first."
            )
        return read_plan(decode_plan(content, path), self.base_schema, str(path))

    @cached_property
    def changes(self) -> Changes:
        """How the delivery differs from that of the base."""
        told = self.config.inputs
        now = read_feature_summary(as_location(told.feature_summary), told.missing)
        found = [
            set(read_columns(file, told.text_format(name), now))
            for name in EXTRACTS
            for file in find_files(getattr(told, name))
        ]
        renamed = dict(told_names(self.config, self.base_schema))
        return compare_schemas(
            self.base_schema, now, sorted(set.intersection(*found)), renamed=renamed, used=self.used
        )

    @cached_property
    def used(self) -> frozenset[str]:
        """Attributes that make features by the plan in force; those new are none of them."""
        if self.plan is None:
            rules = self.base_plan.rules
            return frozenset(rule.attribute for rule in rules if rule.features)
        entries = plan_entries(self._given_plan, str(self.plan))
        return frozenset(
            name
            for name, of in entries.items()
            if not (isinstance(of, dict) and of.get("rule") == "drop")
        )

    @cached_property
    def schema(self) -> Schema:
        return self.changes.schema

    @property
    def delivery(self) -> ColumnMapping:
        return ColumnMapping(self.schema, self.changes.renamed, self.changes.absent)

    @cached_property
    def _given_plan(self) -> str:
        assert self.plan is not None
        try:
            text = decode_plan(self.plan.read_bytes(), self.plan)
        except OSError:
            raise ConfigError(f"{self.plan}: no such plan. Check --plan.") from None
        plan_entries(text, str(self.plan), "leave --plan out")
        return text

    @cached_property
    def plan_text(self) -> str:
        """The plan in force: that given, else that of the base, in which what is new is dropped."""
        if self.plan is not None:
            self.refuse_plan()
            return self._given_plan
        plan = self.base_plan
        if not self.changes.new:
            return (self.earlier.root / "plan.json").read_text(encoding="utf-8-sig")
        new = tuple(Drop(name, "new since the base") for name in self.changes.new)
        return Plan((*plan.rules, *new)).to_json(self.meanings)

    def refuse_plan(self) -> None:
        """Raise a ConfigError if a plan is given that is none for this delivery."""
        if self.plan is not None:
            read_plan(self._given_plan, self.schema, str(self.plan))

    def refuse_changes(self) -> None:
        """Raise a DataError if the model cannot do with what is delivered; a plan is proposed."""
        refused = [change for change in self.changes.listed if change.refused]
        if not refused:
            return
        gone = {change.attribute for change in refused}
        rules = (Drop(r.attribute, "gone") if r.attribute in gone else r
                 for r in self.base_plan.rules)  # fmt: skip
        new = tuple(Drop(name, "new since the base") for name in self.changes.new)
        proposed = Plan((*rules, *new)).to_json(self.meanings)
        write_file(self.root, PROPOSED, proposed.encode())
        raise DataError(
            f"{' '.join(f'{change.sentence}' for change in refused)} Deliver it, or go on without: "
            f"--plan {self.root / PROPOSED}, which refits the model."
        )


def told_names(config: Config, base: Schema) -> dict[str, str]:
    """The renamed attributes.

    Raises
    ------
    ConfigError
        If one is no attribute of the base.
    """
    renamed = dict(config.refresh.renamed)
    if strangers := [name for name in renamed if name not in base.names]:
        raise ConfigError(
            f"refresh.renamed: {', '.join(strangers)} is no attribute of the base. "
            "Left of = stands the old name."
        )
    return renamed


def open_base(root: Location, config: Config) -> Manifest:
    """The run to start from.

    Raises
    ------
    ConfigError
        If it is no finished run, or was made by other settings.
    IntegrityError
        If it is of another format version.
    """
    path = root / "run.json"
    if not path.exists():
        raise ConfigError(f"{path}: no such run. Check --base.")
    try:
        base = Manifest(root)
    except OtherFormat as error:
        raise IntegrityError(
            f"{path}: format version {error.version}, this program reads {FORMAT}: its parts are "
            "not made as this program makes them. Make the base again: python -m jobs.run with "
            "its config, its extracts and another --run-dir."
        ) from None
    if base.publishing is not None:
        raise ConfigError(
            f"{root}: a job was killed while it published {base.publishing.stage}. Finish it "
            "first: python -m jobs.run."
        )
    settings = base.recorded.about.get("config", {})
    if absent := [name for name in NEEDED if name not in base.stages]:
        raise ConfigError(
            f"{root}: {', '.join(absent)} not done. Finish it first: python -m jobs.run."
        )
    now = json.loads(json.dumps(asdict(config)))
    other = [
        f"{section}.{key} = {now[section][key]} (base: {settings.get(section, {}).get(key)})"
        for section, keys in _FIXED.items()
        for key in keys
        if now[section][key] != settings.get(section, {}).get(key)
    ]
    if other:
        raise ConfigError(
            f"Other settings than those of the base: {'; '.join(other)}. Set them as there, or "
            "make a new base with python -m jobs.run."
        )
    return base


def fills_of(plan: Plan, schema: Schema) -> dict[str, float]:
    """The value of every feature where its attribute is missing."""
    kinds = raw_dtypes(schema)
    nothing = pl.DataFrame({name: [None] for name in schema.names}, schema=kinds)
    return dict(nothing.select(plan.expressions(schema)).row(0, named=True))
