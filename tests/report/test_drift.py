"""The section on a refresh: what it says, and what it shows first."""

from collections.abc import Mapping
from typing import Any

import polars as pl
import pytest

from segment_lib.report import DriftSection, drift_section
from segment_lib.schema.language import Language

SUMMARY = {
    "base": "azdias",
    "decision": "refit",
    "reason": "attributes the model uses have drifted: AGE (PSI 0.41)",
    "findings": ["attributes of the population have drifted: AGE (PSI 0.41)"],
    "changes": ["PAY is gone"],
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
COUNTS = pl.DataFrame(
    {"segment": [-1, 0, 3], "population_rows": [100, 600, 300], "customer_rows": [240, 540, 60]}
)
COMPARED = {
    "base": COUNTS,
    "new": COUNTS.with_columns(segment=pl.Series([-1, 0, 7])),
}
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


def section_of(
    summary: Mapping[str, Any] = SUMMARY,
    segments: pl.DataFrame = SEGMENTS,
    compared: Mapping[str, pl.DataFrame] = COMPARED,
    language: Language = Language(),  # noqa: B008 - a frozen value
) -> DriftSection:
    return drift_section(summary, ATTRIBUTES, segments, compared, min_cell=10, language=language)


def test_what_moved_is_said_in_three_sentences() -> None:
    assert section_of().sentences == (
        "The population has 1,100 rows, 1,000 last time; segment 0 has moved most, from 60% of "
        "people to 58%.",
        "The index has moved most in segment 0: from 90 to 91; segment 7 is new; segment 3 has "
        "vanished.",
        "The segments were worked out again, beginning from those of the last run (azdias).",
    )


def test_where_hardly_anything_moved_that_is_said() -> None:
    calm = SUMMARY | {"findings": [], "new_segments": [], "vanished_segments": [], "changes": []}
    same = SEGMENTS.with_columns(share_new="share_base", index_new=None)
    section = section_of(calm, same)
    assert section.sentences[:2] == (
        "The population has 1,100 rows, 1,000 last time, and no segment has grown or shrunk by a "
        "percentage point.",
        "No segment has an index now and last time.",
    )
    assert "Nothing has drifted since last time." in section.details
    unmoved = section_of(calm, SEGMENTS.with_columns(index_new="index_base"))
    assert unmoved.sentences[1] == "No index of a segment has changed."


@pytest.mark.parametrize(
    "words",
    [
        "Why: attributes the model uses have drifted: AGE (PSI 0.41).",
        "Attributes of the population have drifted: AGE (PSI 0.41).",
        "above 0.25: 1 of 2 attributes; from 0.1 to 0.25: 1.",
        "Set aside are 12% of the rows (last time: 10%).",
        "PAY is gone.",
        "12 parts were gone over; a full run goes over 100.",
    ],
)
def test_the_details_tell_the_summary(words: str) -> None:
    assert words in " ".join(section_of().details)


def test_tables_show_attributes_and_segments() -> None:
    attributes, segments = section_of().attributes, section_of().segments
    assert [cell.text for cell in attributes.rows[0]] == [
        "AGE", "0.410", "large", "10%", "20%", "1", "0",
    ]  # fmt: skip
    assert [[cell.text for cell in row][:2] for row in segments.rows] == [
        ["Segment 0", "kept"], ["Segment 3", "vanished"], ["Segment 7", "new"],
        ["Set aside, against everybody", "kept"],
    ]  # fmt: skip
    assert segments.rows[1][5].text == "–"


def test_shares_and_indices_of_few_people_are_not_told_nor_what_would_tell_them() -> None:
    segments = SEGMENTS.with_columns(share_new=pl.Series([0.12, 0.79, 0.004, 0.086]))
    few = COMPARED | {"base": COUNTS.with_columns(customer_rows=pl.Series([240, 595, 5]))}
    summary = SUMMARY | {"set_aside_new": 0.005}
    section = section_of(summary, segments, few)
    assert [[cell.text for cell in row][2:] for row in section.segments.rows] == [
        ["60%", "79%", "–", "91"],
        ["30%", "–", "–", "–"],
        ["–", "–", "–", "30"],
        ["10%", "12%", "240", "250"],
    ]
    assert [row[3].key for row in section.segments.rows] == [0.79, None, None, 0.12]
    assert "Set aside are under 10 of the rows (last time: 10%)." in section.details
