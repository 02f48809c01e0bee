"""What becomes of columns that are not as they were."""

import pytest

from segment_lib.schema import Attribute, Schema
from segment_lib.schema.changes import compare_schemas


def attribute(name: str, kind: str = "ordinal", missing: tuple[str, ...] = ("-1",)) -> Attribute:
    return Attribute(name, "person", kind, missing)


BASE = Schema((attribute("AGE"), attribute("KIND", "categorical"), attribute("PAY", "numeric")))


def changes(now: Schema = BASE, columns=BASE.names, renamed=None, used=("AGE", "KIND")):
    return compare_schemas(
        BASE, now, columns, renamed=renamed or {}, used=used, proposal="proposal.json"
    )


@pytest.mark.parametrize("columns", [BASE.names, BASE.names[::-1], ("ID", *BASE.names)])
def test_the_same_columns_in_any_order_are_no_change(columns) -> None:
    differences = changes(columns=columns)
    assert differences.listed == ()
    assert differences.schema == BASE


def test_a_column_gone_without_features_counts_as_missing() -> None:
    differences = changes(columns=("AGE", "KIND"))
    assert differences.absent == ("PAY",)
    assert [(c.attribute, c.kind, c.refused) for c in differences.listed] == [
        ("PAY", "gone", False)
    ]


def test_a_column_gone_that_the_model_uses_is_refused_with_the_likely_new_name() -> None:
    (change,) = changes(columns=("KIND", "PAY", "AGE_2", "ZIP")).listed
    assert change.refused
    assert 'refresh.renamed = {AGE = "AGE_2"}' in str(change.sentence)


def test_a_renamed_column_is_read_under_its_old_name() -> None:
    now = Schema((attribute("AGE_2", missing=("-1", "9")), *BASE.attributes[1:]))
    differences = changes(now, ("AGE_2", "KIND", "PAY"), {"AGE": "AGE_2"})
    assert differences.renamed == {"AGE": "AGE_2"}
    assert differences.schema.names == BASE.names
    assert differences.schema["AGE"].missing == ("-1", "9")
    assert [c.kind for c in differences.listed] == ["renamed", "missing codes"]
    assert differences.new == ()


def test_a_retyped_column_keeps_the_type_of_the_base() -> None:
    now = Schema((attribute("AGE", "categorical"), *BASE.attributes[1:]))
    differences = changes(now)
    assert differences.schema["AGE"].type == "ordinal"
    assert [c.kind for c in differences.listed] == ["retyped"]


def test_a_new_column_comes_after_those_of_the_base() -> None:
    now = Schema((attribute("NEW"), *BASE.attributes))
    differences = changes(now, ("NEW", *BASE.names))
    assert differences.schema.names == (*BASE.names, "NEW")
    assert differences.new == ("NEW",)


def test_a_column_nobody_describes_any_more_is_read_as_before() -> None:
    differences = changes(Schema(BASE.attributes[:2]))
    assert differences.schema == BASE
    assert [c.kind for c in differences.listed] == ["not described"]
