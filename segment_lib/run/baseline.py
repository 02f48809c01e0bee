"""The base of a refresh: the earlier run it starts from, and the delivery as that run reads it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from hashlib import sha256

import polars as pl

from segment_lib.clean import known
from segment_lib.config import Config
from segment_lib.encode import Plan, decode_plan, plan_entries, read_plan
from segment_lib.encode.rules import Drop
from segment_lib.errors import ConfigError, DataError, IntegrityError
from segment_lib.run.artifacts import DRAFTED, MODEL_STAGES, PLAN, PROPOSED_PLAN
from segment_lib.run.layout import RUN
from segment_lib.run.manifest import Manifest
from segment_lib.run.record import FORMAT, OtherFormat
from segment_lib.run.results import Assessed, Encoded
from segment_lib.schema import Meaning, Schema, read_feature_summary
from segment_lib.schema.changes import Changes, compare_schemas
from segment_lib.sources import find_files, raw_dtypes, read_columns
from segment_lib.storage.files import read_regular, write_file
from segment_lib.storage.location import Location
from segment_lib.storage.stores import as_location
from segment_lib.terms import EXTRACTS

_FIXED = (
    *("cleaning.max_missing_share", "cleaning.max_missing_per_row"),
    *("model.n_components", "model.min_components", "model.n_clusters", "model.sweep"),
    *("model.random_state", "model.n_micro", "fairness.keep_out"),
)
"""Settings that decided the model of the base, and hold for what it is compared with."""


@dataclass(frozen=True)
class Baseline:
    """Finished run whose attributes, plan and model a refresh reuses."""

    manifest: Manifest
    config: Config
    """The settings of the refresh."""
    given: Location | None = None
    """A plan to use in place of that of the base."""

    @property
    def root(self) -> Location:
        """The run folder of the base."""
        return self.manifest.root

    @cached_property
    def schema(self) -> Schema:
        """The attributes of the base."""
        return self.manifest.result(Assessed).schema

    @cached_property
    def plan(self) -> Plan:
        """The plan the base was encoded by."""
        path = self.root / PLAN.path
        content = read_regular(path)
        if sha256(content).hexdigest() != self.manifest.result(Encoded).plan:
            raise ConfigError(
                f"{path} was edited after the run was made. Run the base again first: segments run."
            )
        return read_plan(decode_plan(content, path), self.schema, str(path))

    @cached_property
    def fills(self) -> dict[str, float]:
        """The value of every feature where its attribute is missing."""
        kinds = raw_dtypes(self.schema)
        nothing = pl.DataFrame({name: [None] for name in self.schema.names}, schema=kinds)
        nothing = nothing.select(known(attribute) for attribute in self.schema)
        return dict(nothing.select(self.plan.expressions(self.schema)).row(0, named=True))

    @cached_property
    def changes(self) -> Changes:
        """How the delivery differs from that of the base."""
        inputs = self.config.inputs
        now = declared_attributes(self.config)
        columns = [
            set(read_columns(file, inputs.text_format(name), now))
            for name in EXTRACTS
            for file in find_files(inputs.path(name))
        ]
        return compare_schemas(
            self.schema,
            now,
            sorted(set.intersection(*columns)),
            renamed=renamed_attributes(self.config, self.schema),
            used=self.used,
            proposal=PROPOSED_PLAN.path,
        )

    @cached_property
    def used(self) -> frozenset[str]:
        """Attributes that make features by the plan in force; new ones make none."""
        if self.given is None:
            return self.plan.used
        entries = plan_entries(self._given_text, str(self.given))
        return frozenset(
            name
            for name, entry in entries.items()
            if not (isinstance(entry, dict) and entry.get("rule") == "drop")
        )

    @cached_property
    def _given_text(self) -> str:
        path = self.given
        if path is None:
            return ""
        try:
            text = decode_plan(path.read_bytes(), path)
        except OSError:
            raise ConfigError(f"{path}: no such plan. Check --plan.") from None
        plan_entries(text, str(path), "leave --plan out")
        return text

    def plan_text(self, meanings: Mapping[str, Meaning]) -> str:
        """The plan in force: the given one, else that of the base with new attributes dropped."""
        if self.given is not None:
            self.refuse_plan()
            return self._given_text
        plan = self.plan
        if not self.changes.new:
            return (self.root / PLAN.path).read_text(encoding="utf-8-sig")
        return Plan((*plan.rules, *self._new)).to_json(meanings)

    @property
    def _new(self) -> tuple[Drop, ...]:
        return tuple(Drop(name, "new since the base") for name in self.changes.new)

    def refuse_plan(self) -> None:
        """Raise a ConfigError if the given plan does not fit this delivery."""
        if self.given is not None:
            read_plan(self._given_text, self.changes.schema, str(self.given))

    def refuse_changes(self, root: Location, meanings: Mapping[str, Meaning]) -> None:
        """Raise a DataError if the model cannot be applied to the delivery.

        Parameters
        ----------
        root : the run folder of the refresh, where a plan is proposed
        """
        refused = [change for change in self.changes.listed if change.refused]
        if not refused:
            return
        gone = {change.attribute for change in refused}
        rules = (
            Drop(rule.attribute, "gone") if rule.attribute in gone else rule
            for rule in self.plan.rules
        )
        proposed = Plan((*rules, *self._new)).to_json(meanings)
        write_file(root, PROPOSED_PLAN.path, proposed.encode())
        raise DataError(
            f"{' '.join(f'{change.sentence}' for change in refused)} Deliver it, or go on without: "
            f"--plan {root / PROPOSED_PLAN.path}, which refits the model."
        )


def declared_attributes(config: Config) -> Schema:
    """Return the attributes of the feature summary; what marks customers is none of them."""
    inputs = config.inputs
    schema = read_feature_summary(as_location(inputs.feature_summary), inputs.missing)
    return schema.without(inputs.mark.column) if inputs.mark else schema


def renamed_attributes(config: Config, base: Schema) -> dict[str, str]:
    """Return the renamed attributes.

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


