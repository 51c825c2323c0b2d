"""Pulumi's property values as plain Python."""

from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from local.properties import UNKNOWN, PropertyError, Secret, decode, encode, mark_secrets, split_secrets

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"
ASSET = "c44067f5952c0a294b673a41bacd8c17"
UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
UNKNOWN_BOOL = "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7"


def wire(value: dict[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(value, struct_pb2.Struct())


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3) | st.builds(Secret, inner)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), PLAIN, max_size=4))
def test_a_round_changes_nothing(value: dict[str, Any]):
    assert decode(encode(value)) == value


@given(st.dictionaries(st.text(min_size=1), PLAIN, max_size=4))
def test_secrets_taken_off_go_back_on(value: dict[str, Any]):
    plain, paths = split_secrets(value)
    assert split_secrets(plain) == (plain, frozenset())
    assert split_secrets(mark_secrets(plain, paths))[0] == plain
    # One secret inside another is as secret as the outer one.
    outer = {path for path in paths if not any(path[:end] in paths for end in range(len(path)))}
    assert split_secrets(mark_secrets(plain, outer))[1] == outer


def test_whole_numbers_are_integers():
    found = decode(wire({"size": 3.0, "ratio": 0.5, "large": 1e300}))
    assert found == {"size": 3, "ratio": 0.5, "large": 1e300}
    assert isinstance(found["size"], int)
    assert isinstance(found["large"], float)


def test_markers_of_the_protocol():
    found = decode(
        wire(
            {
                "secret": {SIGNATURE: SECRET, "value": {"a": "b"}},
                "unknown": UNKNOWN_STRING,
                "flag": [UNKNOWN_BOOL],
                "secret_unknown": {SIGNATURE: SECRET, "value": UNKNOWN_STRING},
                "output": {SIGNATURE: OUTPUT, "value": "x", "dependencies": ["urn"]},
                "secret_output": {SIGNATURE: OUTPUT, "value": "x", "secret": True},
                "later": {SIGNATURE: OUTPUT, "dependencies": []},
                "resource": {SIGNATURE: RESOURCE, "urn": "urn:x", "id": "i"},
                "component": {SIGNATURE: RESOURCE, "urn": "urn:x"},
                "planned": {SIGNATURE: RESOURCE, "urn": "urn:x", "id": ""},
            }
        )
    )
    assert found == {
        "secret": Secret({"a": "b"}),
        "unknown": UNKNOWN,
        "flag": [UNKNOWN],
        "secret_unknown": Secret(UNKNOWN),
        "output": "x",
        "secret_output": Secret("x"),
        "later": UNKNOWN,
        "resource": "i",
        "component": "urn:x",
        "planned": UNKNOWN,
    }


def test_what_is_sent_has_the_markers():
    sent = json_format.MessageToDict(encode({"a": Secret(UNKNOWN), "empty": {}, "none": None, "list": []}))
    assert sent == {"a": {SIGNATURE: SECRET, "value": UNKNOWN_STRING}, "empty": {}, "none": None, "list": []}


def test_what_cannot_be_taken_is_named():
    with pytest.raises(PropertyError, match=r"files\[0\]\.content is an asset.*as a string"):
        decode(wire({"files": [{"content": {SIGNATURE: ASSET, "path": "x"}}]}))
    with pytest.raises(PropertyError, match=r"signature 123"):
        decode(wire({"a": {SIGNATURE: "123"}}))
    with pytest.raises(PropertyError, match=r"a\.b\[0\] is a set"):
        encode({"a": {"b": [{1}]}})
    with pytest.raises(PropertyError, match="a is nan"):
        encode({"a": float("nan")})


def test_a_secret_does_not_show_itself():
    assert "hunter2" not in repr({"a": Secret("hunter2")})


@pytest.mark.parametrize(
    ("value", "path", "marked"),
    [
        ({"a": {"b": 1}}, ("a", "b"), {"a": {"b": Secret(1)}}),
        ({"a": [1, 2]}, ("a", 1), {"a": [1, Secret(2)]}),
        ({"a": [1]}, ("a", 1), {"a": Secret([1])}),
        ({"a": "text"}, ("a", "b"), {"a": Secret("text")}),
        ({"b": 1}, ("a",), {"b": 1}),
        ({"a": Secret(1)}, ("a",), {"a": Secret(1)}),
    ],
)
def test_a_secret_that_changed_its_shape_stays_secret(value: Any, path: tuple[Any, ...], marked: Any):
    assert mark_secrets(value, [path]) == marked
