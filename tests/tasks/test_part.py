"""Keys of part tasks: the same for the same fields, and for nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segment_lib.storage.files import StoredFile
from segment_lib.storage.location import Location
from segment_lib.tasks.part import IMPLIED, PartRows, PartTask, plain


@dataclass(frozen=True)
class Rule:
    """A value within a task."""

    name: str
    level: float | None


@dataclass(frozen=True)
class Example(PartTask):
    """A task with fields of many kinds."""

    file: StoredFile
    numbers: tuple[int, ...] = ()
    words: frozenset[str] = frozenset()
    by_name: Mapping[str, bool | int | str | None] = field(default_factory=dict)
    rule: Rule = Rule("", None)
    rows: range = range(0)
    aside: object = field(default=None, metadata=IMPLIED)

    def make(self, root: Location) -> PartRows:
        return PartRows(pl.DataFrame())


@dataclass(frozen=True)
class Other(Example):
    """A task of the same fields that does something else."""


WORDS = st.text(max_size=3)
FILES = st.builds(
    StoredFile,
    st.just("raw/part"),
    st.integers(0, 9),
    st.text("0123456789abcdef", min_size=2, max_size=2),
    st.integers(0, 9),
)
FIELDS = st.fixed_dictionaries(
    {
        "file": FILES,
        "numbers": st.lists(st.integers(-2, 2), max_size=2).map(tuple),
        "words": st.frozensets(WORDS, max_size=2),
        "by_name": st.dictionaries(
            WORDS, st.one_of(st.booleans(), st.integers(0, 1), WORDS, st.none()), max_size=2
        ),
        "rule": st.builds(Rule, WORDS, st.one_of(st.none(), st.sampled_from([0.0, 0.5, 1.0]))),
        "rows": st.builds(range, st.integers(0, 2), st.integers(3, 4)),
    }
)


def content(fields: Mapping[str, Any]) -> str:
    """All that a task is made from, told apart by type as well: 1, 1.0, True and "1" differ."""
    values = {**fields, "file": fields["file"].sha256, "words": sorted(fields["words"])}
    return repr({**values, "by_name": sorted(fields["by_name"].items())})


@settings(max_examples=300, deadline=None)
@given(FIELDS, FIELDS, st.data())
def test_two_tasks_have_one_key_only_if_all_fields_are_equal(
    one: dict[str, Any], other: dict[str, Any], data: st.DataObject
) -> None:
    # Most fields alike, so that one that is left out of the key is noticed.
    differing = data.draw(st.sets(st.sampled_from(sorted(one)), max_size=2))
    other = one | {name: other[name] for name in differing}
    same = content(one) == content(other)
    assert (Example("a", **one).key == Example("b", **other).key) == same


@given(FIELDS, WORDS, WORDS)
def test_what_other_fields_imply_is_no_part_of_a_key(
    fields: dict[str, Any], path: str, aside: str
) -> None:
    assert Example(path, **fields).key == Example("", **fields, aside=aside).key


def test_a_task_that_does_something_else_has_another_key() -> None:
    file = StoredFile("raw/part", 1, "ab", 1)
    assert Example("", file).key != Other("", file).key


def test_a_key_does_not_depend_on_the_order_of_names() -> None:
    file = StoredFile("raw/part", 1, "ab", 1)
    keys = {
        Example("", file, words=frozenset(words), by_name=dict.fromkeys(words, 1)).key
        for words in (["a", "b", "c"], ["c", "b", "a"])
    }
    assert len(keys) == 1


NUMBERS = arrays(
    st.sampled_from([np.int32, np.int64, np.float32]), st.sampled_from([(4,), (2, 2), (1, 4)]),
    elements=st.integers(0, 1),
)  # fmt: skip


@given(NUMBERS, NUMBERS)
def test_arrays_are_told_apart_by_values_shape_and_type(one: np.ndarray, other: np.ndarray) -> None:
    same = one.dtype == other.dtype and one.shape == other.shape and bool((one == other).all())
    assert (plain(one) == plain(other)) == same
    assert plain(one) == plain(np.asfortranarray(one))


def test_a_stored_file_counts_by_its_bytes_alone() -> None:
    keys = {Example("", StoredFile(path, 1, "ab", n)).key for path, n in (("a", 1), ("b", 2))}
    assert len(keys) == 1
    assert Example("", StoredFile("a", 1, "cd", 1)).key not in keys


@pytest.mark.parametrize(
    "value",
    [
        object(),
        lambda row: row,
        pl.DataFrame({"row": [1]}),
        np.array([object()]),
        b"bytes",
        Rule,
        {"within": {"another": object()}},
    ],
    ids=repr,
)
def test_a_value_of_which_no_key_can_be_made_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="no key can be made of it"):
        plain(value)