def open_base(root: Location, config: Config, plan: Location | None = None) -> Baseline:
    """Open the run to start from.

    Raises
    ------
    ConfigError
        If it is no finished run, or was made by other settings.
    IntegrityError
        If it is of another format version.
    """
    path = root / RUN
    if not path.exists():
        raise ConfigError(f"{path}: no such run. Check --base.")
    try:
        base = Manifest(root)
    except OtherFormat as error:
        raise IntegrityError(
            f"{path}: format version {error.version}, this program reads {FORMAT}: its parts are "
            "not made as this program makes them. Make the base again: segments run with "
            "its config, its extracts and another --run-dir."
        ) from None
    if base.publishing is not None:
        raise ConfigError(
            f"{root}: a job was killed while it published {base.publishing.stage}. Finish it "
            "first: segments run."
        )
    settings = base.recorded.about.get("config", {})
    if absent := [name for name in MODEL_STAGES if name not in base.stages]:
        raise ConfigError(f"{root}: {', '.join(absent)} not done. Finish it first: segments run.")
    now = json.loads(json.dumps(asdict(config)))
    other = [
        f"{section}.{key} = {now[section][key]} (base: {settings.get(section, {}).get(key)})"
        for section, key in (name.split(".") for name in _FIXED)
        if now[section][key] != settings.get(section, {}).get(key)
    ]
    if other:
        raise ConfigError(
            f"Other settings than those of the base: {'; '.join(other)}. Set them as there, or "
            "make a new base with segments run."
        )
    return Baseline(base, _with_summary(config, base), plan)


def _with_summary(config: Config, base: Manifest) -> Config:
    """Return the config, with the feature summary that the base has drafted if it names none."""
    if config.inputs.feature_summary:
        return config
    if DRAFTED.stage not in base.stages:
        raise ConfigError(
            "inputs.feature_summary is not set, and the base has drafted none. Name the one that "
            "the base was made with."
        )
    summary = str(base.root / DRAFTED.path)
    return replace(config, inputs=replace(config.inputs, feature_summary=summary))
