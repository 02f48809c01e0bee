"""What a fingerprint tells apart: settings, inputs, delivered files and packages."""

import os

import pytest
import scipy

from segment_lib.cluster.preflight import installed
from segment_lib.cluster.versions import PACKAGES
from segment_lib.run.fingerprint import fingerprint, fingerprint_file, package_versions


def test_workers_and_run_json_are_asked_for_all_packages_that_decide_the_bytes():
    assert set(PACKAGES) <= set(package_versions())
    assert set(PACKAGES) <= set(installed())
    assert package_versions()["scipy"] == scipy.__version__


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ((["a", 1], []), (["a", 1], []), True),
        ((["a", 1], []), (["a", 2], []), False),
        (([], ["a"]), (["a"], []), False),
        (({"a": 1, "b": 2}, []), ({"b": 2, "a": 1}, []), True),
        (((2, 20), []), ([2, 20], []), True),
        ((["1"], []), ([1], []), False),
    ],
)
def test_a_fingerprint_is_that_of_settings_and_inputs(one, other, same):
    assert (fingerprint(*one) == fingerprint(*other)) is same


def test_a_delivered_file_that_changes_has_another_fingerprint(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("1")
    before = fingerprint_file(path)
    path.write_text("12")
    assert fingerprint_file(path) != before


def test_a_delivered_file_of_the_same_size_and_a_later_date_is_another(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("1")
    os.utime(path, ns=(0, 10**9))
    before = fingerprint_file(path)
    path.write_text("2")
    os.utime(path, ns=(0, 2 * 10**9))
    assert fingerprint_file(path) != before
