"""What a mailing brought: response by segment, cell and tenth of the ranking, and the profit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import exp, sqrt
from statistics import NormalDist

import numpy as np
import polars as pl

from segment_lib.mailing.depths import Costs
from segment_lib.mailing.draw import CONTROL
from segment_lib.mailing.gains import wilson_interval
from segment_lib.mailing.results import Results
from segment_lib.mailing.targets import KEPT, MAIL, is_in
from segment_lib.schema.ids import hash_ids
from segment_lib.terms import CONFIDENCE

MAILED = "mailed"
"""The cell of everybody where none are drawn."""
ANSWERS = {
    "by": pl.String,
    "group": pl.String,
    "name": pl.String,
    "people": pl.Int64,
    "responses": pl.Int64,
    "rate": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "lift": pl.Float64,
    "lift_low": pl.Float64,
    "lift_high": pl.Float64,
    "amount": pl.Float64,
    "profit": pl.Float64,
    "profit_over_control": pl.Float64,
}
"""Columns of the table of answers."""


@dataclass(frozen=True)
class Group:
    """People of a list, and what came of them."""

    people: int
    responses: int
    amount: float

    @property
    def rate(self) -> float | None:
        return self.responses / self.people if self.people else None

    def lift_over(self, other: "Group") -> tuple[float | None, float | None, float | None]:
        """Return the ratio of the rates and its 95 % limits; null where nobody answered in one.

        The limits are normal on the logarithm of the ratio. Katz, Baptista, Azen and Pike (1978),
        "Obtaining confidence intervals for the risk ratio in cohort studies", Biometrics 34,
        469-474.
        """
        if not self.responses or not other.responses:
            return None, None, None
        ratio = (self.responses / self.people) / (other.responses / other.people)
        variance = sum(1 / group.responses - 1 / group.people for group in (self, other))
        spread = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) * sqrt(variance)
        return ratio, ratio * exp(-spread), ratio * exp(spread)

    def lift_within(self, whole: "Group") -> tuple[float | None, float | None, float | None]:
        """Return the rate and its limits over the rate of the whole that it is a part of."""
        if self.rate is None or not whole.rate:
            return None, None, None
        low, high = wilson_interval(self.responses, self.people)
        return self.rate / whole.rate, low / whole.rate, high / whole.rate


def count_answers(
    batches: Iterable[pl.DataFrame], mailable: int, results: Results
) -> tuple[pl.DataFrame, int]:
    """Count people and answers of a list, in its order, a batch at a time.

    Parameters
    ----------
    batches : rows of the list, the best first
    mailable : how many of them may be mailed; only these are counted

    Returns
    -------
    counts : `segment`, `cell`, `tenth` of the ranking from 1, `people`, `responses`, `amount`
    listed : people of the results who are on the list
    """
    counts, position, listed = [], 0, 0
    for batch in batches:
        people = batch.filter(mail=MAIL[KEPT]) if "mail" in batch.columns else batch
        if "id" in people.columns:
            keys = hash_ids(people["id"])
        else:
            keys = people["row"].to_numpy().astype(np.uint64) + np.uint64(1)
        is_listed = is_in(keys, results.keys)
        at = np.searchsorted(results.keys, keys[is_listed])
        responded, amounts = np.zeros(len(keys), dtype=bool), np.zeros(len(keys))
        responded[is_listed] = results.responded[at]
        amounts[is_listed] = results.amounts[at]
        tenths = (np.arange(position, position + len(keys)) * 10) // max(mailable, 1) + 1
        position, listed = position + len(keys), listed + int(is_listed.sum())
        rows = people.select(
            pl.col("segment").cast(pl.Int64),
            pl.col("cell") if "cell" in people.columns else pl.lit(MAILED).alias("cell"),
        ).with_columns(
            tenth=pl.Series(tenths, dtype=pl.Int64),
            responded=pl.Series(responded),
            amount=pl.Series(np.where(responded, amounts, 0.0)),
        )
        counts.append(
            rows.group_by("segment", "cell", "tenth").agg(
                people=pl.len().cast(pl.Int64),
                responses=pl.col("responded").sum().cast(pl.Int64),
                amount=pl.col("amount").sum(),
            )
        )
    return pl.concat(counts), listed


def answers_table(
    counts: pl.DataFrame, names: Mapping[int, str], costs: Costs | None
) -> pl.DataFrame:
    """Table of the answers: all that were mailed, each cell, segment and tenth of the ranking.

    Parameters
    ----------
    counts : those of `count_answers`
    costs : money of the mailing, if it is known

    Returns
    -------
    answers : columns of ANSWERS. `rate` with Wilson's interval as `low` and `high`. `lift` of all
        and of cells is over the control group, of segments and tenths, of those mailed, over the
        rate of all mailed; null where there is none. `profit` is margin less the cost of mail, and
        `profit_over_control` what it is more than the same people would have brought at the rate
        of the control group.
    """
    is_control = pl.col("cell") == CONTROL
    mailed, control = _group(counts.filter(~is_control)), _group(counts.filter(is_control))
    has_control = control.people > 0
    rows: list[tuple[object, ...]] = []

    def add(by: str, group: object, name: str, people: Group, base: Group | None) -> None:
        lifts = people.lift_within(mailed) if by in ("segment", "tenth") else (None, None, None)
        if base is not None and by in ("all", "cell"):
            lifts = people.lift_over(base)
        limits = wilson_interval(people.responses, people.people) if people.people else (None, None)
        profit = over = None
        if costs is not None:
            pieces = 0 if group == CONTROL else people.people
            profit = costs.profit(pieces, people.responses)
            if base is not None and base.rate is not None:
                over = profit - costs.profit(0, base.rate * people.people)
        counted = (people.people, people.responses, people.rate, *limits)
        rows.append((by, str(group), name, *counted, *lifts, people.amount, profit, over))

    base = control if has_control else None
    add("all", "all", "All that were mailed", mailed, base)
    for cell in sorted(set(counts["cell"]) - {MAILED}):
        own = _group(counts.filter(cell=cell))
        add("cell", cell, cell, own, None if cell == CONTROL else base)
    for by in ("segment", "tenth"):
        for number in sorted(set(counts[by])):
            own = _group(counts.filter(~is_control, pl.col(by) == number))
            name = names[number] if by == "segment" else f"{number * 10 - 10}–{number * 10} %"
            add(by, number, name, own, None)
    return pl.DataFrame(rows, schema=ANSWERS, orient="row")


def _group(counts: pl.DataFrame) -> Group:
    people, responses, amount = counts.select("people", "responses", "amount").sum().row(0)
    return Group(people, responses, amount)
