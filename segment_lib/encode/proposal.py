"""A plan proposed for a later delivery: rules for what is new, and levels never seen before."""

from collections.abc import Collection, Mapping

from segment_lib.encode.plan import Counts, Plan, derive_plan
from segment_lib.encode.rules import Binary, Number, OneHot, Rule
from segment_lib.schema import Schema


def propose_plan(
    plan: Plan,
    schema: Schema,
    counts: Mapping[str, Counts],
    levels: Mapping[str, Collection[str] | None],
    new: Collection[str],
    *,
    day: str = "",
    min_level_share: float = 0.0,
) -> Plan:
    """Return the plan with rules for new attributes, and for levels that its rules lack.

    Parameters
    ----------
    counts : rows of the population by level, for each attribute
    levels : the levels each attribute can have; None for a plain number
    new : attributes that the base has not
    day, min_level_share : as `derive_plan` takes them
    """
    fresh = derive_plan(schema, {}, counts, levels, day=day, min_level_share=min_level_share)
    derived = {rule.attribute: rule for rule in fresh.rules}
    rules = (
        derived[rule.attribute]
        if rule.attribute in new and not rule.features
        else with_levels(rule, counts[rule.attribute])
        for rule in plan.rules
    )
    return Plan(tuple(rules))


def with_levels(rule: Rule, levels: Collection[str]) -> Rule:
    """Return the rule for these levels too, where it lists levels.

    A recoding table is left as it is: what a new code means is the analyst's to say.
    """
    match rule:
        case OneHot(attribute, old, fill):
            return OneHot(attribute, (*old, *(v for v in levels if v not in old)), fill)
        case Number(attribute, fill, old) if old is not None:
            return Number(attribute, fill, (*old, *(v for v in levels if v not in old)))
        case Binary(attribute, zero, one, fill) if set(levels) - {zero, one}:
            new = (v for v in levels if v not in (zero, one))
            return OneHot(attribute, (zero, one, *new), fill)
    return rule
