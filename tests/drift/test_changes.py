"""What becomes of columns that are not as they were."""

import pytest

from segment_lib.drift import compare_schemas
from segment_lib.schema import Attribute, Schema


def attribute(name: str, kind: str = "ordinal", missing: tuple[str, ...] = ("-1",)) -> Attribute:
    return Attribute(name, "person", kind, missing)


BASE = Schema((attribute("AGE"), attribute("KIND", "categorical"), attribute("PAY", "numeric")))


def changes(now: Schema = BASE, columns=BASE.names, renamed=None, used=("AGE", "KIND")):
    return compare_schemas(BASE, now, columns, renamed=renamed or {}, used=used)


@pytest.mark.parametrize("columns", [BASE.names, BASE.names[::-1], ("ID", *BASE.names)])
def test_the_same_columns_in_any_order_are_no_change(columns) -> None:
    found = changes(columns=columns)
    assert found.listed == ()
    assert found.schema == BASE


def test_a_column_gone_without_features_counts_as_missing() -> None:
    found = changes(columns=("AGE", "KIND"))
    assert found.absent == ("PAY",)
    assert [(c.attribute, c.kind, c.refused) for c in found.listed] == [("PAY", "gone", False)]


def test_a_column_gone_that_the_model_uses_is_refused_with_the_likely_new_name() -> None:
    (change,) = changes(columns=("KIND", "PAY", "AGE_2", "ZIP")).listed
    assert change.refused
    assert 'refresh.renamed = {AGE = "AGE_2"}' in change.told


def test_a_renamed_column_is_read_under_its_old_name() -> None:
    now = Schema((attribute("AGE_2", missing=("-1", "9")), *BASE.attributes[1:]))
    found = changes(now, ("AGE_2", "KIND", "PAY"), {"AGE": "AGE_2"})
    assert found.renamed == {"AGE": "AGE_2"}
    assert found.schema.names == BASE.names
    assert found.schema["AGE"].missing == ("-1", "9")
    assert [c.kind for c in found.listed] == ["renamed", "missing codes"]
    assert found.new == ()


def test_a_retyped_column_keeps_the_type_of_the_base() -> None:
    now = Schema((attribute("AGE", "categorical"), *BASE.attributes[1:]))
    found = changes(now)
    assert found.schema["AGE"].type == "ordinal"
    assert [c.kind for c in found.listed] == ["retyped"]


def test_a_new_column_comes_after_those_of_the_base() -> None:
    now = Schema((attribute("NEW"), *BASE.attributes))
    found = changes(now, ("NEW", *BASE.names))
    assert found.schema.names == (*BASE.names, "NEW")
    assert found.new == ("NEW",)


def test_a_column_nobody_describes_any_more_is_read_as_before() -> None:
    found = changes(Schema(BASE.attributes[:2]))
    assert found.schema == BASE
    assert [c.kind for c in found.listed] == ["not described"]
