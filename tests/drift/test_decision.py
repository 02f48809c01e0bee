"""When a model is applied and when it is refitted, and what is told."""

import polars as pl
import pytest

from segment_lib.drift import decide, findings, segment_drift

NEAR = {"distance_base": 2.0, "distance_new": 2.01}
FAR = {"distance_base": 2.0, "distance_new": 2.2}


def attributes(*drifted: str) -> pl.DataFrame:
    names = ["A", "B", "C"]
    return pl.DataFrame(
        {
            "attribute": names,
            "psi": [0.4 if name in drifted else 0.01 for name in names],
            "drifted": [name in drifted for name in names],
            "customers_psi": [0.02] * 3,
            "customers_drifted": [False] * 3,
        }
    )


def test_a_drifted_attribute_that_makes_features_calls_for_a_refit() -> None:
    decision, reason = decide("auto", attributes("B"), {"A", "B"}, NEAR)
    assert decision == "refit"
    assert "B (PSI 0.40)" in str(reason)


def test_a_drifted_attribute_without_features_does_not() -> None:
    decision, reason = decide("auto", attributes("C"), {"A", "B"}, NEAR)
    assert decision == "apply"
    assert "PSI 0.010" in str(reason)


def test_rows_far_from_their_centres_call_for_a_refit() -> None:
    decision, reason = decide("auto", attributes(), {"A"}, FAR)
    assert decision == "refit"
    assert "10.0% farther" in str(reason)


@pytest.mark.parametrize("policy", ["apply", "refit"])
def test_a_policy_is_obeyed(policy) -> None:
    assert decide(policy, attributes("A"), {"A"}, FAR)[0] == policy


def test_other_features_leave_no_choice() -> None:
    decision, reason = decide("apply", attributes(), {"A"}, NEAR, ["A=1"])
    assert (decision, "A=1" in str(reason)) == ("refit", True)


def test_only_what_moved_is_told() -> None:
    shares = segment_drift({-1: 1000, 0: 4000, 1: 5000}, {-1: 2000, 0: 4000, 1: 5000})
    sentences = findings(attributes("B"), shares, NEAR, 10)
    assert [str(sentence) for sentence in sentences] == [
        "attributes of the population have drifted: B (PSI 0.40)",
        "the share set aside went from 10.0% to 18.2% of the population",
    ]
    assert findings(attributes(), segment_drift({0: 9}, {0: 10}), NEAR, 10) == []


def test_a_share_of_few_people_is_not_told() -> None:
    shares = segment_drift({0: 4, 1: 900, 2: 9_000}, {0: 400, 1: 900, 2: 9_000})
    (sentence,) = findings(attributes(), shares, NEAR, 10)
    assert str(sentence) == "segment 0 went from hardly any to 3.9% of the population"
    assert sentence.fields["before"] is None
