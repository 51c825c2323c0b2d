"""Who owns what, and what an apply would change."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.kubernetes.ownership import applied_fields, changes_something, drifted, managers, released

OURS = "ours"


def live(data: dict[str, Any], owned: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    entries = [] if owned is None else [{"manager": OURS, "operation": "Apply", "fieldsV1": owned}]
    return {"metadata": {"name": "x", "managedFields": entries, **metadata}, "data": data}


def test_only_what_was_applied_to_the_object_itself_is_ours() -> None:
    entries = [
        {"manager": OURS, "operation": "Update", "fieldsV1": {"f:a": {}}},
        {"manager": OURS, "operation": "Apply", "subresource": "status", "fieldsV1": {"f:b": {}}},
        {"manager": OURS, "operation": "Apply", "fieldsV1": {"f:c": {}}},
        {"manager": "them", "operation": "Apply", "fieldsV1": {"f:d": {}}},
    ]
    target = {"metadata": {"managedFields": entries}}
    assert applied_fields(target, OURS) == {"f:c": {}}
    assert applied_fields(target, "nobody") == {}
    assert managers(target) == (OURS, "them")


@pytest.mark.parametrize(
    ("before", "after", "gave_up"),
    [
        ({}, {}, False),
        ({"f:a": {}}, {"f:a": {}, "f:b": {}}, False),
        ({"f:a": {}, "f:b": {}}, {"f:a": {}}, True),
        ({"f:a": {"f:b": {}}}, {"f:a": {}}, True),
        ({"f:a": {"k:{}": {".": {}, "f:b": {}}}}, {"f:a": {"k:{}": {".": {}, "f:b": {}}}}, False),
    ],
)
def test_giving_up_fields(before: dict[str, Any], after: dict[str, Any], gave_up: bool) -> None:
    assert released(before, after) is gave_up


def test_what_the_server_alone_writes_is_no_change() -> None:
    before = {**live({"a": "1"}, {}, resourceVersion="1", generation=1), "status": {"ready": 1}}
    after = {**live({"a": "1"}, {}, resourceVersion="2", generation=2), "status": {"ready": 2}}
    assert not changes_something(before, after, OURS)


def test_a_value_and_a_dropped_field_are_changes() -> None:
    assert changes_something(live({"a": "1"}, {}), live({"a": "2"}, {}), OURS)
    assert changes_something(live({"a": "1", "b": "1"}, {}), live({"a": "1"}, {}), OURS)


def test_a_field_given_up_to_another_manager_is_a_change_and_one_gained_is_not() -> None:
    one: dict[str, Any] = {"f:data": {"f:a": {}}}
    two: dict[str, Any] = {"f:data": {"f:a": {}, "f:b": {}}}
    data = {"a": "1", "b": "1"}
    assert changes_something(live(data, two), live(data, one), OURS)
    assert not changes_something(live(data, one), live(data, two), OURS)


@pytest.mark.parametrize(
    ("inputs", "applied", "now", "expected"),
    [
        # The server's spelling is no drift.
        ({"cpu": "1000m"}, {"cpu": "1"}, {"cpu": "1"}, {"cpu": "1000m"}),
        ({"cpu": "1000m"}, {"cpu": "1"}, {"cpu": "2"}, {"cpu": "2"}),
        # What others add is theirs; what they remove is missing.
        ({"a": "1"}, {"a": "1", "default": "x"}, {"a": "1", "default": "y"}, {"a": "1"}),
        ({"a": "1", "b": "1"}, {"a": "1", "b": "1"}, {"a": "1"}, {"a": "1"}),
        # What the server never shows is believed.
        ({"hidden": "1", "a": "1"}, {"a": "1"}, {"a": "2"}, {"hidden": "1", "a": "2"}),
        # Lists by position, by key, and where neither helps as a whole.
        ([1, 2], [1, 2], [1, 3], [1, 3]),
        (
            [{"name": "a", "v": 1}],
            [{"name": "x"}, {"name": "a", "v": 1, "d": 0}],
            [{"name": "x"}, {"name": "y"}, {"name": "a", "v": 2, "d": 0}],
            [{"name": "a", "v": 2}],
        ),
        ([{"name": "a"}, {"name": "b"}], [{"name": "a"}, {"name": "b"}], [{"name": "b"}], [{"name": "b"}]),
        (["x"], ["x"], ["x", "y"], ["x", "y"]),
        # Another type altogether.
        ({"a": {"b": 1}}, {"a": {"b": 1}}, {"a": "text"}, {"a": "text"}),
    ],
)
def test_drift_shows_in_the_inputs(inputs: Any, applied: Any, now: Any, expected: Any) -> None:
    assert drifted(inputs, applied, now) == expected


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(inputs=values, applied=values)
def test_without_a_difference_there_is_no_drift(inputs: Any, applied: Any) -> None:
    assert drifted(inputs, applied, applied) == inputs


@given(value=values, now=values)
def test_inputs_the_server_takes_as_they_are_become_part_of_what_is_there(value: Any, now: Any) -> None:
    """Whatever the drift, what it leaves of the inputs is found in the live object."""

    def part_of(small: Any, large: Any) -> bool:
        if isinstance(small, dict) and isinstance(large, dict):
            return all(key in large and part_of(item, large[key]) for key, item in small.items())
        if isinstance(small, list) and isinstance(large, list) and len(small) == len(large):
            return all(part_of(*pair) for pair in zip(small, large, strict=True))
        if isinstance(small, list) and isinstance(large, list):
            return all(any(part_of(item, each) for each in large) for item in small)
        return bool(small == large)

    assert part_of(drifted(value, value, now), now)
