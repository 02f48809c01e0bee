"""The section on a refresh: what it says, and what it shows first."""

import polars as pl
import pytest

from segment_lib.report import drift_section

SUMMARY = {
    "base": "azdias",
    "decision": "refit",
    "reason": "attributes the model uses have drifted: AGE (PSI 0.41)",
    "findings": ["attributes of the population have drifted: AGE (PSI 0.41)"],
    "changes": [{"attribute": "PAY", "kind": "gone", "told": "PAY is gone", "refused": False}],
    "rows_base": 1000,
    "rows_new": 1100,
    "set_aside_base": 0.1,
    "set_aside_new": 0.12,
    "new_segments": [7],
    "vanished_segments": [3],
    "work": {"parts": 100, "made": 12, "share": 0.12},
}
ATTRIBUTES = pl.DataFrame(
    {
        "attribute": ["AGE", "KIND"],
        "psi": [0.41, 0.11],
        "band": ["large", "moderate"],
        "missing_share_base": [0.1, 0.0],
        "missing_share_new": [0.2, 0.0],
        "unseen_levels": [["9"], []],
        "vanished_levels": [[], ["a", "b"]],
    }
)
SEGMENTS = pl.DataFrame(
    {
        "segment": [-1, 0, 3, 7],
        "state": ["kept", "kept", "vanished", "new"],
        "share_base": [0.1, 0.6, 0.3, None],
        "share_new": [0.12, 0.58, 0.3, None],
        "index_base": [240.0, 90.0, 20.0, None],
        "index_new": [250.0, 91.0, None, 30.0],
    }
)


@pytest.mark.parametrize(
    "words",
    [
        "refitted",
        "azdias",
        "AGE (PSI 0.41)",
        "Segment 7 is new.",
        "Segment 3 has vanished.",
        "above 0.25: 1 of 2 attributes; from 0.1 to 0.25: 1.",
        "1,100 rows (before: 1,000)",
        "PAY is gone.",
        "12 parts were gone over; a full run goes over 100.",
    ],
)
def test_the_sentences_tell_the_summary(words: str) -> None:
    assert words in " ".join(drift_section(SUMMARY, ATTRIBUTES, SEGMENTS).sentences)


def test_nothing_drifted_is_said() -> None:
    calm = SUMMARY | {"findings": [], "new_segments": [], "vanished_segments": [], "changes": []}
    sentences = drift_section(calm, ATTRIBUTES, SEGMENTS).sentences
    assert "Nothing has drifted since then." in sentences


def test_tables_show_attributes_and_segments() -> None:
    attributes, segments = drift_section(SUMMARY, ATTRIBUTES, SEGMENTS).tables
    assert [cell.text for cell in attributes.rows[0]] == [
        "AGE", "0.410", "large", "10%", "20%", "1", "0",
    ]  # fmt: skip
    assert [[cell.text for cell in row][:2] for row in segments.rows] == [
        ["Set aside", "kept"], ["Segment 0", "kept"], ["Segment 3", "vanished"],
        ["Segment 7", "new"],
    ]  # fmt: skip
    assert segments.rows[2][5].text == "–"
